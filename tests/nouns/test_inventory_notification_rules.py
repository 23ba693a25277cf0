"""Notification rules in inventories: named by the KEY of their marks, with secrets in the parameters of scripts."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import (
    Plan,
    Report,
    apply_plan,
    from_data,
    make_plan,
    plan_as_markdown,
    plan_as_text,
    report_as_text,
)
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.official_documents import EDITIONS, VERSIONS

Site = tuple[SimulatedSite, Checkmk]
MAIL = {"option": "create_notification_with_the_following_parameters", "plugin_params": {"plugin_name": "mail"}}


@pytest.fixture(params=VERSIONS)
def every_site(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Site]:
    secrets = {name: SecretSource(value=f"https://hooks.example.com/geheim-{name}") for name in ("hook", "other")}
    with SimulatedSite(request.param, EDITIONS[request.param], clock=clock) as site:
        with site.client(clock=clock, secrets=secrets) as cmk:
            yield site, cmk


def _slack(url: str) -> dict[str, Any]:
    """Return the parameters of a script with a secret that sites return in the clear."""
    parameters = {"plugin_name": "slack", "webhook_url": {"option": "explicit", "url": url}}
    return {"option": "create_notification_with_the_following_parameters", "plugin_params": parameters}


def _rule(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"About {name}", "method": MAIL, **more}


def _plan(cmk: Checkmk, *items: Any, **more: Any) -> Plan:
    return make_plan(cmk, from_data({"notification_rules": list(items), **more}), owner="cmdb")


def _apply(cmk: Checkmk, *items: Any, **more: Any) -> Report:
    plan = _plan(cmk, *items, **more)
    plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    report = apply_plan(cmk, plan)
    assert (report.ok, report.verified) == (True, True), report_as_text(report)
    assert _plan(cmk, *items, **more).is_empty
    shown = f"{plan_as_text(plan)}{plan_as_markdown(plan)}{report_as_text(report)}{plan!r}{report!r}"
    assert "geheim" not in f"{shown}{json.dumps([plan.to_dict(), report.to_dict()])}"
    return report


def _actions(report: Report) -> list[str]:
    return [f"{change.action.value} {change.name}" for change, _ in report.results]


def _stored(site: SimulatedSite) -> list[Any]:
    return [found["rule_config"] for found in site.state.configuration.objects["notification_rules"].values()]


def test_notification_rules_live_in_an_inventory(every_site: Site) -> None:
    site, cmk = every_site
    cmk.notification_rules.create(description="Foreign", method=MAIL)
    (foreign,) = _stored(site)
    team = {"contact_groups": [{"name": "team", "alias": "Team"}]}
    groups = {"members_of_contact_groups": {"state": "enabled", "value": ["team"]}}
    items = [_rule("z", contact_selection=groups, comment="Ask Carol"), _rule("a", disabled=True)]
    created = ["create contact group team", "create notification rule z", "create notification rule a"]
    assert _actions(_apply(cmk, *items, **team)) == created
    comments = [config["rule_properties"]["comment"] for config in _stored(site)[1:]]
    assert comments == ["Ask Carol\ncheckmk_sync/owner: cmdb z", "checkmk_sync/owner: cmdb a"]
    assert _actions(_apply(cmk, items[0], _rule("a", disabled=False), **team)) == ["update notification rule a"]
    assert _actions(_apply(cmk, _rule("a"), **team)) == ["delete notification rule z"]
    assert _actions(_apply(cmk, {"name": "a", "absent": True})) == ["delete notification rule a"]
    assert _stored(site) == [foreign]


def test_null_restores_the_defaults(every_site: Site) -> None:
    _, cmk = every_site
    values: dict[str, Any] = {
        "contact_selection": {"all_users": {"state": "enabled"}},
        "conditions": {"match_services": {"state": "enabled", "value": ["CPU load"]}},
        "comment": "Ask Carol",
        "disabled": True,
        "allow_users_to_deactivate": False,
    }
    _apply(cmk, _rule("mail", **values))
    _apply(cmk, _rule("mail", **dict.fromkeys(values)))
    (rule,) = cmk.notification_rules.each()
    assert (rule.disabled, rule.allow_users_to_deactivate, rule.conditions) == (False, True, {})
    assert rule.contact_selection == {"all_contacts_of_the_notified_object": {"state": "enabled"}}


def test_secrets_in_parameters_are_resolved_and_never_shown(every_site: Site) -> None:
    site, cmk = every_site
    _apply(cmk, _rule("chat", method=_slack("secret:hook")))

    def stored() -> Any:
        return _stored(site)[0]["notification_method"]["notify_plugin"]["plugin_params"]["webhook_url"]["url"]

    assert stored() == "https://hooks.example.com/geheim-hook"
    report = _apply(cmk, _rule("chat", method=_slack("secret:hook"), description="New"))
    ((change, _),) = report.results
    assert set(change.properties) == {("description",), ("method",)}
    assert _plan(cmk, _rule("chat", method=_slack("secret:other"), description="New")).is_empty
    plan = _plan(cmk, _rule("chat", method=_slack("secret:other")), secrets="always")
    assert "geheim" not in f"{plan_as_text(plan)}{json.dumps(plan.to_dict())}"
    assert apply_plan(cmk, plan).ok
    assert stored() == "https://hooks.example.com/geheim-other"


def test_unknown_secrets_are_mistakes(every_site: Site) -> None:
    _, cmk = every_site
    with pytest.raises(InventoryError, match="method names the unknown secret 'hok'; did you mean 'hook'?"):
        _plan(cmk, _rule("chat", method=_slack("secret:hok")))


@pytest.mark.parametrize("kind", ["reset_after", "crash_after"])
def test_a_lost_creation_is_settled_by_the_mark(every_site: Site, kind: Any) -> None:
    site, cmk = every_site
    site.set_faults([Fault(kind, writes=True, times=1)])
    _apply(cmk, _rule("chat", method=_slack("secret:hook")))
    assert len(_stored(site)) == 1
