"""A run that cannot succeed stops early, and reports the changes that were applied and the changes not started."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.errors import SettingsError
from checkmk_sync.sync import apply_plan, from_data, make_plan, report_as_text
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.sync.test_apply import INVENTORY, is_done, synchronise


def test_wrong_credentials_stop_the_run_and_keep_the_outcomes_so_far(site: SimulatedSite, connect: Any) -> None:
    site.add_user("robot", "robots secret", lock_after=2)
    cmk = connect(site, username="robot")
    plan = make_plan(cmk, from_data(INVENTORY), owner="cmdb")

    def revoke(method: str, path: str) -> None:
        if "bulk-create" in path:
            site.state.configuration.users["robot"].password = "changed meanwhile"

    site.on_request(revoke)
    report = apply_plan(cmk, plan)
    assert [outcome.status for _, outcome in report.results] == [Status.APPLIED] * 2 + [Status.NOT_APPLIED] * 3
    assert sum(request.status == 401 for request in site.requests) == 1
    assert not (report.ok or report.verified)
    text = report_as_text(report)
    assert "Changes: 2 applied, 3 not applied, 0 unknown" in text
    assert "credentials failed: 401 Unauthorized: Wrong credentials" in text


def test_wrong_credentials_are_tried_once_by_changes_without_a_bulk_call(site: SimulatedSite, connect: Any) -> None:
    site.add_user("robot", "robots secret", lock_after=2)
    cmk = connect(site, username="robot")
    plan = make_plan(cmk, from_data({"folders": [{"path": path} for path in ("/a", "/b", "/c")]}), owner="cmdb")
    site.state.configuration.users["robot"].password = "changed meanwhile"
    report = apply_plan(cmk, plan)
    assert [outcome.status for _, outcome in report.results] == [Status.NOT_APPLIED] * 3
    assert sum(request.status == 401 for request in site.requests) == 1


@pytest.mark.parametrize("stage", ["bulk-discovery", "pending_changes"])
def test_credentials_that_expire_during_a_run_are_not_tried_again(
    site: SimulatedSite, connect: Any, stage: str
) -> None:
    site.add_user("robot", "robots secret", lock_after=2)
    cmk = connect(site, username="robot")
    plan = make_plan(cmk, from_data(INVENTORY), owner="cmdb")

    def revoke(method: str, path: str) -> None:
        if stage in path:
            site.state.configuration.users["robot"].password = "changed meanwhile"

    site.on_request(revoke)
    report = apply_plan(cmk, plan)
    assert report.count(Status.APPLIED) == 5
    assert list(report.errors) == ["discovery" if stage == "bulk-discovery" else "activation"]
    assert sum(request.status == 401 for request in site.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["html", "redirect", "reset_before"])
def test_several_unknown_outcomes_in_a_row_stop_the_run(
    site: SimulatedSite, cmk: Checkmk, clock: ManualClock, kind: str
) -> None:
    """Searching for the effect of each write for settle_s seconds would take very long."""
    hosts = [{"name": f"h{n}", "folder": f"/f{n}"} for n in range(40)]
    plan = make_plan(cmk, from_data({"hosts": hosts}), owner="me")
    site.set_faults([Fault(kind, writes=True)])
    started = clock.monotonic()
    report = apply_plan(cmk, plan)
    assert clock.monotonic() - started < 4 * cmk.settings.timeouts.settle_s
    assert report.count(Status.UNKNOWN) == 3
    assert report.count(Status.NOT_APPLIED) == 77
    assert "the outcome of 3 writes in a row is unknown" in report_as_text(report)
    assert "not started" in report_as_text(report)
    site.set_faults([])
    assert apply_plan(cmk, make_plan(cmk, from_data({"hosts": hosts}), owner="me")).ok


def test_adopted_hosts_are_discovered_in_the_same_run(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("mine")
    cmk.activation.activate()
    wanted = {"hosts": [{"name": "mine"}]}
    report = synchronise(cmk, wanted, owner="me", adopt=True)
    assert (report.verified, report.discovered) == (True, 1)
    assert is_done(cmk, wanted, owner="me")
    with pytest.raises(SettingsError, match="--owner NAME"):
        make_plan(cmk, from_data(wanted), adopt=True)


def test_hosts_that_could_not_be_adopted_are_not_scanned(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("mine")
    cmk.activation.activate()
    site.set_faults([Fault("fail_host", hosts="mine")])
    report = synchronise(cmk, {"hosts": [{"name": "mine"}]}, owner="me", adopt=True)
    assert report.count(Status.NOT_APPLIED) == 1
    assert report.discovered == 0


def test_folders_that_cannot_be_deleted_safely_are_kept_with_a_warning(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.2.0p10", clock=clock) as site:
        cmk = connect(site)
        synchronise(cmk, {"hosts": [{"name": "a", "folder": "/x"}, {"name": "b", "folder": "/y/z"}]}, owner="me")
        left = {"hosts": [{"name": "a", "folder": "/x"}]}
        plan = make_plan(cmk, from_data(left), owner="me")
        assert [change.name for change in plan.changes] == ["host b"]
        assert "your empty folders are not deleted (/y/z and 1 more)" in plan.warnings[0]
        assert synchronise(cmk, left, owner="me").ok
        assert is_done(cmk, left, owner="me")
