"""Plans check tags and custom attributes against those that the site defines."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import InventoryError, NotOwnedError
from checkmk_sync.sync import Plan, apply_plan, from_data, make_plan
from checkmk_sync.testing import SimulatedSite

LIVE, LAB = {"id": "live", "title": "Live"}, {"id": "lab", "title": "Lab"}
ENV = {"name": "env", "title": "Environment", "tags": [LIVE, LAB]}


def _plan(cmk: Checkmk, attributes: Any, *groups: Any, folders: Any = ()) -> Plan:
    hosts = [{"name": "web01", "attributes": attributes}]
    return make_plan(cmk, from_data({"hosts": hosts, "folders": [*folders], "tag_groups": [*groups]}))


def _mistake(cmk: Checkmk, attributes: Any, *groups: Any, **more: Any) -> str:
    with pytest.raises(InventoryError) as caught:
        _plan(cmk, attributes, *groups, **more)
    (problem,) = caught.value.problems
    return str(problem.message)


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def test_tags_must_exist_on_the_site(version: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
        assert _plan(cmk, {"tag_env": "lab"}).warnings == ()
        assert _mistake(cmk, {"tag_env": "labb"}) == (
            "host web01: the tag group 'env' has no tag 'labb'; did you mean 'lab'?"
        )
        assert _mistake(cmk, {"tag_envv": "lab"}) == (
            "host web01: the tag group 'envv' does not exist; did you mean 'env'?"
        )
        assert _mistake(cmk, {"tag_criticality": "gold"}) == (
            "host web01: the tag group 'criticality' has no tag 'gold'; use one of: prod, critical, test, offline"
        )
        folder = {"path": "/labs", "attributes": {"tag_zone": "x"}}
        assert "folder /labs: the tag group 'zone' does not exist" in _mistake(cmk, {}, folders=[folder])


def test_groups_and_tags_that_the_inventory_creates_count_as_existing(cmk: Checkmk) -> None:
    plan = _plan(cmk, {"tag_env": "lab"}, ENV)
    assert plan.warnings == ()
    apply_plan(cmk, plan)
    assert cmk.hosts.get("web01").attributes["tag_env"] == "lab"
    more = {**ENV, "tags": [LIVE, LAB, {"id": "dev", "title": "Development"}]}
    apply_plan(cmk, _plan(cmk, {"tag_env": "dev"}, more))
    assert cmk.hosts.get("web01").attributes["tag_env"] == "dev"


def test_groups_and_tags_that_the_inventory_removes_do_not(cmk: Checkmk) -> None:
    cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
    assert "does not exist" in _mistake(cmk, {"tag_env": "lab"}, {"name": "env", "absent": True})
    assert "has no tag 'lab'" in _mistake(cmk, {"tag_env": "lab"}, {**ENV, "tags": [LIVE]})


def test_custom_attributes_of_the_site_cause_no_warning(cmk: Checkmk, site: SimulatedSite) -> None:
    assert "is it a custom attribute" in _plan(cmk, {"rack": "12"}).warnings[0]  # no host tells them
    cmk.hosts.create("other")
    (warning,) = _plan(cmk, {"rack": "12"}).warnings
    assert warning.startswith("the attribute 'rack' of host web01")
    assert "does not exist on this site; create it in Checkmk first" in warning
    site.add_custom_attribute("rack")
    assert _plan(cmk, {"rack": "12"}).warnings == ()
    (warning,) = _plan(cmk, {"rak": "12"}).warnings
    assert "did you mean 'rack'?" in warning


def test_without_the_permission_to_see_tag_groups_a_warning_says_so(site: SimulatedSite) -> None:
    site.add_user("limited", "secret", without=["wato.hosttags"])
    with site.client("limited") as cmk:
        (gap,) = _plan(cmk, {"tag_env": "lab"}).warnings
    assert gap.startswith("the tag groups are unknown, because the site refuses to list them")


def test_an_inventory_without_such_attributes_costs_no_requests(cmk: Checkmk, site: SimulatedSite) -> None:
    _plan(cmk, {"alias": "x", "tag_agent": "no-agent"})
    assert not [request for request in site.requests if "host_tag_group" in request.path]


@pytest.fixture
def used(cmk: Checkmk) -> Checkmk:
    """Return the client of a site with a tag that a host, a folder and a rule use."""
    cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
    cmk.folders.create("/labs", attributes={"tag_env": "lab"})
    cmk.hosts.create("web01", "/", {"tag_env": "lab"})
    conditions = {"host_tags": [{"key": "env", "operator": "is", "value": "lab"}]}
    cmk.rules.create(ruleset="host_groups", folder="/", value="x", conditions=conditions)
    return cmk


def _groups(*groups: Any) -> Any:
    return from_data({"tag_groups": [*groups]})


def test_a_plan_that_removes_a_tag_in_use_is_a_conflict_that_names_the_users(used: Checkmk) -> None:
    (rule,) = used.rules.each(ruleset="host_groups")
    names = f"hosts web01; folders /labs; rules {rule.id} of host_groups"
    plan = make_plan(used, _groups({**ENV, "tags": [LIVE]}))
    (conflict,) = plan.conflicts
    assert conflict.why == f"cannot lose 'lab' while used by {names}"
    with pytest.raises(NotOwnedError, match="--repair"):
        plan.raise_if_unsafe()
    (conflict,) = make_plan(used, _groups({"name": "env", "absent": True})).conflicts
    assert conflict.why == f"cannot be deleted while used by {names}"
    assert (
        make_plan(used, _groups({**ENV, "title": "Other", "tags": [LIVE, LAB, {"id": "x", "title": "X"}]})).conflicts
        == ()
    )


def test_a_tag_can_be_removed_together_with_its_last_uses(used: Checkmk) -> None:
    (rule,) = used.rules.each(ruleset="host_groups")
    used.rules.delete(rule.id)
    used.folders.update("/labs", remove_attributes=["tag_env"])
    plan = _plan(used, {"tag_env": "live"}, {**ENV, "tags": [LIVE]})
    assert plan.conflicts == ()
    apply_plan(used, plan)
    assert [tag["id"] for tag in used.tag_groups.get("env", fresh=True).tags] == ["live"]


def test_a_group_can_be_deleted_together_with_its_last_uses(used: Checkmk) -> None:
    (rule,) = used.rules.each(ruleset="host_groups")
    used.rules.delete(rule.id)
    inventory = {
        "hosts": [{"name": "web01", "attributes": {"tag_env": None}}],
        "folders": [{"path": "/labs", "attributes": {"tag_env": None}}],
        "tag_groups": [{"name": "env", "absent": True}],
    }
    plan = make_plan(used, from_data(inventory))
    assert plan.conflicts == ()
    apply_plan(used, plan.with_permissions(allow_deletions=1))
    assert used.tag_groups.find("env", fresh=True) is None
