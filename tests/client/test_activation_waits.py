"""``activate`` waits for slow or hidden hosts, but not for hosts that are not configured."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns.activation import _absent_hosts
from checkmk_sync.errors import WaitTimeoutError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def test_a_host_that_is_not_configured_ends_the_wait(version: str, clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(version, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.hosts.create("web01")
        started = clock.monotonic()
        with pytest.raises(WaitTimeoutError, match="changes are active, .*not configured: ghost, phantom$") as caught:
            cmk.activation.activate(wait_for_hosts=["web01", "phantom", "ghost"])
        assert clock.monotonic() - started == pytest.approx(caught.value.waited_s)
        assert caught.value.waited_s < 30
        assert cmk.activation.pending() == []
        assert cmk.host_status.monitored(["web01"]) == {"web01"}
        with pytest.raises(WaitTimeoutError, match="not configured: ghost$"):
            cmk.activation.activate(wait_for_hosts=["ghost"])  # also if nothing is pending


def test_many_missing_hosts_are_checked_only_in_part(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(clock=clock) as site:
        cmk: Checkmk = connect(site)
        names = [f"ghost{number:02d}" for number in range(30)]
        with pytest.raises(WaitTimeoutError, match="not configured: ghost00, "):
            cmk.activation.activate(wait_for_hosts=names)


def test_a_slow_core_is_awaited(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(core_delay=40, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.hosts.create("web01")
        assert len(cmk.activation.activate(wait_for_hosts=["web01"]).activated) == 1
        reads = [request for request in site.requests if "/objects/host_config/web01" in request.path]
        assert len(reads) <= 2, "one before the creation, one during the wait"


def test_an_unreadable_configuration_does_not_end_the_wait(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(core_delay=40, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.hosts.create("web01")
        site.set_faults([Fault("status", path="host_config")])
        assert len(cmk.activation.activate(wait_for_hosts=["web01"]).activated) == 1


def test_the_configuration_is_not_read_for_hosts_that_the_core_knows(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.hosts.create("web01")
    before = len(site.requests)
    cmk.activation.activate(wait_for_hosts=["web01"])
    assert not [request for request in site.requests[before:] if "host_config" in request.path]


def test_a_host_hidden_from_the_user_is_not_absent(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(core_delay=40, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.folders.create("/hidden")
        cmk.hosts.create("web01", "/hidden")
        site.add_user("half", "a-secret-of-half", sees=["/seen"])
        theirs = connect(site, username="half")
        assert _absent_hosts(theirs._site, {"web01", "ghost"}) == {"ghost"}
