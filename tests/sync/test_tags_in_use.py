"""Inventories that remove or rename tags that hosts and folders use."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.sync import apply_plan, from_data, make_plan, plan_as_text, report_as_text
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.official_documents import EDITIONS

LIVE, LAB, TEST = ({"id": name.lower(), "title": name} for name in ("Live", "Lab", "Test"))


def _inventory(tags: Any, **hosts: str) -> dict[str, Any]:
    return {
        "tag_groups": [{"name": "use", "title": "Use", "tags": tags}],
        "hosts": [
            {"name": name, "folder": "/f", "attributes": {"tag_use": tag} if tag else {"tag_use": None}}
            for name, tag in hosts.items()
        ],
    }


def _apply(cmk: Checkmk, inventory: Any) -> list[str]:
    """Apply an inventory until nothing remains to be done, and return the changes."""
    plan = make_plan(cmk, from_data(inventory), owner="cmdb")
    assert plan.conflicts == ()
    report = apply_plan(cmk, plan)
    assert (report.ok, report.verified) == (True, True), report_as_text(report)
    assert make_plan(cmk, from_data(inventory), owner="cmdb").is_empty
    return [line for line in plan_as_text(plan).splitlines() if line[0] in "~-"]


def test_a_tag_in_use_is_replaced_while_its_hosts_change_over(cmk: Checkmk, site: SimulatedSite) -> None:
    _apply(cmk, _inventory([LIVE, LAB], a="lab", b="live"))
    changes = _apply(cmk, _inventory([LIVE, TEST], a="test", b="live"))
    assert [change.partition(":")[0] for change in changes] == [
        "~ host tag group use",
        "~ host a",
        "~ host tag group use",
    ]
    assert changes[2].endswith(" (second step, after host a)")
    stored = site.state.configuration.objects["tag_groups"]["use"]["tags"]
    assert [(tag["id"], tag["title"]) for tag in stored] == [("live", "Live"), ("test", "Test")]


def test_a_tag_with_the_title_of_the_tag_that_it_replaces(cmk: Checkmk, site: SimulatedSite) -> None:
    """The site would rename the old tag, and it refuses that for a tag in use."""
    _apply(cmk, _inventory([LIVE, LAB], a="lab"))
    _apply(cmk, _inventory([LIVE, {**LAB, "id": "laboratory"}], a="laboratory"))
    stored = site.state.configuration.objects["tag_groups"]["use"]["tags"]
    assert [(tag["id"], tag["title"]) for tag in stored] == [("live", "Live"), ("laboratory", "Lab")]


def test_a_tag_is_removed_after_its_last_host_has_dropped_it(cmk: Checkmk) -> None:
    _apply(cmk, _inventory([LIVE, LAB], a="lab"))
    changes = _apply(cmk, _inventory([LIVE], a=""))
    assert [change.partition(":")[0] for change in changes] == ["~ host a", "~ host tag group use"]


def test_a_tag_is_removed_after_the_objects_that_use_it(cmk: Checkmk) -> None:
    condition = {"host_tags": [{"key": "use", "operator": "is", "value": "lab"}]}
    rule = {"name": "r", "ruleset": "host_groups", "folder": "/f", "value": "linux", "conditions": condition}
    aux_tag = {"name": "special", "title": "Special", "topic": "Use"}
    before = {**_inventory([LIVE, {**LAB, "aux_tags": ["special"]}], a="lab", b="live"), "rules": [rule]}
    _apply(cmk, {**before, "aux_tags": [aux_tag]})
    after = {**_inventory([LIVE], b="live"), "rules": [{"name": "r", "absent": True}]}
    changes = _apply(cmk, {**after, "aux_tags": [{"name": "special", "absent": True}]})
    assert [change.partition(":")[0] for change in changes] == [
        "- rule r",
        "- host a",
        "~ host tag group use",
        "- auxiliary tag special",
    ]


def test_without_changes_of_hosts_a_group_is_changed_in_one_step(cmk: Checkmk) -> None:
    _apply(cmk, _inventory([LIVE, LAB], a="live"))
    assert len(_apply(cmk, _inventory([LIVE, TEST], a="live"))) == 1


def test_changes_of_hosts_that_do_not_use_a_tag_cause_no_second_step(cmk: Checkmk) -> None:
    inventory = _inventory([LIVE, LAB], a="live", b="")
    _apply(cmk, inventory)
    changed = _inventory([LIVE], a="live")
    changed["hosts"][0]["attributes"]["alias"] = "Changed"
    assert len(_apply(cmk, changed)) == 3


def test_new_tags_do_not_need_a_second_step(cmk: Checkmk) -> None:
    _apply(cmk, _inventory([LIVE, LAB], a="live"))
    assert len(_apply(cmk, _inventory([LIVE, LAB, TEST], a="test"))) == 2


def test_a_tag_that_other_hosts_use_stays(cmk: Checkmk, site: SimulatedSite) -> None:
    _apply(cmk, _inventory([LIVE, LAB], a="lab"))
    cmk.hosts.create("theirs", "/f", {"tag_use": "lab"})
    plan = make_plan(cmk, from_data(_inventory([LIVE, TEST], a="test")), owner="cmdb")
    (conflict,) = plan.conflicts
    assert conflict.why == "cannot lose 'lab' while used by hosts theirs"
    report = apply_plan(cmk, plan)
    assert [outcome.status for _, outcome in report.results] == [Status.APPLIED, Status.APPLIED, Status.NOT_APPLIED]
    ids = [tag["id"] for tag in site.state.configuration.objects["tag_groups"]["use"]["tags"]]
    assert ids == ["live", "test", "lab"]


@pytest.mark.parametrize("version", EDITIONS)
def test_a_refusal_names_the_users_of_a_tag(version: str, clock: ManualClock) -> None:
    group = {"title": "Use", "tags": [LIVE, LAB]}
    with SimulatedSite(version, EDITIONS[version], clock=clock) as site, site.client(clock=clock) as cmk:
        cmk.tag_groups.create("use", **group)
        cmk.folders.create("/theirs", attributes={"tag_use": "lab"})
        cmk.hosts.create("web01", "/theirs", {"tag_use": "lab"})
        for entry in ({**group, "tags": [LIVE, TEST]}, {"absent": True}):
            plan = make_plan(cmk, from_data({"tag_groups": [{"name": "use", **entry}]}))
            ((_, outcome),) = apply_plan(cmk, plan).failures()
            assert "web01" in outcome.reason
            assert "theirs" in outcome.reason
            assert outcome.status is Status.NOT_APPLIED


@pytest.mark.parametrize("number", range(3))
def test_a_lost_answer_to_a_step_is_settled(cmk: Checkmk, site: SimulatedSite, number: int) -> None:
    _apply(cmk, _inventory([LIVE, LAB], a="lab"))
    site.set_faults([Fault("reset_after", writes=True, skip=number, times=1)])
    _apply(cmk, _inventory([LIVE, TEST], a="test"))
