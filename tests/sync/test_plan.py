"""Plans are immutable, sorted and minimal, and can be refused."""

from __future__ import annotations

import json
import pickle
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from checkmk_sync.catalogue.paths import parent_folder
from checkmk_sync.client.nouns.activation import PendingChange
from checkmk_sync.errors import PlanChangedError
from checkmk_sync.sync import Action, Plan, diff, from_data, plan_as_markdown, plan_as_text
from checkmk_sync.sync.compare import matches
from checkmk_sync.sync.desired import REMOVE, Desired
from checkmk_sync.sync.observed import ExistingObject, Observed

OWNER = ("labels", OWNER_LABEL)
ADOPTED = ("labels", ADOPTED_LABEL)


def held(kind: str, key: str, owner: Optional[str] = None, **properties: Any) -> ExistingObject:
    paths = {tuple(name.split("__")): value for name, value in properties.items()}
    if kind == "host":
        paths.setdefault(("folder",), "/")
    if owner is not None:
        paths[OWNER] = owner
    return ExistingObject(kind, key, paths, owner)


def holding(*found: ExistingObject) -> Observed:
    root = held("folder", "/", title="Main")
    return Observed({(each.kind, each.key): each for each in (root, *found)})


def lines(plan: Plan) -> list[str]:
    return [f"{change.action.value} {change.name}" for change in plan.changes]


def test_an_empty_site_needs_only_creations() -> None:
    desired = from_data({"hosts": [{"name": "b", "folder": "/x/y"}, {"name": "a"}], "folders": [{"path": "/z"}]})
    plan = diff(desired, holding(), owner="me")
    assert lines(plan) == [
        "create folder /x",
        "create folder /z",
        "create folder /x/y",
        "create host a",
        "create host b",
    ]
    assert plan.changes[0].properties == {("title",): (None, "x"), OWNER: (None, "me")}
    assert plan.counts() == {
        "rename": 0, "create": 5, "move": 0, "update": 0, "delete": 0, "unchanged": 0, "conflicts": 0,
    }  # fmt: skip


def test_only_properties_of_the_inventory_are_compared() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"alias": "x"}, "labels": {"env": "prod"}}]})
    here = held("host", "a", attributes__alias="x", attributes__ipaddress="1", labels__env="prod", labels__other="y")
    assert diff(desired, holding(here)).is_empty


def test_labels_are_compared_and_merged_one_by_one() -> None:
    desired = from_data({"hosts": [{"name": "a", "labels": {"env": "prod", "gone": None, "never": None}}]})
    here = held("host", "a", labels__env="test", labels__gone="x", labels__kept="y")
    (change,) = diff(desired, holding(here)).changes
    assert change.properties == {("labels", "env"): ("test", "prod"), ("labels", "gone"): ("x", None)}


def test_values_added_by_checkmk_are_not_a_difference() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"contactgroups": {"groups": ["all"]}}}]})
    full = {"groups": ["all"], "use": False, "recurse_use": False}
    assert diff(desired, holding(held("host", "a", attributes__contactgroups=full))).is_empty
    other = {**full, "groups": ["all", "linux"]}
    assert not diff(desired, holding(held("host", "a", attributes__contactgroups=other))).is_empty


def _is_as_wanted(name: str, wanted: Any, now: Any) -> bool:
    return matches(("attributes", name), wanted, now)


def test_a_mapping_can_be_emptied() -> None:
    assert not _is_as_wanted("network_scan", {}, {"addresses": ["10.0.0.1"]})
    assert not _is_as_wanted("custom", {"a": {}}, {"a": {"b": 1}})
    assert _is_as_wanted("custom", {}, {})
    full = {"groups": [], "use": False, "recurse_use": False}
    assert _is_as_wanted("contactgroups", {}, full), "values that Checkmk fills in"
    assert not _is_as_wanted("contactgroups", {}, {**full, "groups": ["all"]})


def test_lists_are_compared_in_order_unless_they_are_sets() -> None:
    """Checkmk may sort sets. The order of additional addresses matters because their macros are numbered."""
    assert _is_as_wanted("contactgroups", {"groups": ["b", "a"]}, {"groups": ["a", "b"], "use": False})
    assert not _is_as_wanted("contactgroups", {"groups": ["b", "a"]}, {"groups": ["a", "b", "c"], "use": False})
    assert not _is_as_wanted("contactgroups", {"groups": ["b", "a"]}, {"groups": ["a"], "use": False})
    assert _is_as_wanted("parents", ["gw2", "gw1"], ["gw1", "gw2"])
    assert not _is_as_wanted("additional_ipv4addresses", ["10.0.0.2", "10.0.0.1"], ["10.0.0.1", "10.0.0.2"])


