"""``client.discovery`` and ``client.jobs`` start jobs and wait for them without redirect loops, in every version."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns.jobs import RACE_S
from checkmk_sync.core.clock import SystemClock
from checkmk_sync.errors import (
    BadRequestError,
    BrokenReplyError,
    CheckmkError,
    ConflictError,
    ConnectError,
    DiscoveryError,
    GatewayError,
    NotFoundError,
    ReadTimeoutError,
    WaitTimeoutError,
)
from checkmk_sync.recovery import BreakerState
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


@pytest.fixture(params=VERSIONS)
def prepared(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Any:
    with SimulatedSite(request.param, services=6, discovery_time=3, discovery_race=0.5, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.bulk_create([{"host_name": f"h{n}"} for n in range(5)])
        yield site, cmk


def test_discover_scans_one_host_and_accepts_its_services(prepared: Any) -> None:
    site, cmk = prepared
    assert cmk.discovery.result("h1").in_phase("undecided") == (
        "CPU load", "CPU utilization", "Memory", "Filesystem /",
    )  # fmt: skip
    found = cmk.discovery.discover("h1")
    assert len(found.in_phase("monitored")) == 4
    assert found.in_phase("undecided") == ()
    assert "cmk/os_family" in found.host_labels
    paths = [request.path for request in site.requests]
    assert not any("wait-for-completion" in path for path in paths)


def test_bulk_scans_many_hosts(prepared: Any) -> None:
    site, cmk = prepared
    done = cmk.discovery.bulk(f"h{n}" for n in range(5))
    assert done.ok
    assert done.hosts == ("h0", "h1", "h2", "h3", "h4")
    assert all(len(cmk.discovery.result(f"h{n}").in_phase("monitored")) == 4 for n in range(5))
    assert cmk.discovery.bulk([]).ok


def test_bulk_sends_the_body_of_the_version(prepared: Any) -> None:
    site, cmk = prepared
    cmk.discovery.bulk(["h0"], remove_vanished=True)
    body = next(request.body for request in site.requests if "bulk-discovery" in request.path)
    if cmk.settings.site and site.state.profile.version.at_least("2.3.0"):
        assert body["options"]["remove_vanished_services"] is True
        assert "mode" not in body
    else:
        assert body["mode"] == "fix_all"
        assert "options" not in body


def test_a_second_bulk_discovery_waits_if_only_one_can_run(prepared: Any) -> None:
    site, cmk = prepared
    cmk.discovery.bulk(["h0"], wait=False)
    assert cmk.discovery.bulk(["h1"]).ok
    conflicts = sum(request.status == 409 for request in site.requests)
    assert (conflicts > 0) is not site.state.profile.has_background_jobs


def test_unknown_hosts_are_named_in_the_error(prepared: Any) -> None:
    _, cmk = prepared
    with pytest.raises(BadRequestError, match=r"hostnames.1: Host not found: 'gone'"):
        cmk.discovery.bulk(["h0", "gone"])
    with pytest.raises(NotFoundError):
        cmk.discovery.result("gone")


def test_a_wait_continues_while_a_new_job_is_not_known_yet(prepared: Any) -> None:
    _, cmk = prepared
    cmk.discovery.start("h0", "refresh")
    with pytest.raises(ConflictError):
        cmk.discovery.start("h0", "refresh")
    run = cmk.discovery.wait("h0")
    assert (run.active, run.state) == (False, "finished")


def test_a_job_that_never_ran_is_returned_after_some_seconds(prepared: Any, clock: ManualClock) -> None:
    _, cmk = prepared
    assert cmk.discovery.status("h3").state == "initialized"
    asked_at = clock.monotonic()
    run = cmk.discovery.wait("h3")
    assert (run.active, run.state) == (False, "initialized")
    assert clock.monotonic() - asked_at >= RACE_S
    with pytest.raises(NotFoundError):
        cmk.jobs.wait("nothing")


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41"])
def test_a_bulk_discovery_that_never_ran_is_not_ok(clock: ManualClock, connect: Any, version: str) -> None:
    with SimulatedSite(version, clock=clock) as site:
        job = connect(site).jobs.wait("bulk_discovery")
        assert (job.active, job.state, job.ok) == (False, "initialized", False)


def test_bulk_without_wait_returns_the_running_job(prepared: Any) -> None:
    _, cmk = prepared
    done = cmk.discovery.bulk(["h0"], wait=False)
    assert done.job.active
    assert not done.ok
    done.raise_for_failure()  # nothing has failed yet


def test_a_wait_for_a_job_survives_an_outage(prepared: Any) -> None:
    site, cmk = prepared
    cmk.version()
    site.set_faults([Fault("status", method="GET", times=9)])
    assert cmk.discovery.bulk(["h0", "h1"]).ok
    cmk.discovery.start("h0", "refresh")
    site.set_faults([Fault("reset_before", method="GET", times=9)])
    assert cmk.discovery.wait("h0").state == "finished"
    assert cmk._transport.breaker.state is BreakerState.CLOSED


def test_the_outage_is_the_cause_of_a_timeout(prepared: Any) -> None:
    site, cmk = prepared
    cmk.discovery.start("h0", "refresh")
    site.set_faults([Fault("status", method="GET")])
    with pytest.raises(WaitTimeoutError, match="within 20 s") as caught:
        cmk.discovery.wait("h0", timeout_s=20)
    assert isinstance(caught.value.__cause__, GatewayError)


def test_waiting_for_another_bulk_discovery_counts_for_the_timeout(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.3.0p41", services=2, discovery_time=80, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("h0")
        cmk.discovery.bulk(["h0"], wait=False)
        started = clock.monotonic()
        with pytest.raises(WaitTimeoutError, match="within 100 s"):
            cmk.discovery.bulk(["h0"], timeout_s=100)
        assert clock.monotonic() - started == pytest.approx(100)


def test_an_endless_bulk_discovery_of_another_user_ends_the_wait(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.3.0p41", services=2, discovery_time=500, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("h0")
        cmk.discovery.bulk(["h0"], wait=False)
        message = "^another bulk discovery did not end within 100 s; try again later$"
        with pytest.raises(WaitTimeoutError, match=message):
            cmk.discovery.bulk(["h0"], timeout_s=100)


def test_a_slow_result_has_a_long_timeout_and_is_not_retried() -> None:
    """Runs in real time. Checkmk may contact the host for the result."""
    with SimulatedSite(hosts=1) as site, site.client(timeouts={"read_s": 0.1, "bulk_s": 0.8}) as cmk:
        site.set_faults([Fault("slow", path="objects/service_discovery/", seconds=0.4, times=1)])
        assert cmk.discovery.result("host00000").host == "host00000"
        site.set_faults([Fault("slow", path="objects/service_discovery/", seconds=1.5)])
        with pytest.raises(ReadTimeoutError) as caught:
            cmk.discovery.result("host00000")
        assert caught.value.attempts == 1


def test_closing_the_client_ends_a_wait() -> None:
    """Runs in real time."""
    with SimulatedSite(hosts=1, discovery_time=60) as site, site.client() as cmk:
        cmk.discovery.start("host00000", "refresh")
        threading.Timer(0.2, cmk.close).start()
        started, spent = time.monotonic(), time.process_time()
        with pytest.raises(ConnectError, match="the client is closed"):
            cmk.discovery.wait("host00000", timeout_s=50)
        assert time.monotonic() - started < 5
        assert time.process_time() - spent < 1


def test_a_wait_that_ends_early_does_not_claim_a_timeout() -> None:
    """Runs in real time. Closing a client stops its clock first, and then ends its connections."""
    clock = SystemClock()
    with SimulatedSite(hosts=1, discovery_time=60) as site, site.client(clock=clock) as cmk:
        cmk.discovery.start("host00000", "refresh")
        threading.Timer(0.2, clock.stop).start()
        said = "^the client was closed during the wait; the discovery of host00000 may still be running$"
        with pytest.raises(ConnectError, match=said):
            cmk.discovery.wait("host00000", timeout_s=50)


def test_the_wait_ends_at_its_timeout(prepared: Any, clock: ManualClock) -> None:
    _, cmk = prepared
    cmk.discovery.start("h0", "refresh")
    with pytest.raises(WaitTimeoutError, match="did not end within 1 s") as caught:
        cmk.discovery.wait("h0", timeout_s=1)
    assert caught.value.waited_s == 1


def test_a_failed_job_is_not_ok(prepared: Any) -> None:
    site, cmk = prepared
    site.set_faults([Fault("fail_discovery")])
    done = cmk.discovery.bulk(["h0"])
    assert not done.ok
    assert done.job.state == "exception"
    assert any("Error running automation" in line for line in done.job.log)
    with pytest.raises(DiscoveryError, match="^the discovery of 1 host ended as exception; its log ends with '.*Error"):
        done.raise_for_failure()


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_lost_start_is_started_again(prepared: Any, kind: str) -> None:
    site, cmk = prepared
    site.set_faults([Fault(kind, path="bulk-discovery", times=1)])
    assert cmk.discovery.bulk(["h0", "h1"]).ok
    assert len(cmk.discovery.result("h1").in_phase("monitored")) == 4


def test_a_start_that_is_always_lost_raises_an_error(prepared: Any) -> None:
    site, cmk = prepared
    site.set_faults([Fault("reset_before", path="bulk-discovery")])
    with pytest.raises(BrokenReplyError):
        cmk.discovery.bulk(["h0"])


def test_locations_with_another_host_name_are_accepted(prepared: Any) -> None:
    site, cmk = prepared
    site.set_faults([Fault("foreign_location")])
    assert cmk.discovery.bulk(["h0"]).ok


def test_set_phase_moves_one_service(prepared: Any) -> None:
    _, cmk = prepared
    cmk.discovery.set_phase("h0", "df", "/", "monitored")
    assert cmk.discovery.result("h0").in_phase("monitored") == ("Filesystem /",)
    cmk.discovery.set_phase("h0", "df", "/", "undecided")
    assert cmk.discovery.result("h0").in_phase("monitored") == ()
    cmk.discovery.set_phase("h0", "cpu_loads", None, "ignored")
    assert cmk.discovery.result("h0").in_phase("ignored") == ("CPU load",)


def test_unknown_modes_are_refused(cmk: Checkmk) -> None:
    with pytest.raises(ValueError, match="unknown mode 'everything'"):
        cmk.discovery.start("h0", "everything")


def test_jobs_are_read_by_their_id(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("h0")
    cmk.discovery.start("h0", "refresh")
    assert cmk.jobs.get("service_discovery-h0", site="s").active
    assert cmk.jobs.wait("service_discovery-h0").ok
    with pytest.raises(NotFoundError):
        cmk.jobs.get("nothing")


def test_operations_that_the_version_does_not_support_raise_an_error(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.5.0p9", clock=clock) as site:
        cmk = connect(site)
        with pytest.raises(CheckmkError, match="Checkmk 2.5.0p9 does not support 'services list'"):
            cmk._site.perform("services", "list")
