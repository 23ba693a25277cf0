"""References in plans: targets must exist, and Checkmk must accept the order of the changes."""

from __future__ import annotations

import graphlib
import pickle
import re
import time
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import InventoryError, NotOwnedError
from checkmk_sync.sync import Action, Plan, diff, from_data, load, plan_as_markdown, plan_as_text
from checkmk_sync.sync.observed import Observed
from checkmk_sync.sync.references import _circles
from tests.sync.test_plan import held, holding, lines


def _host(name: str, *parents: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "attributes": {"parents": list(parents)} if parents else {}, **more}


def _plan(*hosts: Any, site: Optional[Observed] = None, owner: Optional[str] = "me", **more: Any) -> Plan:
    return diff(from_data({"hosts": list(hosts), **more}), site or holding(), owner=owner)


def _mistakes(*hosts: Any, **more: Any) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        _plan(*hosts, **more)
    return [str(problem) for problem in caught.value.problems]


# Creation


def test_parents_are_created_before_their_children() -> None:
    plan = _plan(
        _host("a", "c"), _host("b", "a"), _host("c", "d", "there"), _host("d"), site=holding(held("host", "there"))
    )
    assert lines(plan) == ["create host d", "create host c", "create host a", "create host b"]
    assert [change.wave for change in plan.changes] == [0, 1, 2, 3]


def test_a_chain_of_thousands_does_not_exhaust_the_stack() -> None:
    plan = _plan(*(_host(f"h{n}", f"h{n + 1}") for n in range(5000)), _host("h5000"))
    assert [change.key for change in plan.changes[:3]] == ["h5000", "h4999", "h4998"]


def test_a_folder_that_contains_its_parent_is_created_in_two_steps() -> None:
    folder = {"path": "/x", "title": "X", "attributes": {"parents": ["gw", "old"], "tag_criticality": "prod"}}
    plan = _plan(_host("gw", folder="/x"), folders=[folder], site=holding(held("host", "old", "me")), owner=None)
    assert lines(plan) == ["create folder /x", "create host gw", "update folder /x"]
    create, _, update = plan.changes
    assert ("attributes", "parents") not in create.properties
    assert update.properties == {("attributes", "parents"): (None, ["gw", "old"])}
    text = '~ folder /x: parents (not set) -> ["gw", "old"] (second step, after host gw)'
    assert text in plan_as_text(plan)
    assert "(second step, after `host gw`)" in plan_as_markdown(plan)
    assert [change.get("after") for change in plan.to_dict()["changes"]] == [None, None, ["host gw"]]
    assert (plan.changed_count(), plan.counts()["create"], plan.counts()["update"]) == (0, 2, 1)
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_an_update_comes_after_the_objects_it_refers_to() -> None:
    site = holding(held("folder", "/x", "me", title="X"), held("host", "web", "me"))
    folder = {"path": "/x", "attributes": {"parents": ["gw"]}}
    plan = _plan(_host("web", "gw"), _host("gw"), folders=[folder], site=site)
    assert lines(plan) == ["create host gw", "update host web", "update folder /x"]
    assert plan.changed_count() == 2


# Deletion


def test_children_are_deleted_first_even_in_other_folders() -> None:
    hosts = [
        held("host", "a", "me", folder="/a", attributes__parents=["b"]),
        held("host", "b", "me", folder="/b", attributes__parents=["c"]),
        held("host", "c", "me", folder="/c"),
    ]
    plan = _plan(_host("other"), site=holding(*hosts))
    assert lines(plan) == ["create host other", "delete host a", "delete host b", "delete host c"]
    assert [change.wave for change in plan.changes] == [0, 0, 1, 2]


def test_a_reference_is_removed_before_its_target_is_deleted() -> None:
    site = holding(held("host", "gw", "me"), held("host", "web", "me", attributes__parents=["gw"]))
    for parents in (None, [], ["other"]):
        wanted = {"name": "web", "attributes": {"parents": parents}}
        plan = _plan(wanted, _host("other"), site=site)
        assert lines(plan) == ["create host other", "update host web", "delete host gw"]
        assert not plan.conflicts


def test_a_reference_of_a_deleted_folder_is_removed_first() -> None:
    """The host must be deleted before the folder, but the folder refers to the host."""
    site = holding(
        held("folder", "/x", "me", title="X", attributes__parents=["gw"]), held("host", "gw", "me", folder="/x")
    )
    plan = _plan(_host("other"), site=site)
    assert lines(plan) == ["update folder /x", "create host other", "delete host gw", "delete folder /x"]
    assert plan.changes[0].properties == {("attributes", "parents"): (["gw"], None)}
    assert (plan.changed_count(), plan.deleted_counts()) == (0, {"folder": 1, "host": 1})


