"""The pages of a plan and of a report: the plain data of both, and their changes with the values before and after."""

from __future__ import annotations

import json
import shlex
from typing import Any, Iterator, Optional

from ...core.text import summarize
from ..changes import Action, Change
from ..kinds import FOLDER, FOLDERS, KINDS, OWNER
from ..plan import Plan
from ..render import differences, property_name
from ..report import Report
from .document import document

WIDE = 100  # characters of a list or an object that is shown on one line


def plan_as_html(plan: Plan, *, command: str = "") -> str:
    """Return a plan as one HTML file for a review in a browser, without secrets.

    The page contains all changes, and loads nothing from elsewhere. ``command`` is the command that applies the plan;
    the page shows it with the checksum.
    """
    owner = [] if plan.owner is None else ["--owner", plan.owner]
    only = [word for text in plan.scope.texts for word in ("--only", text)]
    words = command or shlex.join(["checkmk-sync", "apply", "INVENTORY", *owner, *only])
    entries = [_entry(change, change.action.value) for change in plan.changes]
    return document({"page": "plan", "plan": _facts(plan), "command": words, "entries": entries})


def report_as_html(report: Report) -> str:
    """Return the report of an applied plan as one HTML file, with the outcome of each change, without secrets."""
    # The changes in the results contain secrets in place of references, so the values are those of the plan.
    planned = {(change.action, change.target, change.after): change for change in report.plan.changes}
    entries = []
    for change, outcome in report.results:
        known = planned.get((change.action, change.target, change.after), Change(change.action, *change.target))
        entries.append(_entry(known, outcome.status.value, outcome.reason))
    facts = {**report.to_dict(), "errors": {stage: str(error) for stage, error in report.errors.items()}}
    del facts["changes"]
    return document({"page": "report", "plan": _facts(report.plan), "report": facts, "entries": entries})


def _facts(plan: Plan) -> dict[str, Any]:
    """Return the plain data of a plan, with the pending changes by user and the limits in place of the changes."""
    foreign = [str(change) for change in plan.pending if change.is_foreign_to(plan.user)]
    facts = {**plan.to_dict(), "renames": [*map(str, plan.renames)], "foreign": foreign, "is_empty": plan.is_empty}
    limits = {"changes": str(plan.limits.changes), "deletions": str(plan.limits.deletions)}
    del facts["changes"]
    own = [str(change) for change in plan.pending if change.user == plan.user]
    kinds = {kind.name: kind.section.replace("_", " ") for kind in KINDS.values()}
    return {**facts, "changed": plan.changed_count(), "limits": limits, "own": own, "kinds": kinds}


def _entry(change: Change, tag: str, reason: str = "") -> dict[str, Any]:
    """Return a change as the page shows it, with HIDDEN in place of secrets."""
    place = change.value(FOLDER) or change.properties.get(FOLDER, ("",))[0]
    note = f"second step, after {summarize(change.after, 3)}" if change.after else ""
    return {
        "tag": tag,
        "action": change.action.value,
        "kind": change.kind,
        "name": change.key,
        "folder": change.key if change.kind == FOLDERS.name else place,
        "place": change.location,
        "note": "; ".join(filter(None, [reason, note])),
        "rows": list(_rows(change)),
    }


def _rows(change: Change) -> Iterator[list[Optional[str]]]:
    """Yield the name of each property with its text before and after. A deletion has all properties of the object."""
    found = differences(change)
    if change.action is Action.DELETE and change.existing is not None:
        found = ((path, now, None) for path, now in sorted(change.existing.properties.items()))
    for path, now, wanted in found:
        if change.action is not Action.CREATE or path != OWNER:
            texts = (_text(change.masked(path, value)) for value in (now, wanted))
            yield [property_name(change.kind, path), *texts]


def _text(value: Any) -> Optional[str]:
    """Return a value as text, or None if it is not set. A long list or object has several lines."""
    if value is None or isinstance(value, str):
        return value
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= WIDE else json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2)
