"""Valid JSON of an unexpected shape raises one typed error, never a TypeError, and no outcome is lost."""

from __future__ import annotations

import copy
from typing import Any, Callable, Iterator

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

READS: dict[str, tuple[str, Callable[[Checkmk], Any]]] = {
    "host": ("/objects/host_config/host00000", lambda cmk: cmk.hosts.get("host00000", fresh=True)),
    "hosts": ("/domain-types/host_config/collections/all", lambda cmk: list(cmk.hosts.each())),
    "folder": ("/objects/folder_config/~", lambda cmk: cmk.folders.get("/", fresh=True)),
    "folders": ("/domain-types/folder_config/collections/all?recursive=true", lambda cmk: list(cmk.folders.each())),
    "version": ("/version", lambda cmk: cmk.version()),
    "pending": ("/domain-types/activation_run/collections/pending_changes", lambda cmk: cmk.activation.pending()),
    "running": ("/domain-types/activation_run/collections/running", lambda cmk: cmk.activation.running()),
    "result": ("/objects/service_discovery/host00000", lambda cmk: cmk.discovery.result("host00000")),
    "host status": (
        "/objects/host/host00000?columns=name&columns=state&columns=has_been_checked",
        lambda cmk: cmk.host_status.get("host00000", fresh=True),
    ),
    "services": (
        "/objects/host/host00000/collections/services?columns=host_name&columns=description&columns=state"
        "&columns=has_been_checked",
        lambda cmk: list(cmk.services.each(host="host00000", fresh=True)),
    ),
}
WRITES: dict[str, tuple[str, Callable[[Checkmk], Any]]] = {
    "create": ("host_config/collections/all", lambda cmk: cmk.hosts.create("fresh", "/", {"alias": "x"})),
    "update": ("objects/host_config", lambda cmk: cmk.hosts.update("host00000", update_attributes={"alias": "y"})),
    "create folder": ("folder_config/collections/all", lambda cmk: cmk.folders.create("/fresh")),
    "bulk create": ("bulk-create", lambda cmk: cmk.hosts.bulk_create([{"host_name": n} for n in ("n1", "n2")])),
    "activate": ("activate-changes", lambda cmk: cmk.activation.activate(timeout_s=20)),
}
VALUES = st.sampled_from([None, True, 0, 7, -1, 1.5, 10**40, "", "x", [], [5], {}, {"a": 1}, [[]], [None]])


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    below: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield from _places(inner, (*path, key))


def _changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(body)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


def _ask(site: SimulatedSite, method: str, path: str, body: Any = None) -> Any:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {site.username} {site.password}"}
    return requests.request(method, f"{site.api_url}{path}", json=body, headers=headers, timeout=5).json()


@pytest.fixture(scope="module", params=["2.2.0p44", "2.4.0p18"])
def stage(request: pytest.FixtureRequest) -> Any:
    """A site, a client whose clock does not wait, and the bodies of all answers."""
    with SimulatedSite(request.param, hosts=2, services=4, clock=ManualClock()) as site:
        with site.client(clock=ManualClock(), caching={"enabled": False}) as cmk:
            cmk.hosts.create("pending-one")
            bodies = {name: _ask(site, "GET", path) for name, (path, _) in READS.items()}
            yield site, cmk, bodies


@pytest.mark.parametrize("name", READS)
def test_misshapen_answers_to_reads_raise_typed_errors(stage: Any, name: str) -> None:
    site, cmk, bodies = stage
    path, read = READS[name]
    places = list(_places(bodies[name]))

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.sampled_from(places), VALUES)
    def check(place: tuple[Any, ...], value: Any) -> None:
        body = _changed(bodies[name], place, value)
        site.set_faults([Fault("answer", status=200, method="GET", path=path.partition("?")[0] + "$", body=body)])
        try:
            read(cmk)
        except CheckmkError as error:
            assert str(error)

    check()
    site.set_faults([])


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITES)
def test_misshapen_answers_to_writes_have_an_outcome(name: str, clock: ManualClock) -> None:
    path, write = WRITES[name]
    with SimulatedSite(hosts=1, services=4, clock=clock) as site, site.client(clock=clock) as cmk:
        cmk.folders.create("/before")
        sent = site.state.configuration.hosts["host00000"]
        body = {
            "domainType": "host_config",
            "id": sent.name,
            "title": "x",
            "extensions": {"folder": "/", "attributes": {"alias": "y"}, "cluster_nodes": None},
        }
        for place in _places(body):
            for value in (None, 7, "x", [], [5], {}, True):
                site.set_faults(
                    [Fault("answer_after", path=path, times=1, status=200, body=_changed(body, place, value))]
                )
                try:
                    write(cmk)
                except CheckmkError as error:
                    assert str(error)
                site.set_faults([])
                for name in ("fresh", "n1", "n2"):
                    cmk.hosts.delete(name, missing_ok=True)
                cmk.folders.delete("/fresh", missing_ok=True)
                clock.advance(30)


@pytest.mark.parametrize(
    "text",
    [
        "1e999",
        "9" * 400,
        "-5",
        "NaN",
        "Mon, 32 Foo 99999 99:99:99 GMT",
        "Tue, 01 Jan 99999 00:00:00 GMT",
        "\t",
        "0" * 99,
    ],
)
@pytest.mark.parametrize("header", ["Retry-After", "Date"])
def test_absurd_times_in_headers_are_ignored(clock: ManualClock, header: str, text: str) -> None:
    import responses

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        base = "https://mon.example.com/prod/check_mk/api/1.0"
        mock.add_passthru("http://127.0.0.1")
        versions = {"site": "prod", "edition": "cre", "versions": {"checkmk": "2.4.0p18"}}
        mock.get(f"{base}/version", json=versions, headers={header: text})
        mock.post(f"{base}/domain-types/host_config/collections/all", status=503, body="x", headers={header: text})
        host = {"id": "h", "extensions": {"folder": "/", "attributes": {"meta_data": {"created_by": "automation"}}}}
        mock.get(f"{base}/objects/host_config/h", json=host, headers={header: text})
        mock.get(f"{base}/domain-types/host_config/collections/all", json={"value": [host]}, headers={header: text})
        with Checkmk("https://mon.example.com", "prod", "automation", "geheim", clock=clock) as cmk:
            for call in (
                cmk.version,
                lambda: cmk.hosts.create("h"),
                lambda: cmk.hosts.bulk_create([{"host_name": "h"}]),
            ):
                started = clock.monotonic()
                try:
                    call()
                except CheckmkError as error:
                    assert str(error)
                assert clock.monotonic() - started < 400
