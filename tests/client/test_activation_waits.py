"""Waiting for hosts after an activation: one that is not configured is told, a slow or hidden one is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns.host_reads import absent_hosts
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
            cmk.activation.activate(wait_for_hosts=["ghost"])  # also with nothing to activate


def test_more_names_than_are_asked_for_one_by_one(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(clock=clock) as site:
        cmk: Checkmk = connect(site)
        names = [f"ghost{number:02d}" for number in range(30)]
        with pytest.raises(WaitTimeoutError, match="not configured: ghost00, "):
            cmk.activation.activate(wait_for_hosts=names)


def test_a_core_that_is_slow_is_waited_for(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(core_delay=40, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.hosts.create("web01")
        assert len(cmk.activation.activate(wait_for_hosts=["web01"]).activated) == 1
        reads = [request for request in site.requests if "/objects/host_config/web01" in request.path]
        assert len(reads) <= 2, "one before it was created, one while it was waited for"


def test_a_configuration_that_cannot_be_read_proves_nothing(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(core_delay=40, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.hosts.create("web01")
        site.set_faults([Fault("status", path="host_config")])
        assert len(cmk.activation.activate(wait_for_hosts=["web01"]).activated) == 1


def test_hosts_that_the_core_knows_cost_no_look_at_the_configuration(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.hosts.create("web01")
    before = len(site.requests)
    cmk.activation.activate(wait_for_hosts=["web01"])
    assert not [request for request in site.requests[before:] if "host_config" in request.path]


def test_a_host_that_the_user_may_not_see_is_not_absent(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(core_delay=40, clock=clock) as site:
        cmk: Checkmk = connect(site)
        cmk.folders.create("/hidden")
        cmk.hosts.create("web01", "/hidden")
        site.add_user("half", "a-secret-of-half", sees=["/seen"])
        theirs = connect(site, username="half")
        assert absent_hosts(theirs._site, ["web01", "ghost"]) == {"ghost"}