def test_another_folder_is_planned_as_a_move() -> None:
    desired = from_data({"hosts": [{"name": "a", "folder": "/x", "attributes": {"alias": "new"}}]})
    plan = diff(desired, holding(held("host", "a", folder="/", attributes__alias="old")))
    assert lines(plan) == ["create folder /x", "move host a", "update host a"]


def test_a_host_without_a_folder_in_the_inventory_is_not_moved() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"alias": "new"}}, {"name": "b"}]})
    observed = holding(held("folder", "/x", "me", title="x"), held("host", "a", "me", folder="/x"))
    plan = diff(desired, observed, owner="me")
    assert lines(plan) == ["create host b", "update host a"]
    assert plan.changes[0].properties["folder",] == (None, "/"), "a new host needs a folder"


def test_zero_and_false_are_ordinary_values() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"inventory_failed": False}}]})
    assert lines(diff(desired, holding(held("host", "a")))) == ["update host a"]
    assert diff(desired, holding(held("host", "a", attributes__inventory_failed=False))).is_empty


# Checksums, comparison and output


def fleet(owned: int, changed: int) -> Plan:
    desired = from_data({"hosts": [{"name": f"h{n}", "attributes": {"alias": "new"}} for n in range(owned)]})
    hosts = [held("host", f"h{n}", "me", attributes__alias="old" if n < changed else "new") for n in range(owned)]
    return diff(desired, holding(*hosts), owner="me")


def test_a_plan_with_another_checksum_is_refused() -> None:
    plan = fleet(10, 1)
    plan.raise_if_unsafe(checksum=plan.checksum)
    with pytest.raises(PlanChangedError, match="review the new plan"):
        plan.raise_if_unsafe(checksum="0123456789abcdef")


def test_a_plan_can_be_compared_pickled_and_printed() -> None:
    plan, again, other = fleet(10, 2), fleet(10, 2), fleet(10, 3)
    assert plan == again
    assert plan.checksum == again.checksum != other.checksum
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert pickle.loads(pickle.dumps(REMOVE)) is REMOVE
    data = json.loads(json.dumps(plan.to_dict()))
    assert data["counts"]["update"] == 2
    assert data["checksum"] == plan.checksum
    text = plan_as_text(plan)
    assert "~ host h0: alias old -> new" in text
    assert "Plan: 0 to create, 0 to move, 2 to update, 0 to delete, 8 unchanged" in text
    assert "… and 1 more change" in plan_as_text(plan, limit=1)
    assert "| update | host | `h0` | `alias` `old` -> `new` |" in plan_as_markdown(plan)


def test_table_cells_are_escaped() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"alias": "x | `y` <z>\n"}}]})
    row = next(line for line in plan_as_markdown(diff(desired, holding())).splitlines() if "| `a` |" in line)
    assert row == "| create | host | `a` | `alias` ``x \\| `y` <z>\\n``, `folder` `/` |"


def test_conflicts_and_later_stages_are_shown() -> None:
    plan = diff(from_data({"hosts": [{"name": "a"}]}), holding(held("host", "a")), owner="me")
    assert "! host a already exists" in plan_as_text(plan)
    assert "- conflict: `host a already exists" in plan_as_markdown(plan)
    changes = tuple(PendingChange(str(n), "me" if n < 4 else "they", "edit-host", "x", "") for n in range(9))
    pending = Plan((), 3, undiscovered=("a", "b"), pending=changes, user="me")
    text = plan_as_text(pending)
    assert not pending.is_empty
    for said in ("2 hosts will be scanned", "4 own changes are not active", "5 pending changes of other users"):
        assert said in text


# Invariants

