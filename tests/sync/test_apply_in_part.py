"""Partly sent changes are reported as such, and unsent changes are never reported as applied."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.sync import Options, Report, apply_plan, diff, from_data, make_plan
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.sync.test_plan import held, holding, lines

ALONE = Options(discover=False, activate=False)


def _refusal(status: int, path: str, skip: int) -> Fault:
    body = {"title": "Refused", "status": status, "detail": "no"}
    problem: dict[str, Any] = {"body": body, "content_type": "application/problem+json"}
    return Fault("answer", status=status, path=path, method=None, writes=True, skip=skip, **problem)


def _applied(client: Checkmk, inventory: dict[str, Any], owner: Any = None) -> Report:
    return apply_plan(client, make_plan(client, from_data(inventory), owner=owner, discover=False), ALONE)


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_a_removal_that_was_never_sent_is_not_applied(site: SimulatedSite, cmk: Checkmk, skip: int) -> None:
    """Two calls set aliases and two remove tags. One of the four is refused because of a wrong password."""
    names = [f"h{number:03}" for number in range(250)]
    first = {"hosts": [{"name": name, "attributes": {"alias": "x", "tag_agent": "no-agent"}} for name in names]}
    assert _applied(cmk, first, "me").ok
    site.set_faults([_refusal(401, "bulk-update", skip)])
    second = {"hosts": [{"name": name, "attributes": {"alias": "y", "tag_agent": None}} for name in names]}
    report = _applied(cmk, second, "me")
    for change, outcome in report.results:
        attributes = site.state.configuration.hosts[change.key].attributes
        is_done = attributes["alias"] == "y" and "tag_agent" not in attributes
        assert (outcome.status is Status.APPLIED) == is_done, change.key
    assert not report.ok


@pytest.mark.parametrize("status", [401, 403])
def test_a_partly_changed_folder_is_reported_as_such(site: SimulatedSite, cmk: Checkmk, status: int) -> None:
    cmk.folders.create("/f", title="old", attributes={"tag_agent": "no-agent"})
    site.set_faults([_refusal(status, "folder_config", 1)])
    report = _applied(cmk, {"folders": [{"path": "/f", "title": "new", "attributes": {"tag_agent": None}}]})
    ((_, outcome),) = report.failures()
    assert (outcome.status, outcome.note) == (Status.NOT_APPLIED, "applied in part")
    site.set_faults([])
    assert cmk.folders.get("/f", fresh=True).title == "new"


def test_a_folder_that_was_created_again_is_left_alone(
    site: SimulatedSite, cmk: Checkmk, connect: Any, clock: ManualClock
) -> None:
    cmk.folders.create("/f")
    plan = make_plan(cmk, from_data({"folders": [{"path": "/f", "attributes": {"tag_agent": "no-agent"}}]}))
    clock.advance(10)
    site.add_user("bob", "bobs secret")
    cmk.folders.delete("/f")
    connect(site, username="bob").folders.create("/f")
    ((change, outcome),) = apply_plan(cmk, plan, ALONE).failures()
    assert (change.key, outcome.status) == ("/f", Status.NOT_APPLIED)
    assert "was deleted and created again" in outcome.reason
    assert "tag_agent" not in cmk.folders.get("/f", fresh=True).attributes


def test_the_root_folder_is_never_deleted() -> None:
    site = holding(held("folder", "/", "me"), held("folder", "/old", "me"))
    plan = diff(from_data({"hosts": [{"name": "a", "folder": "/new"}]}), site, owner="me")
    assert [line for line in lines(plan) if line.startswith("delete")] == ["delete folder /old"]
