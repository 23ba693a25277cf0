"""A client of the SDK that talks to a server for a simulated site, in this process."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Optional

import anyio
from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.mcp.audit import Audit
from checkmk_sync.mcp.calls import Caller
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.mcp.progress import WorkClock
from checkmk_sync.mcp.server import build
from checkmk_sync.testing import SimulatedSite

__all__ = ["MODES", "Script", "data", "said", "talk", "talking"]

MODES = ("auto", "legacy")  # questions are results in the newer protocol, and requests in the older one

Script = Callable[[Client], Awaitable[Any]]


def data(result: Any) -> Any:
    """The structured answer of a tool that worked."""
    assert not result.is_error, result.content[0].text
    return result.structured_content


def said(result: Any) -> str:
    """What a tool that failed says."""
    assert result.is_error, result
    assert result.structured_content is None
    return str(result.content[0].text)


@contextlib.asynccontextmanager
async def talking(
    site: SimulatedSite,
    *,
    mode: str = "auto",
    answer: Optional[Callable[[str], ElicitResult]] = None,
    audit: Optional[Path] = None,
    user: Optional[str] = None,
    options: Optional[dict[str, Any]] = None,
    **policy: Any,
) -> AsyncIterator[Client]:
    """A client; ``answer`` is given each question that a person is asked."""

    async def ask(_context: Any, params: Any) -> ElicitResult:
        assert answer is not None
        # In a thread, for what happens meanwhile may ask the site, which must not hold up the loop.
        return await anyio.to_thread.run_sync(answer, params.message)

    with site.client(user, clock=WorkClock(), **(options or {})) as checkmk:
        with contextlib.closing(Audit(checkmk.settings, None if audit is None else str(audit))) as log:
            caller = Caller(checkmk, Policy(**policy), log)
            callback = None if answer is None else ask
            async with Client(build(caller), mode=mode, elicitation_callback=callback) as client:
                yield client
            assert await anyio.to_thread.run_sync(caller.drain, 20.0)


def talk(site: SimulatedSite, script: Script, **options: Any) -> Any:
    """What ``script(client)`` gives."""

    async def whole() -> Any:
        async with talking(site, **options) as client:
            return await script(client)

    return anyio.run(functools.partial(whole))
