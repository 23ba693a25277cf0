"""Measure each call once, as its caller sees it: time it, count it, and report it to all registered hooks."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Callable, Optional

from ..core.call import Call, Reply
from ..core.clock import Clock
from . import MetricsCollector

log = logging.getLogger("checkmk_sync")


@dataclass(frozen=True)
class CallEvent:
    """A call that has ended. An event contains no query, body or secret.

    ``status`` is the HTTP status code, or None if there was no answer. ``error`` is the class name of the exception, or
    None if the call succeeded. ``attempts`` is 0 if the call sent no request, because of a cache hit, an open circuit
    breaker, or a request shared with another call. ``bytes_sent`` and ``bytes_received`` are the sizes of the bodies
    after decompression. The body of a stream is not counted, because it arrives after the event.
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
class CallCost:
    """The requests and bytes of one call so far, updated with each attempt."""

    attempts: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


_local = threading.local()


class CallMetrics:
    """Records the calls of one client in a collector, and reports them to the client's hooks."""

    def __init__(self, metrics: MetricsCollector, clock: Clock) -> None:
        self._metrics, self._clock = metrics, clock
        self._hooks: tuple[Hook, ...] = ()
        self._lock = threading.Lock()

    def measure(self, call: Call, perform: Callable[[Call, CallCost], Reply]) -> Reply:
        """Call ``perform(call, cost)`` and return its reply. A call that raises is measured as well."""
        started, cost = self._clock.monotonic(), CallCost()
        try:
            reply = perform(call, cost)
        except Exception as failure:
            self._record(call, cost, self._clock.monotonic() - started, None, failure)
            raise
        self._record(call, cost, self._clock.monotonic() - started, reply, None)
        return reply

    def add_hook(self, hook: Hook) -> None:
        """Register ``hook``, which is called with the event of each call that ends."""
        with self._lock:
            self._hooks = (*self._hooks, hook)

    def remove_hook(self, hook: Hook) -> None:
        """Stop calling ``hook``. Raises ValueError if it is not registered."""
        with self._lock:
            hooks = list(self._hooks)
            hooks.remove(hook)
            self._hooks = tuple(hooks)

    def _record(
        self, call: Call, cost: CallCost, duration_s: float, reply: Optional[Reply], failure: Optional[Exception]
    ) -> None:
        status = getattr(failure, "status", None) if reply is None else reply.status
        error = None if failure is None else type(failure).__name__
        from_cache = reply is not None and reply.from_cache
        name = f"{call.noun}.{call.verb}"
        self._metrics.increment_counters({f"calls.{name}.{status or error}": 1})
        if not from_cache:  # cache hits would make the percentiles of requests look too fast
            # A 404 often answers the question whether an object exists, so it is not counted as a failure.
            self._metrics.record_operation(f"call.{name}", duration_s, success=error is None or status == 404)
        # A hook that calls the client must not be called again for that call.
        if not self._hooks or getattr(_local, "in_hook", False):
            return
        event = CallEvent(
            noun=call.noun,
            verb=call.verb,
            method=call.method,
            path=call.path,
            status=status,
            error=error,
            attempts=cost.attempts,
            duration_s=duration_s,
            from_cache=from_cache,
            stale=reply is not None and reply.stale,
            bytes_sent=cost.bytes_sent,
            bytes_received=cost.bytes_received,
        )
        try:
            _local.in_hook = True
            for hook in self._hooks:
                try:
                    hook(event)
                except Exception:
                    log.exception("a hook failed after %s", name)
        finally:
            _local.in_hook = False
