"""Rules are created once, and moved."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns import Rules
from checkmk_sync.errors import BadRequestError, CheckmkError, NotFoundError
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.nouns.rule_examples import FILESYSTEM, LEVELS, LINUX, create_rule, rule_ids


@pytest.fixture
def rules(cmk: Checkmk) -> Rules:
    return cmk.rules


# Creations


def test_a_lost_creation_is_settled_by_the_only_new_rule_that_is_as_sent(site: SimulatedSite, rules: Rules) -> None:
    first = create_rule(rules)
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    second = create_rule(rules)
    assert (second.id != first.id, second.folder_index) == (True, 1)
    assert rule_ids(rules) == [first.id, second.id]


def test_a_lost_creation_that_was_not_executed_is_unknown(site: SimulatedSite, rules: Rules) -> None:
    create_rule(rules)
    site.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(CheckmkError) as caught:
        create_rule(rules)
    assert caught.value.attempted is not None
    assert caught.value.attempted.is_uncertain
    assert len(rule_ids(rules)) == 1


def test_a_creation_that_a_web_server_repeats_is_unknown(site: SimulatedSite, rules: Rules) -> None:
    """Two new rules are as sent, and only one of them is ours, or both."""
    site.set_faults([Fault("repeat", writes=True, times=1), Fault("reset_after", writes=True, times=1, skip=1)])
    try:
        rule = create_rule(rules)
    except CheckmkError as error:
        assert error.attempted is not None
        assert error.attempted.is_uncertain
    else:
        assert rule.id in rule_ids(rules)


def test_a_lost_creation_is_unknown_if_others_create_an_equal_rule(
    site: SimulatedSite, cmk: Checkmk, clock: ManualClock
) -> None:
    with site.client(clock=clock) as other:
        cmk.add_settling_hook(lambda _settling: create_rule(other.rules))
        site.set_faults([Fault("crash_after", writes=True, times=1)])
        with pytest.raises(CheckmkError) as caught:
            create_rule(cmk.rules)
    assert caught.value.attempted is not None
    assert caught.value.attempted.is_uncertain


def test_two_calls_that_create_the_same_rule_do_not_take_each_others(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("reset_after", writes=True, times=2)])
    found: list[Any] = []

    def create() -> None:
        try:
            found.append(create_rule(cmk.rules).id)
        except CheckmkError as error:
            found.append(error.attempted and error.attempted.is_uncertain)

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [name for name in found if isinstance(name, str)]
    assert len(ids) == len(set(ids))
    assert all(name is True for name in found if not isinstance(name, str))


def _lists(site: SimulatedSite) -> int:
    return sum("/rule/collections/" in request.path and request.method == "GET" for request in site.requests)


def test_a_rule_that_is_known_to_be_absent_is_created_without_a_list(site: SimulatedSite, rules: Rules) -> None:
    create_rule(rules)
    before, facts = _lists(site), {"ruleset": FILESYSTEM, "folder": "/", "value": LEVELS}
    for number in range(3):
        rules.create_absent(**facts, comment=f"checkmk_sync/owner: team {number}")
    assert _lists(site) == before
    assert rules.ensure(**facts, comment="new").changed
    assert _lists(site) == before + 1
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    made = rules.create_absent(**facts, comment="checkmk_sync/owner: team 4")
    assert rule_ids(rules)[-1] == made.id


def test_the_number_of_lists_does_not_depend_on_the_number_of_rules_of_an_inventory(
    site: SimulatedSite, cmk: Checkmk
) -> None:
    def lists_to_create(names: list[str]) -> int:
        facts = {"ruleset": FILESYSTEM, "folder": "/", "value": LEVELS}
        plan = make_plan(cmk, from_data({"rules": [{"name": name, **facts} for name in names]}), owner=names[0])
        before = _lists(site)
        report = apply_plan(cmk, plan)
        assert (report.ok, len(report.results)) == (True, len(names))
        return _lists(site) - before

    assert lists_to_create(["one"]) == lists_to_create([f"many-{number}" for number in range(8)])


@pytest.mark.parametrize("fault", ["reset_before", "crash"])
def test_an_absent_rule_that_was_not_created_is_unknown(site: SimulatedSite, rules: Rules, fault: str) -> None:
    create_rule(rules)
    site.set_faults([Fault(fault, writes=True, times=1)])
    with pytest.raises(CheckmkError) as caught:
        rules.create_absent(ruleset=FILESYSTEM, folder="/", value=LEVELS, comment="new")
    assert caught.value.attempted is not None
    assert caught.value.attempted.is_uncertain
    assert len(rule_ids(rules)) == 1


def test_a_lost_creation_does_not_take_a_rule_that_another_call_creates_later(
    site: SimulatedSite, cmk: Checkmk
) -> None:
    made: list[Any] = []
    cmk.add_settling_hook(lambda _settling: made.append(create_rule(cmk.rules).id))
    site.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(CheckmkError) as caught:
        create_rule(cmk.rules)
    assert caught.value.attempted is not None
    assert caught.value.attempted.is_uncertain
    assert rule_ids(cmk.rules) == made


def test_a_record_that_was_read_can_be_created_again(rules: Rules) -> None:
    rule = create_rule(rules, conditions=LINUX, description="Levels")
    copy = rules.create(rule)
    assert (copy.id != rule.id, copy.folder_index) == (True, 1)
    assert (copy.value, copy.conditions, copy.description) == (rule.value, rule.conditions, rule.description)


def test_a_key_is_not_accepted_for_a_new_rule(rules: Rules) -> None:
    with pytest.raises(TypeError, match="the site chooses the 'id' of a rule; give only its fields"):
        rules.create("some-id", ruleset=FILESYSTEM, folder="/", value=LEVELS)
    with pytest.raises(ValueError, match="a rule needs ruleset and folder"):
        rules.create(value=LEVELS)


def test_ensure_finds_a_rule_by_what_it_does(site: SimulatedSite, rules: Rules) -> None:
    facts = {"ruleset": FILESYSTEM, "folder": "/", "value": LEVELS}
    made = rules.ensure(**facts)
    assert (made.actions, rules.ensure(**facts).actions) == (("create",), ())
    rules.update(str(made.after.id), comment="Checked by Carol")
    assert not rules.ensure(**facts).changed
    checked = rules.ensure(**facts, conditions=LINUX, check=True)
    assert (checked.actions, checked.after.id) == (("create",), None)
    assert rules.ensure(**facts, conditions=LINUX).changed
    assert rules.ensure(**facts, disabled=True).actions == ("create",)
    assert len(rule_ids(rules)) == 3
    with pytest.raises(NotFoundError):
        rules.ensure("unknown", value=LEVELS)


@pytest.mark.parametrize("facts", [{"conditions": LINUX}, {"disabled": True}])
def test_ensure_does_not_take_a_rule_that_applies_to_fewer_hosts(rules: Rules, facts: Any) -> None:
    create_rule(rules, **facts)
    assert rules.ensure(ruleset=FILESYSTEM, folder="/", value=LEVELS).actions == ("create",)


# Moves


def test_rules_are_moved(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.folders.create("/linux")
    a, b, c = (str(create_rule(cmk.rules, {"levels": (number, 90.0)}).id) for number in (1.0, 2.0, 3.0))
    assert cmk.rules.move(c, top_of="/").folder_index == 0
    assert cmk.rules.move(c, after=b).folder_index == 2
    assert cmk.rules.move(a, bottom_of="/").folder_index == 2
    assert cmk.rules.move(a, before=b).folder_index == 0
    assert rule_ids(cmk.rules) == [a, b, c]
    moved = cmk.rules.move(b, top_of="~linux")
    assert (moved.folder, moved.folder_index) == ("/linux", 0)
    before = site.counts()["pending_changes"]
    for spelling in ("~linux", "/linux/", site.state.configuration.folders["/linux"].ident):
        cmk.rules.move(b, bottom_of=spelling)
    assert site.counts()["pending_changes"] == before
    assert rule_ids(cmk.rules) == [b, a, c]  # the rules of subfolders come first
    assert [rule.folder_index for rule in cmk.rules.each(ruleset=FILESYSTEM)] == [0, 0, 1]


@pytest.mark.parametrize("target", ["top_of", "bottom_of", "before", "after"])
def test_a_move_to_the_same_place_is_not_sent(site: SimulatedSite, rules: Rules, target: str) -> None:
    a, b = (str(create_rule(rules).id) for _ in range(2))
    moves: dict[str, tuple[str, str]] = {"top_of": (a, "/"), "bottom_of": (b, "/"), "before": (a, b), "after": (b, a)}
    rule, place = moves[target]
    before = site.counts()["pending_changes"]
    rules.move(rule, **{target: place})
    assert site.counts()["pending_changes"] == before


def test_a_rule_that_is_deleted_during_its_move_is_not_found(site: SimulatedSite, rules: Rules) -> None:
    rule = str(create_rule(rules).id)
    stored = site.state.configuration.objects["rules"]
    site.on_request(lambda _method, path: stored.clear() if "/rule/collections/" in path else None)
    with pytest.raises(NotFoundError):
        rules.move(rule, top_of="/")


@pytest.mark.parametrize("target", ["top_of", "bottom_of", "before", "after"])
def test_a_lost_move_is_settled_by_the_order_of_the_rules(site: SimulatedSite, rules: Rules, target: str) -> None:
    a, b, c = (str(create_rule(rules).id) for _ in range(3))
    moves: dict[str, tuple[str, str]] = {"top_of": (c, "/"), "bottom_of": (a, "/"), "before": (c, a), "after": (a, b)}
    rule, place = moves[target]
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    moved = rules.move(rule, **{target: place})
    assert moved.folder_index == rule_ids(rules).index(rule)
    assert rule_ids(rules) != [a, b, c]


def test_rules_of_quick_setup_stay_at_the_top(site: SimulatedSite, rules: Rules) -> None:
    first, second, mine = (str(create_rule(rules, conditions=LINUX).id) for _ in range(3))
    site.manage_by_quick_setup(second)
    site.manage_by_quick_setup(first)
    assert rules.move(mine, top_of="/").folder_index == 2
    assert rules.move(mine, after=second).folder_index == 2
    for place in ({"before": second}, {"after": first}):
        with pytest.raises(BadRequestError, match="Cannot move before a rule managed by Quick setup"):
            rules.move(mine, **place)
    refusals: list[tuple[str, Any]] = [
        ("Rules managed by Quick setup cannot be moved", lambda: rules.move(first, bottom_of="/")),
        ("Rules managed by Quick setup cannot be deleted", lambda: rules.delete(first)),
        ("Conditions cannot be modified for rules managed by Quick setup", lambda: rules.update(first, conditions={})),
    ]
    for text, call in refusals:
        with pytest.raises(BadRequestError, match=text) as caught:
            call()
        assert caught.value.attempted is not None
        assert not caught.value.attempted.is_uncertain
    assert rules.update(first, comment="ok").conditions == LINUX
    assert rule_ids(rules) == [first, second, mine]


def test_impossible_moves_are_refused(rules: Rules) -> None:
    rule, other = str(create_rule(rules).id), str(create_rule(rules, "linux", "host_groups").id)
    with pytest.raises(ValueError, match="give exactly one of before, after, top_of and bottom_of"):
        rules.move(rule)
    with pytest.raises(BadRequestError, match="The two rules are not in the same ruleset."):
        rules.move(rule, before=other)
    with pytest.raises(BadRequestError, match="You cannot move a rule before/after itself."):
        rules.move(rule, after=rule)
    with pytest.raises(NotFoundError, match="Rule with UUID 'gone' was not found."):
        rules.move(rule, after="gone")
    with pytest.raises(BadRequestError, match="could not be found"):
        rules.move(rule, top_of="/nowhere")
