"""Secrets in the values of rules."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns import Rules
from checkmk_sync.errors import BadRequestError
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run
from tests.nouns.rule_examples import create_rule


@pytest.fixture
def rules(cmk: Checkmk) -> Rules:
    return cmk.rules


@pytest.mark.parametrize(
    "password", [("password", "geheim"), ("cmk_postprocessed", "explicit_password", ("uuid-1", "geheim"))]
)
def test_a_masked_secret_is_never_written_back(site: SimulatedSite, rules: Rules, password: Any) -> None:
    """Sites show ****** in place of the passwords in values."""
    value = {"user": "a", "auth": [password]}
    rule = create_rule(rules, value, "special_agents:prometheus")
    assert "geheim" not in repr(rule.value)
    with pytest.raises(ValueError, match="value contains a secret that the site does not show; give value"):
        rules.update(str(rule.id), description="New")
    assert not rules.ensure(rule.id, value=value).changed
    assert rules.ensure(rule.id, value=value).not_compared == ("value",)
    assert rules.ensure(rule.id, value=value, update_secrets=True).actions == ("update",)
    assert rules.ensure(rule.id, value=value, description="New").changed
    assert "geheim" in site.state.configuration.objects["rules"][str(rule.id)]["value_raw"]
    for mask in (rule.value, {"token": "***"}):
        with pytest.raises(ValueError, match=r"value\.(auth|token).* is masked; give the secret itself"):
            create_rule(rules, mask, "special_agents:prometheus")


@pytest.mark.parametrize("value", [(), ("id-1",), (1,), ((),), (("id-1",),)])
def test_the_simulated_site_accepts_a_password_of_a_wrong_form(rules: Rules, value: Any) -> None:
    wrong = {"auth": ("cmk_postprocessed", "explicit_password", *value)}
    assert create_rule(rules, wrong, "special_agents:prometheus").id


@pytest.mark.parametrize(
    "value",
    [
        {"token": "geheim-geheim"},
        {"auth": ("password", "geheim-geheim")},
        {"auth": ("cmk_postprocessed", "explicit_password", ("uuid-1", "geheim-geheim"))},
        {"auth": ["cmk_postprocessed", "explicit_password", ["uuid-1", "geheim-geheim"]]},  # from JSON
    ],
)
def test_secrets_in_values_are_not_shown(
    site_for_cli: SimulatedSite, sync: Run, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkmk_sync.testing.behaviours.rules._masked", lambda value: value)  # as in some rulesets
    with site_for_cli.client() as cmk:
        rule = create_rule(cmk.rules, value, "special_agents:prometheus")
        assert rule.value == value, "programs can read them"
        checked = cmk.rules.ensure(str(rule.id), check=True, value={**value, "more": 1})
        assert "geheim" not in f"{rule!r} {checked!r} {checked.diff()}"
        with pytest.raises(BadRequestError, match="data type of the value") as caught:
            create_rule(cmk.rules, value, "checkgroup_parameters:memory_linux")
    assert "geheim" not in f"{caught.value} {caught.value!r}"
    for words in (["get", str(rule.id)], ["update", str(rule.id), "--comment", "x"]):
        result = sync("rules", *words, "--json")
        assert (result.code, "geheim" in result.out + result.err) == (0, False)
    assert isinstance(ast.literal_eval(json.loads(result.out)["value"]), dict)


def test_commands_write_secrets_of_values_from_the_configuration(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("secrets:\n  agent:\n    env: AGENT_SECRET\n")
    config.chmod(0o600)
    monkeypatch.setenv("AGENT_SECRET", "geheim-geheim")
    words = ("--config", str(config), "rules", "create", "--folder", "/")
    value = "{'auth': ('password', 'secret:agent'), 'name': 'x'}"
    result = sync(*words, "--ruleset", "special_agents:prometheus", "--value", value)
    assert (result.code, "geheim" in result.out) == (0, False), result.err
    assert sync(*words, "--ruleset", "snmp_communities", "--value", "'secret:agent'").code == 0
    misplaced = sync(*words, "--ruleset", "special_agents:prometheus", "--value", "{'name': 'secret:agent'}")
    assert (misplaced.code, "value contains 'secret:agent', which is not in a part with" in misplaced.err) == (2, True)
    shown = sync(*words, "--ruleset", "host_groups", "--value", "'secret:agent'")
    assert (shown.code, "value contains 'secret:agent', which is not in a part with" in shown.err) == (2, True)
    stored = [rule["value_raw"] for rule in site_for_cli.state.configuration.objects["rules"].values()]
    assert stored == [repr({"auth": ("password", "geheim-geheim"), "name": "x"}), repr("geheim-geheim")]


@pytest.mark.parametrize("value", ["geheim-geheim", ("authNoPriv", "md5", "user", "geheim-geheim")])
def test_values_of_rulesets_with_the_name_of_a_secret_are_hidden(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, value: Any
) -> None:
    """All communities are values of the ruleset snmp_communities."""
    with site_for_cli.client() as cmk:
        mark = "checkmk_sync/owner: cmdb switches"
        rule = cmk.rules.create(ruleset="snmp_communities", folder="/", value=value, comment=mark)
        assert "geheim" not in str(cmk.rules.ensure(rule.id, value="geheim-2", check=True).diff())
    entry = {"name": "switches", "ruleset": "snmp_communities", "folder": "/", "value": "geheim-2"}
    inventory = tmp_path / "rules.json"
    inventory.write_text(json.dumps({"rules": [entry]}))
    for words in (
        ("rules", "list", "--ruleset", "snmp_communities"),
        ("inventory", "check", str(inventory)),
        ("plan", str(inventory), "--owner", "cmdb"),
        ("plan", str(inventory), "--owner", "cmdb", "--json"),
    ):
        result = sync(*words)
        assert (result.code, "geheim" in result.out + result.err) == (0, False), result.out
    assert "~ rule switches: value " in sync("plan", str(inventory), "--owner", "cmdb").out


def test_a_lost_creation_of_a_rule_with_a_password_is_settled(site: SimulatedSite, rules: Rules) -> None:
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    assert create_rule(rules, {"auth": ("password", "geheim")}, "special_agents:prometheus").id


@pytest.mark.parametrize("value", ["geheim-geheim", ("authNoPriv", "md5", "jane", "geheim-geheim")])
def test_refusals_and_differences_do_not_show_a_value_that_is_a_secret(
    rules: Rules, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = create_rule(rules, "public", "snmp_communities")
    assert "geheim" not in f"{rules.ensure(str(rule.id), check=True, value=value).diff()}"
    with monkeypatch.context() as patch:
        patch.setattr("checkmk_sync.testing.behaviours.rules._VALUE_KEYS", {"snmp_communities": frozenset()})
        with pytest.raises(BadRequestError, match="data type of the value") as caught:
            create_rule(rules, value, "snmp_communities")
    assert "geheim" not in f"{caught.value} {vars(caught.value)}"
