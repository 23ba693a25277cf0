"""Render plans for people, as text and as Markdown."""

from __future__ import annotations

import itertools
import json
import re
import sys
from typing import Any, Callable, Iterator, Sequence

from ..core.grouping import grouped
from ..core.text import escape_invisible, escape_unprintable, pluralize, summarize
from .changes import NEW_NAME, Action, Change
from .compare import keeps_unnamed, matches
from .kinds import FOLDER, KINDS, OWNER, Property
from .plan import Plan

_SIGNS = {Action.RENAME: "=", Action.CREATE: "+", Action.MOVE: ">", Action.UPDATE: "~", Action.DELETE: "-"}
SHOWN = 60  # characters of one value
COLLAPSED = 20  # longer lists are collapsed in Markdown
_FRAME = 120  # characters of a list without its rows, or more
_HEAD = "\n| action | kind | name | change |\n|---|---|---|---|"

Quote = Callable[[str], str]  # escapes a string from an inventory or a site for the output format


def value_as_text(value: Any, *, whole: bool = False) -> str:
    """Return a value on one line. Long values are shortened unless ``whole`` is True."""
    if value is None:
        return "(not set)"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    text = escape_unprintable(text)
    return text if whole or len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def plan_as_text(plan: Plan, *, limit: int | None = None, with_refusal: bool = True) -> str:
    """Return the plan as text: one line for each change (at most ``limit``), then counts, notes and the checksum.

    The notes include the reason why apply would refuse the plan, unless ``with_refusal`` is False.
    """
    lines = [change_as_text(change) for change in plan.changes[:limit]]
    if limit is not None and len(plan.changes) > limit:
        lines.append(f"  … and {pluralize(len(plan.changes) - limit, 'more change')}")
    lines += [f"! {escape_unprintable(conflict.text)}" for conflict in plan.conflicts[:limit]]
    lines += [f"Warning: {escape_unprintable(warning)}" for warning in plan.warnings]
    return "\n".join([*lines, *_summary(plan, with_refusal=with_refusal)])


def change_as_text(change: Change, *, whole: bool = False) -> str:
    """Return a change on one line, without secrets. Long values are shortened unless ``whole`` is True."""
    return f"{_SIGNS[change.action]} {escape_unprintable(change.name)}{_details(change, whole)}{_second_step(change)}"


def _second_step(change: Change, quote: Quote = escape_unprintable) -> str:
    """Return a note that names the objects that a second step waits for; empty for other changes."""
    return f" (second step, after {summarize([*map(quote, change.after)], 3)})" if change.after else ""


def _details(change: Change, whole: bool = False, quote: Quote = escape_unprintable) -> str:
    if change.action is Action.RENAME:
        return f": renamed from {quote(change.properties[NEW_NAME][0])}"
    if change.action is Action.MOVE:
        places = [
            f"{quote(now)} -> {quote(new)}" if path == FOLDER else f"{path[0]} {quote(new)}"
            for path, (now, new) in change.properties.items()
        ]
        return f": {', '.join(places)}"
    if change.action is Action.DELETE:
        return ""
    parts: list[str] = []
    for path, now, wanted in differences(change):
        name = property_name(change.kind, path, quote)
        old, new = (_masked_value(change, path, value, whole, quote) for value in (now, wanted))
        if change.action is Action.CREATE:
            parts += [] if path == OWNER else [f"{name} {new}"]
        else:
            parts.append(name + (" changes" if old == new else f" {old} -> {new}"))
    return f": {', '.join(parts)}" if parts else ""


def property_name(kind: str, path: Property, quote: Quote = str) -> str:
    """Return the name of a property for people: ``label env``, ``alias``, ``snmp_community.type``."""
    start = "label " if path[0] == "labels" and KINDS[kind].mark == "labels" else ""
    is_of_noun = KINDS[kind].field_at(path) is not None
    return start + quote(".".join(path if is_of_noun else path[1:] or path))


def differences(change: Change) -> Iterator[tuple[Property, Any, Any]]:
    """Yield each property of a change, sorted, with its current and its wanted value, which can be secret.

    For a mapping that is merged, yield only the members that differ.
    """
    for path, (now, wanted) in sorted(change.properties.items()):
        yield from _members(change.kind, path, now, wanted)


def _members(kind: str, path: Property, now: Any, wanted: Any) -> Iterator[tuple[Property, Any, Any]]:
    if KINDS[kind].field_at(path) is not None or not keeps_unnamed(wanted, now):
        yield path, now, wanted
        return
    for key, value in wanted.items():
        if key not in now or not matches((*path, key), value, now[key]):
            yield from _members(kind, (*path, key), now.get(key), value)


