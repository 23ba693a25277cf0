"""Inventories of rules for tests."""

from __future__ import annotations

from typing import Any

from checkmk_sync import Checkmk
from checkmk_sync.sync import Plan, Report, apply_plan, from_data, make_plan, report_as_text
from checkmk_sync.testing import SimulatedSite
from tests.nouns.rule_examples import FILESYSTEM

__all__ = ["actions", "applied", "comments", "planned", "rule", "stored"]


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
