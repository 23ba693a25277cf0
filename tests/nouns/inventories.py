"""Steps that plan, apply and verify the objects of one plain noun, until a plan finds no changes."""

from __future__ import annotations

import json
from typing import Any

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
from tests.nouns.life import SECRET, Life

__all__ = ["applied", "live_in_an_inventory", "planned"]

OWNER = "cmdb"


def planned(life: Life, items: list[dict[str, Any]], owner: str = OWNER, **more: Any) -> Plan:
    """Return the plan for an inventory that contains only objects of this kind."""
    return make_plan(life.cmk, from_data({life.noun.name: items, **more}), owner=owner)


def applied(life: Life, items: list[dict[str, Any]], owner: str = OWNER) -> Report:
    """Apply an inventory, and check that no text shows a secret."""
    plan = planned(life, items, owner)
    plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    report = apply_plan(life.cmk, plan)
    shown = (plan_as_text(plan), plan_as_markdown(plan), report_as_text(report), repr(plan), repr(report))
    assert SECRET not in f"{shown} {json.dumps([plan.to_dict(), report.to_dict()])}"
    assert (report.ok, report.verified) == (True, True), report_as_text(report)
    assert planned(life, items, owner).is_empty
    return report


def _actions(report: Report) -> list[str]:
    return [f"{change.action.value} {change.key}" for change, _ in report.results]


def live_in_an_inventory(life: Life) -> None:
    """Create two objects, change one and delete it."""
    first, second = life.items("one", "two")
    before = set(life.stored())
    assert _actions(applied(life, [first, second])) == ["create one", "create two"]
    assert set(life.stored()) == {*before, "one", "two"}
    second = {**second, life.title: "Another title"}
    report = applied(life, [first, second])
    assert _actions(report) == ["update two"]
    (change,) = (change for change, _ in report.results)
    assert set(change.properties) == {(life.title,)}
    absent = {life.noun.key.name: "two", "absent": True}
    assert _actions(applied(life, [first, absent])) == ["delete two"]
    assert set(life.stored()) == {*before, "one"}
    assert _actions(applied(life, [{life.noun.key.name: "one", "absent": True}, absent])) == ["delete one"]