PATHS = st.sampled_from(["/", "/a", "/a/b", "/c", "/c/d/e"])
VALUES = st.sampled_from(["x", "y", "", 0, False, ["p"], ["q", "p"], {"k": "v"}, {}])
HOSTS = st.dictionaries(
    st.sampled_from([f"h{n}" for n in range(6)]),
    st.fixed_dictionaries(
        {},
        optional={
            "folder": PATHS,
            "attributes": st.dictionaries(st.sampled_from(["one", "other", "third"]), VALUES | st.none()),
            "labels": st.dictionaries(st.sampled_from(["env", "tier"]), st.sampled_from(["1", "2"]) | st.none()),
        },
    ),
    min_size=1,
)
OWNERS = st.sampled_from([None, "me", "them"])


@st.composite
def _sites(draw: Any) -> Observed:
    hosts = draw(HOSTS)
    found = {("folder", "/"): held("folder", "/", title="Main")}
    for name, data in hosts.items():
        folder = data.get("folder", "/")
        while folder is not None and folder != "/":
            found.setdefault(("folder", folder), held("folder", folder, draw(OWNERS), title="t"))
            folder = parent_folder(folder)
        properties: dict[Any, Any] = {("folder",): data.get("folder", "/")}
        for part in ("attributes", "labels"):
            properties.update({(part, k): v for k, v in data.get(part, {}).items() if v is not None})
        owner = draw(OWNERS)
        if owner:
            properties[OWNER] = owner
        found["host", name] = ExistingObject("host", name, properties, owner)
    return Observed(found)


def _after(plan: Plan, observed: Observed) -> Observed:
    """Return the state of the site after the plan."""
    objects = dict(observed.objects)
    for change in plan.changes:
        key = (change.kind, change.key)
        if change.action is Action.DELETE:
            assert not [
                k for k, v in objects.items() if change.kind == "folder" and v.properties.get(("folder",)) == change.key
            ]
            del objects[key]
            continue
        properties = dict(objects[key].properties) if key in objects else {}
        assert (key in objects) is (change.action is not Action.CREATE)
        for path, (_, wanted) in change.properties.items():
            if wanted is None:
                del properties[path]
            else:
                properties[path] = wanted
        if change.kind == "host":
            assert ("folder", properties[("folder",)]) in objects, "the folder exists before the host"
        elif parent_folder(change.key) is not None:
            assert ("folder", parent_folder(change.key)) in objects, "the parent exists before the folder"
        objects[key] = ExistingObject(change.kind, change.key, properties, properties.get(OWNER))
    return Observed(objects)


def _desired(hosts: dict[str, Any]) -> Desired:
    return from_data({"hosts": [{"name": name, **data} for name, data in hosts.items()]})


@given(HOSTS, _sites(), st.sampled_from([None, "me"]), st.booleans())
def test_an_applied_plan_leaves_no_changes(
    hosts: dict[str, Any], observed: Observed, owner: Optional[str], adopt: bool
) -> None:
    desired = _desired(hosts)
    plan = diff(desired, observed, owner=owner, adopt=adopt)
    assert plan == diff(desired, observed, owner=owner, adopt=adopt), "diff does not change its arguments"
    after = _after(plan, observed)
    again = diff(desired, after, owner=owner, adopt=adopt)
    assert not again.changes
    assert again.conflicts == plan.conflicts


@given(HOSTS, _sites())
def test_unnamed_properties_are_kept(hosts: dict[str, Any], observed: Observed) -> None:
    for change in diff(_desired(hosts), observed, owner="me", adopt=True).changes:
        if change.kind == "host" and change.action in (Action.MOVE, Action.UPDATE):
            data = hosts[change.key]
            named = {("folder",)} & {(name,) for name in data}
            named |= {(part, name) for part in ("attributes", "labels") for name in data.get(part, {})}
            assert set(change.properties) <= {*named, OWNER, ADOPTED}


@given(HOSTS, _sites(), st.sampled_from([None, "me"]), st.booleans())
def test_objects_of_other_owners_are_never_changed(
    hosts: dict[str, Any], observed: Observed, owner: Optional[str], adopt: bool
) -> None:
    plan = diff(_desired(hosts), observed, owner=owner, adopt=adopt)
    for change in plan.changes:
        if change.existing is None:
            continue
        if change.existing.owner != owner:
            assert change.existing.owner is None
            assert adopt
        if change.action is Action.DELETE:
            assert owner is not None
            assert change.existing.owner == owner
    untouched = {(c.kind, c.key) for c in plan.conflicts}
    assert not untouched & {(change.kind, change.key) for change in plan.changes}