def test_a_reference_of_a_kept_folder_is_removed_first() -> None:
    site = holding(
        held("folder", "/x", "me", title="X", attributes__parents=["gw"]), held("host", "gw", "me", folder="/x")
    )
    plan = diff(from_data({"hosts": [_host("other")]}), site, owner="me", keep_folders=True)
    assert lines(plan) == ["update folder /x", "create host other", "delete host gw"]
    assert not plan.conflicts


def test_circular_parents_are_removed_before_deletion() -> None:
    site = holding(
        held("host", "a", "me", folder="/a", attributes__parents=["b"]),
        held("host", "b", "me", folder="/b", attributes__parents=["a"]),
    )
    plans = [_plan(_host("other"), site=site) for _ in range(3)]
    first, update, *deletes = lines(plans[0])
    assert (first, update, sorted(deletes)) == (
        "create host other",
        "update host a",
        ["delete host a", "delete host b"],
    )
    assert deletes[0] == "delete host b", "a is no longer a child, b still is"
    assert len({plan.checksum for plan in plans}) == 1


@pytest.mark.parametrize("owner", [None, "them", "me"])
@pytest.mark.parametrize("kind", ["host", "folder"])
def test_deleting_a_parent_of_a_remaining_host_is_a_conflict(kind: str, owner: Optional[str]) -> None:
    user = held("host", "web", owner, attributes__parents=["gw"])
    if kind == "folder":
        user = held("folder", "/web", owner, title="x", attributes__parents=["gw"])
    stays = [_host("web")] if kind == "host" and owner == "me" else []
    named = {"folders": [{"path": "/web"}]} if kind == "folder" else {}
    plan = _plan(_host("other"), *stays, site=holding(held("host", "gw", "me"), user), **named)
    (conflict,) = plan.conflicts
    assert conflict.why.endswith(f"cannot be deleted while it is named in the parents of {user.name}")
    assert "change the inventory so that it keeps gw" in conflict.hint
    with pytest.raises(NotOwnedError, match="host gw is yours"):
        plan.raise_if_unsafe()


def test_objects_in_conflict_keep_their_parents() -> None:
    """The inventory would remove the reference, but the host that has it belongs to another owner."""
    site = holding(held("host", "gw", "me"), held("host", "web", "them", attributes__parents=["gw"]))
    plan = _plan({"name": "web", "attributes": {"parents": None}}, site=site)
    assert {conflict.key for conflict in plan.conflicts} == {"web", "gw"}


# Mistakes


def test_a_parent_that_does_not_exist_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    hosts = "hosts:\n- name: web\n  attributes:\n    alias: x\n    parents: [gw, GW2]\n"
    path.write_text(f"{hosts}folders:\n- path: /x\n  attributes: {{parents: [nope]}}\n")
    with pytest.raises(InventoryError) as caught:
        diff(load(path), holding(held("host", "gw2")))
    missing = "but that host is neither in the inventory nor visible to the user on the site"
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:5:5: host web: parents names 'gw', {missing}",
        f"{path}:5:5: host web: parents names 'GW2', {missing}; did you mean 'gw2'?",
        f"{path}:8:16: folder /x: parents names 'nope', {missing}",
    ]
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == (str(path), 5)


def test_a_parent_that_this_plan_deletes_is_a_mistake() -> None:
    (mistake,) = _mistakes(_host("web", "gw"), site=holding(held("host", "gw", "me")))
    said = "but this plan deletes that host, because it is yours and not in the inventory"
    assert mistake == f"hosts[0]: host web: parents names 'gw', {said}"
    assert not _plan(_host("web", "gw"), site=holding(held("host", "gw", "them"))).conflicts
    assert not _plan(_host("web", "gw"), site=holding(held("host", "gw", "me")), owner=None).conflicts


def test_a_host_cannot_be_its_own_parent() -> None:
    assert _mistakes(_host("web", "web")) == ["hosts[0]: host web: parents names 'web', which is the host itself"]


