"""Every key of the settings has an effect: a change of its value changes the behaviour of a client."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path
from typing import Any, Iterator, Mapping, NamedTuple

import pytest

from checkmk_sync import Checkmk, Settings
from checkmk_sync.config.settings import STRATEGIES
from checkmk_sync.recovery import RetryStrategy
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.config import effects
from tests.config.effects import CONNECT, Look, Scene
from tests.conftest import ROOT
from tests.docs.test_pages import _keys


@pytest.fixture
def scene(clock: ManualClock, tmp_path: Path) -> Iterator[Scene]:
    with SimulatedSite(hosts=3, services=2) as site:
        scene = Scene(site, clock, tmp_path)
        yield scene
        for client in scene.opened:
            client.close()


class Case(NamedTuple):
    """If ``key`` has ``value`` and the other settings are ``given``, ``look`` returns ``seen``."""

    key: str
    value: Any
    seen: Any
    look: Look
    given: Mapping[str, Any] = {}


BREAKER, RETRY = "recovery.circuit_breaker", "recovery.retry"
MANY = {f"{RETRY}.max_retries": 9, f"{RETRY}.strategy": "fixed", f"{BREAKER}.failure_threshold": 99}
CASES = [
    Case(CONNECT, 3, 3.0, effects.connecting),
    Case(CONNECT, 7, 7.0, effects.connecting),
    Case("timeouts.read_s", 5, "ok", effects.answer),
    Case("timeouts.read_s", 0.1, "ReadTimeoutError", effects.answer),
    Case("timeouts.bulk_s", 5, "applied", effects.bulk),
    Case("timeouts.bulk_s", 0.1, "unknown", effects.bulk),
    Case("timeouts.total_s", 2.5, [1.0, 1.0], effects.waits, MANY),
    Case("timeouts.total_s", 4.5, [1.0] * 4, effects.waits, MANY),
    Case("timeouts.settle_s", 0, 0.0, effects.lost_write),
    Case("timeouts.settle_s", 7, 7.0, effects.lost_write),
    Case("limits.reads_in_flight", 1, 1, effects.together),
    Case("limits.reads_in_flight", 3, 3, effects.together),
    Case("limits.max_reply_mb", 1, "ok", effects.large),
    Case("limits.max_reply_mb", 0.002, "ReplyTooLargeError", effects.large),
    Case("limits.requests_per_second", None, 0.0, effects.five_reads),
    Case("limits.requests_per_second", 2, 2.0, effects.five_reads),
    Case("streaming.default_batch_size", 1, 1, effects.page),
    Case("streaming.default_batch_size", 2, 2, effects.page),
    Case("caching.enabled", True, 1, effects.asked),
    Case("caching.enabled", False, 2, effects.asked),
    Case("caching.default_ttl", 60, 1, partial(effects.asked, pause_s=30)),
    Case("caching.default_ttl", 10, 2, partial(effects.asked, pause_s=30)),
    Case("caching.status_ttl", 60, 1, partial(effects.asked, read="host_status", pause_s=30)),
    Case("caching.status_ttl", 10, 2, partial(effects.asked, read="host_status", pause_s=30)),
    Case("caching.stale_if_error", 0, False, effects.stands_in),
    Case("caching.stale_if_error", 600, True, effects.stands_in),
    Case("caching.max_size", 2, 2, effects.kept),
    Case("caching.max_size", 5, 3, effects.kept),
    Case("caching.max_mb", 0.001, 0, effects.kept),
    Case("caching.max_mb", 1, 3, effects.kept),
    Case("caching.backend", "memory", [], effects.files),
    Case("caching.backend", "sqlite", ["answers"], effects.files),
    Case("caching.path", "one", ["one"], effects.files),
    Case("caching.path", "other", ["other"], effects.files),
    Case("caching.cleanup_interval", 0.02, True, effects.cleaned),
    Case("caching.cleanup_interval", 60, False, effects.cleaned),
    Case(f"{RETRY}.max_retries", 0, 1, effects.tries),
    Case(f"{RETRY}.max_retries", 2, 3, effects.tries),
    Case(f"{RETRY}.base_delay", 1, [1.0, 2.0, 4.0], effects.waits),
    Case(f"{RETRY}.base_delay", 3, [3.0, 6.0, 12.0], effects.waits),
    Case(f"{RETRY}.max_delay", 60, [1.0, 2.0, 4.0], effects.waits),
    Case(f"{RETRY}.max_delay", 1.5, [1.0, 1.5, 1.5], effects.waits),
    Case(f"{RETRY}.strategy", "fixed", [1.0, 1.0, 1.0], effects.waits),
    Case(f"{RETRY}.strategy", "linear", [1.0, 2.0, 3.0], effects.waits),
    Case(f"{RETRY}.strategy", "exponential_backoff", [1.0, 2.0, 4.0], effects.waits),
    Case(f"{RETRY}.jitter", False, True, lambda *scene: effects.waits(*scene) == [1.0, 2.0, 4.0]),
    Case(f"{RETRY}.jitter", True, False, lambda *scene: effects.waits(*scene) == [1.0, 2.0, 4.0]),
    Case(f"{BREAKER}.failure_threshold", 2, 2, partial(effects.tries, calls=9), {f"{RETRY}.max_retries": 0}),
    Case(f"{BREAKER}.failure_threshold", 6, 6, partial(effects.tries, calls=9), {f"{RETRY}.max_retries": 0}),
    Case(f"{BREAKER}.recovery_timeout", 60, False, effects.recovered),
    Case(f"{BREAKER}.recovery_timeout", 20, True, effects.recovered),
    Case(f"{BREAKER}.failure_rate", 0.5, "open", partial(effects.breaker, faults=".F.F.F")),
    Case(f"{BREAKER}.failure_rate", 0.9, "closed", partial(effects.breaker, faults=".F.F.F")),
    Case(f"{BREAKER}.window", 100, "open", partial(effects.breaker, faults="FFFF", pause_s=10)),
    Case(f"{BREAKER}.window", 20, "closed", partial(effects.breaker, faults="FFFF", pause_s=10)),
    Case(f"{BREAKER}.minimum_calls", 5, "open", partial(effects.breaker, faults="FFFFF")),
    Case(f"{BREAKER}.minimum_calls", 6, "closed", partial(effects.breaker, faults="FFFFF")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}={case.value}")
def test_every_key_has_its_effect(scene: Scene, case: Case) -> None:
    assert case.look(scene, {**case.given, case.key: case.value}) == case.seen


def test_server_url_and_site_choose_the_site(scene: Scene) -> None:
    with SimulatedSite(site="other") as other:
        for server_url, site, found in (
            (scene.site.url, "s", "s"),
            (other.url, "other", "other"),
        ):
            with Checkmk(server_url, site, other.username, other.password) as client:
                assert client.version().site == found
        with Checkmk(scene.site.url, "other", other.username, other.password) as client:
            assert not client.health().ok
        assert len(other.requests) == 1


def test_username_is_sent(scene: Scene) -> None:
    scene.site.add_user("robot", "secret-of-robot")
    for username, secret in (("robot", "secret-of-robot"), (scene.site.username, scene.site.password)):
        with Checkmk(scene.site.url, "s", username, secret) as client:
            client.version()
            assert scene.site.requests[-1].user == username


def test_the_strategies_of_settings_and_recovery_are_the_same() -> None:
    assert list(STRATEGIES) == [strategy.value for strategy in RetryStrategy]


PARTS = "test_parts_are_read_in_parallel_if_no_lock_is_needed"
# Keys that need a special environment, and the tests that change them and check their effect.
ELSEWHERE = {
    "verify": "http/test_tls_and_proxies.py::test_disabling_verification_warns",
    "ca_bundle": "http/test_tls_and_proxies.py::test_known_authorities_are_trusted",
    "proxy": "http/test_tls_and_proxies.py::test_refusals_of_a_proxy_are_not_of_the_site",
    "streaming.max_concurrent_batches": f"client/test_partitions.py::{PARTS}",
    "streaming.memory_limit_mb": "test_streaming.py::test_pages_shrink_to_keep_the_memory_limit",
    "caching.redis_url": "cache/test_storages.py::test_a_lost_redis_causes_no_stale_answer",
    "batch_processing.chunk_size": "batch/test_settings.py::test_chunk_size_splits_bulk_calls",
    "batch_processing.max_concurrent": "batch/test_settings.py::test_max_concurrent_limits_the_running_items",
    "batch_processing.rate_limit": "batch/test_settings.py::test_rate_limit_slows_down_the_batch",
    "batch_processing.max_retries": "batch/test_settings.py::test_max_retries_limits_the_attempts",
    "batch_processing.retry_delay": "batch/test_settings.py::test_retry_delay_determines_the_longest_wait",
    "sync.limits.changes": "sync/test_plan_limits.py::test_limits_can_be_configured",
    "sync.limits.deletions": "sync/test_plan_limits.py::test_limits_can_be_configured",
    "metrics.retention_hours": "metrics/test_window.py::test_the_client_uses_the_configured_retention",
    "metrics.cleanup_interval": "metrics/test_window.py::test_the_client_uses_the_configured_cleanup_interval",
    "secrets": "config/test_secrets.py::test_each_secret_has_a_source",
    "sync.map": "cli/test_inventory.py::test_the_configuration_names_the_map_and_the_encoding",
    "sync.encoding": "cli/test_inventory.py::test_the_configuration_names_the_map_and_the_encoding",
    "server_url": "config/test_settings_effects.py::test_server_url_and_site_choose_the_site",
    "site": "config/test_settings_effects.py::test_server_url_and_site_choose_the_site",
    "username": "config/test_settings_effects.py::test_username_is_sent",
}


def test_the_effect_of_every_key_is_tested() -> None:
    """Each key has rows above with at least two values, or a named test."""
    values: dict[str, set[Any]] = {}
    for case in CASES:
        values.setdefault(case.key, set()).add(case.value)
    assert all(len(tried) >= 2 for tried in values.values())
    assert sorted([*values, *ELSEWHERE]) == sorted(key for key, _ in _keys(Settings))


@pytest.mark.parametrize("key", ELSEWHERE)
def test_the_named_test_exists_and_changes_the_key(key: str) -> None:
    file, _, name = ELSEWHERE[key].partition("::")
    text = (ROOT / "tests" / file).read_text("utf-8")
    (found,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name)
    assert key.rpartition(".")[2] in (ast.get_source_segment(text, found) or "")
