"""Values of rules in inventories: Python literals, and secrets that no output shows."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import (
    apply_plan,
    from_data,
    make_plan,
    plan_as_markdown,
    plan_as_text,
    report_as_text,
    to_data,
)
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.nouns.inventory_rules import applied, planned, rule, stored

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


def test_none_is_a_value(site: SimulatedSite, cmk: Checkmk) -> None:
    """Rules of the agent bakery have it, for example, if a plug-in is not installed."""
    linux = rule("a", ruleset="host_groups", value="linux")
    raw = {"name": "a", "ruleset": "host_groups", "folder": "/", "value_raw": "None"}
    plan = planned(cmk, raw)
    assert "value None" in plan_as_text(plan)
    assert plan.to_dict()["changes"][0]["properties"]["value"] == [None, "None"]
    applied(cmk, raw)
    assert [values["value_raw"] for values in stored(site).values()] == ["None"]
    assert "value None -> linux" in plan_as_text(planned(cmk, linux)).replace("'", "")
    applied(cmk, linux)
    assert "value linux -> None" in plan_as_text(planned(cmk, raw)).replace("'", "")
    applied(cmk, raw)
    assert to_data(from_data({"rules": [raw]}))["rules"] == [raw]
    for empty in ("value", "value_raw"):
        with pytest.raises(
            InventoryError, match="value must have a value; leave it out .*, or write value_raw: 'None'"
        ):
            planned(cmk, {**raw, "value_raw": "5", empty: None})


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
    with pytest.raises(InventoryError, match="value contains 'secret:web', which is not in a part with the name of a"):
        planned(trusted, rule("a", ruleset="host_groups", value="secret:web"))


def test_a_secret_that_the_inventory_does_not_name_stops_a_change(site: SimulatedSite, trusted: Checkmk) -> None:
    applied(trusted, _login())
    entry = {name: value for name, value in _login(description="New").items() if name != "value"}
    ((_, outcome),) = apply_plan(trusted, planned(trusted, entry)).results
    assert outcome.status is Status.NOT_APPLIED
    assert outcome.reason.startswith("value contains a secret that the site does not show; give value")


def test_a_secret_that_the_client_refuses_fails_only_its_own_creation(site: SimulatedSite, clock: ManualClock) -> None:
    community = rule("a", ruleset="snmp_communities", value="secret:stars")
    data = {"rules": [community], "host_groups": [{"name": "g", "alias": "G"}]}
    with site.client(clock=clock, secrets={"stars": SecretSource(value="***")}) as cmk:
        report = apply_plan(cmk, make_plan(cmk, from_data(data), owner="cmdb"))
    (created, _), (failed, outcome) = report.results
    assert (created.name, failed.name) == ("host group g", "rule a")
    assert (outcome.status, outcome.reason.partition(";")[0]) == (Status.NOT_APPLIED, "value is masked")