def test_a_circle_is_reported_with_its_locations(tmp_path: Path) -> None:
    path = tmp_path / "hosts.csv"
    path.write_text("name,parents\na,b\nb,c\nc,a\nd,a\ne,f\nf,e\n")
    with pytest.raises(InventoryError) as caught:
        diff(load(path), holding())
    first, second = sorted(str(problem) for problem in caught.value.problems)
    assert "the references in parents form a cycle: " in first
    assert first.count(" -> ") == 3
    assert {int(line) for line in re.findall(r"hosts\.csv:(\d)", first)} == {2, 3, 4}
    assert second.count(" -> ") == 2
    assert str(path) in second


def test_circles_through_objects_of_the_site_are_found() -> None:
    site = holding(
        held("host", "a"), held("host", "b", attributes__parents=["c"]), held("host", "c", attributes__parents=["a"])
    )
    (mistake,) = _mistakes(_host("a", "b"), site=site, owner=None)
    assert "a -> b -> c -> a" in mistake
    old = holding(
        held("host", "b", attributes__parents=["c"]), held("host", "c", attributes__parents=["b"]), held("host", "a")
    )
    assert _plan(_host("a", "b"), site=old, owner=None).changes, "circles that only exist on the site are ignored"


def test_mistakes_in_references_are_reported_with_the_others() -> None:
    mistakes = _mistakes(
        _host("a", "no"), {"name": "b", "attributes": {"ipaddress": "1.2.3.4/24"}}, _host("c", folder="/a b")
    )
    assert len(mistakes) == 3


def test_several_parents_in_csv_are_separated_by_a_bar(tmp_path: Path) -> None:
    path = tmp_path / "hosts.csv"
    path.write_text('name;folder;parents\ncore01;/net;\naccess01;/net;core01\nsrv01;/srv;"core01,access01"\n')
    with pytest.raises(InventoryError) as caught:
        diff(load(path), holding())
    (problem, *_) = caught.value.problems
    assert problem.line == 4
    assert "separate parents with '|', as in core01|access01" in problem.message
    path.write_text("name;folder;parents\ncore01;/net;\naccess01;/net;core01\nsrv01;/srv;core01|access01\n")
    assert len(diff(load(path), holding()).changes) == 5


# Invariants

NAMES = [f"h{n}" for n in range(6)]
GRAPH = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), unique=True, max_size=3), min_size=1)


@given(GRAPH, GRAPH, st.sampled_from([None, "me"]), st.sets(st.sampled_from(NAMES)))
def test_no_change_comes_before_its_dependencies(
    wanted: dict[str, list[str]], there: dict[str, list[str]], owner: Optional[str], ours: set[str]
) -> None:
    """Every combination gives a mistake, a conflict, or an order that Checkmk accepts."""
    hosts = [
        held("host", name, "me" if name in ours else None, attributes__parents=list(p)) for name, p in there.items()
    ]
    try:
        plan = diff(from_data({"hosts": [_host(name, *p) for name, p in wanted.items()]}), holding(*hosts), owner=owner)
    except InventoryError:
        return
    if plan.conflicts:
        return
    parents = {name: list(p) for name, p in there.items()}
    for change in plan.changes:
        if change.action is Action.DELETE:
            users = {name for name, p in parents.items() if change.key in p}
            later = {c.key for c in plan.changes if c.action is Action.DELETE and c.wave == change.wave}
            assert users <= later, (lines(plan), parents)
            del parents[change.key]
            continue
        new = change.properties.get(("attributes", "parents"), (None, parents.get(change.key)))[1] or []
        waiting = {c.key for c in plan.changes if c.action is Action.CREATE and c.wave >= change.wave}
        assert set(new) <= set(parents) - (waiting if change.action is Action.CREATE else set()) | set(there), lines(
            plan
        )
        parents[change.key] = new


@given(st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4), max_size=8))
def test_removing_the_first_key_breaks_each_circle(numbers: dict[int, list[int]]) -> None:
    needs = {("host", str(of)): [("host", str(target)) for target in targets] for of, targets in numbers.items()}
    left = {of: list(targets) for of, targets in needs.items()}
    for circle in _circles(needs):
        assert all(after in left[of] for of, after in zip(circle, (*circle[1:], circle[0])))
        del left[circle[0]]
    graphlib.TopologicalSorter(left).prepare()


def test_thousands_of_circles_are_found_quickly() -> None:
    needs = {("host", f"a{number}"): [("host", f"b{number}")] for number in range(5000)}
    needs.update({("host", f"b{number}"): [("host", f"a{number}")] for number in range(5000)})
    started = time.process_time()
    assert len(list(_circles(needs))) == 5000
    assert time.process_time() - started < 2
