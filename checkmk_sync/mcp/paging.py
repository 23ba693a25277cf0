"""Pages without a memory: a cursor says how far, and of which question."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Mapping, Optional

__all__ = ["DEFAULT_PAGE", "LARGEST_PAGE", "cursor_at", "offset_of"]

DEFAULT_PAGE, LARGEST_PAGE = 25, 200
FURTHEST = 10_000_000
MAX_CURSOR = 200  # characters


def _question(tool: str, arguments: Mapping[str, Any]) -> str:
    text = json.dumps([tool, arguments], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def cursor_at(offset: int, tool: str, arguments: Mapping[str, Any]) -> str:
    """Where the next page begins."""
    text = json.dumps([offset, _question(tool, arguments)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def offset_of(cursor: Optional[str], tool: str, arguments: Mapping[str, Any]) -> int:
    """How many rows come before the page. ValueError for a cursor of something else."""
    if not cursor:
        return 0
    try:
        padded = cursor[:MAX_CURSOR].encode() + b"=" * (-len(cursor) % 4)
        offset, question = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError):
        offset, question = None, None
    if not isinstance(offset, int) or not 0 < offset <= FURTHEST or question != _question(tool, arguments):
        raise ValueError("the cursor does not belong to these arguments: begin again without one")
    return offset
