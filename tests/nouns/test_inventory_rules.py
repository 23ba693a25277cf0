"""Rules in inventories: the KEY of a mark in the comment is the name, and rules of others are never touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import BadRequestError, InventoryError, SettingsError
from checkmk_sync.sync import (
    Plan,
    Report,
    apply_plan,
    from_data,
    load,
    make_plan,
    plan_as_markdown,
    plan_as_text,
    report_as_text,
    to_data,
)
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.nouns.rule_examples import FILESYSTEM, LINUX, create_rule, host_name
from tests.official_documents import EDITIONS


@pytest.fixture(params=EDITIONS)
def every_site(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    with SimulatedSite(request.param, EDITIONS[request.param], clock=clock) as site, site.client(clock=clock) as cmk:
        yield site, cmk


def rule(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "ruleset": FILESYSTEM, "folder": "/", "value": {"levels": (80.0, 90.0)}, **more}


def planned(cmk: Checkmk, *items: Any, owner: Any = "cmdb", **more: Any) -> Plan:
    return make_plan(cmk, from_data({"rules": list(items), **more}), owner=owner)


def applied(cmk: Checkmk, *items: Any, **more: Any) -> Report:
    """Apply an inventory of rules, and check that a second plan is empty."""
    plan = planned(cmk, *items, **more)
    plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    report = apply_plan(cmk, plan)
    assert (report.ok, report.verified) == (True, True), report_as_text(report)
    assert planned(cmk, *items, **more).is_empty
    return report


def stored(site: SimulatedSite) -> dict[str, dict[str, Any]]:
    return dict(site.state.configuration.objects["rules"])


def comments(site: SimulatedSite) -> list[str]:
    return [values["properties"].get("comment", "") for values in stored(site).values()]


def actions(plan: Plan) -> list[str]:
    return [f"{change.action.value} {change.key}" for change in plan.changes]


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


# Secrets

HTTP = "active_checks:http"
SECRETS = {name: SecretSource(value=f"geheim-{name}") for name in ("web", "snmp")}


@pytest.fixture
def trusted(site: SimulatedSite, clock: ManualClock) -> Iterator[Checkmk]:
    with site.client(clock=clock, secrets=SECRETS) as cmk:
        yield cmk


def _login(name: str = "secret:web", **more: Any) -> dict[str, Any]:
    """Return a rule with a secret that sites mask, and one that they show."""
    login = {"user": "u", "password": ("password", name), "api_token": "secret:snmp"}
    value = {"name": "shop", "host": {"address": ("direct", "10.0.0.1")}, "mode": ("url", {"auth": login})}
    return rule("login", **{"ruleset": HTTP, "value": value, **more})


def test_secrets_in_values_are_resolved_and_never_shown(site: SimulatedSite, trusted: Checkmk) -> None:
    plan = planned(trusted, _login())
    report = applied(trusted, _login())
    (values,) = stored(site).values()
    assert "'geheim-web'" in values["value_raw"]
    assert "'geheim-snmp'" in values["value_raw"]
    changed = planned(trusted, _login(description="New"))
    value = _login()["value"]
    value["name"] = "other"
    renamed = planned(trusted, _login(value=value))
    for each in (plan, changed, renamed):
        shown = f"{plan_as_text(each)}{plan_as_markdown(each)}{each!r}{json.dumps(each.to_dict())}"
        assert "geheim" not in shown
        assert "secret:web" in json.dumps(each.to_dict())
    assert "geheim" not in f"{report_as_text(report)}{report!r}{json.dumps(report.to_dict())}"
    applied(trusted, _login(description="New"))
    (values,) = stored(site).values()
    assert (values["properties"]["description"], "'geheim-web'" in values["value_raw"]) == ("New", True)


def test_secrets_always_writes_the_values_of_rules(site: SimulatedSite, trusted: Checkmk) -> None:
    applied(trusted, _login())
    (rule_id,) = stored(site)
    site.state.configuration.objects["rules"][rule_id]["value_raw"] = repr(_login("stolen")["value"])
    assert planned(trusted, _login()).is_empty
    plan = planned(trusted, _login(), secrets="always")
    assert plan.warnings[0].startswith("the secrets of 1 object are written even if they are unchanged")
    assert apply_plan(trusted, plan).ok
    assert "'geheim-web'" in stored(site)[rule_id]["value_raw"]


def test_unknown_secrets_in_values_are_mistakes(cmk: Checkmk, trusted: Checkmk) -> None:
    with pytest.raises(InventoryError, match="value names the unknown secret 'wep'; did you mean 'web'"):
        planned(trusted, _login("secret:wep"))
    with pytest.raises(InventoryError, match="value names the unknown secret 'web'; add it to the section 'secrets'"):
        planned(cmk, _login())


# Values


def test_values_are_python_literals_or_data(site: SimulatedSite, cmk: Checkmk) -> None:
    raw = {**rule("a"), "value_raw": "{'levels': (80.0, 90.0)}"}
    with pytest.raises(InventoryError, match="give value or value_raw, not both"):
        planned(cmk, raw)
    del raw["value"]
    applied(cmk, raw)
    assert [values["value_raw"] for values in stored(site).values()] == ["{'levels': (80.0, 90.0)}"]
    assert planned(cmk, rule("a", value={"levels": [80.0, 90.0]})).is_empty
    plan = planned(cmk, {**raw, "value_raw": "{'levels': (70.0, 90.0)}"})
    assert "value {'levels': (80.0, 90.0)} -> {'levels': (70.0, 90.0)}" in plan_as_text(plan)
    assert plan.to_dict()["changes"][0]["properties"]["value"] == [
        "{'levels': (80.0, 90.0)}",
        "{'levels': (70.0, 90.0)}",
    ]
    for wrong in ("{'levels': f()}", 3, "{'a': float('nan')}"):
        with pytest.raises(InventoryError, match="value_raw"):
            from_data({"rules": [{**raw, "value_raw": wrong}]})


def test_an_inventory_of_rules_can_be_written_and_read_again() -> None:
    desired = from_data({"rules": [rule("a", value=("x", {1: None})), rule("b", value="linux")]})
    data = json.loads(json.dumps(to_data(desired)))
    assert data["rules"][0]["value_raw"] == "('x', {1: None})"
    assert from_data(data) == desired


def test_a_value_can_be_a_secret(site: SimulatedSite, trusted: Checkmk) -> None:
    community = rule("community", ruleset="snmp_communities", value="secret:snmp")
    applied(trusted, community)
    assert [values["value_raw"] for values in stored(site).values()] == ["'geheim-snmp'"]
    (change,) = planned(trusted, {**community, "value": "secret:web"}, secrets="always").changes
    assert change.properties["value",] == ("secret:web", "secret:web")


def test_a_reference_where_the_secret_would_be_shown_is_a_mistake(trusted: Checkmk) -> None:
    with pytest.raises(InventoryError, match="value contains 'secret:web', which is not in a part with the name of a"):
        planned(trusted, rule("a", value={"name": "secret:web"}))


def test_a_secret_that_the_inventory_does_not_name_stops_a_change(site: SimulatedSite, trusted: Checkmk) -> None:
    applied(trusted, _login())
    entry = {name: value for name, value in _login(description="New").items() if name != "value"}
    ((_, outcome),) = apply_plan(trusted, planned(trusted, entry)).results
    assert outcome.status is Status.NOT_APPLIED
    assert outcome.reason.startswith("value contains a secret that the site does not show; give value")


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


def test_the_site_can_refuse_a_ruleset(cmk: Checkmk) -> None:
    with pytest.raises(BadRequestError, match="unknown ruleset 'host_grups'; did you mean 'host_groups'"):
        planned(cmk, rule("a", ruleset="host_grups"))


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
    assert failure == "the mark of rule a is now in several objects, so it was cloned"
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
