"""The code of the user's guide runs unchanged, apart from ``await`` and ``async``.

The guide is expected next to the project, or at the path in CHECKMK_GUIDE. ``tests/data/service_examples.md`` contains
our own examples under the same headings, so that every heading is also tested without the guide.
"""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import pytest
import yaml

from checkmk_sync import Checkmk, ServiceState, batch, cache, metrics, recovery, services, streaming
from checkmk_sync.config.file import load
from checkmk_sync.errors import GatewayError, NotFoundError
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import ROOT

OWN = ROOT / "tests" / "data" / "service_examples.md"
SHORT_WAIT = 152_559  # a seed for which the first wait of the default retry policy is close to zero
World = dict[str, Any]
Run = Callable[[], World]


def _guide() -> Optional[Path]:
    named = os.environ.get("CHECKMK_GUIDE")
    beside = [Path(named)] if named else sorted((ROOT.parent / "shared").glob("*.txt"))
    return next((path for path in beside if path.is_file() and "# Advanced Features Guide" in path.read_text()), None)


GUIDE = _guide()
SOURCES = [
    pytest.param(OWN, id="own"),
    pytest.param(
        GUIDE,
        id="guide",
        marks=pytest.mark.skipif(GUIDE is None, reason="the guide is not here; set CHECKMK_GUIDE to its file"),
    ),
]


