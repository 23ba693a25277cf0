"""The ``config`` of a service: Settings, a record of one section, or a mapping like the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from checkmk_sync import Checkmk
from checkmk_sync.config.file import load
from checkmk_sync.config.settings import BatchSettings, CachingSettings, StreamingSettings
from checkmk_sync.errors import SettingsError
from checkmk_sync.metrics import MetricsMixin
from checkmk_sync.recovery import RecoveryMixin, resilient
from checkmk_sync.services import (
    BaseService,
    CachedHostService,
    HostService,
    StreamingHostService,
    StreamingServiceService,
)
from checkmk_sync.streaming import StreamingMixin
from checkmk_sync.testing import ManualClock, SimulatedSite


@pytest.fixture(scope="module")
def known() -> Iterator[SimulatedSite]:
    """Yield a site that no test changes."""
    with SimulatedSite(hosts=25) as site, site.client() as cmk:
        cmk.hosts.create("web01")
        yield site


@pytest.fixture
def client(known: SimulatedSite) -> Iterator[Checkmk]:
    with known.client() as client:
        yield client


PARTS = [
    {"caching": {"default_ttl": 5, "max_size": 7}},
    {"advanced_features": {"caching": {"default_ttl": 5, "max_size": 7}}},
]


@pytest.mark.parametrize("config", PARTS, ids=["part", "whole"])
def test_a_mapping_has_an_effect(known: SimulatedSite, config: Any) -> None:
    clock = ManualClock()
    with known.client(clock=clock) as client:
        service = CachedHostService(client, config)
        assert (service.cache.default_ttl, service.cache.max_size) == (5, 7)
        assert service.config.streaming == client.settings.streaming, (
            "settings that the config leaves out come from the client"
        )
    assert isinstance(service, MetricsMixin)
    assert service.metrics_collector is None


def test_every_key_that_concerns_services_has_an_effect(client: Checkmk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Everything(StreamingMixin, RecoveryMixin, CachedHostService):
        @resilient()
        def fail(self) -> None:
            raise TimeoutError

    config = {
        "streaming": {"default_batch_size": 4, "max_concurrent_batches": 1, "memory_limit_mb": 50},
        "caching": {"enabled": True, "max_size": 3, "max_mb": 1, "default_ttl": 9, "cleanup_interval": 11},
        "batch_processing": {"chunk_size": 2, "max_concurrent": 3, "rate_limit": 4, "max_retries": 0, "retry_delay": 6},
        "metrics": {"retention_hours": 1, "cleanup_interval": 2},
        "recovery": {"circuit_breaker": {"failure_threshold": 1}, "retry": {"max_retries": 2, "base_delay": 0.0}},
    }
    service = Everything(client, config)
    assert service.default_batch_size == 4
    assert service._calls._site.settings.streaming == StreamingSettings(4, 1, 50)
    cache = service.cache
    assert (cache.max_size, cache.default_ttl, cache._cleanup_interval, cache._max_bytes) == (3, 9, 11, 2**20)
    assert not CachedHostService(client, {"caching": {"enabled": False}}).caching_enabled
    batches = service.batch_processor
    assert (batches.max_concurrent, batches.rate_limit, batches.max_retries, batches.retry_delay) == (3, 4, 0, 6)
    service.list_hosts()
    assert service.metrics_collector is not None
    assert service.metrics_collector.get_stats()["timings"]["host_operations.list"]["count"] == 1
    assert "host_operations.list" not in client.metrics()["timings"]
    with pytest.raises(TimeoutError):
        service.fail()
    assert service.retry_policy.max_retries == 2
    assert service.circuit_breakers[Everything.fail.__qualname__].failure_threshold == 1


def test_bulk_calls_and_pages_follow_the_config() -> None:
    with SimulatedSite() as site, site.client() as client:
        service = HostService(client, {"batch_processing": {"chunk_size": 2}, "streaming": {"default_batch_size": 3}})
        service.bulk_create_hosts({"host_name": f"h{n}"} for n in range(5)).raise_for_failures()
        assert sum("bulk-create" in request.path for request in site.requests) == 3
        sizes = [len(page.items) for page in StreamingHostService(client, service.config).list_hosts_streamed()]
        assert sizes == [3, 2]


def test_explicit_pages_follow_the_config(client: Checkmk) -> None:
    class Own(StreamingMixin, BaseService):
        pass

    class Sized(Own):
        default_batch_size = 6

    config = {"streaming": {"default_batch_size": 4}}
    for service, size in ((Own(client), 100), (Own(client, config), 4), (Sized(client, config), 6)):
        assert service.default_batch_size == size
        pages = service.stream_paginated_data(lambda limit, offset: range(10)[offset : offset + limit])
        assert len(next(pages).items) == min(size, 10)
        service.default_batch_size = 2
        assert service.default_batch_size == 2
    assert StreamingMixin.default_batch_size == 100


@pytest.mark.parametrize(
    "part",
    [CachingSettings(max_size=3), StreamingSettings(4), BatchSettings(chunk_size=5)],
    ids=lambda p: type(p).__name__,
)
def test_a_record_of_one_section_is_accepted(client: Checkmk, part: Any) -> None:
    config = BaseService(client, part).config
    assert part in (config.caching, config.streaming, config.batch_processing)


def test_the_configuration_file_is_accepted_unchanged(known: SimulatedSite, tmp_path: Path) -> None:
    """Both the settings read from the file and its plain mapping are accepted."""
    (tmp_path / "secret.txt").write_text(known.password)
    (tmp_path / "secret.txt").chmod(0o600)
    file = tmp_path / "config.yaml"
    file.write_text(
        f"checkmk: {{server_url: '{known.url}/', site: s, username: automation, password_file: secret.txt, "
        "timeouts: {read_s: 7}, ca_bundle: ~}\n"
        "advanced_features: {caching: {default_ttl: 8, path: answers.sqlite}}\n",
        "utf-8",
    )
    mapping = yaml.safe_load(file.read_text("utf-8"))
    with Checkmk.from_config(file) as client:
        for config in (load(file), mapping):
            service = CachedHostService(client, config)
            assert service.cache.default_ttl == 8
            assert service.list_hosts(search="web*")[0].name == "web01"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (42, "not an int"),
        ("config.yaml", "not a string"),
        ([], "not a list"),
        (CachingSettings, "not a type"),
        ({"nonsense": 1}, "unknown setting nonsense; use one of"),
        ({"cacheing": {}}, "unknown setting cacheing; did you mean 'caching'"),
        ({"caching": {"default_tll": 5}}, "unknown setting advanced_features.caching.default_tll; did you mean"),
        ({"caching": {"default_ttl": "5"}}, "must be a number, not '5'"),
        ({"caching": {"enabled": "no"}}, "must be true or false"),
        ({"caching": {"enabled": 1}}, "must be true or false, not 1"),
        ({"caching": {"default_ttl": True}}, "must be a number, not True"),
        ({"checkmk": {"limits": {"reads_in_flight": True}}}, "must be a whole number, not True"),
        ({"caching": {"max_size": 0}}, "caching.max_size: must be at least 1"),
        ({"caching": None}, "advanced_features.caching: must be a mapping"),
        ({"advanced_features": 5}, "advanced_features: must be a mapping"),
        ({"advanced_features": {"nonsense": 1}}, "unknown setting advanced_features.nonsense"),
        ({"advanced_features": {"caching": {}}, "caching": {}}, "caching occurs twice"),
        ({"checkmk": {"nonsense": 1}}, "unknown setting checkmk.nonsense"),
        ({"checkmk": {"site": "a b"}}, "config: checkmk.site: 'a b' is not a site ID"),
        ({"checkmk": {"site": "other"}}, "checkmk.site must not differ from the client's settings"),
        ({"checkmk": {"timeouts": {"read_s": 1}}}, "checkmk.timeouts must not differ"),
        ({"caching": {"status_ttl": 1, "stale_if_error": 9}}, "caching.status_ttl and caching.stale_if_error must not"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [BaseService, CachedHostService, StreamingServiceService])
def test_an_invalid_config_raises_one_clear_error(client: Checkmk, kind: Any, config: Any, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        kind(client, config)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_secrets_in_a_config_are_not_shown(client: Checkmk) -> None:
    with pytest.raises(SettingsError) as caught:
        BaseService(
            client, {"checkmk": {"password": "geheim", "site": "other"}, "caching": {"redis_password": "leise"}}
        )
    assert "geheim" not in repr(caught.value) and "leise" not in repr(caught.value)
