"""Who may have how many threads: no session takes them all from the others."""

from __future__ import annotations

import collections
import contextvars
import enum
from typing import Any, Callable, Optional

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from ..recovery import InFlight

__all__ = ["SESSIONS_CALLS", "THREADS", "Capacity", "Place", "WorkKind", "in_session"]


class WorkKind(enum.Enum):
    """What is waited for. What is of one kind never waits for what is of another."""

    TOOL = "tool"
    RESOURCE = "resource"
    COMPLETION = "completion"
    LOCAL = "local"  # what asks this program only, not the site


THREADS = {WorkKind.TOOL: 40, WorkKind.RESOURCE: 10, WorkKind.COMPLETION: 4, WorkKind.LOCAL: 8}
# Those which hold a place among the reads of the site for long, and of which one session has a share only.
SESSIONS_CALLS = (WorkKind.TOOL, WorkKind.RESOURCE)

_session: contextvars.ContextVar[str] = contextvars.ContextVar("session", default="")


async def in_session(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the server: notes of which session a request is."""
    token = _session.set(_name(ctx.request))
    try:
        return await call_next(ctx)
    finally:
        _session.reset(token)


def _name(request: Any) -> str:
    """Over standard input and output there is one session. Over HTTP newer protocols know none: there the calls of
    one program at one address count as one."""
    if request is None:
        return ""
    headers = request.headers
    named: str = headers.get("mcp-session-id", "")
    address = request.client.host if request.client is not None else ""
    return named or "\n".join((address, headers.get("x-forwarded-for", ""), headers.get("user-agent", "")))


class _Share:
    """What one session may have: calls under way, and reads of the site, of which one call can make several."""

    def __init__(self, size: int) -> None:
        self.calls, self.reads = anyio.CapacityLimiter(size), InFlight(size)


class Place:
    """A place of a call; ``reads`` is the lane in which its reads stand first, where they are many or take long."""

    def __init__(self, reads: Optional[InFlight], give_back: Callable[[], None]) -> None:
        self.reads, self.give_back = reads, give_back


class Capacity:
    """``share`` is how many calls of the kinds in SESSIONS_CALLS, taken together, and how many reads one session may
    have under way."""

    def __init__(self, reads_in_flight: int) -> None:
        # One place among the reads of the site is always left for the others, where there is more than one.
        self.share = max(1, reads_in_flight - 1)
        self._limiters: dict[WorkKind, anyio.CapacityLimiter] = {}
        self._shares: dict[str, _Share] = {}
        self._used: collections.Counter[str] = collections.Counter()

    async def take(self, kind: WorkKind) -> Place:
        """Wait for a place of a kind; its ``give_back`` is to be called once, in the event loop."""
        if kind not in self._limiters:
            self._limiters[kind] = anyio.CapacityLimiter(THREADS[kind])
        name = _session.get()
        if name not in self._shares:
            self._shares[name] = _Share(self.share)
        share = self._shares[name]
        self._used[name] += 1
        limiters = [*([share.calls] if kind in SESSIONS_CALLS else []), self._limiters[kind]]
        taken: list[anyio.CapacityLimiter] = []
        holder = object()

        def give_back() -> None:
            while taken:
                taken.pop().release_on_behalf_of(holder)
            self._used[name] -= 1
            if not self._used[name]:
                del self._used[name], self._shares[name]

        try:
            for limiter in limiters:
                await limiter.acquire_on_behalf_of(holder)
                taken.append(limiter)
        except BaseException:
            give_back()
            raise
        return Place(share.reads if kind in SESSIONS_CALLS else None, give_back)
