"""The values and conditions of rules, and their updates."""

from __future__ import annotations

import ast
import json
from collections import OrderedDict
from enum import IntEnum
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, CheckmkVersion, Rule
from checkmk_sync.client.nouns import Rules
from checkmk_sync.client.object_format import noun_format
from checkmk_sync.errors import UnexpectedReplyError
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.conftest import Run
from tests.nouns.rule_examples import FILESYSTEM, LEVELS, LINUX, create_rule, host_name
from tests.official_documents import EDITIONS, watch


@pytest.fixture
def rules(cmk: Checkmk) -> Rules:
    return cmk.rules


@pytest.fixture(params=EDITIONS)
def any_site(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[SimulatedSite]:
    with SimulatedSite(request.param, EDITIONS[request.param], clock=clock) as site:
        yield site


# Values and conditions


def test_a_value_keeps_its_tuples_and_equal_values_are_not_sent(site: SimulatedSite, rules: Rules) -> None:
    rule = create_rule(rules)
    assert rule.value == LEVELS
    before = site.counts()["pending_changes"]
    assert rules.update(rule.id, value={"levels": [80.0, 90.0]}) == rule
    assert site.counts()["pending_changes"] == before
    assert rules.update(rule.id, value={"levels": (70.0, 90.0)}).value == {"levels": (70.0, 90.0)}


def _nested(levels: int) -> Any:
    return [_nested(levels - 1)] if levels else []


def _endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        *(float("nan"), float("inf"), ..., object(), {"a": {1: object()}}, lambda: 1, frozenset({1})),
        *(OrderedDict(a=1), IntEnum("Kind", "A").A, bytearray(b"x"), [10**5000], _endless(), _nested(400)),
    ],
)
def test_a_value_without_a_python_literal_is_refused(site: SimulatedSite, rules: Rules, value: Any) -> None:
    with pytest.raises(ValueError, match="^value is not valid: "):
        create_rule(rules, value)
    assert site.counts()["requests"] <= 1


