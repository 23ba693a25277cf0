"""Rules in inventories: the KEY of a mark in the comment is the name, and rules of others are never touched."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.cli.sync_commands import checks
from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import (
    Report,
    apply_plan,
    from_data,
    load,
    make_plan,
    plan_as_text,
)
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.conftest import Run
from tests.nouns.inventory_rules import actions, applied, comments, planned, rule, stored
from tests.nouns.rule_examples import FILESYSTEM, LINUX, create_rule, host_name
from tests.official_documents import EDITIONS, VERSIONS


@pytest.fixture(params=VERSIONS)
def every_site(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    with SimulatedSite(request.param, EDITIONS[request.param], clock=clock) as site, site.client(clock=clock) as cmk:
        yield site, cmk


def test_rules_are_created_changed_and_deleted_by_their_names(every_site: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = every_site
    foreign = str(create_rule(cmk.rules).id)
    before = stored(site)[foreign]
    first = rule("a", comment="Ask Carol", conditions=host_name("one_of", "web01"))
    assert actions(applied(cmk, first, rule("b", conditions=LINUX)).plan) == ["create a", "create b"]
    assert comments(site) == ["", "Ask Carol\ncheckmk_sync/owner: cmdb a", "checkmk_sync/owner: cmdb b"]
    report = applied(cmk, {**first, "value": {"levels": [70.0, 90.0]}}, rule("b", conditions={}))
    assert actions(report.plan) == ["update a", "update b"]
    assert actions(applied(cmk, rule("b")).plan) == ["delete a"]
    assert actions(applied(cmk, {"name": "b", "absent": True}).plan) == ["delete b"]
    assert stored(site) == {foreign: before}


def test_rules_need_an_owner(cmk: Checkmk) -> None:
    with pytest.raises(SettingsError, match="rules need an owner, because its mark contains their names"):
        planned(cmk, rule("a"), owner=None)


def test_a_clone_is_a_conflict_that_names_both_rules(site: SimulatedSite, cmk: Checkmk) -> None:
    """The web interface copies the comment of a rule, with the mark."""
    applied(cmk, rule("a"))
    (original,) = cmk.rules.each(ruleset=FILESYSTEM)
    clone = cmk.rules.create(original)
    for items in ([rule("a")], [{"name": "a", "absent": True}], [rule("b")]):
        plan = planned(cmk, *items)
        (conflict,) = plan.conflicts
        assert conflict.text == (
            f"rule a{conflict.location and f' ({conflict.location})'} has the mark of the owner 'cmdb' more than once: "
            f"{original.id} and {clone.id}; the later one is probably a clone; remove the line checkmk_sync/owner in "
            "the comment of the clone, or delete the clone by hand"
        )
        assert not any(change.key == "a" for change in plan.changes)
    assert len(stored(site)) == 2
    cmk.rules.delete(str(clone.id))
    assert planned(cmk, rule("a")).counts()["conflicts"] == 0


# Order


def names(site: SimulatedSite) -> list[str]:
    """Return the names of our rules, and the descriptions of foreign rules, in the order of the site."""
    found = (values["properties"] for values in stored(site).values())
    return [each.get("comment", "").rpartition(" ")[2] or each.get("description", "?") for each in found]


def _id(cmk: Checkmk, name: str) -> str:
    return next(
        str(found.id)
        for found in cmk.rules.each(ruleset=FILESYSTEM)
        if name in (found.description, (found.comment or "").rpartition(" ")[2])
    )


def test_only_ours_move_after_a_foreign_rule_was_inserted(every_site: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = every_site
    items = [rule(name) for name in "abcd"]
    applied(cmk, *items)
    create_rule(cmk.rules, description="foreign")
    cmk.rules.move(_id(cmk, "foreign"), after=_id(cmk, "b"))
    cmk.rules.move(_id(cmk, "a"), bottom_of="/")
    assert names(site) == ["b", "foreign", "c", "d", "a"]
    plan = planned(cmk, *items)
    assert plan_as_text(plan).splitlines()[:2] == [
        "> rule a: before b",
        "Plan: 0 to create, 1 to move, 0 to update, 0 to delete, 3 unchanged",
    ]
    applied(cmk, *items)
    assert names(site) == ["a", "b", "foreign", "c", "d"]


def test_as_few_rules_as_possible_move(site: SimulatedSite, cmk: Checkmk) -> None:
    applied(cmk, *map(rule, "abcdef"))
    report = applied(cmk, *map(rule, "acedbf"))
    assert actions(report.plan) == ["move e", "move b"] or len(report.plan.changes) == 2
    assert names(site) == list("acedbf")
    applied(cmk, *map(rule, "fbdeca"))
    assert names(site) == list("fbdeca")


def test_new_rules_follow_their_predecessor(site: SimulatedSite, cmk: Checkmk) -> None:
    create_rule(cmk.rules, description="first")
    applied(cmk, *map(rule, "bd"))
    create_rule(cmk.rules, description="last")
    report = applied(cmk, *map(rule, "abcde"))
    assert actions(report.plan) == ["create a", "create c", "create e", "move a", "move c"]
    assert names(site) == ["first", "a", "b", "c", "d", "last", "e"]


def test_a_rule_moves_to_another_folder(site: SimulatedSite, cmk: Checkmk) -> None:
    folders = [{"path": "/x"}, {"path": "/y"}]
    applied(cmk, *map(rule, "abc"), folders=folders)
    ids = [_id(cmk, name) for name in "abc"]
    moved = [rule("a", folder="/x"), rule("b", folder="/y"), rule("n", folder="/x"), rule("c", folder="/x")]
    report = applied(cmk, *moved, folders=folders)
    lines = plan_as_text(report.plan).splitlines()
    assert lines[1:4] == ["> rule a: / -> /x, before n", "> rule b: / -> /y", "> rule c: / -> /x, after n"]
    assert {values["folder"] for values in stored(site).values()} == {"/x", "/y"}
    found = {found.id: found.folder for found in cmk.rules.each(ruleset=FILESYSTEM)}
    assert [found[key] for key in ids] == ["/x", "/y", "/x"]
    applied(cmk, rule("b", folder="/x"), *moved[:1], *moved[2:], folders=folders)


# Other cases


def test_a_rule_is_found_in_rulesets_that_the_inventory_no_longer_names(site: SimulatedSite, cmk: Checkmk) -> None:
    applied(cmk, rule("a"), rule("b", ruleset="host_groups", value="linux"))
    create_rule(cmk.rules, "x", "host_contactgroups")
    before = len(site.requests)
    plan = planned(cmk, rule("b", ruleset="host_groups", value="linux"))
    assert actions(plan) == ["delete a"]
    lists = [request.path for request in site.requests[before:] if "/rule" in request.path]
    assert len(lists) == 2 + 3, "the rulesets in use, and the rules of each"
    assert apply_plan(cmk, plan).ok


def test_unknown_rulesets_and_conditions_that_sites_drop_are_mistakes(site: SimulatedSite, cmk: Checkmk) -> None:
    unknown = rule("a", ruleset="host_grups")
    of_services = {"service_description": {"match_on": ["/var"], "operator": "one_of"}}
    hosts = rule("b", ruleset="host_groups", value="linux", conditions={**LINUX, **of_services})
    labels = rule("c", ruleset="host_label_rules", value={"a": "b"}, conditions=LINUX)
    before = len(site.requests)
    with pytest.raises(InventoryError) as caught:
        planned(cmk, unknown, hosts, labels)
    assert [problem.message for problem in caught.value.problems] == [
        "rule a: unknown ruleset 'host_grups'; did you mean 'host_groups'?",
        "rule b: the ruleset 'host_groups' does not have the condition 'service_description', and the site would drop "
        "it",
        "rule c: the ruleset 'host_label_rules' does not have the condition 'host_label_groups', and the site would "
        "drop it",
    ]
    assert len([request for request in site.requests[before:] if "/ruleset/" in request.path]) == 4
    applied(cmk, rule("a", conditions=of_services), {**hosts, "conditions": LINUX})


def test_folders_of_rules_must_exist_or_be_in_the_inventory(cmk: Checkmk) -> None:
    with pytest.raises(InventoryError, match="folder names '/y', but that folder is neither in the inventory nor"):
        planned(cmk, rule("a", folder="/y"), folders=[{"path": "/x"}])
    applied(cmk, rule("a", folder="/x"), folders=[{"path": "/x"}])
    (conflict,) = planned(cmk, rule("a"), folders=[{"path": "/z"}]).conflicts or [None]
    assert conflict is None, "the rule moves before the folder is deleted"


def test_adopted_rules_are_marked_by_hand(site: SimulatedSite, cmk: Checkmk) -> None:
    found = create_rule(cmk.rules, comment="Old\ncheckmk_sync/owner: cmdb a", description="Old")
    report = applied(cmk, rule("a", description="New"))
    assert actions(report.plan) == ["update a"]
    assert stored(site)[str(found.id)]["properties"]["comment"] == "Old\ncheckmk_sync/owner: cmdb a"


def test_a_rule_that_was_cloned_after_the_plan_is_left_alone(site: SimulatedSite, cmk: Checkmk) -> None:
    applied(cmk, rule("a"))
    deletion = planned(cmk, rule("b"))
    (original,) = cmk.rules.each(ruleset=FILESYSTEM)
    cmk.rules.create(original)
    report = apply_plan(cmk, deletion)
    (failure,) = [outcome.reason for change, outcome in report.failures() if change.key == "a"]
    assert failure.startswith("the mark of rule a is in several objects, which are probably clones: ")
    assert len(stored(site)) == 3


def test_a_rule_that_another_run_creates_is_not_created_again(site: SimulatedSite, cmk: Checkmk) -> None:
    first, second = planned(cmk, rule("a")), planned(cmk, rule("a"))
    assert apply_plan(cmk, first).ok
    assert apply_plan(cmk, second).ok, "the rule is as wanted"
    third = planned(cmk, rule("a", description="x"), rule("b", description="x"))
    applied(cmk, rule("a", description="y"), rule("b", description="z"))
    report = apply_plan(cmk, third)
    assert len(stored(site)) == 2
    assert [outcome.reason for _, outcome in report.failures()] == ["rule b was created after the plan was made"]


def test_rules_are_read_from_tables(tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    levels = "{'levels': (80.0, 90.0)}"
    path.write_text(
        "name;ruleset;folder;value;disabled;conditions\n"
        f'a;{FILESYSTEM};/;{levels};true;{{"host_name": {{"match_on": ["x"], "operator": "one_of"}}}}\n',
        "utf-8",
    )
    wanted = rule("a", disabled=True, conditions=host_name("one_of", "x"))
    assert load(path) == from_data({"rules": [wanted]})
    path.write_text(f"name;ruleset;folder;value_raw\na;{FILESYSTEM};/;{levels}\nb;x;/;f()\n", "utf-8")
    with pytest.raises(InventoryError, match=r"rules.csv:3: column 4 \(value_raw\): rule b: value_raw is not valid"):
        load(path)


def test_a_rule_cannot_change_its_ruleset(cmk: Checkmk) -> None:
    applied(cmk, rule("a"))
    with pytest.raises(InventoryError) as caught:
        planned(cmk, rule("a", ruleset="checkgroup_parameters:cpu_load"))
    (problem,) = caught.value.problems
    assert problem.message == "rule a: the ruleset of an existing rule cannot change; give the new rule another name"
    other = rule("b", ruleset="checkgroup_parameters:cpu_load")
    assert actions(applied(cmk, other).plan) == ["create b", "delete a"]


def test_rules_follow_each_other_to_another_folder(site: SimulatedSite, cmk: Checkmk) -> None:
    for folder in ("/a", "/b", "/c"):
        cmk.folders.create(folder)
    applied(cmk, rule("first", folder="/b"), rule("second", folder="/a"), rule("third", folder="/c"))
    items = [rule(name, folder="/c") for name in ("first", "second", "third")]
    assert actions(applied(cmk, *items).plan) == ["move first", "move second"]
    assert [values["folder"] for values in stored(site).values()] == ["/c", "/c", "/c"]


def test_a_folder_with_a_foreign_rule_is_not_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    inventory = {"hosts": [{"name": "web01", "folder": "/old"}]}
    assert apply_plan(cmk, make_plan(cmk, from_data(inventory), owner="cmdb")).ok
    cmk.rules.create(ruleset=FILESYSTEM, folder="/old", value={"levels": (80.0, 90.0)})
    inventory = {"hosts": [{"name": "web01", "folder": "/new"}]}
    report = apply_plan(cmk, make_plan(cmk, from_data(inventory), owner="cmdb"))
    ((change, outcome),) = report.failures()
    assert (change.key, outcome.status) == ("/old", Status.NOT_APPLIED)
    assert "not empty" in outcome.reason
    assert len(stored(site)) == 1


def test_blank_lines_around_a_comment_are_no_difference(site: SimulatedSite, cmk: Checkmk) -> None:
    applied(cmk, rule("a", comment="\nAsk Carol\nor Dave\n"))
    assert comments(site) == ["Ask Carol\nor Dave\ncheckmk_sync/owner: cmdb a"]
    applied(cmk, rule("a", comment=""))
    assert comments(site) == ["checkmk_sync/owner: cmdb a"]


def test_a_request_that_a_web_server_repeats_is_found(site: SimulatedSite, cmk: Checkmk) -> None:
    """The web server sends the request twice, and the site creates two rules."""
    site.set_faults([Fault("repeat", writes=True, times=1)])
    ((_, outcome),) = apply_plan(cmk, planned(cmk, rule("a"))).results
    assert outcome.status is Status.NOT_APPLIED
    assert all(rule_id in outcome.reason for rule_id in stored(site))
    assert [conflict.key for conflict in planned(cmk, rule("a")).conflicts] == ["a"]


def test_commands_plan_and_apply_rules(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"""\
rules:
- {{name: b, ruleset: '{FILESYSTEM}', folder: /, value_raw: "{{'levels': (80.0, 90.0)}}"}}
- {{name: a, ruleset: '{FILESYSTEM}', folder: /, value: {{levels: [80.0, 90.0]}}}}
""")
    assert "rules need an owner" in sync("plan", str(path)).err
    assert sync("inventory", "check", str(path)).err == "2 rules\n"
    shown = f"+ rule b: folder /, ruleset {FILESYSTEM}, value {{'levels': (80.0, 90.0)}}"
    assert sync("plan", str(path), "--owner", "cmdb").out.splitlines()[0] == shown
    assert "| create | rule | `b` | `folder` `/`" in sync("plan", str(path), "--owner", "cmdb", "--markdown").out
    assert sync("apply", str(path), "--owner", "cmdb", "--yes").code == 0
    again = sync("apply", str(path), "--owner", "cmdb", "--json").data
    assert (again["ok"], again["nothing_to_do"]) == (True, True)
    assert names(site_for_cli) == ["b", "a"]


def test_unknown_outcomes_are_checked_by_id(site: SimulatedSite, cmk: Checkmk) -> None:
    creation = planned(cmk, rule("a"))
    (created,) = creation.changes
    applied(cmk, rule("a"))
    change = planned(cmk, rule("a", description="New"))
    (update,) = change.changes
    (rule_id,) = stored(site)
    unknown = Outcome("a", Status.UNKNOWN)
    found = [*checks(Report(creation, [(created, unknown)])), *checks(Report(change, [(update, unknown)]))]
    assert found == [
        "Check with: checkmk-sync plan, with the same inventory and options",
        f"Check with: checkmk-sync rules get {rule_id}",
    ]


def test_a_rule_does_not_follow_another_one_to_a_wrong_folder(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/x")
    applied(cmk, rule("a"), rule("b"))
    plan = planned(cmk, rule("b"), rule("a"))
    cmk.rules.move(_id(cmk, "a"), bottom_of="/x")
    cmk.rules.move(_id(cmk, "b"), bottom_of="/x")
    cmk.rules.move(_id(cmk, "b"), bottom_of="/")
    (failure,) = [outcome.reason for _, outcome in apply_plan(cmk, plan).failures()]
    assert failure == "rule b cannot be moved, because rule a is not in /"
    assert {values["folder"] for values in stored(site).values()} == {"/", "/x"}
