"""Checkmk for language models: a server of the Model Context Protocol. Needs the extra ``mcp`` and Python 3.10.

A face over the table of verbs: each row is a tool. Run ``checkmk-sync mcp``, or ``python -m checkmk_sync.mcp``.
"""

from __future__ import annotations

import sys
from typing import Any

from ..errors import MissingExtraError, SettingsError

__all__ = ["serve"]

OLDEST = (3, 10)
_LIBRARIES = ("anyio", "mcp", "mcp_types", "pydantic", "uvicorn")


def serve(*args: Any, **kwargs: Any) -> None:
    """As :func:`checkmk_sync.mcp.serving.serve`; MissingExtraError without the extra, SettingsError on
    a Python that is too old for it."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        raise SettingsError(f"the MCP server needs Python 3.10 or later, this is {found}")
    try:
        from . import serving
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] in _LIBRARIES:
            raise MissingExtraError("the MCP server", "mcp") from error
        raise
    serving.serve(*args, **kwargs)
