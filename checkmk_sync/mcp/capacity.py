"""Limits on concurrent work: threads of all sessions, calls and reads of one session, and writes."""

from __future__ import annotations

import contextlib
import contextvars
import enum
import threading
import weakref
from typing import Any, AsyncIterator, Iterator

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.exceptions import ToolError

from ..commands import Command
from ..recovery.limit import InFlight, session_limit


class WorkKind(enum.Enum):
    """A kind of work. Each kind has its own threads, so that none waits for another."""

    TOOL = "tool"
    RESOURCE = "resource"
    COMPLETION = "completion"
    LOCAL = "local"  # sends nothing to the site


MAX_THREADS = {WorkKind.TOOL: 40, WorkKind.RESOURCE: 10, WorkKind.COMPLETION: 4, WorkKind.LOCAL: 8}
# These kinds can read from the site for a long time, so one session must not take all capacity of the site.
LIMITED_PER_SESSION = (WorkKind.TOOL, WorkKind.RESOURCE)

session_id: contextvars.ContextVar[str] = contextvars.ContextVar("session_id", default="")


async def session_middleware(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Set ``session_id`` for a request.

    Over stdio there is one session. Over HTTP, older protocols name the session in a header. Newer ones have no
    sessions, so calls with the same address, ``X-Forwarded-For`` and ``User-Agent`` count as one session.
    """
    session = ""
    if ctx.request is not None:
        headers, client = ctx.request.headers, ctx.request.client
        caller = (client.host if client else "", headers.get("x-forwarded-for", ""), headers.get("user-agent", ""))
        session = headers.get("mcp-session-id") or "\n".join(caller)
    session_id.set(session)  # each request has its own context, so this needs no reset
    return await call_next(ctx)


class _SessionLimits:
    """Limits on the calls of one session, and on its reads, because one call can make several reads."""

    def __init__(self, limit: int) -> None:
        self.calls, self.reads = anyio.CapacityLimiter(limit), InFlight(limit)


class Capacity:
    """The slots for calls, limited for each kind of work and each session."""

    def __init__(self, reads_in_flight: int) -> None:
        # If the site accepts several concurrent reads, each session leaves one to the others.
        self._session_limit = max(1, reads_in_flight - 1)
        self._threads = {kind: anyio.CapacityLimiter(limit) for kind, limit in MAX_THREADS.items()}
        # Weak, so that the limits of a session exist only while one of its calls has a slot or waits for one.
        self._sessions: weakref.WeakValueDictionary[str, _SessionLimits] = weakref.WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def slot(self, kind: WorkKind) -> AsyncIterator[None]:
        """Wait for a slot for this kind of work, and hold it during the block.

        Reads in the block count against the limit of the session.
        """
        if kind not in LIMITED_PER_SESSION:
            async with self._threads[kind]:
                yield
            return
        session = self._sessions.setdefault(session_id.get(), _SessionLimits(self._session_limit))
        # The session first, so that a call that waits for its session does not occupy a thread.
        async with session.calls, self._threads[kind]:
            session_limit.set(session.reads)
            yield


_APPLYING = (
    "Nothing was done: an inventory is being applied or a folder is being deleted, which would include this write "
    "without approval. Try again when that has ended."
)
_WRITING = (
    "Nothing was done: another write is in progress, which this call would include without approval. "
    "Try again when that has ended."
)


class WriteLock:
    """A lock that ordinary writes share. Commands that would include other writes hold it exclusively.

    It refuses instead of waiting, because a wait could take as long as an activation.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared, self._is_exclusive = 0, False

    @contextlib.contextmanager
    def hold(self, command: Command) -> Iterator[None]:
        """Hold the lock while a command runs. Raises ToolError if a conflicting command holds it."""
        if not command.writes or command.local:
            yield
            return
        with self._lock:
            if self._is_exclusive or (command.exclusive and self._shared):
                raise ToolError(_APPLYING if self._is_exclusive else _WRITING)
            self._shared += not command.exclusive
            self._is_exclusive = command.exclusive
        try:
            yield
        finally:
            with self._lock:
                self._shared -= not command.exclusive
                self._is_exclusive = False
