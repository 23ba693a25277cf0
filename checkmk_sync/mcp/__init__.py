"""An MCP server that offers a Checkmk site to language models.

MCP is the Model Context Protocol. The server needs the extra ``mcp`` and Python 3.10 or later. It is started by
``checkmk-sync mcp`` or ``python -m checkmk_sync.mcp``. Each command of the command table is a tool: ``calls.py`` runs
a call, and ``approval.py`` asks a person to approve the preview of a write.
"""

from __future__ import annotations

import sys
from typing import Any

from ..errors import MissingExtraError, SettingsError

__all__ = ["serve"]

OLDEST = (3, 10)
# Modules of the extra. Any other missing module is a bug, which must not be reported as a missing extra.
_LIBRARIES = ("anyio", "mcp", "mcp_types", "pydantic", "uvicorn")


def serve(*args: Any, **kwargs: Any) -> None:
    """Call :func:`checkmk_sync.mcp.server.serve`.

    Raises MissingExtraError if the extra is not installed, and SettingsError if Python is too old for it.
    """
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
