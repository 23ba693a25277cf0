"""Results of tools: sanitized data of limited size, as single objects or as pages with a cursor."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import secrets
from typing import Any, Mapping, Optional

from mcp_types import CallToolResult, TextContent

from ..client.checkmk import Checkmk
from ..commands import Command
from ..core import cancellation
from .untrusted import delimit, sanitize

DEFAULT_PAGE, MAX_PAGE = 25, 200
MAX_OFFSET = 10_000_000
MAX_RESULT = 200_000  # characters of JSON; a result contains them twice, as structure and as text
# The key is random, so nobody can forge a digest or use it to test guesses of a secret in an inventory.
_KEY = secrets.token_bytes(32)
# A result that is too large is cut in these steps: (characters of each text, entries of each list and mapping).
_CUTS = ((2000, 1000), (1000, 200), (300, 50), (100, 20), (50, 5))


def tool_result(data: Mapping[str, Any]) -> CallToolResult:
    """Return data as a tool result: structured for programs, and as delimited text for models."""
    text = TextContent(type="text", text=delimit(data))
    return CallToolResult(content=[text], structured_content=dict(data))


def page_result(client: Checkmk, command: Command, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page of rows from ``cursor`` on, with up to ``limit`` rows, or fewer if they exceed one result."""
    query = dict(arguments)
    limit, cursor = query.pop("limit"), query.pop("cursor")
    offset = decode_cursor(cursor, command.tool_name, query)
    rows = command.handler(client, **query)
    page = []
    # One row more than fits on the page shows whether there is another page.
    for number, row in enumerate(itertools.islice(rows, offset + limit + 1)):
        cancellation.check()
        if number >= offset:
            page.append(row)
    if hasattr(rows, "close"):
        rows.close()
    items: list[dict[str, Any]] = []
    left = MAX_RESULT
    for row in page[:limit]:
        item = fit(command, row)
        left -= _size(item)
        if left < 0 and items:
            break
        items.append(item)
    counts: Optional[Mapping[str, int]] = getattr(rows, "counts", None)
    is_end_known = len(page) <= limit and (page or not offset)
    total = offset + len(page) if is_end_known else None
    is_last = len(items) == len(page)
    return {
        "items": items,
        "count": len(items),
        "next_cursor": None if is_last else encode_cursor(offset + len(items), command.tool_name, query),
        "total": total if counts is None else sum(counts.values()),
        "counts": None if counts is None else dict(counts),
    }


def fit(command: Command, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declared fields of a row, sanitized, and shortened if they are too large for one result."""
    values = row if command.table_row is None else command.table_row(dict(row))
    if command.fields:
        values = {field.name: values[field.name] for field in command.fields if field.name in values}
    item: dict[str, Any] = sanitize(values)
    size = _size(item)
    note = f"the answer has {size} characters, too many for one result; only the start of each list and text is shown"
    for max_text, max_entries in _CUTS:
        if _size(item) <= MAX_RESULT:
            break
        item = {**sanitize(values, max_text, max_entries), "shortened": note}
    return item


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))


def keyed_digest(*facts: Any) -> str:
    """Return a digest of facts. Only this process can make or check it."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hmac.new(_KEY, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]


def encode_cursor(offset: int, tool: str, query: Mapping[str, Any]) -> str:
    """Return the cursor for a position in the rows of a tool.

    It is valid for the same arguments, until the server restarts.
    """
    return f"{offset}-{keyed_digest(tool, query)}"


def decode_cursor(cursor: Optional[str], tool: str, query: Mapping[str, Any]) -> int:
    """Return the offset in a cursor, or 0 without a cursor. Raises ValueError if it is not valid for this query."""
    if not cursor:
        return 0
    found = re.fullmatch("([1-9][0-9]{0,7})-([0-9a-f]{16})", cursor)
    if found is None or int(found[1]) > MAX_OFFSET or found[2] != keyed_digest(tool, query):
        raise ValueError("the cursor does not belong to these arguments; call again without cursor")
    return int(found[1])