@pytest.mark.parametrize("value", [{1, 2}, b"x", {(1, "a"): None}, 1 + 2j, "\ud800\x1b[31m", -0.5, _nested(90), {}])
def test_a_value_with_a_python_literal_comes_back(
    site_for_cli: SimulatedSite, sync: Run, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site_for_cli.client() as cmk:
        rule = create_rule(cmk.rules, value, "special_agents:random")
        assert rule.value == value
        assert not cmk.rules.ensure(rule.id, value=value).changed
        assert cmk.rules.update(str(rule.id), comment="x").value == value
    shown = sync("rules", "get", str(rule.id), "--json")
    assert (shown.code, ast.literal_eval(json.loads(shown.out)["value"])) == (0, value)


@pytest.mark.parametrize(("one", "other"), [(True, 1), ([0], [False]), ({"a": True}, {"a": 1}), (None, [None])])
def test_values_with_different_meanings_differ(one: Any, other: Any) -> None:
    assert not Rule.noun.by_name["value"].same(one, other)
    assert not Rule.noun.by_name["value"].same(other, one)


def test_none_is_a_value(site: SimulatedSite, rules: Rules) -> None:
    """Rules of the agent bakery have it, for example, if a plug-in is not installed."""
    rule = create_rule(rules, None, "host_groups", comment="Not installed")
    assert [stored["value_raw"] for stored in site.state.configuration.objects["rules"].values()] == ["None"]
    assert rules.update(str(rule.id), comment="x").value is None
    assert not rules.ensure(rule.id, value=None).changed
    assert not rules.ensure(ruleset="host_groups", folder="/", value=None).changed
    assert rules.ensure(rule.id, value="linux").changed
    assert rules.ensure(rule.id, value=None).after.value is None
    assert rules.create(rule).value is None
    for other in ("", [], {}):
        assert rules.ensure(rule.id, value=other, check=True).changed


def _read(text: str) -> Rule:
    extensions = {"ruleset": FILESYSTEM, "folder": "/", "value_raw": text}
    return noun_format("rules", CheckmkVersion.parse("2.4.0p18"), "cre").parse(
        Rule, {"id": "a", "extensions": extensions}
    )


@pytest.mark.parametrize(
    "text",
    [
        *("__import__('os').getcwd()", "[" * 100_000, "-" * 100_000 + "1", "9" * 5000, "0x" + "f" * 5000, "f'{1}'"),
        *('{"a": NaN}', "Infinity", "1e999", "...", '[{"a": ' * 300 + "null" + "}]" * 300, "'a\0'", "", "1; 2"),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_text_that_is_not_a_value_is_never_executed_and_never_quoted(text: str) -> None:
    with pytest.raises(UnexpectedReplyError, match="'extensions.value_raw' in the answer cannot be read") as caught:
        _read(text)
    assert len(str(caught.value)) < 200
    assert "getcwd" not in str(caught.value)


def test_a_value_that_is_too_deep_to_be_compared_is_an_unexpected_answer() -> None:
    value: Any = []
    for _ in range(5000):
        value = [value]
    found = Rule(ruleset=FILESYSTEM, folder="/", value=value)
    with pytest.raises(UnexpectedReplyError, match="'extensions.value_raw' in the answer cannot be read"):
        noun_format("rules", CheckmkVersion.parse("2.4.0p18"), "cre").same(found, {"value": 1})


def test_a_value_that_a_client_sent_as_json_is_read() -> None:
    assert _read('{"a": true, "b": null}').value == {"a": True, "b": None}


def test_labels_have_the_same_form_on_every_version(any_site: SimulatedSite, clock: ManualClock) -> None:
    old = {"host_labels": [{"key": "os", "operator": "is", "value": "linux"}]}
    with any_site.client(clock=clock) as cmk:
        new, other = create_rule(cmk.rules, conditions=LINUX), create_rule(cmk.rules, conditions=old)
        assert new.conditions == other.conditions == LINUX
        assert not cmk.rules.ensure(new.id, conditions=old).changed
        assert cmk.rules.get(str(other.id), fresh=True) == other


def test_conditions_that_2_2_cannot_express_are_refused(clock: ManualClock) -> None:
    either = [{"operator": "and", "label_group": [{"label": "a:b"}, {"operator": "or", "label": "c:d"}]}]
    with SimulatedSite("2.2.0p44", clock=clock) as site, site.client(clock=clock) as cmk:
        with pytest.raises(ValueError, match="must not contain 'or' or negate several labels"):
            create_rule(cmk.rules, conditions={"host_label_groups": either})
        both = [{"label_group": [{"label": "a:b"}]}, {"operator": "not", "label_group": [{"label": "c:d"}]}]
        made = create_rule(cmk.rules, conditions={"host_label_groups": both})
        assert not cmk.rules.ensure(made.id, conditions={"host_label_groups": both}).changed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"host_tags": [], "service_label_groups": []}),
        (host_name("one_of", "b", "a"), host_name("one_of", "a", "b", "a")),
        (
            LINUX,
            {"host_label_groups": [{"operator": "not", "label_group": [{"operator": "not", "label": "os:linux"}]}]},
        ),
        (
            {"host_tags": [{"key": "agent", "operator": "is_not", "value": "no-agent"}]},
            {"host_tags": [{"key": "agent", "operator": "none_of", "value": ["no-agent"]}]},
        ),
        (
            {"host_label_groups": [{"label_group": [{"label": "a:b"}, {"operator": "not", "label": "c:d"}]}]},
            {
                "host_label_groups": [
                    {"operator": "or", "label_group": [{"operator": "not", "label": "c:d"}]},
                    {"operator": "and", "label_group": [{"operator": "and", "label": "a:b"}]},
                ]
            },
        ),
    ],
)
def test_conditions_with_the_same_meaning_are_equal(one: Any, other: Any) -> None:
    field = Rule.noun.by_name["conditions"]
    assert field.same(one, other)
    assert field.same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"host_name": {"match_on": ["a"], "operator": "one_of"}},
            {"host_name": {"match_on": ["~a"], "operator": "one_of"}},
        ),
        (
            {"host_name": {"match_on": ["a"], "operator": "one_of"}},
            {"host_name": {"match_on": ["a"], "operator": "none_of"}},
        ),
        (
            {"host_label_groups": [{"label_group": [{"label": "a:b"}, {"operator": "or", "label": "c:d"}]}]},
            {"host_label_groups": [{"label_group": [{"label": "a:b"}, {"operator": "and", "label": "c:d"}]}]},
        ),
        (LINUX, {}),
    ],
)
def test_conditions_with_different_meanings_differ(one: Any, other: Any) -> None:
    assert not Rule.noun.by_name["conditions"].same(one, other)


