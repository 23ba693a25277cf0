"""Failures during a run: dependent changes are held back, and the report shows the state of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.sync import Report, apply_plan, from_data, load, make_plan, report_as_text
from checkmk_sync.testing import Fault, SimulatedSite
from tests.sync.test_chaos import holds


def _sync(cmk: Checkmk, *hosts: Any) -> Report:
    plan = make_plan(cmk, from_data({"hosts": list(hosts)}), owner="me")
    return apply_plan(cmk, plan)


def _statuses(report: Report) -> dict[str, Status]:
    return {f"{change.action.value} {change.key}": outcome.status for change, outcome in report.results}


def test_nothing_is_deleted_after_a_failed_creation(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old", "folder": "/f"}).ok
    report = _sync(cmk, {"name": "new", "attributes": {"nonsense": "x"}}, {"name": "other"})
    assert _statuses(report) == {
        "create new": Status.NOT_APPLIED,
        "create other": Status.APPLIED,
        "delete old": Status.NOT_APPLIED,
        "delete /f": Status.NOT_APPLIED,
    }
    assert (
        "not applied: delete host old: held back, because not all creations and moves were applied (1 missing)"
        in report_as_text(report)
    )
    assert set(site.state.configuration.hosts) == {"old", "other"}
    assert _sync(cmk, {"name": "new"}, {"name": "other"}).ok
    assert set(site.state.configuration.hosts) == {"new", "other"}


def test_nothing_is_deleted_after_a_failed_move(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old"}, {"name": "moved"}).ok
    site.set_faults([Fault("crash", path="actions/move", times=1)])
    report = _sync(cmk, {"name": "moved", "folder": "/x"})
    assert _statuses(report)["delete old"] is Status.NOT_APPLIED
    assert "old" in site.state.configuration.hosts


def test_a_failed_update_does_not_prevent_deletions(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old"}, {"name": "changed"}).ok
    report = _sync(cmk, {"name": "changed", "attributes": {"nonsense": "x"}})
    assert _statuses(report) == {"update changed": Status.NOT_APPLIED, "delete old": Status.APPLIED}


def test_objects_that_another_run_created_do_not_prevent_deletions(site: SimulatedSite, cmk: Checkmk) -> None:
    assert _sync(cmk, {"name": "old"}).ok
    plan = make_plan(cmk, from_data({"hosts": [{"name": "new"}]}), owner="me")
    cmk.hosts.create("new", "/", {"labels": {OWNER_LABEL: "me"}})
    report = apply_plan(cmk, plan)
    assert report.ok
    assert set(site.state.configuration.hosts) == {"new"}


def test_failures_name_the_location_in_the_inventory(cmk: Checkmk, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,folder,alias\nsame,/f,x\ngood,/f,x\n")
    assert apply_plan(cmk, make_plan(cmk, load(path), owner="me")).ok
    path.write_text("name,folder,fooo\ngood,/f,\nnew,/f,x\nsame,/f,x\n")
    report = apply_plan(cmk, make_plan(cmk, load(path), owner="me"))
    text = report_as_text(report)
    assert f"not applied: create host new ({path}:3): " in text
    assert f"not applied: update host same ({path}:4): " in text
    assert {row["key"]: row["place"] for row in report.to_dict()["changes"]} == {
        "new": f"{path}:3",
        "same": f"{path}:4",
    }


@pytest.mark.parametrize("call", ["bulk-create", "bulk-update", "bulk-delete"])
def test_an_unexpected_answer_is_reported(site: SimulatedSite, connect: Any, call: str) -> None:
    """A proxy sends a login page with status 200 in the middle of a run."""
    cmk = connect(site, batch_processing={"chunk_size": 2})
    assert _sync(cmk, *({"name": f"old{n}"} for n in range(6)), {"name": "same"}).ok
    site.set_faults([Fault("html", path=call, skip=1 if call.startswith("bulk-create") else 0, times=1)])
    changed = [{"name": f"old{n}", "attributes": {"alias": "new"}} for n in range(3)]
    report = _sync(cmk, *changed, *({"name": f"new{n}"} for n in range(6)), {"name": "same"})
    assert len(report.results) == 3 + 6 + 3
    for change, outcome in report.results:
        if outcome.status is not Status.UNKNOWN:
            assert holds(site, change) is (outcome.status is Status.APPLIED), (change, outcome)
    assert not report.ok
    assert "not JSON" in report_as_text(report)
    assert _sync(cmk, *changed, *({"name": f"new{n}"} for n in range(6)), {"name": "same"}).ok
    assert set(site.state.configuration.hosts) == {
        "same",
        *(f"old{n}" for n in range(3)),
        *(f"new{n}" for n in range(6)),
    }


def test_a_failed_comparison_is_forgotten_after_a_successful_one(site: SimulatedSite, connect: Any) -> None:
    cmk = connect(site, recovery={"retry": {"max_retries": 0}})
    plan = make_plan(cmk, from_data({"hosts": [{"name": "a"}, {"name": "b"}]}), owner="me")
    cmk.hosts.create("a", "/", {"labels": {OWNER_LABEL: "me"}})
    site.set_faults([Fault("status", path="folder_config/collections", times=1)])
    report = apply_plan(cmk, plan)
    assert site.state.faults.matched == {"status": 1}
    assert report.errors == {}
    assert report.ok
    assert report.verified


def test_a_failed_verification_is_reported(site: SimulatedSite, connect: Any) -> None:
    cmk = connect(site, recovery={"retry": {"max_retries": 0}})
    plan = make_plan(cmk, from_data({"hosts": [{"name": "a"}]}), owner="me")
    site.set_faults([Fault("status", path="folder_config/collections")])
    report = apply_plan(cmk, plan)
    assert _statuses(report) == {"create a": Status.APPLIED}
    assert list(report.errors) == ["verification"]
    assert not report.ok
    assert not report.verified