def _blocks(source: Path) -> Iterator[tuple[str, str]]:
    """Return each block of Python code with the heading above it."""
    heading = ""
    for part in re.findall(
        r"^#{2,4} [^\n]*$|^```python\n.*?^```$", source.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        if part.startswith("#"):
            heading = part.strip("# ")
        else:
            yield heading, part[len("```python\n") : -len("```")]


def _code(source: Path, heading: str) -> str:
    (text,) = (text for found, text in _blocks(source) if found.startswith(heading))
    text = re.sub(r"\b(?:await|async) ", "", text)
    return text.replace("checkmk_agent.services.", "checkmk_sync.")


class Unreliable:
    """A stand-in for calls that the guide only mentions."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.calls = list(failures), 0

    def get_data(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop()
        return "data"

    unreliable_operation = get_data


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=25, services=20) as site, site.client() as cmk:
        cmk.hosts.bulk_create({"host_name": f"web{n:02d}"} for n in range(3)).raise_for_failures()
        yield site


@pytest.fixture
def world(site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Provide all names that the guide uses without definition, and a collector that other tests do not share."""
    monkeypatch.setattr("checkmk_sync.metrics.collector._default", metrics.MetricsCollector())
    known: World = {"time": time, "ServiceState": ServiceState, "NetworkError": ConnectionError}
    for module in (streaming, services, cache, batch, metrics, recovery):
        known.update({name: getattr(module, name) for name in module.__all__})
    with site.client(recovery={"retry": {"max_retries": 0}}) as client:
        known["client"], known["config"] = client, client.settings
        known["api_client"] = services.BaseService(client).api_client
        yield known


def _aliases(client: Checkmk) -> dict[str, Any]:
    return {host.name: host.attributes["alias"] for host in client.hosts.each(search="new*")}


def _streaming_mixin(run: Run, world: World, site: SimulatedSite) -> None:
    base, seen = run()["MyService"], list[Any]()

    class Service(base):  # type: ignore[misc,valid-type]
        def api_fetch(self, limit: int, offset: int) -> Any:
            names = [host.name for host in self.api_client.list_hosts()]
            return names[offset : offset + min(limit, 10)]

        def process_item(self, item: Any) -> None:
            seen.append(item)

    Service(world["client"]).process_large_dataset()
    assert len(seen) == len(set(seen)) == 28


def _streamed_hosts(run: Run, world: World, site: SimulatedSite) -> None:
    world["streaming_host_service"] = services.StreamingHostService(world["client"])
    run()


def _streamed_services(run: Run, world: World, site: SimulatedSite) -> None:
    world["streaming_service_service"] = services.StreamingServiceService(world["client"])
    run()


def _configuration(run: Run, world: World, site: SimulatedSite) -> None:
    found = run()
    assert (found["small_env"].default_batch_size, found["large_env"].default_batch_size) == (100, 500)
    assert [len(page.items) for page in found["large_env"].list_hosts_streamed()] == [28]


def _lru_cache(run: Run, world: World, site: SimulatedSite) -> None:
    world["host_data"] = [{"name": "web01"}]
    assert run()["cached_hosts"] == [{"name": "web01"}]


def _caching(run: Run, world: World, site: SimulatedSite) -> None:
    service = run()["HostService"](world["client"])
    assert service.get_host_details("web01").attributes == service.get_host_details("web01").attributes == {}
    assert service.cache.stats()["hits"] == 1
    assert service.update_host("web01", alias="Web 1").attributes == {"alias": "Web 1"}
    assert service.get_host_details("web01").attributes == {"alias": "Web 1"}
    assert service.cache.stats()["hits"] == 1


def _cached_hosts(run: Run, world: World, site: SimulatedSite) -> None:
    found = run()
    assert [host.name for host in found["hosts1"]] == ["web00", "web01", "web02"]
    assert found["hosts2"] == found["hosts1"]
    assert found["cached_service"].cache.stats()["hits"] == 1


def _batches(run: Run, world: World, site: SimulatedSite) -> None:
    world["host_data_list"] = [
        {"host_name": "new1", "folder": "/", "attributes": {"alias": "one"}},
        {"host_name": "new2", "alias": "two"},
        {"host_name": "web01"},  # exists already
    ]
    result = run()["result"]
    assert (result.batch_id, result.progress.success, result.progress.failed) == ("host_creation_batch", 2, 1)
    assert _aliases(world["client"]) == {"new1": "one", "new2": "two"}


def _batch_operations(run: Run, world: World, site: SimulatedSite) -> None:
    service = run()["HostService"](world["client"])
    made = service.bulk_create_hosts([{"host_name": "new1"}, {"host_name": "new2"}, {"host_name": "no name"}])
    assert (made.batch_id, made.progress.success, made.progress.failed) == ("create-host", 2, 1)
    updates = [
        {"host_name": "new1", "alias": "one"},
        {"host_name": "new2", "update_attributes": {"alias": "two"}},
        {"host_name": "nope", "alias": "three"},
    ]
    changed = service.bulk_update_hosts(updates)
    assert (changed.progress.success, changed.progress.failed) == (2, 1)
    assert _aliases(world["client"]) == {"new1": "one", "new2": "two"}


def _collector(run: Run, world: World, site: SimulatedSite) -> None:
    stats = run()["stats"]
    assert stats["timings"]["api_call"]["count"] >= 1
    assert stats["counters"]["hosts_created"] >= 1
    assert stats["gauges"]["active_connections"] == 25


def _timed(run: Run, world: World, site: SimulatedSite) -> None:
    base = run()["HostService"]

    class Service(base, services.BaseService):  # type: ignore[misc,valid-type]
        pass

    assert len(Service(world["client"]).list_hosts(search="web*")) == 3
    assert len(Service(world["client"]).list_hosts(folder="/", effective_attributes=True)) == 28
    assert metrics.get_metrics_collector().get_stats()["timings"]["host_operations.list"]["count"] >= 2


def _timed_context(run: Run, world: World, site: SimulatedSite) -> None:
    world["fetch_data"], world["process_data"] = lambda: list(world["client"].hosts.each()), len
    assert run()["complex_operation"]() == 28
    assert metrics.get_metrics_collector().get_stats()["timings"]["data_processing"]["count"] >= 1


def _metrics_mixin(run: Run, world: World, site: SimulatedSite) -> None:
    service = run()["MyService"](world["client"])
    service.api_call = world["client"].version
    assert service.operation_with_metrics().site == "s"
    service.api_call = lambda: world["client"].hosts.get("nope")
    with pytest.raises(NotFoundError):
        service.operation_with_metrics()
    stats = world["client"].metrics()
    assert (stats["timings"]["api_call"]["count"], stats["counters"]["api_call.errors"]) == (2, 1)


def _breaker(run: Run, world: World, site: SimulatedSite) -> None:
    world["api_client"] = Unreliable()
    assert run()["protected_api_call"]() == "data"


def _retry(run: Run, world: World, site: SimulatedSite) -> None:
    world["api_client"] = Unreliable(TimeoutError())
    random.seed(SHORT_WAIT)
    assert run()["result"] == "data"
    assert world["api_client"].calls == 2


def _resilient(run: Run, world: World, site: SimulatedSite) -> None:
    service = run()["HostService"](world["client"])
    assert service.get_host_status("host00001").state.name == "UP"
    with pytest.raises(NotFoundError):
        service.get_host_status("nope")


def _fallback(run: Run, world: World, site: SimulatedSite) -> None:
    class Service(recovery.RecoveryMixin, services.BaseService):
        @recovery.resilient(retry_policy=False)
        def get_host_status(self, host_name: str) -> Any:
            return self.api_client.get_host_status(host_name)

    world["service"] = Service(world["client"])
    site.set_faults([Fault("status", status=503)])
    with pytest.raises(GatewayError):
        world["service"].get_host_status("host00001")
    run()
    assert world["service"].get_host_status("host00001") == {"status": "unknown", "message": "API unavailable"}


USES: dict[str, Callable[[Run, World, SimulatedSite], None]] = {
    "StreamingMixin": _streaming_mixin,
    "StreamingHostService": _streamed_hosts,
    "StreamingServiceService": _streamed_services,
    "Configuration": _configuration,
    "LRUCache": _lru_cache,
    "CachingService": _caching,
    "CachedHostService": _cached_hosts,
    "BatchProcessor": _batches,
    "BatchOperationsMixin": _batch_operations,
    "MetricsCollector": _collector,
    "@timed": _timed,
    "Context Manager": _timed_context,
    "MetricsMixin": _metrics_mixin,
    "Circuit Breaker": _breaker,
    "Retry Policy": _retry,
    "@resilient": _resilient,
    "Fallback Handler": _fallback,
}
CONFIGURATIONS = {
    "High-Performance": {"default_batch_size": 500, "max_size": 10_000, "max_concurrent": 20, "retention_hours": 48},
    "Memory-Optimized": {"default_batch_size": 50, "max_size": 1000, "max_concurrent": 5, "retention_hours": 24},
}


@pytest.mark.every_case
@pytest.mark.parametrize("heading", USES)
@pytest.mark.parametrize("source", SOURCES)
def test_examples_run(source: Path, heading: str, world: World, site: SimulatedSite) -> None:
    def run() -> World:
        exec(compile(_code(source, heading), str(source), "exec"), world)
        return world

    USES[heading](run, world, site)


@pytest.mark.parametrize("heading", CONFIGURATIONS)
@pytest.mark.parametrize("source", SOURCES)
def test_configurations_load_and_serve_services(source: Path, heading: str, world: World, tmp_path: Path) -> None:
    text = _code(source, heading)
    file = tmp_path / "config.yaml"
    file.write_text(f"checkmk: {{server_url: 'https://mon', site: s, username: u, password_env: X}}\n{text}", "utf-8")
    for settings in (load(file), services.BaseService(world["client"], yaml.safe_load(text)).config):
        found = {**vars(settings.streaming), **vars(settings.caching), **vars(settings.batch_processing)}
        found.update(vars(settings.metrics))
        assert {name: found[name] for name in CONFIGURATIONS[heading]} == CONFIGURATIONS[heading]


@pytest.mark.parametrize("source", SOURCES)
def test_every_example_is_tested(source: Path) -> None:
    headings = [heading for heading, _ in _blocks(source)]
    assert [next(name for name in {**USES, **CONFIGURATIONS} if heading.startswith(name)) for heading in headings]
    assert len(headings) == len(USES) + len(CONFIGURATIONS)
