"""Who may have how many threads: no session takes them all from the others."""

from __future__ import annotations

import contextvars
import enum
from typing import Any, Callable

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

__all__ = ["SESSIONS_CALLS", "THREADS", "Capacity", "Kind", "in_session"]


class Kind(enum.Enum):
    """What is waited for. What is of one kind never waits for what is of another."""

    TOOL = "tool"
    RESOURCE = "resource"
    COMPLETION = "completion"
    LOCAL = "local"  # what asks this program only, not the site


THREADS = {Kind.TOOL: 40, Kind.RESOURCE: 10, Kind.COMPLETION: 4, Kind.LOCAL: 8}
# Those which hold a place among the reads of the site for long, and of which one session has a share only.
SESSIONS_CALLS = (Kind.TOOL, Kind.RESOURCE)

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


class Capacity:
    """``share`` is how many threads of a kind in SESSIONS_CALLS one session may have, taken together."""

    def __init__(self, reads_in_flight: int) -> None:
        # One place among the reads of the site is always left for the others, where there is more than one.
        self.share = max(1, reads_in_flight - 1)
        self._limiters: dict[Kind, anyio.CapacityLimiter] = {}
        self._shares: dict[str, anyio.CapacityLimiter] = {}

    async def take(self, kind: Kind) -> Callable[[], None]:
        """Wait for a place of a kind, and where it counts for one in the share of this request's session; what gives
        both back, in the event loop."""
        if kind not in self._limiters:
            self._limiters[kind] = anyio.CapacityLimiter(THREADS[kind])
        place = object()
        taken: list[anyio.CapacityLimiter] = []
        name = _session.get()
        limiters = [self._limiters[kind]]
        if kind in SESSIONS_CALLS:
            limiters.insert(0, self._shares.setdefault(name, anyio.CapacityLimiter(self.share)))

        def give_back() -> None:
            while taken:
                taken.pop().release_on_behalf_of(place)
            share = self._shares.get(name)
            if share is not None and not share.borrowed_tokens and not share.statistics().tasks_waiting:
                del self._shares[name]

        try:
            for limiter in limiters:
                await limiter.acquire_on_behalf_of(place)
                taken.append(limiter)
        except BaseException:
            give_back()
            raise
        return give_back
