"""A plan with a scope changes and deletes only objects inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import (
    Scope,
    diff,
    from_data,
    load_plan,
    make_plan,
    plan_as_html,
    plan_as_markdown,
    plan_as_text,
    save_plan,
)
from checkmk_sync.testing import SimulatedSite
from tests.sync.test_apply import synchronise
from tests.sync.test_plan import held, holding, lines

LINUX = Scope.parse(["folder:/linux/**"])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("folder:/linux", "folder:/linux"),
        ("folder: linux/web/ ", "folder:/linux/web"),
        ("folder:~linux/**", "folder:/linux/**"),
        ("folder:/", "folder:/"),
        ("folder:/**", "folder:/**"),
        ("kind:rule", "kind:rules"),
        ("kind:host-groups", "kind:host_groups"),
        ("kind:Host Group", "kind:host_groups"),
        ("owner:cmdb", "owner:cmdb"),
    ],
)
def test_a_scope_has_one_spelling(text: str, canonical: str) -> None:
    assert Scope.parse([text, text]).texts == (canonical,)
    assert Scope.parse(Scope.parse([canonical]).texts) == Scope.parse([text])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/linux", "only '/linux' is not valid; write folder:PATH, folder:PATH/**, kind:KIND or owner:NAME"),
        ("folder:", "only 'folder:' is not valid; write folder:PATH, folder:PATH/**, kind:KIND or owner:NAME"),
        ("folders:/linux", "only 'folders:/linux' is not valid; did you mean 'folder'?"),
        ("kind:ruels", "only 'kind:ruels': unknown kind 'ruels'; did you mean 'rules'?"),
        ("folder:/a*", "only 'folder:/a*': '/a*' is not a folder: 'a*' contains characters that Checkmk refuses"),
        ("folder:/**/x", "only 'folder:/**/x': '/**/x' is not a folder: '**' contains characters that Checkmk refuses"),
    ],
)
def test_a_mistake_in_a_scope_has_one_error(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Scope.parse([text])
    assert caught.value.reason == message


def test_a_single_text_is_not_a_list() -> None:
    with pytest.raises(TypeError, match="only must be a list"):
        Scope.parse("kind:rules")


def test_a_folder_contains_its_objects_and_with_two_stars_all_below() -> None:
    here, below = held("host", "a", folder="/linux"), held("host", "b", folder="/linux/web")
    beside, folder = held("host", "c", folder="/linux2"), held("folder", "/linux", title="x")
    group = held("host group", "g")
    assert [Scope.parse(["folder:/linux"]).contains(found) for found in (here, folder, below, beside, group)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [LINUX.contains(found) for found in (here, folder, below, beside)] == [True, True, True, False]
    assert all(Scope().contains(found) for found in (here, folder, group))
    assert Scope.parse(["folder:/**"]).contains(held("host", "a", folder="/"))


def test_parts_of_one_word_are_alternatives_and_different_words_must_all_match() -> None:
    scope = Scope.parse(["folder:/a", "folder:/b", "kind:hosts", "owner:me"])
    assert scope.contains(held("host", "h", "me", folder="/a"))
    assert scope.contains(held("host", "h", "me", folder="/b"))
    assert not scope.contains(held("host", "h", "me", folder="/c"))
    assert not scope.contains(held("host", "h", None, folder="/b"))
    assert not scope.contains(held("folder", "/a", "me"))


def _site() -> Any:
    return holding(
        held("folder", "/linux", "me", title="linux"),
        held("folder", "/linux/old", "me", title="old"),
        held("folder", "/windows", "me", title="windows"),
        held("folder", "/windows/old", "me", title="old"),
        held("host", "l1", "me", folder="/linux", attributes__alias="old"),
        held("host", "l2", "me", folder="/linux/old"),
        held("host", "w1", "me", folder="/windows", attributes__alias="old"),
        held("host", "w2", "me", folder="/windows/old"),
    )


INVENTORY = {
    "hosts": [
        {"name": "l1", "folder": "/linux", "attributes": {"alias": "new"}},
        {"name": "l3", "folder": "/linux/new", "attributes": {"parents": ["w1"]}},
        {"name": "w1", "folder": "/windows", "attributes": {"alias": "new"}},
        {"name": "w3", "folder": "/windows/new"},
    ]
}


def test_changes_and_deletions_are_only_inside() -> None:
    plan = diff(from_data(INVENTORY), _site(), owner="me", scope=LINUX)
    assert lines(plan) == [
        "create folder /linux/new",
        "create host l3",
        "update host l1",
        "delete host l2",
        "delete folder /linux/old",
    ]
    assert (plan.owned, plan.owned_by_kind) == (4, {"folder": 2, "host": 2}), "the limits count what is inside"
    hosts = diff(from_data(INVENTORY), _site(), owner="me", scope=Scope.parse(["folder:/windows", "kind:hosts"]))
    assert lines(hosts) == ["update host w1"]


def test_an_inventory_without_objects_inside_still_deletes_inside() -> None:
    others = {"hosts": [host for host in INVENTORY["hosts"] if "windows" in str(host["folder"])]}
    plan = diff(from_data(others), _site(), owner="me", scope=LINUX)
    assert lines(plan) == [
        "delete host l1", "delete host l2", "delete folder /linux/old", "delete folder /linux",
    ]  # fmt: skip


def test_a_host_that_would_cross_the_border_stays_as_it_is() -> None:
    desired = from_data({"hosts": [{"name": "l1", "folder": "/windows"}, {"name": "w1", "folder": "/linux"}]})
    plan = diff(desired, _site(), owner="me", scope=Scope.parse(["folder:/linux"]))
    assert lines(plan) == []
    assert plan.warnings == (
        "host l1 and 1 more stay as they are, because they would move into the scope or out of it",
    )


def test_a_host_that_is_renamed_is_inside_by_its_old_name() -> None:
    desired = from_data({"hosts": [{"name": "new", "previous_name": "w1"}, {"name": "newer", "previous_name": "l1"}]})
    plan = diff(desired, _site(), owner="me", scope=Scope.parse(["folder:/linux"]))
    assert lines(plan)[0] == "rename host newer"
    assert {change.key for change in plan.changes} == {"newer"}


def test_missing_objects_outside_are_named_as_such() -> None:
    hosts = [
        {"name": "a", "folder": "/linux", "attributes": {"parents": ["gw"]}},
        {"name": "b", "folder": "/linux/new/deep"},
        {"name": "gw", "folder": "/network"},
    ]
    with pytest.raises(InventoryError) as caught:
        diff(from_data({"hosts": hosts}), _site(), owner="me", scope=LINUX)
    message = "parents names 'gw', but that host does not exist, and the scope leaves it out"
    assert [problem.message for problem in caught.value.problems] == [f"host a: {message}"]
    with pytest.raises(InventoryError) as caught:
        diff(from_data({"hosts": hosts}), _site(), owner="me", scope=Scope.parse(["folder:/linux/new/deep"]))
    message = "needs the folder /linux/new, which does not exist and is outside the scope"
    assert [problem.message for problem in caught.value.problems] == [f"folder /linux/new/deep: {message}"]
    with pytest.raises(InventoryError) as caught:
        diff(from_data({"hosts": hosts}), _site(), owner="me", scope=Scope.parse(["kind:hosts"]))
    assert [problem.message for problem in caught.value.problems] == [
        "host b: needs the folder /linux/new/deep, which does not exist and is outside the scope",
        "host gw: needs the folder /network, which does not exist and is outside the scope",
    ]


def test_a_host_that_others_outside_refer_to_is_not_deleted() -> None:
    child = held("host", "w4", "me", folder="/windows", attributes__parents=["l2"])
    observed = holding(*_site().objects.values(), child)
    plan = diff(from_data({"hosts": [{"name": "l1"}]}), observed, owner="me", scope=LINUX)
    assert [conflict.key for conflict in plan.conflicts] == ["l2"]


def test_the_scope_is_shown_and_part_of_the_checksum() -> None:
    plans = [
        diff(from_data(INVENTORY), _site(), owner="me", scope=scope)
        for scope in (None, Scope.parse(["folder:/**"]), Scope.parse(["folder:/**", "kind:hosts", "kind:folders"]))
    ]
    assert len({plan.checksum for plan in plans}) == 3
    assert lines(plans[0]) == lines(plans[1]) == lines(plans[2])
    assert [plan.to_dict()["only"] for plan in plans] == [
        [], ["folder:/**"], ["folder:/**", "kind:hosts", "kind:folders"],
    ]  # fmt: skip
    assert "Only: folder:/**, kind:hosts, kind:folders\n" in plan_as_text(plans[2])
    assert "Only: `folder:/**`, `kind:hosts`, `kind:folders`\n" in plan_as_markdown(plans[2])
    assert "Only:" not in plan_as_text(plans[0])
    assert "--only folder:/** --only kind:hosts" in plan_as_html(plans[2]).replace("'", "")


def test_a_saved_plan_keeps_its_scope(tmp_path: Path) -> None:
    plan = diff(from_data(INVENTORY), _site(), owner="me", scope=LINUX)
    save_plan(plan, tmp_path / "plan.json")
    loaded = load_plan(tmp_path / "plan.json")
    assert (loaded.scope, loaded.checksum) == (LINUX, plan.checksum)


_FOLDERS = st.sampled_from(["/", "/a", "/a/b", "/c"])
_HOSTS = st.dictionaries(st.sampled_from("uvwxyz"), st.tuples(_FOLDERS, st.sampled_from(["old", "new"])), max_size=6)
_SCOPES = st.lists(st.sampled_from(["/", "/a", "/a/**", "/a/b", "/c/**"]), min_size=1, max_size=2)


@given(_HOSTS, _HOSTS, _SCOPES)
def test_nothing_outside_is_touched(now: Any, later: Any, folders: list[str]) -> None:
    """With every scope, the changes are some of the changes without a scope, and all of them are inside."""
    scope = Scope.parse([f"folder:{folder}" for folder in folders])
    all_folders = [held("folder", path, "me", title="x") for path in ("/a", "/a/b", "/c")]
    hosts = [held("host", name, "me", folder=place, attributes__alias=alias) for name, (place, alias) in now.items()]
    desired = from_data(
        {
            "folders": [{"path": "/c"}, {"path": "/a/b"}],
            "hosts": [
                {"name": name, "folder": place, "attributes": {"alias": alias}}
                for name, (place, alias) in later.items()
            ],
        }
    )
    observed = holding(*all_folders, *hosts)
    plan = diff(desired, observed, owner="me", scope=scope)
    assert {*lines(plan)} <= {*lines(diff(desired, observed, owner="me"))}
    for change in plan.changes:
        places = {change.value(("folder",)), *change.properties.get(("folder",), ())} - {None}
        if change.kind == "host":
            assert places, change
            assert all(scope.contains(held("host", "h", folder=place)) for place in places)


def test_only_reads_the_site(site: SimulatedSite, cmk: Checkmk) -> None:
    """An unknown folder is an error, also if the plan does not read folders. A run in parts ends like one run."""
    synchronise(cmk, INVENTORY)
    assert not make_plan(cmk, from_data(INVENTORY), owner="cmdb", only=["folder:/linux/**"]).changes
    fewer = {"hosts": [INVENTORY["hosts"][0], {"name": "w5", "folder": "/windows"}]}
    groups = {"host_groups": [{"name": "g", "alias": "G"}]}
    for inventory in (fewer, groups):
        with pytest.raises(SettingsError, match="'folder:/linus': the folder is neither.*did you mean '/linux'"):
            make_plan(cmk, from_data(inventory), owner="cmdb", only=["folder:/linus"])
    rules = [{"name": "r", "ruleset": "host_groups", "folder": "/", "value": "g"}]
    everything = {**fewer, **groups, "rules": rules}
    assert lines(make_plan(cmk, from_data(everything), only=["kind:host_groups"])) == ["create host group g"]
    report = synchronise(cmk, everything, only=["folder:/linux/**"])
    assert report.ok
    assert {*site.state.configuration.hosts} == {"l1", "w1", "w3"}
