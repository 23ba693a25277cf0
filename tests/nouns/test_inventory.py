"""Inventories can describe each plain noun: its objects are planned, applied, verified, and need no second plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.errors import ConflictError, InventoryError, UnsafePlanError
from checkmk_sync.sync import apply_plan, from_data, load, make_plan, plan_as_text, report_as_text, to_data
from checkmk_sync.testing import Fault, SimulatedSite
from tests.nouns.inventories import applied, live_in_an_inventory, planned
from tests.nouns.life import Life
from tests.official_documents import EDITIONS

# Objects with a key that the site chooses have tests of their own.
KINDS = [noun.name for noun in NOUNS.values() if noun.supports("create") and not noun.key.assigned]
_DAY = [{"day": "all", "time_ranges": [{"start": "08:00", "end": "17:00"}]}]


def _lives(nouns: list[str]) -> pytest.MarkDecorator:
    cases = [(version, noun) for version in EDITIONS for noun in nouns]
    return pytest.mark.parametrize("life", cases, ids=":".join, indirect=True)


def _on_one_version(noun: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("life", [("2.4.0p18", noun)], ids=":".join, indirect=True)


def _period(name: str, *exclude: str) -> dict[str, Any]:
    return {"name": name, "alias": f"Period {name}", "active_time_ranges": _DAY, "exclude": list(exclude)}


def _keys(life: Life) -> set[str]:
    return set(life.stored())


@_lives(KINDS)
def test_every_kind_is_planned_applied_and_verified_and_then_unchanged(life: Life) -> None:
    live_in_an_inventory(life)


@_lives(KINDS)
def test_a_lost_answer_to_each_write_is_settled(life: Life) -> None:
    (item,) = life.items("one")
    changed = {**item, life.title: "Another title"}
    for items in ([item], [changed], [{life.noun.key.name: "one", "absent": True}]):
        life.lose_the_next_answer()
        applied(life, items)
    assert life.site.counts()["struck"] == {"reset_after": 3}


@_lives(KINDS)
def test_only_the_kinds_of_the_inventory_are_read(life: Life) -> None:
    calls: list[str] = []
    life.cmk.add_hook(lambda event: calls.append(event.noun))
    applied(life, life.items("one"))
    assert set(calls) <= {life.noun.name, "activation", "site"}


def test_objects_of_all_kinds_are_created_before_the_objects_that_name_them(cmk: Checkmk) -> None:
    inventory = {
        "hosts": [{"name": "web01", "folder": "/x", "attributes": {"contactgroups": {"groups": ["oncall"]}}}],
        "passwords": [{"name": "p", "title": "P", "password": "geheim", "shared": ["oncall"]}],
        "contact_groups": [{"name": "oncall", "alias": "On call"}],
        "time_periods": [_period("wide", "narrow"), _period("narrow")],
        "host_groups": [{"name": "linux", "alias": "Linux"}],
    }
    plan = make_plan(cmk, from_data(inventory), owner="cmdb")
    assert [change.name for change in plan.changes] == [
        "time period narrow",
        "time period wide",
        "contact group oncall",
        "host group linux",
        "password p",
        "folder /x",
        "host web01",
    ]
    assert plan.warnings == ()  # the contact group will exist
    assert apply_plan(cmk, plan).ok
    assert make_plan(cmk, from_data(inventory), owner="cmdb").is_empty


@_on_one_version("time_periods")
def test_deletions_start_with_the_objects_that_refer_to_others(life: Life) -> None:
    applied(life, [_period("wide", "narrow"), _period("narrow")])
    report = applied(life, [{"name": "narrow", "absent": True}, {"name": "wide", "absent": True}])
    assert [change.key for change, _ in report.results] == ["wide", "narrow"]


@_on_one_version("time_periods")
def test_an_object_that_others_name_cannot_be_deleted(life: Life) -> None:
    applied(life, [_period("wide", "narrow"), _period("narrow")])
    plan = planned(life, [{"name": "narrow", "absent": True}])
    (conflict,) = plan.conflicts
    assert str(conflict) == (
        "time period narrow is absent in the inventory, but cannot be deleted while it is named in the exclude of "
        "time period wide"
    )
    with pytest.raises(InventoryError, match=r"exclude names 'narrow', but this plan deletes that time period"):
        planned(life, [_period("other", "narrow"), {"name": "narrow", "absent": True}])


@_on_one_version("time_periods")
def test_references_to_unknown_objects_are_mistakes(life: Life) -> None:
    with pytest.raises(InventoryError) as caught:
        planned(life, [_period("a", "24x7"), _period("b", "b"), _period("c", "d"), _period("d", "c")])
    messages = [problem.message for problem in caught.value.problems]
    assert messages[0].endswith("neither in the inventory nor visible to the user on the site; did you mean '24X7'?")
    assert messages[1] == "time period b: exclude names 'b', which is the time period itself"
    assert messages[2] == "time period c: the references in exclude form a cycle: c -> d -> c"


@_on_one_version("host_groups")
def test_objects_without_a_mark_belong_to_nobody(life: Life) -> None:
    """An inventory can name one without a conflict, and one that is gone from the inventory stays."""
    life.cmk.host_groups.create("theirs", alias="Theirs")
    assert planned(life, life.items("one")).counts()["delete"] == 0
    applied(life, [{"name": "theirs", "alias": "Renamed"}], owner="first")
    applied(life, life.items("one"), owner="second")
    assert _keys(life) >= {"theirs", "one"}


@_on_one_version("host_groups")
def test_absent_objects_count_for_the_limit_of_deletions(life: Life) -> None:
    applied(life, life.items("a", "b", "c"))
    plan = planned(life, [{"name": name, "absent": True} for name in ("a", "b", "never")])
    assert plan.counts()["unchanged"] == 1
    with pytest.raises(UnsafePlanError, match="at most 1 of your 3 host groups may be deleted"):
        plan.raise_if_unsafe()


@_on_one_version("contact_groups")
def test_an_object_in_use_is_reported_and_the_others_are_deleted(life: Life) -> None:
    applied(life, life.items("busy", "free"))
    life.cmk.hosts.create("web01", "/", {"contactgroups": {"groups": ["busy"]}})
    plan = planned(life, [{"name": name, "absent": True} for name in ("busy", "free")])
    report = apply_plan(life.cmk, plan)
    ((change, outcome),) = report.failures()
    assert (change.key, outcome.status) == ("busy", Status.NOT_APPLIED)
    assert isinstance(outcome.error, ConflictError)
    assert "still in use by: Host: web01" in report_as_text(report)
    assert "free" not in _keys(life)


@_on_one_version("host_groups")
def test_an_object_that_disappears_is_not_created_again_by_an_update(life: Life) -> None:
    applied(life, life.items("one"))
    plan = planned(life, [{"name": "one", "alias": "Changed"}])
    life.cmk.host_groups.delete("one")
    ((_, outcome),) = apply_plan(life.cmk, plan).failures()
    assert "was deleted or renamed after the plan was made" in outcome.reason


@_on_one_version("aux_tags")
def test_null_removes_an_optional_string(life: Life) -> None:
    (item,) = life.items("one")
    applied(life, [item])
    applied(life, [{**item, "help": None}])
    assert life.cmk.aux_tags.get("one", fresh=True).help == ""


def test_mistakes_of_every_kind_are_reported_together_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        """\
host_groups:
- {name: "a b", alais: x}
- {name: c, alias: 3}
- {name: c, alias: null}
time_periods:
- name: t
  active_time_ranges: [{day: monday, time_ranges: [{start: '08:00'}]}]
  exclude: [1]
