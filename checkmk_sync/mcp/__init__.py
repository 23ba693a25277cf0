"""Checkmk for language models: a server of the Model Context Protocol. Needs the extra ``mcp`` and Python 3.10.

Each command of the command table is a tool. Run ``checkmk-sync mcp``, or ``python -m checkmk_sync.mcp``. A call runs in
``calls.py``, and ``approval.py`` has a person approve the preview of a write.
"""

from __future__ import annotations

import sys
from typing import Any

from ..errors import MissingExtraError, SettingsError

__all__ = ["serve"]

OLDEST = (3, 10)
_LIBRARIES = ("anyio", "mcp", "mcp_types", "pydantic", "uvicorn")


def serve(*args: Any, **kwargs: Any) -> None:
    """Call :func:`checkmk_sync.mcp.server.serve`. MissingExtraError without the extra, SettingsError if Python is too
    old for it."""
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:2]))
        raise SettingsError(f"the MCP server needs Python 3.10 or later, but this is {version}")
    try:
        from . import server
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] in _LIBRARIES:
            raise MissingExtraError("the MCP server", "mcp") from error
        raise
    server.serve(*args, **kwargs)
