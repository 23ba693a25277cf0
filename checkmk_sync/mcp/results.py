"""What a verb gives, as data that is harmless and not too much: pages, and single objects."""

from __future__ import annotations

import itertools
import json
from typing import Any, Iterator, Mapping, Optional

from ..client.checkmk import Checkmk
from ..commands import Command
from ..core import cancellation
from .paging import cursor_at, offset_of
from .untrusted import cleaned

__all__ = ["MAX_ANSWER", "given", "page"]

MAX_ANSWER = 200_000  # characters of an answer as JSON, which stands in it twice: as structure and as text
SHORTENED = "shortened"
# Ever less: how long texts may be, and how many entries lists and mappings may have.
_MEASURES = ((2000, 1000), (1000, 200), (300, 50), (100, 20), (50, 5))


def given(client: Checkmk, verb: Command, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The answer of a verb that gives one mapping, and that mapping as it was."""
    found: Mapping[str, Any] = verb.handler(client, **arguments)
    return _fitted(_declared(verb, found), MAX_ANSWER), found


def page(client: Checkmk, verb: Command, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the rows that a verb gives: ``limit`` of them, or as many as are not too much, from ``cursor`` on."""
    asked = dict(arguments)
    limit, cursor = asked.pop("limit"), asked.pop("cursor")
    offset = offset_of(cursor, verb.tool_name, asked)
    unlimited = {"limit": None} if any(found.name == "limit" for found in verb.arguments) else {}
    rows = verb.handler(client, **asked, **unlimited)
    # One more, to know whether there are more; together with those before it.
    found = list(itertools.islice(_checking(rows), offset, offset + limit + 1))
    close = getattr(rows, "close", None)
    if close is not None:
        close()
    items = _fitting(_declared(verb, row) for row in found[:limit])
    is_last = len(items) == len(found)
    counts = getattr(rows, "counts", None)
    return {
        "items": items,
        "count": len(items),
        "next_cursor": None if is_last else cursor_at(offset + len(items), verb.tool_name, asked),
        "total": _total(counts, offset + len(found), is_known=len(found) <= limit and (found or not offset)),
        "counts": None if counts is None else dict(counts),
    }


def _total(counts: Optional[Mapping[str, int]], reached: int, is_known: object) -> Optional[int]:
    if counts is not None:
        return sum(counts.values())
    return reached if is_known else None


def _checking(rows: Iterator[Any]) -> Iterator[Any]:
    for row in rows:
        cancellation.check()
        yield row


def _declared(verb: Command, row: Mapping[str, Any]) -> dict[str, Any]:
    row = row if verb.table_row is None else verb.table_row(dict(row))
    if not verb.fields:
        return dict(cleaned(row))
    told = cleaned({found.name: row[found.name] for found in verb.fields if found.name in row})
    return dict(told)


def _fitting(items: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the first as are not too much together; at least one, shortened if need be."""
    found: list[dict[str, Any]] = []
    left = MAX_ANSWER
    for item in items:
        left -= _size(item)
        if left < 0 and found:
            break
        found.append(item if left >= 0 else _fitted(item, MAX_ANSWER))
    return found


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))


def _fitted(found: dict[str, Any], limit: int) -> dict[str, Any]:
    """``found``, or what is left of it when it is shortened until it is no more than ``limit``, which it then says."""
    size = _size(found)
    if size <= limit:
        return found
    said = f"of {size} characters, which are too many for one answer, the first of each list and text are shown"
    for chars, entries in _MEASURES:
        shorter: dict[str, Any] = {**_cut(found, chars, entries), SHORTENED: said}
        if _size(shorter) <= limit:
            break
    return shorter


def _cut(value: Any, chars: int, entries: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= chars else f"{value[:chars]}…"
    if isinstance(value, Mapping):
        return {key: _cut(inner, chars, entries) for key, inner in itertools.islice(value.items(), entries)}
    return [_cut(inner, chars, entries) for inner in value[:entries]] if isinstance(value, list) else value
