"""The words only_at_creation, ignore, keep and absent decide what a plan may change and delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.sync import Plan, Scope, diff, from_data, to_data
from checkmk_sync.testing import SimulatedSite
from tests.sync.test_apply import is_done, synchronise
from tests.sync.test_plan import ADOPTED, held, holding, lines


def _changes(plan: Plan) -> dict[str, dict[str, Any]]:
    return {
        f"{change.action.value} {change.name}": {".".join(path): new for path, new in change.new_values.items()}
        for change in plan.changes
    }


HOST = {"name": "a", "folder": "/x", "attributes": {"alias": "new", "ipaddress": "192.0.2.1"}, "labels": {"env": "new"}}


@pytest.mark.parametrize(
    ("word", "created", "updated"),
    [
        (
            "only_at_creation",
            {"folder", "attributes.alias", "attributes.ipaddress", "labels.env"},
            {"attributes.ipaddress"},
        ),
        ("ignore", {"folder", "attributes.ipaddress"}, {"attributes.ipaddress"}),
    ],
)
@pytest.mark.parametrize("place", ["host", "folder", "defaults"])
def test_properties_are_set_once_or_never(word: str, created: set[str], updated: set[str], place: str) -> None:
    words = {word: ["folder", "attributes.alias", "labels.env"]}
    data: dict[str, Any] = {"hosts": [{**HOST, **(words if place == "host" else {})}]}
    if place == "folder":
        data["folders"] = [{"path": "/x", **words}]
    if place == "defaults":
        data["defaults"] = words
    desired = from_data(data)
    assert {*_changes(diff(desired, holding()))["create host a"]} == created
    other = held("host", "a", folder="/y", attributes__alias="old", labels__env="old")
    observed = holding(held("folder", "/y", title="y"), held("folder", "/x", title="x"), other)
    assert {name: {*new} for name, new in _changes(diff(desired, observed)).items()} == {"update host a": updated}


def test_a_section_stands_for_all_its_properties() -> None:
    plan = diff(from_data({"hosts": [{**HOST, "ignore": ["attributes", "labels"]}]}), holding())
    assert _changes(plan)["create host a"] == {"folder": "/x"}


def test_the_words_of_a_folder_apply_to_what_the_inventory_places_below_it() -> None:
    """A host that somebody moved elsewhere keeps the words, and its old folder is not created again."""
    desired = from_data(
        {
            "folders": [{"path": "/pool", "title": "new", "only_at_creation": ["folder", "title"]}],
            "hosts": [{"name": "a", "folder": "/pool/deep"}, {"name": "b", "folder": "/poolside"}],
        }
    )
    here = (held("folder", "/pool", title="old"), held("folder", "/elsewhere", title="e"))
    hosts = (held("host", "a", folder="/elsewhere"), held("host", "b", folder="/elsewhere"))
    assert lines(diff(desired, holding(*here, *hosts))) == ["create folder /poolside", "move host b"]


def test_other_kinds_have_words_for_their_fields() -> None:
    groups = [{"name": "g", "alias": "new", "only_at_creation": ["alias"]}, {"name": "h", "alias": "new"}]
    observed = holding(held("host group", "g", alias="old"), held("host group", "h", alias="old"))
    assert lines(diff(from_data({"host_groups": groups}), observed)) == ["update host group h"]
    rules = [{"name": "r", "ruleset": "x", "folder": "/", "value_raw": "('new',)", "ignore": ["value_raw"]}]
    rule = held("rule", "r", "me", ruleset="x", folder="/", value=("old",))
    rule = replace(rule, properties={**rule.properties, ADOPTED: "r"})
    assert diff(from_data({"rules": rules}), holding(rule), owner="me").changes == ()


def test_keep_of_a_folder_protects_what_is_below_it() -> None:
    folders = [{"path": "/a", "keep": True}, {"path": "/a/b", "keep": False}]
    desired = from_data({"folders": folders, "hosts": [{"name": "z"}]})
    observed = holding(
        *(held("folder", path, "me", title="x") for path in ("/a", "/a/b", "/a/b/c", "/a/d", "/e")),
        held("host", "a", "me", folder="/a/d"),
        held("host", "b", "me", folder="/a/b/c"),
        held("host", "e", "me", folder="/e"),
        held("host", "z", "me"),
    )
    plan = diff(desired, observed, owner="me")
    assert lines(plan) == ["delete host b", "delete host e", "delete folder /a/b/c", "delete folder /e"]
    why = "although gone from the inventory"
    assert plan.warnings == (f"not deleted because of 'keep: true', {why}: host a",)
    scope = Scope.parse(["kind:hosts"])
    assert lines(diff(desired, observed, owner="me", scope=scope)) == ["delete host b", "delete host e"]


def test_keep_as_default_protects_everything() -> None:
    desired = from_data({"defaults": {"keep": True}, "hosts": [{"name": "z"}], "passwords": []})
    observed = holding(
        held("host", "a", "me", folder="/a"), held("folder", "/a", "me", title="a"), held("host", "z", "me")
    )
    plan = diff(desired, observed, owner="me")
    assert plan.is_empty
    assert "host a" in plan.warnings[0]


def test_keep_protects_from_absent() -> None:
    hosts = [{"name": "a", "absent": True}, {"name": "b", "absent": True}]
    data = {"folders": [{"path": "/a", "keep": True}], "hosts": hosts}
    observed = holding(
        held("folder", "/a", "me", title="a"), held("host", "a", "me", folder="/a"), held("host", "b", "me")
    )
    plan = diff(from_data(data), observed, owner="me")
    assert lines(plan) == ["delete host b"]
    assert plan.warnings == ("not deleted because of 'keep: true', although absent in the inventory: host a",)


def test_absent_deletes_hosts_and_folders_of_the_owner() -> None:
    data = {
        "folders": [{"path": "/a", "absent": True}, {"path": "/never", "absent": True}],
        "hosts": [{"name": "a", "absent": True}, {"name": "gone", "absent": True}, {"name": "b", "folder": "/b"}],
    }
    observed = holding(
        held("folder", "/a", "me", title="a"),
        held("host", "a", "me", folder="/a"),
        held("host", "b", "me", folder="/a"),
    )
    plan = diff(from_data(data), observed, owner="me")
    assert lines(plan) == ["create folder /b", "move host b", "delete host a", "delete folder /a"]
    assert "delete folder /a" not in lines(diff(from_data(data), observed, owner="me", keep_folders=True))


@pytest.mark.parametrize(("owner", "adopt"), [(None, False), ("me", False), ("me", True)])
def test_absent_does_not_delete_what_is_not_ours(owner: Any, adopt: bool) -> None:
    data = {"hosts": [{"name": "a", "absent": True}], "folders": [{"path": "/f", "absent": True}]}
    plan = diff(from_data(data), holding(held("host", "a"), held("folder", "/f", title="f")), owner=owner, adopt=adopt)
    assert plan.changes == ()
    why = "belongs to no owner, so 'absent: true' does not delete it; remove its entry, or delete it by hand"
    assert [conflict.text for conflict in plan.conflicts] == [f"folder /f {why}", f"host a {why}"]


def test_absent_does_not_delete_objects_of_other_owners() -> None:
    desired = from_data({"hosts": [{"name": "a", "absent": True}]})
    (conflict,) = diff(desired, holding(held("host", "a", "them")), owner="me").conflicts
    assert str(conflict) == "host a already exists and belongs to the owner 'them'"
    (conflict,) = diff(desired, holding(held("host", "a", "them"))).conflicts
    assert "did you forget --owner them?" in conflict.text


def test_an_absent_folder_must_become_empty() -> None:
    desired = from_data({"folders": [{"path": "/a", "absent": True}], "hosts": [{"name": "x"}]})
    for left in (held("host", "b", None, folder="/a"), held("folder", "/a/b", None, title="b")):
        observed = holding(held("folder", "/a", "me", title="a"), held("host", "x", "me"), left)
        plan = diff(desired, observed, owner="me")
        assert lines(plan) == []
        assert [str(each) for each in plan.conflicts] == [
            f"folder /a is absent in the inventory, but still contains {left.name}"
        ]


def test_a_misspelled_attribute_is_a_warning() -> None:
    """It could be a custom attribute of the site."""
    words = {"ignore": ["attributes.alais", "attributes.alias", "attributes.rack", "attributes.room"]}
    hosts = [{"name": "a", "attributes": {"room": "1"}}, {"name": "b", **words}]
    observed = holding(held("host", "c", attributes__rack="1", attributes__room="2"))
    (warning,) = diff(from_data({"hosts": hosts}), observed).warnings
    assert warning == (
        "no object has the attribute 'alais', which the inventory names in only_at_creation or ignore; "
        "did you mean 'alias'?"
    )


_PATHS = st.lists(st.sampled_from(["folder", "attributes.alias", "labels", "labels.env", "attributes"]), max_size=3)
_WORDS = st.fixed_dictionaries({}, optional={"only_at_creation": _PATHS, "ignore": _PATHS, "keep": st.booleans()})
_HOST = st.fixed_dictionaries({"folder": st.sampled_from(["/a", "/a/b", "/c"]), "alias": st.sampled_from("xy")})
_SITE = st.dictionaries(st.sampled_from("pqrs"), _HOST, max_size=4)


@given(_SITE, st.dictionaries(st.sampled_from("pqrs"), st.tuples(_HOST, _WORDS), min_size=1), _WORDS, _WORDS)
def test_words_only_take_changes_away(now: Any, later: Any, defaults: Any, of_folder: Any) -> None:
    data = {
        "defaults": defaults,
        "folders": [{"path": "/a", **of_folder}],
        "hosts": [
            {
                "name": name,
                "folder": host["folder"],
                "attributes": {"alias": host["alias"]},
                "labels": {"env": "x"},
                **words,
            }
            for name, (host, words) in later.items()
        ],
    }
    desired = from_data(data)
    assert from_data(to_data(desired)) == desired
    plain = from_data({section: [{k: v for k, v in entry.items() if k in ("name", "path", "folder", "attributes", "labels")} for entry in data[section]] for section in ("folders", "hosts")})  # type: ignore[union-attr]  # fmt: skip # noqa: E501
    folders = [held("folder", path, "me", title="x") for path in ("/a", "/a/b", "/c")]
    observed = holding(*folders, *(held("host", n, "me", folder=h["folder"], attributes__alias=h["alias"]) for n, h in now.items()))  # fmt: skip # noqa: E501
    with_words, without = (diff(each, observed, owner="me") for each in (desired, plain))
    assert {*lines(with_words)} <= {*lines(without)} | {f"create folder {path}" for path in ("/a", "/a/b", "/c")} | {
        f"delete folder {path}" for path in ("/a/b", "/c")
    }
    for change in with_words.changes:
        words = [defaults, later[change.key][1]] if change.kind == "host" and change.key in later else []
        for path in change.new_values if change.action.value in ("update", "move") else ():
            names = {".".join(path), path[0]}
            assert not any(names & {*each.get("ignore", ()), *each.get("only_at_creation", ())} for each in words)
        if change.action.value == "delete" and change.kind == "host":
            assert not defaults.get("keep") or of_folder.get("keep") is False


def test_words_at_a_site(site: SimulatedSite, cmk: Checkmk) -> None:
    """Changes by hand stay, objects are kept, and absent objects are deleted."""
    inventory: dict[str, Any] = {
        "folders": [{"path": "/linux", "keep": True, "only_at_creation": ["folder"], "ignore": ["attributes.alias"]}],
        "hosts": [{"name": "web01", "folder": "/linux", "attributes": {"alias": "x", "ipaddress": "192.0.2.1"}}],
    }
    more = [{"name": "db01", "folder": "/linux"}, {"name": "old", "folder": "/old"}]
    assert synchronise(cmk, {**inventory, "hosts": inventory["hosts"] + more}).ok
    assert "alias" not in site.state.configuration.hosts["web01"].attributes
    cmk.folders.ensure("/moved")
    cmk.hosts.move("web01", "/moved")
    cmk.hosts.update("web01", update_attributes={"alias": "by hand", "ipaddress": "192.0.2.9"})
    inventory["hosts"].append({"name": "old", "absent": True})
    inventory["folders"].append({"path": "/old", "absent": True})
    report = synchronise(cmk, inventory)
    assert report.ok
    hosts = site.state.configuration.hosts
    assert {*hosts} == {"web01", "db01"}
    assert hosts["web01"].folder == "/moved"
    assert hosts["web01"].attributes["alias"] == "by hand"
    assert hosts["web01"].attributes["ipaddress"] == "192.0.2.1"
    assert "/old" not in site.state.configuration.folders
    assert is_done(cmk, inventory)
