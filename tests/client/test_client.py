"""The client is shared by threads, can be closed, and can be created again from its settings."""

from __future__ import annotations

import inspect
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import responses

from checkmk_sync import Checkmk, Settings
from checkmk_sync.errors import (
    AuthError,
    CircuitOpenError,
    ConnectError,
    GatewayError,
    SettingsError,
    UnexpectedReplyError,
)
from checkmk_sync.recovery import BreakerState
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


def test_version_and_health_describe_the_site(site: SimulatedSite, cmk: Checkmk) -> None:
    version = cmk.version()
    assert (version.checkmk, version.edition, version.site) == ("2.4.0p18.cre", "cre", "s")
    health = cmk.health()
    assert health.ok
    assert health.version == version
    assert health.breaker is BreakerState.CLOSED


def test_health_contains_the_error_of_an_unreachable_site(site: SimulatedSite, cmk: Checkmk) -> None:
    site.close()
    health = cmk.health()
    assert not health.ok
    assert isinstance(health.error, ConnectError)
    assert health.version is None


def test_health_counts_pending_changes(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("web01")
    assert cmk.health().pending is None
    assert cmk.health(pending=True).pending == len(cmk.activation.pending()) > 0
    site.set_faults([Fault("crash", path="pending_changes")])
    health = cmk.health(pending=True)
    assert (health.ok, health.pending, health.error) == (True, None, None)


def test_health_sends_nothing_while_the_breaker_is_open_and_then_probes(
    site: SimulatedSite, connect: Any, clock: ManualClock
) -> None:
    cmk = connect(site, recovery={"retry": {"max_retries": 0}, "circuit_breaker": {"failure_threshold": 1}})
    site.set_faults([Fault("status", status=503)])
    assert [type(cmk.health().error) for _ in range(5)] == [GatewayError, *[CircuitOpenError] * 4]
    assert site.state.faults.matched["status"] == 1
    site.set_faults([])
    clock.advance(60)
    assert cmk.health().breaker is BreakerState.CLOSED


@pytest.mark.parametrize(("user", "status"), [("automation", 500), ("nobody", 401)])
def test_a_refused_health_check_does_not_open_the_breaker(
    site: SimulatedSite, connect: Any, user: str, status: int
) -> None:
    site.set_faults([Fault("crash")] if status == 500 else [])
    with Checkmk(site.url, "s", user, "x" * 20 if status == 401 else site.password) as cmk:
        for _ in range(9):
            health = cmk.health()
            assert getattr(health.error, "status", None) == status
            assert health.breaker is BreakerState.CLOSED


def test_the_version_is_requested_once(site: SimulatedSite, cmk: Checkmk) -> None:
    assert str(cmk.checkmk_version()) == "2.4.0p18"
    assert cmk.checkmk_version().at_least("2.4.0b1")
    assert len(site.requests) == 1


@pytest.mark.parametrize("body", ["[]", "{}", '{"versions": 5}', "null", "nonsense", '{"versions": {"checkmk": null}}'])
def test_health_does_not_raise_for_malformed_answers(body: str) -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://mon.example.com/s/check_mk/api/1.0/version", body=body, content_type="application/json")
        with Checkmk("https://mon.example.com", "s", "u", "secret", recovery={"retry": {"max_retries": 0}}) as cmk:
            health = cmk.health()
    assert not health.ok
    assert health.latency_s >= 0


def test_the_version_is_not_requested_after_a_response_has_contained_it(site: SimulatedSite, cmk: Checkmk) -> None:
    list(cmk.host_status.each())
    list(cmk.services.each())
    assert [request.path for request in site.requests].count("/version") == 1
    other = site.client()
    other.folders.get("/")  # its response contains the version
    list(other.host_status.each())
    assert [request.path for request in site.requests].count("/version") == 1
    other.close()


def test_a_file_configures_a_client(site: SimulatedSite, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(site.password)
    secret.chmod(0o600)
    config = tmp_path / "config.yaml"
    config.write_text(
        f"checkmk:\n  server_url: {site.url}\n  site: s\n  username: automation\n  password_file: {secret}\n"
    )
    with Checkmk.from_config(config) as cmk:
        assert cmk.version().site == "s"
        assert repr(cmk) == f"Checkmk({site.url!r}, 's', 'automation')"


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match="timeout"):
        Checkmk("https://mon", "s", "u", "secret", timeout=3)
    with pytest.raises(SettingsError):
        Checkmk("mon", "s", "u", "secret")


def _version_elsewhere(settings: Settings) -> str:
    with Checkmk.from_settings(settings) as cmk:
        return cmk.version().site


def test_pickled_settings_create_the_same_client(site: SimulatedSite, cmk: Checkmk) -> None:
    assert pickle.loads(pickle.dumps(cmk.settings)) == cmk.settings
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(_version_elsewhere, cmk.settings).result() == "s"


def test_many_threads_share_a_client() -> None:
    with SimulatedSite(hosts=40, services=3) as site, site.client() as cmk:
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for _ in range(5):
                    assert cmk.hosts.get(f"host{number:05d}").name == f"host{number:05d}"
                    assert len(list(cmk.services.each(host=f"host{number:05d}"))) == 3
                    cmk.hosts.update(f"host{number:05d}", update_attributes={"alias": str(number)})
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert all(site.state.configuration.hosts[f"host{n:05d}"].attributes["alias"] == str(n) for n in range(16))


def test_closing_ends_calls_that_wait_for_a_retry() -> None:
    with SimulatedSite(faults=[Fault("status", status=503)]) as site:
        cmk = site.client(recovery={"retry": {"base_delay": 3600, "max_delay": 3600}})
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                cmk.version()
            except BaseException as error:
                failures.append(error)

        waiting = threading.Thread(target=ask)
        waiting.start()
        while not site.requests and not site.state.faults.matched:
            pass
        cmk.close()
        waiting.join(timeout=10)
        assert not waiting.is_alive()
        assert failures


def test_wrong_credentials_are_sent_once(site: SimulatedSite) -> None:
    with (
        Checkmk(site.url, "s", "automation", "wrong-secret") as cmk,
        pytest.raises(AuthError, match="Wrong credentials"),
    ):
        cmk.hosts.get("x")
    assert len(site.requests) == 1


def test_a_site_that_is_down_opens_the_breaker(site: SimulatedSite, connect: Any, clock: ManualClock) -> None:
    site.set_faults([Fault("status", status=503)])
    cmk = connect(site, recovery={"circuit_breaker": {"failure_threshold": 5, "recovery_timeout": 60}})
    for _ in range(20):
        assert not cmk.health().ok
    assert site.state.faults.matched["status"] < 10
    assert isinstance(cmk.health().error, CircuitOpenError)
    site.set_faults([])
    clock.advance(61)
    assert cmk.health().ok


def test_requests_are_spaced_if_configured(site: SimulatedSite, connect: Any, clock: ManualClock) -> None:
    cmk = connect(site, limits={"requests_per_second": 2})
    before = clock.monotonic()
    for _ in range(5):
        cmk.version()
    assert clock.monotonic() - before == pytest.approx(2.0, abs=0.1)
    assert cmk.metrics()["timings"]["throttle_wait"]["count"] == 5


def test_metrics_count_and_time_each_call(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("web01")
    cmk.hosts.get("web01")
    with pytest.raises(Exception, match="404"):
        cmk.hosts.get("nope")
    stats = cmk.metrics()
    assert stats["timings"]["call.hosts.create"]["count"] == 1
    assert stats["timings"]["call.hosts.get"]["count"] == 3, "one of them before the creation"
    assert stats["counters"]["attempts"] == 4
    assert stats["counters"]["replies.404"] == 2
    assert stats["counters"]["bytes_received"] > 100
    assert cmk.collector.merged("call.")["count"] == 4


def test_an_invalid_version_raises_an_error(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.version()
    cmk._transport.version_text = "nonsense"
    with pytest.raises(UnexpectedReplyError, match="the site reports an invalid version: 'nonsense'"):
        list(cmk.hosts.each())
    before = cmk.clock.monotonic()
    with pytest.raises(UnexpectedReplyError):
        cmk.folders.delete("/a")
    assert cmk.clock.monotonic() == before, "nothing was sent, so nothing is settled"


def test_the_constructor_accepts_the_names_of_the_configuration_file(site: SimulatedSite) -> None:
    """The names are the same in the constructor, in Settings, in the file and in the environment."""
    with Checkmk(server_url=site.url, site=site.site, username=site.username, password=site.password) as cmk:
        assert cmk.version().site == site.site
        assert {"server_url", "site", "username", "password"} <= set(cmk.settings.to_dict())
    signature = inspect.signature(Checkmk.__init__).parameters
    assert list(signature)[1:5] == ["server_url", "site", "username", "password"]
    simulated = inspect.signature(SimulatedSite.__init__).parameters
    assert {"username", "password"} <= set(simulated) and not {"user", "secret"} & set(simulated)
