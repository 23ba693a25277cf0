"""What fails on the way: what depends on it is held back, and the report says what the site holds."""

from __future__ import annotations

from typing import Any

from checkmk_sync import Checkmk, Status
from checkmk_sync.names import OWNER_LABEL
from checkmk_sync.sync import Report, apply_plan, from_data, make_plan, report_as_text
from checkmk_sync.testing import Fault, SimulatedSite


def _sync(cmk: Checkmk, *hosts: dict[str, Any]) -> Report:
    plan = make_plan(cmk, from_data({"hosts": list(hosts)}), owner="me")
    return apply_plan(cmk, plan)


def _statuses(report: Report) -> dict[str, Status]:
    return {f"{change.action.value} {change.key}": outcome.status for change, outcome in report.results}


def test_nothing_is_deleted_when_its_successor_could_not_be_created(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old", "folder": "/f"}).ok
    report = _sync(cmk, {"name": "new", "attributes": {"tag_agent": "nonsense"}}, {"name": "other"})
    assert _statuses(report) == {
        "create new": Status.NOT_APPLIED,
        "create other": Status.APPLIED,
        "delete old": Status.NOT_APPLIED,
        "delete /f": Status.NOT_APPLIED,
    }
    assert "not applied: delete host old: held back until all is created and moved (1 missing)" in report_as_text(
        report
    )
    assert set(site.world.setup.hosts) == {"old", "other"}
    assert _sync(cmk, {"name": "new"}, {"name": "other"}).ok
    assert set(site.world.setup.hosts) == {"new", "other"}


def test_nothing_is_deleted_when_a_move_failed(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old"}, {"name": "moved"}).ok
    site.set_faults([Fault("crash", path="actions/move", times=1)])
    report = _sync(cmk, {"name": "moved", "folder": "/x"})
    assert _statuses(report)["delete old"] is Status.NOT_APPLIED
    assert "old" in site.world.setup.hosts


def test_an_update_that_failed_holds_nothing_back(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old"}, {"name": "changed"}).ok
    report = _sync(cmk, {"name": "changed", "attributes": {"tag_agent": "nonsense"}})
    assert _statuses(report) == {"update changed": Status.NOT_APPLIED, "delete old": Status.APPLIED}


def test_what_another_run_created_holds_nothing_back(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old"}).ok
    plan = make_plan(cmk, from_data({"hosts": [{"name": "new"}]}), owner="me")
    cmk.hosts.create("new", "/", {"labels": {OWNER_LABEL: "me"}})
    report = apply_plan(cmk, plan)
    assert report.ok
    assert set(site.world.setup.hosts) == {"new"}
