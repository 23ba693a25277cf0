"""Checkmk for language models: a server of the Model Context Protocol. Needs the extra ``mcp`` and Python 3.10.

A face over the table of verbs: each row is a tool. Run ``checkmk-sync mcp``, or ``python -m checkmk_sync.mcp``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..errors import CheckmkError, MissingExtraError

if TYPE_CHECKING:
    from .serve import serve

__all__ = ["serve"]

OLDEST = (3, 10)


def __getattr__(name: str) -> Any:
    if name != "serve":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        raise CheckmkError(f"the MCP server needs Python 3.10 or later, this is {found}")
    try:
        from . import serve
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] in ("anyio", "mcp", "mcp_types", "pydantic"):
            raise MissingExtraError("the MCP server", "mcp") from error
        raise
    return serve.serve
