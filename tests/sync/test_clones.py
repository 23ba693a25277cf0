"""Cloning a host copies the owner label, so the label counts only if we created or adopted the object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from checkmk_sync.errors import InventoryError, NotOwnedError
from checkmk_sync.sync import Plan, apply_plan, from_data, make_plan, plan_as_markdown, plan_as_text
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.conftest import Run
from tests.sync.test_apply import VERSIONS, synchronise

INVENTORY = {
    "hosts": [{"name": f"web{n:02d}", "folder": "/linux", "attributes": {"ipaddress": f"10.0.0.{n}"}} for n in range(9)]
}


@pytest.fixture
def owned(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    """A site with nine of our hosts."""
    site.add_user("carol", "carols secret")
    assert synchronise(cmk, INVENTORY).ok
    return site


def _add(site: SimulatedSite, name: str, labels: Any = None) -> None:
    """Add a host or folder that carol created."""
    attributes = {"labels": labels} if labels else {}
    if name.startswith("/"):
        site.state.configuration.add_folder(name, name[1:], attributes, user="carol")
    else:
        site.state.configuration.add_host(name, "/", attributes, user="carol")
    site.state.configuration.changes.clear()


def _clone(site: SimulatedSite, original: str, name: str, user: str = "carol", **attributes: Any) -> None:
    """Clone a host like the web interface: the clone has all labels, and ``user`` is its creator."""
    host = site.state.configuration.hosts[original]
    site.state.configuration.add_host(name, host.folder, {**host.attributes, **attributes}, user=user)
    site.state.configuration.changes.clear()


def _plan(cmk: Checkmk, inventory: Any = INVENTORY, **more: Any) -> Plan:
    return make_plan(cmk, from_data(inventory), owner="cmdb", **more)


def _is_as_wanted(cmk: Checkmk, inventory: Any) -> bool:
    return _plan(cmk, inventory, discover=False).is_empty


def test_a_clone_is_a_conflict_that_names_its_original(owned: SimulatedSite, cmk: Checkmk) -> None:
    """The clone is not in the inventory, so it would be deleted if it counted as ours."""
    _clone(owned, "web03", "precious")
    plan = _plan(cmk)
    assert not plan.changes
    (conflict,) = plan.conflicts
    assert conflict.key == "precious"
    assert "has the label of the owner 'cmdb', but it was created by 'carol'" in str(conflict)
    assert str(conflict).endswith("it is probably a clone of web03"), "the address distinguishes it from the others"
    for shown in (plan_as_text(plan), plan_as_markdown(plan).replace("\\", ""), str(plan.to_dict()["conflicts"])):
        assert "precious" in shown
        assert "adopt it with --adopt, remove its label checkmk_sync/owner, or delete it by hand" in shown
    with pytest.raises(NotOwnedError, match="host precious has the label"):
        plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")


def test_the_original_of_a_clone_is_recognized_by_common_properties(site: SimulatedSite, cmk: Checkmk) -> None:
    inventory = {"hosts": [{"name": "a", "labels": {"role": "db"}}, {"name": "b", "labels": {"role": "web"}}]}
    synchronise(cmk, inventory)
    _clone(site, "b", "c", alias="a copy", ipaddress="10.9.9.9")
    (conflict,) = _plan(cmk, inventory).conflicts
    assert "it is probably a clone of b" in conflict.why
    many = {"hosts": [*inventory["hosts"], *({"name": f"h{n}", "labels": {"role": "web"}} for n in range(2))]}
    synchronise(cmk, {"hosts": [*many["hosts"], {"name": "c"}]}, adopt=True)
    _clone(site, "b", "d")
    conflicts = {conflict.key: conflict.why for conflict in _plan(cmk, many).conflicts}
    assert conflicts["d"].endswith("probably a clone of b or h0 or h1")
    _clone(site, "b", "h1-copy", ipaddress="10.9.9.9")
    conflicts = {conflict.key: conflict.why for conflict in _plan(cmk, many).conflicts}
    assert conflicts["h1-copy"].endswith("probably a clone of h1 or b or h0")


def test_a_clone_with_many_possible_originals_names_some(site: SimulatedSite, cmk: Checkmk) -> None:
    synchronise(cmk, {"hosts": [{"name": f"web{n:02d}"} for n in range(9)]})
    _clone(site, "web03", "web03-new")
    _clone(site, "web03", "other")
    plan = _plan(cmk, {"hosts": [{"name": f"web{n:02d}"} for n in range(9)]})
    conflicts = {conflict.key: conflict.why for conflict in plan.conflicts}
    assert conflicts["web03-new"].endswith("probably a clone of web03 or web00 or web01 or 6 more")
    assert conflicts["other"].endswith("probably a clone of web00 or web01 or web02 or 6 more")


@pytest.mark.parametrize("user", ["carol", "automation"])
def test_the_clone_of_an_adopted_host_is_recognized(site: SimulatedSite, cmk: Checkmk, user: str) -> None:
    """The adoption label of the clone names the original."""
    site.add_user("carol", "carols secret")
    _add(site, "gw")
    inventory = {"hosts": [{"name": "gw"}]}
    assert _plan(cmk, inventory).conflicts
    assert synchronise(cmk, inventory, adopt=True).ok
    assert site.state.configuration.hosts["gw"].attributes["labels"] == {OWNER_LABEL: "cmdb", ADOPTED_LABEL: "gw"}
    assert _is_as_wanted(cmk, inventory)
    _clone(site, "gw", "gw2", user=user)
    (conflict,) = _plan(cmk, inventory).conflicts
    assert str(conflict) == "host gw2 has the label of the owner 'cmdb', but it is probably a clone of gw"
    gone = _plan(cmk, {"hosts": [{"name": "other"}]})
    assert [change.name for change in gone.changes] == ["host other", "host gw"], "adopted objects may be deleted"


def test_a_clone_that_the_inventory_names_is_not_changed_unless_it_is_adopted(
    owned: SimulatedSite, cmk: Checkmk
) -> None:
    _clone(owned, "web03", "web10")
    wanted = {"hosts": [*INVENTORY["hosts"], {"name": "web10", "attributes": {"ipaddress": "10.0.0.10"}}]}
    plan = _plan(cmk, wanted)
    assert not plan.changes
    assert [conflict.hint.split(",")[0] for conflict in plan.conflicts] == ["adopt it with --adopt"]
    assert synchronise(cmk, wanted, adopt=True).ok
    labels = owned.state.configuration.hosts["web10"].attributes["labels"]
    assert labels == {OWNER_LABEL: "cmdb", ADOPTED_LABEL: "web10"}
    assert _is_as_wanted(cmk, wanted)


def test_objects_without_the_adopted_label_are_conflicts_until_adopted_again(site: SimulatedSite, cmk: Checkmk) -> None:
    _add(site, "old", {OWNER_LABEL: "cmdb"})
    inventory = {"hosts": [{"name": "old"}]}
    (conflict,) = _plan(cmk, inventory).conflicts
    assert "or was adopted by an earlier version" in conflict.why
    (change,) = _plan(cmk, inventory, adopt=True).changes
    assert change.properties == {("labels", ADOPTED_LABEL): (None, "old")}
    assert synchronise(cmk, inventory, adopt=True).ok
    assert _is_as_wanted(cmk, inventory)
    assert synchronise(cmk, {"hosts": [{"name": "new"}]}).ok
    assert set(site.state.configuration.hosts) == {"new"}


def test_another_user_must_adopt_everything_again(owned: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    new = connect(owned, username="carol")
    assert len(_plan(new).conflicts) == 9
    apply_plan(new, _plan(new, adopt=True))
    assert _plan(new).is_empty
    assert _plan(cmk).is_empty, "the plan of the old user is empty too"


def test_without_an_owner_the_creator_does_not_matter(owned: SimulatedSite, cmk: Checkmk) -> None:
    _clone(owned, "web03", "precious")
    plan = make_plan(cmk, from_data({"hosts": [{"name": "other"}]}))
    assert [change.name for change in plan.changes] == ["host other"]
    assert not plan.conflicts


def test_a_renamed_host_is_ours_if_we_created_it(owned: SimulatedSite, cmk: Checkmk) -> None:
    owned.state.configuration.rename_host("web03", "db03", user="carol")
    owned.state.configuration.changes.clear()
    wanted = {"hosts": [host for host in INVENTORY["hosts"] if host["name"] != "web03"]}
    plan = _plan(cmk, wanted)
    assert [f"{change.action.value} {change.name}" for change in plan.changes] == ["delete host db03"]


def test_a_renamed_host_that_was_adopted_counts_as_a_possible_clone(site: SimulatedSite, cmk: Checkmk) -> None:
    _add(site, "gw")
    synchronise(cmk, {"hosts": [{"name": "gw"}]}, adopt=True)
    site.state.configuration.rename_host("gw", "gateway", user="carol")
    site.state.configuration.changes.clear()
    (conflict,) = _plan(cmk, {"hosts": [{"name": "other"}]}).conflicts
    assert "adopted as gw, which is gone, so it was renamed or is a clone" in conflict.why
    assert synchronise(cmk, {"hosts": [{"name": "gateway"}]}, adopt=True).ok
    assert site.state.configuration.hosts["gateway"].attributes["labels"][ADOPTED_LABEL] == "gateway"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_adopted_folder_that_was_moved_stays_ours(version: str, clock: ManualClock, connect: Any) -> None:
    """Folders cannot be cloned. A folder in the inventory gets a label with its new path."""
    with SimulatedSite(version, clock=clock) as site:
        cmk = connect(site)
        for path in ("/a", "/a/b", "/new"):
            _add(site, path)
        described = {
            "folders": [{"path": "/a", "title": "A"}, {"path": "/a/b", "title": "B"}],
            "hosts": [{"name": "h"}],
        }
        assert synchronise(cmk, described, adopt=True).ok
        assert site.state.configuration.folders["/a/b"].attributes["labels"] == {
            OWNER_LABEL: "cmdb",
            ADOPTED_LABEL: "/a/b",
        }
        cmk.folders.move("/a", "/new")
        moved = {
            "folders": [{"path": "/new/a", "title": "A"}, {"path": "/new/a/b", "title": "B"}],
            "hosts": [{"name": "h"}],
        }
        plan = _plan(cmk, moved)
        assert not plan.conflicts
        assert [change.properties for change in plan.changes] == [
            {("labels", ADOPTED_LABEL): ("/a", "/new/a")},
            {("labels", ADOPTED_LABEL): ("/a/b", "/new/a/b")},
        ]
        assert synchronise(cmk, moved).ok
        assert _plan(cmk, moved).is_empty


def test_a_folder_of_another_user_with_our_label_is_not_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    _add(site, "/x", {OWNER_LABEL: "cmdb"})
    _add(site, "/y", {OWNER_LABEL: "cmdb"})
    site.state.configuration.add_host("theirs", "/y", {}, user="carol")
    inventory: Any = {"hosts": [{"name": "h"}]}
    assert [conflict.key for conflict in _plan(cmk, inventory).conflicts] == ["/x"], "/y is in use"
    assert not _plan(cmk, {"hosts": [{"name": "h", "folder": "/x"}]}).conflicts, "folders are shared"
    same = {"folders": [{"path": "/x", "title": "x"}, {"path": "/y"}], "hosts": [{"name": "h"}]}
    assert not _plan(cmk, same).conflicts
    (conflict,) = _plan(cmk, {**same, "folders": [{"path": "/x", "title": "other"}]}).conflicts
    assert conflict.key == "/x"


def test_a_host_that_was_replaced_since_the_plan_was_made_is_left_alone(owned: SimulatedSite, cmk: Checkmk) -> None:
    """The host was deleted, and another host was cloned under its name, with the same label."""
    plan = _plan(cmk, {"hosts": INVENTORY["hosts"][1:]})
    owned.state.configuration.remove_host("web00", user="carol")
    _clone(owned, "web01", "web00")
    report = apply_plan(cmk, plan)
    ((change, outcome),) = report.failures()
    assert change.key == "web00"
    assert "was deleted and created again after the plan was made" in outcome.reason
    assert "web00" in owned.state.configuration.hosts


def test_deletions_are_limited_even_with_few_objects(owned: SimulatedSite, cmk: Checkmk) -> None:
    plan = _plan(cmk, {"hosts": [INVENTORY["hosts"][0]]})
    assert plan.deleted_counts() == {"host": 8}
    assert "at most 1 of your 9 hosts may be deleted" in str(plan.refusal())


@pytest.mark.parametrize("label", [OWNER_LABEL, ADOPTED_LABEL])
def test_inventories_cannot_set_the_ownership_labels(label: str) -> None:
    with pytest.raises(InventoryError, match="only checkmk-sync sets the label"):
        from_data({"hosts": [{"name": "a", "labels": {label: "x"}}]})


def test_the_command_line_exits_with_2_for_a_clone(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    path = tmp_path / "hosts.csv"
    path.write_text("name,label:role\na,db\nb,web\n")
    assert sync("apply", str(path), "--owner", "me", "--yes").code == 0
    _clone(site_for_cli, "a", "c")
    planned = sync("plan", str(path), "--owner", "me", "--detailed-exitcode")
    assert planned.code == 2
    assert "! host c has the label of the owner 'me', but it was created by 'carol'" in planned.out
    assert "a clone of a; add it to the inventory and adopt it with --adopt" in planned.out
    assert sync("plan", str(path), "--owner", "me", "--json").data["conflicts"][0].startswith("host c has the label")
    refused = sync("apply", str(path), "--owner", "me", "--yes", "--allow-deletions", "100%")
    assert (refused.code, "c" in site_for_cli.state.configuration.hosts) == (2, True)