passwords:
- {name: p, password: 3}
- {name: q, password: "***", comment: "checkmk_sync/owner: me q"}
- {name: r, absent: maybe}
host_grops: []
secrets: never
""",
        "utf-8",
    )
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "all.yaml")
    found = {(problem.line, problem.message.rpartition(": ")[2]) for problem in caught.value.problems}
    assert found >= {
        (2, "unknown key 'alais'; did you mean 'alias'?"),
        (3, "alias is read as 3, not as a string; put it in quotes"),
        (4, "alias must have a value; leave it out to keep the value of the site"),
        (4, f"the host group c occurs twice, first at {tmp_path}/all.yaml:3"),
        (8, "exclude[0] is read as 1, not as a string; put it in quotes"),
        (10, "password must be a string; put it in quotes"),
        (11, "*** stands for a secret that was not shown; leave it out or give the secret itself"),
        (12, "absent must be true or false"),
        (13, "unknown section 'host_grops'; did you mean 'host_groups'?"),
        (14, "'secrets' must be 'always', not 'never'"),
    }
    texts = "\n".join(problem.message for problem in caught.value.problems)
    assert "name must match" in texts
    assert "active_time_ranges must have the form of [{'day': 'monday'" in texts
    assert "only checkmk-sync writes the line" in texts


@pytest.mark.parametrize(
    ("version", "edition", "items", "mistakes"),
    [
        (
            "2.3.0p41",
            "cre",
            {"contact_groups": [{"name": "a", "alias": "A", "inventory_paths": {"type": "allow_all"}}, {"name": "b"}]},
            [
                "contact_groups[0]: contact group a: the contact group field 'inventory_paths' does not exist in "
                "Checkmk 2.3.0p41, edition cre; it exists from 2.4.0b1",
                "contact_groups[1]: contact group b: a contact group needs alias",
            ],
        ),
        (
            "2.4.0p18",
            "cre",
            {"host_groups": [{"name": "a", "alias": "A", "customer": "global"}], "passwords": [{"name": "p"}]},
            [
                "host_groups[0]: host group a: the host group field 'customer' does not exist in Checkmk 2.4.0p18, "
                "edition cre; it exists in the editions cme, ultimatemt",
                "passwords[0]: password p: a password needs title and password",
            ],
        ),
    ],
)
def test_fields_are_checked_against_the_version_and_edition_of_the_site(
    version: str, edition: str, items: Any, mistakes: list[str]
) -> None:
    with SimulatedSite(version, edition) as site, site.client() as cmk:
        with pytest.raises(InventoryError) as caught:
            make_plan(cmk, from_data(items))
        assert [str(problem) for problem in caught.value.problems] == mistakes
        assert site.state.configuration.changes == []


def test_to_data_returns_an_equal_inventory(cmk: Checkmk) -> None:
    data = {
        "host_groups": [{"name": "a", "alias": "A"}, {"name": "b", "absent": True}],
        "aux_tags": [{"name": "t", "topic": "T", "title": "T", "help": None}],
        "secrets": "always",
    }
    assert to_data(from_data(data)) == data
    assert "create" in plan_as_text(make_plan(cmk, from_data(data)))


@_on_one_version("host_groups")
def test_a_refused_creation_is_reported_and_holds_back_deletions(life: Life) -> None:
    applied(life, life.items("old"))
    life.site.set_faults([Fault("status", writes=True, status=500, times=1)])
    plan = planned(life, [{"name": "new", "alias": "New"}, {"name": "old", "absent": True}])
    report = apply_plan(life.cmk, plan)
    assert not report.ok
    assert "old" in _keys(life)


@_on_one_version("contact_groups")
def test_a_mapping_replaces_the_value_of_the_site(life: Life) -> None:
    paths = {"type": "specific_paths", "paths": [{"path": "hardware.cpu"}]}
    applied(life, [{"name": "one", "alias": "One", "inventory_paths": paths}])
    text = plan_as_text(planned(life, [{"name": "one", "inventory_paths": {"type": "allow_all"}}]))
    assert '~ contact group one: inventory_paths {"paths": ' in text
    assert '… -> {"type": "allow_all"}\n' in text
    applied(life, [{"name": "one", "inventory_paths": {"type": "allow_all"}}])
    assert life.stored()["one"]["inventory_paths"] == {"type": "allow_all"}
