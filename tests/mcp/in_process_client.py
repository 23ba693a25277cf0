"""An SDK client that is connected, in this process, to an MCP server for a simulated site."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Optional

import anyio
from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.mcp.audit import AuditLog
from checkmk_sync.mcp.calls import ToolRunner
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.mcp.server import build_server
from checkmk_sync.testing import SimulatedSite

__all__ = ["MODES", "Script", "error_text", "open_client", "result_data", "run_client"]

MODES = ("auto", "legacy")  # questions are results in the newer protocol, and requests in the older one

Script = Callable[[Client], Awaitable[Any]]


def result_data(result: Any) -> Any:
    """Return the structured result of a successful tool call."""
    assert not result.is_error, result.content[0].text
    return result.structured_content


def error_text(result: Any) -> str:
    """Return the message of a failed tool call."""
    assert result.is_error, result
    assert result.structured_content is None
    return str(result.content[0].text)


@contextlib.asynccontextmanager
async def open_client(
    site: SimulatedSite,
    *,
    mode: str = "auto",
    answer: Optional[Callable[[str], ElicitResult]] = None,
    audit: Optional[Path] = None,
    user: Optional[str] = None,
    options: Optional[dict[str, Any]] = None,
    **policy: Any,
) -> AsyncIterator[Client]:
    """Yield a client. ``answer`` is called with each question and returns the person's answer."""

    async def ask(_context: Any, params: Any) -> ElicitResult:
        assert answer is not None
        # In a thread, because it may send requests to the site, which would block the event loop.
        return await anyio.to_thread.run_sync(answer, params.message)

    with site.client(user, **(options or {})) as checkmk:
        with contextlib.closing(AuditLog(checkmk.settings, None if audit is None else str(audit))) as log:
            runner = ToolRunner(checkmk, Policy(**policy), log)
            callback = None if answer is None else ask
            async with Client(build_server(runner), mode=mode, elicitation_callback=callback) as client:
                yield client
            assert await anyio.to_thread.run_sync(runner.drain, 20.0)


def run_client(site: SimulatedSite, script: Script, **options: Any) -> Any:
    """Run ``script(client)`` and return its result."""

    async def run() -> Any:
        async with open_client(site, **options) as client:
            return await script(client)

    return anyio.run(run)
