"""Rulesets, and the rules that apply to a host or a service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns import Rules
from checkmk_sync.errors import BadRequestError, CheckmkError, NotFoundError
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import shared_folder
from tests.nouns.rule_examples import FILESYSTEM, LINUX, create_rule, host_name
from tests.raw_requests import Raw


@pytest.fixture
def rules(cmk: Checkmk) -> Rules:
    return cmk.rules


# Rulesets


def test_an_unknown_ruleset_is_an_error_with_a_similar_name(site: SimulatedSite, cmk: Checkmk) -> None:
    calls: list[Any] = [
        lambda: create_rule(cmk.rules, "linux", "host_gruops"),
        lambda: list(cmk.rules.each(ruleset="host_gruops")),
        lambda: cmk.rules.ensure(ruleset="host_gruops", folder="/", value="linux"),
        lambda: cmk.rules.effective("web01", ruleset="host_gruops"),
    ]
    for call in calls:
        with pytest.raises(BadRequestError, match="^unknown ruleset 'host_gruops'; did you mean 'host_groups'\\?$"):
            call()
    with pytest.raises(NotFoundError, match="unknown ruleset 'host_gruops'; did you mean 'host_groups'"):
        cmk.rulesets.get("host_gruops")
    assert cmk.rulesets.find("host_gruops") is None
    refusal = {"title": "Forbidden", "status": 403, "detail": "not you"}
    site.set_faults([Fault("answer", status=403, path="/collections/all$", body=refusal, times=None)])
    with pytest.raises(NotFoundError, match="unknown ruleset 'host_gruops'"):
        cmk.rulesets.get("host_gruops", fresh=True)
    assert site.state.configuration.objects["rules"] == {}


def test_a_known_ruleset_costs_no_request_for_names(site: SimulatedSite, rules: Rules) -> None:
    create_rule(rules)
    assert [request.path for request in site.requests if "ruleset/" in request.path] == []


def test_rulesets_are_listed_and_searched(cmk: Checkmk) -> None:
    cmk.folders.create("/linux")
    assert list(cmk.rulesets.each()) == []
    create_rule(cmk.rules)
    create_rule(cmk.rules, folder="/linux")
    (used,) = cmk.rulesets.each()
    assert (used.name, used.number_of_rules, used.item_type, used.match_type) == (FILESYSTEM, 2, "item", "dict")
    (in_folder,) = cmk.rulesets.each(folder="/linux")
    assert in_folder.number_of_rules == 1
    unused = [ruleset.name for ruleset in cmk.rulesets.each(used=False, name="^host_g")]
    assert unused == ["host_groups"]
    assert {ruleset.name for ruleset in cmk.rulesets.each(used=False, fulltext="CISCO")} == {
        "checkgroup_parameters:cisco_qos",
        "static_checks:cisco_qos",
    }
    assert [ruleset.name for ruleset in cmk.rulesets.each(deprecated=True, used=False)] == ["active_checks:http"]
    with pytest.raises(ValueError, match="rulesets cannot be listed by 'title'"):
        cmk.rulesets.each(title="x")
    with pytest.raises(ValueError, match="rules are listed by ruleset, which is missing"):
        cmk.rules.each()


@pytest.mark.parametrize("version", ["2.4", "2.5"])
def test_the_rulesets_of_the_simulated_site_are_those_of_real_sites(cmk: Checkmk, version: str) -> None:
    recorded = json.loads((shared_folder("recordings") / f"rulesets_{version}.json").read_text("utf-8"))["rulesets"]
    gone = {"active_checks:http"} if version == "2.5" else set()
    for name in set(cmk.rulesets.names()) - gone:
        ruleset = cmk.rulesets.get(name)
        assert {"item_type": ruleset.item_type, "match_type": ruleset.match_type}.items() <= recorded[name].items()


# The rules that apply


def _effective(cmk: Checkmk, *service: str) -> list[Any]:
    return [rule.value for rule in cmk.rules.effective("web01", *service, ruleset="host_groups")]


@pytest.fixture
def web01(cmk: Checkmk) -> Checkmk:
    cmk.folders.create("/linux")
    cmk.folders.create("/linuxes")
    cmk.hosts.create("web01", "/linux", {"tag_criticality": "test", "labels": {"os": "linux", "env": "prod"}})
    return cmk


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        (host_name("one_of", "web01"), True),
        (host_name("one_of", "web"), False),
        (host_name("one_of", "~web"), True),
        (host_name("one_of", "~eb"), False),
        (host_name("none_of", "~web", "db"), False),
        (host_name("none_of", "db"), True),
        ({"host_tags": [{"key": "criticality", "operator": "is", "value": "test"}]}, True),
        ({"host_tags": [{"key": "criticality", "operator": "is_not", "value": "test"}]}, False),
        ({"host_tags": [{"key": "criticality", "operator": "one_of", "value": ["prod", "test"]}]}, True),
        ({"host_tags": [{"key": "criticality", "operator": "none_of", "value": ["prod"]}]}, True),
        ({"host_tags": [{"key": "networking", "operator": "is", "value": "lan"}]}, True),
        ({"host_tags": [{"key": "ip-v4", "operator": "is", "value": "ip-v4"}]}, True),
        ({"host_tags": [{"key": "snmp", "operator": "is", "value": "snmp"}]}, False),
        ({"host_label_groups": [{"label_group": [{"label": "os:linux"}]}]}, True),
        (
            {"host_label_groups": [{"label_group": [{"label": "os:linux"}, {"operator": "not", "label": "env:prod"}]}]},
            False,
        ),
        ({"host_label_groups": [{"label_group": [{"label": "a:b"}, {"operator": "or", "label": "env:prod"}]}]}, True),
        ({"host_label_groups": [{"label_group": [{"label": "a:b"}, {"operator": "and", "label": "env:prod"}]}]}, False),
        (
            {
                "host_label_groups": [
                    {"label_group": [{"label": "os:linux"}]},
                    {"operator": "not", "label_group": [{"label": "env:prod"}]},
                ]
            },
            False,
        ),
    ],
)
def test_conditions_decide_whether_a_rule_applies(web01: Checkmk, conditions: Any, applies: bool) -> None:
    create_rule(web01.rules, "it", "host_groups", conditions=conditions)
    assert _effective(web01) == ["it"] * applies


def test_rules_apply_in_the_order_of_folders_and_positions(site: SimulatedSite, web01: Checkmk) -> None:
    for value, folder in (("a", "/"), ("b", "/"), ("c", "/linux"), ("d", "/linuxes")):
        create_rule(web01.rules, value, "host_groups", folder)
    create_rule(web01.rules, "off", "host_groups", disabled=True)
    assert _effective(web01) == ["c", "a", "b"]
    stored = site.state.configuration.objects["rules"]
    stored.update({key: {**rule, "folder": rule["folder"].replace("/", "~")} for key, rule in stored.items()})
    assert _effective(web01) == ["c", "a", "b"], "in every spelling of folders"
    create_rule(web01.rules)
    create_rule(web01.rules, {"name": "x"}, "active_checks:http")  # a deprecated ruleset
    found = [rule.ruleset for rule in web01.rules.effective("web01")]
    assert found == ["active_checks:http", FILESYSTEM, *["host_groups"] * 3]


def test_rules_for_services_are_selected_by_the_service(web01: Checkmk) -> None:
    intervals = "extra_service_conf:check_interval"
    for value, pattern, operator in ((1.0, "CPU", "one_of"), (2.0, "CPU$", "one_of"), (3.0, "CPU", "none_of")):
        create_rule(
            web01.rules,
            value,
            intervals,
            conditions={"service_description": {"match_on": [pattern], "operator": operator}},
        )
    labelled = {"service_label_groups": [{"label_group": [{"label": "a:b"}]}]}
    create_rule(web01.rules, 4.0, intervals, conditions=labelled)
    found = web01.rules.effective("web01", "CPU load", ruleset=intervals)
    assert [rule.value for rule in found] == [1.0]
    assert len(web01.rules.effective("web01", ruleset=intervals)) == 4


def test_labels_of_a_monitored_host_count(site: SimulatedSite, web01: Checkmk) -> None:
    create_rule(
        web01.rules, "it", "host_groups", conditions={"host_label_groups": [{"label_group": [{"label": "a:b"}]}]}
    )
    assert _effective(web01) == []
    web01.hosts.update("web01", update_attributes={"labels": {"a": "b"}})
    web01.activation.activate()
    web01.hosts.update("web01", remove_attributes=["labels"])
    assert _effective(web01) == ["it"]
    web01.hosts.update("web01", update_attributes={"labels": {"a": "new"}})
    assert _effective(web01) == []


def test_an_invalid_regular_expression_in_a_rule_is_an_error(site: SimulatedSite, web01: Checkmk) -> None:
    rule = create_rule(web01.rules, "it", "host_groups", conditions=host_name("one_of", "~("))
    with pytest.raises(CheckmkError, match=f"the conditions of the rule {rule.id} cannot be evaluated: missing \\)"):
        _effective(web01)


@pytest.mark.parametrize(
    "conditions",
    [
        *({"host_tags": [5]}, {"host_tags": {"a": 1}}, {"host_name": 5}, {"host_label_groups": 5}),
        {"host_tags": [{"key": "a", "operator": "xor", "value": "b"}]},
        {"host_tags": [{"key": "a", "operator": "is", "value": None}]},
        {"host_name": {"match_on": [5], "operator": "one_of"}},
        {"host_name": {"match_on": ["web01"], "operator": "is_like"}},
        {"host_label_groups": [{"label_group": [{"label": 5}]}]},
        {"host_label_groups": [{"label_group": [{"label": "a:b", "operator": "xor"}]}]},
        {"host_color": "red"},
    ],
)
def test_conditions_of_an_unknown_form_are_read_but_not_evaluated(
    site: SimulatedSite, web01: Checkmk, conditions: Any
) -> None:
    rule = str(create_rule(web01.rules, "it", "host_groups").id)
    stored = site.state.configuration.objects["rules"]
    stored[rule] = {**stored[rule], "conditions": conditions}
    assert web01.rules.get(rule).conditions == conditions
    with pytest.raises(CheckmkError, match=f"the conditions of the rule {rule} cannot be evaluated"):
        _effective(web01)


def test_hosts_without_agents_have_the_tag_ping(web01: Checkmk) -> None:
    ping = {"host_tags": [{"key": "ping", "operator": "is", "value": "ping"}]}
    create_rule(web01.rules, "it", "host_groups", conditions=ping)
    assert _effective(web01) == []
    web01.hosts.update("web01", update_attributes={"tag_agent": "no-agent", "tag_snmp_ds": "no-snmp"})
    assert _effective(web01) == ["it"]
    web01.hosts.update("web01", update_attributes={"tag_address_family": "no-ip"})
    assert _effective(web01) == []


# The simulated site


def test_rules_follow_their_folder_and_their_hosts(site: SimulatedSite, web01: Checkmk) -> None:
    rule = create_rule(web01.rules, folder="/linux", conditions=host_name("one_of", "web01", "~web"))
    web01.folders.create("/x")
    web01.folders.move("/linux", "/x")
    assert web01.rules.get(str(rule.id)).folder == "/x/linux"
    site.state.configuration.rename_host("web01", "web02", user="x")
    assert web01.rules.get(str(rule.id), fresh=True).conditions == host_name("one_of", "web02", "~web")
    web01.folders.delete("/x", recursive=True)
    assert web01.rules.find(str(rule.id)) is None


SERVICE = {"service_description": {"match_on": ["CPU"], "operator": "one_of"}}


def test_the_site_drops_conditions_that_a_ruleset_does_not_have(rules: Rules) -> None:
    """As in Checkmk, without a word."""
    assert not rules.create_absent(ruleset="host_groups", folder="/", value="linux", conditions=SERVICE).conditions
    label = rules.create_absent(ruleset="host_label_rules", folder="/", value={"a": "b"}, conditions=LINUX)
    assert not label.conditions
    assert create_rule(rules, conditions=SERVICE).conditions == SERVICE


def test_conditions_that_the_site_would_drop_are_refused(site: SimulatedSite, rules: Rules) -> None:
    """Otherwise the rule would apply to all hosts."""
    rule = create_rule(rules, "linux", "host_groups")
    calls: list[Any] = [
        lambda: create_rule(rules, "linux", "host_groups", conditions=SERVICE),
        lambda: rules.ensure(ruleset="host_groups", folder="/", value="linux", conditions=SERVICE),
        lambda: rules.ensure(rule.id, conditions=SERVICE, check=True),
        lambda: rules.update(str(rule.id), conditions=SERVICE),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="'host_groups' does not have the condition 'service_description'"):
            call()
    with pytest.raises(ValueError, match="'host_label_rules' does not have the condition 'host_label_groups'"):
        create_rule(rules, {"a": "b"}, "host_label_rules", conditions=LINUX)
    assert len(site.state.configuration.objects["rules"]) == 1


def test_an_error_about_an_unknown_ruleset_names_a_few(cmk: Checkmk) -> None:
    with pytest.raises(NotFoundError, match="'filesystem'; use one of: [^,]+:filesystem, static_checks:filesystem$"):
        cmk.rulesets.get("filesystem")
    with pytest.raises(NotFoundError, match=r"unknown ruleset 'xyz'; use one of: [^ ]+, .* and \d+ more$") as caught:
        cmk.rulesets.get("xyz")
    assert str(caught.value).count(",") == 24


def test_a_put_replaces_the_rule_and_ignores_if_match(site: SimulatedSite, rules: Rules, raw: Raw) -> None:
    rule = create_rule(rules, conditions=LINUX, description="Levels")
    answer = raw("PUT", f"/objects/rule/{rule.id}", {"If-Match": "wrong"}, json={"value_raw": "{'levels': (1, 2)}"})
    assert (answer.status_code, "ETag" in answer.headers) == (200, False)
    extensions = answer.json()["extensions"]
    assert (extensions["properties"], extensions["conditions"]["host_label_groups"]) == ({}, [])
    assert raw("GET", "/objects/rule/gone").json()["title"] == "Unknown rule."
    assert raw("DELETE", "/objects/rule/gone").json()["title"] == "Rule not found."
    listed = raw("GET", "/domain-types/rule/collections/all", params={"ruleset_name": FILESYSTEM}).json()
    assert listed["extensions"] == {"found_rules": 1}