def test_an_unknown_condition_is_refused_with_a_similar_name(rules: Rules) -> None:
    with pytest.raises(ValueError, match="unknown condition 'hostname'; did you mean 'host_name'?"):
        create_rule(rules, conditions={"hostname": {"match_on": ["a"], "operator": "one_of"}})
    labels = [{"key": "os", "operator": "is", "value": "linux"}]
    with pytest.raises(ValueError, match="give host_label_groups or host_labels, not both"):
        create_rule(rules, conditions={**LINUX, "host_labels": labels})
    with pytest.raises(
        ValueError, match="must have the form of .*; unknown operator 'one_off'; did you mean 'one_of'?"
    ):
        create_rule(rules, conditions={"host_name": {"match_on": ["a"], "operator": "one_off"}})


@pytest.mark.filterwarnings("ignore:Use of allowEmptyValue:DeprecationWarning")
def test_conditions_of_every_kind_fit_the_official_documents(
    any_site: SimulatedSite, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    conditions = {
        **LINUX,
        "host_name": {"match_on": ["web01", "~db"], "operator": "none_of"},
        "host_tags": [
            {"key": "criticality", "operator": "is", "value": "prod"},
            {"key": "agent", "operator": "none_of", "value": ["no-agent"]},
        ],
        "service_description": {"match_on": ["/var$"], "operator": "one_of"},
        "service_label_groups": [{"label_group": [{"operator": "not", "label": "a:b"}]}],
    }
    checker = watch(monkeypatch, any_site, str(any_site.state.profile.version))
    with any_site.client(clock=clock) as cmk:
        rule = create_rule(cmk.rules, conditions=conditions)
        moved = cmk.rules.move(create_rule(cmk.rules).id or "", before=rule.id)
        assert moved.folder_index == 0
        assert not cmk.rules.ensure(rule.id, conditions=conditions).changed
        assert cmk.rulesets.get(FILESYSTEM).number_of_rules == 2
    assert not checker.deviations, "\n".join(checker.deviations)


# Updates


def test_an_update_keeps_what_it_does_not_name(rules: Rules) -> None:
    rule = create_rule(rules, conditions=LINUX, description="Levels", comment="Ask Carol", disabled=True)
    changed = rules.update(str(rule.id), description="New")
    assert (changed.value, changed.conditions, changed.comment) == (LEVELS, LINUX, "Ask Carol")
    assert (changed.description, changed.disabled) == ("New", True)


def test_the_ruleset_the_folder_and_the_position_cannot_be_updated(rules: Rules) -> None:
    rule = create_rule(rules)
    with pytest.raises(ValueError, match="an update cannot change the rule field 'folder'"):
        rules.update(str(rule.id), folder="/x")
    with pytest.raises(ValueError, match="an update cannot change the rule field 'ruleset'"):
        rules.ensure(rule.id, ruleset="host_groups", check=True)
    with pytest.raises(ValueError, match="the site chooses the rule field 'folder_index'"):
        rules.update(str(rule.id), folder_index=3)
    with pytest.raises(ValueError, match="rules have no ETags"):
        rules.update(str(rule.id), etag="x", description="x")