def _masked_value(change: Change, path: Property, value: Any, whole: bool, quote: Quote) -> str:
    """Return a value with HIDDEN in place of secrets."""
    value = change.masked(path, value)
    text = value_as_text(value, whole=whole)
    return text if value is None else quote(text)


def _summary(plan: Plan, quote: Quote = escape_unprintable, *, with_refusal: bool = True) -> Iterator[str]:
    if plan.scope:
        yield f"Only: {', '.join(map(quote, plan.scope.texts))}"
    counts = plan.counts()
    renamed = f"{counts['rename']} to rename, " if counts["rename"] else ""
    yield (
        f"Plan: {renamed}{counts['create']} to create, {counts['move']} to move, {counts['update']} to update, "
        f"{counts['delete']} to delete, {counts['unchanged']} unchanged"
    )
    if plan.conflicts:
        yield f"{pluralize(len(plan.conflicts), 'conflict')}: objects that the plan must not change or delete"
    yield from (f"Probable rename: {quote(str(rename))}" for rename in plan.renames)
    if plan.undiscovered:
        yield f"{pluralize(len(plan.undiscovered), 'host')} will be scanned, because no services were found yet"
    if plan.silent:
        yield f"{pluralize(len(plan.silent), 'host')} on which a scan found no services (is the agent reachable?)"
    if plan.own_pending:
        yield f"{pluralize(plan.own_pending, 'own change is', 'own changes are')} not active yet and will be activated"
    if plan.foreign_pending:
        needs = "" if plan.is_empty else "; apply needs --force-foreign, unless they are activated first"
        yield f"{pluralize(plan.foreign_pending, 'pending change')} of other users{needs}"
    refusal = plan.refusal() if with_refusal and not plan.conflicts else None
    if refusal is not None:
        yield f"Apply is refused: {quote(str(refusal))}"
    yield f"Checksum: {quote(plan.checksum)}"


def plan_as_markdown(plan: Plan, *, max_length: int = sys.maxsize) -> str:
    """Return the plan as Markdown: the notes of :func:`plan_as_text`, the conflicts, and a table of all changes.

    Long lists are collapsed, and their changes are grouped by action, deletions first. If the text would be longer than
    ``max_length`` characters, the last rows are left out, and a line says how many. Services such as GitHub limit
    comments to 65,536 characters.
    """
    rows = [(change.action, _row(change)) for change in plan.changes]
    groups = grouped(rows) if len(rows) > COLLAPSED else {Action.DELETE: [row for _, row in rows]}
    lists = [
        ("warnings", "", [f"- warning: {_code(warning)}" for warning in plan.warnings]),
        ("conflicts", "", [f"- conflict: {_code(conflict.text)}" for conflict in plan.conflicts]),
        *((f"to {action.value}", _HEAD, groups.get(action, [])) for action in reversed(Action)),
    ]
    text = "\n".join(f"- {note}" for note in _summary(plan, _code))
    for title, head, found in lists:
        text += _list(title, head, found, max_length - len(text) - _FRAME * len(lists))
    return text


def _row(change: Change) -> str:
    details = _details(change, quote=_code_in_table) + _second_step(change, _code_in_table)
    cells = (change.action.value, change.kind, _code_in_table(change.key), details.removeprefix(": ").lstrip())
    return f"| {' | '.join(cells)} |"


def _list(title: str, head: str, rows: Sequence[str], room: int) -> str:
    """Return a list, collapsed if it is long, with the rows that fit into ``room`` characters."""
    if not rows:
        return ""
    shown = rows[: sum(size <= room for size in itertools.accumulate(len(row) + 1 for row in rows))]
    more = [f"\n… and {len(rows) - len(shown)} more"] if len(shown) < len(rows) else []
    text = "\n".join([f"\n{head}", *shown, *more])
    return f"\n\n<details><summary>{len(rows)} {title}</summary>{text}\n\n</details>" if len(rows) > COLLAPSED else text


def _code(text: str) -> str:
    """Return a string as a Markdown code span."""
    # GitHub and GitLab do not interpret text inside a code span. Backslash escapes would prevent links and images, but
    # not mentions (@team), issues (#1), commits, addresses and :emoji:.
    text = escape_invisible(escape_unprintable(text))
    if not text:
        return '""'
    # Only backticks are special in a code span, so the fence is longer than any run of them in the text.
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # Markdown strips one space at each end, unless the text consists only of spaces.
    is_stripped = text[0] == text[-1] == " " and text.strip(" ") != ""
    blank = " " if text[0] == "`" or text[-1] == "`" or is_stripped else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def _code_in_table(text: str) -> str:
    """Return a string as a Markdown code span that can be used in a table."""
    # Tables are split at bars before code spans are recognized, so bars inside code spans must be escaped.
    return _code(text).replace("|", "\\|")
