"""Every call once, as its caller sees it: timed, counted, and told to whoever listens."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Callable, Optional

from ..core.call import Call, Reply
from ..core.clock import Clock
from . import MetricsCollector

__all__ = ["CallEvent", "Cost", "Hook", "Meter", "spent"]

log = logging.getLogger("checkmk_sync")


@dataclass(frozen=True)
class CallEvent:
    """One call that has ended. It holds no query, no body and no secret.

    ``status`` is None without an answer, ``error`` the class of what was raised, None for success.
    ``attempts`` is 0 where nothing was sent: for a hit of the cache, an open breaker, an answer shared with
    another call. Bytes are those of bodies, unpacked; that of a stream comes later and is not counted here.
    """

    noun: str
    verb: str
    method: str
    path: str
    status: Optional[int]
    error: Optional[str]
    attempts: int
    duration_s: float
    from_cache: bool
    stale: bool
    bytes_sent: int
    bytes_received: int


Hook = Callable[[CallEvent], object]


@dataclass
class Cost:
    """What the call under way has cost so far; written where bytes move."""

    attempts: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class _Here(threading.local):
    cost: Optional[Cost] = None
    telling = False  # a hook runs


_here = _Here()


def spent() -> Cost:
    """The cost of the call that this thread makes; one that nobody reads where it makes none."""
    return _here.cost or Cost()


class Meter:
    """Measures calls of one client into a collector."""

    def __init__(self, metrics: MetricsCollector, clock: Clock) -> None:
        self._metrics, self._clock = metrics, clock
        self._hooks: tuple[Hook, ...] = ()
        self._lock = threading.Lock()

    def measure(self, call: Call, perform: Callable[[Call], Reply]) -> Reply:
        """``perform(call)``, measured whether it returns or raises."""
        before, started = _here.cost, self._clock.monotonic()
        cost = Cost()
        reply: Optional[Reply] = None
        failure: Optional[Exception] = None
        try:  # from before anything is noted for this thread, for Ctrl-C may come at any moment
            _here.cost = cost
            reply = perform(call)
            return reply
        except Exception as error:
            failure = error
            raise
        finally:
            _here.cost = before
            if reply is not None or failure is not None:  # Ctrl-C is neither
                self._note(_event(call, cost, self._clock.monotonic() - started, reply, failure))

    def add_hook(self, hook: Hook) -> None:
        """Call ``hook`` with the event of each call that ends from now on."""
        with self._lock:
            self._hooks = (*self._hooks, hook)

    def remove_hook(self, hook: Hook) -> None:
        """Call ``hook`` no more. ValueError when it was not added."""
        with self._lock:
            hooks = list(self._hooks)
            hooks.remove(hook)
            self._hooks = tuple(hooks)

    def _note(self, event: CallEvent) -> None:
        name = f"{event.noun}.{event.verb}"
        self._metrics.increment_counter(f"calls.{name}.{event.status or event.error}")
        if not event.from_cache:  # hits would make every percentile look fast
            success = event.error is None or event.status == 404  # "there is none" is an answer
            self._metrics.record_operation(f"call.{name}", event.duration_s, success=success)
        if not _here.telling:  # calls that a hook makes would never end
            self._tell(event)

    def _tell(self, event: CallEvent) -> None:
        try:
            _here.telling = True
            for hook in self._hooks:
                try:
                    hook(event)
                except Exception:
                    log.exception("a hook failed after %s.%s", event.noun, event.verb)
        finally:
            _here.telling = False


def _event(
    call: Call, cost: Cost, duration_s: float, reply: Optional[Reply], failure: Optional[Exception]
) -> CallEvent:
    return CallEvent(
        noun=call.noun,
        verb=call.verb,
        method=call.method,
        path=call.path,
        status=getattr(failure, "status", None) if reply is None else reply.status,
        error=None if failure is None else type(failure).__name__,
        attempts=cost.attempts,
        duration_s=duration_s,
        from_cache=reply is not None and reply.from_cache,
        stale=reply is not None and reply.stale,
        bytes_sent=cost.bytes_sent,
        bytes_received=cost.bytes_received,
    )
