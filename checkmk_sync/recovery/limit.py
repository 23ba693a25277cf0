"""Limits: how many requests may start in a second, and how many may be under way at once."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import Callable, Iterator, Optional

import ratelimit

from ..core import cancellation
from ..core.clock import Clock, Deadline, SystemClock
from ..core.fork import renewed_in_children
from ..errors import ConnectError, DeadlineError

__all__ = ["InFlight", "RateLimit", "narrowed"]

LOOK_S = 1.0  # who was woken may be interrupted before it takes its place; nobody waits for ever for that


class RateLimit:
    """Lets at most ``per_second`` starts (plus one) through in any second, evenly spaced, over all threads."""

    def __init__(self, per_second: float, *, clock: Optional[Clock] = None) -> None:
        self.per_second = per_second
        self._clock: Clock = clock or SystemClock()
        # ratelimit counts in fixed windows and would let twice the rate through around their borders,
        # all at once. Windows that hold one call each are a smooth limit. One decorator per instance:
        # on a class it would let one client throttle another.
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """Begin to count anew."""
        period = 1.0 / self.per_second
        self._take = ratelimit.limits(calls=1, period=period, clock=self._clock.monotonic)(lambda: None)

    def wait(self, deadline: Optional[Deadline] = None, *, sleep: Optional[Callable[[float], bool]] = None) -> float:
        """Wait for a start; the seconds waited. DeadlineError when there will be none in time.

        ``sleep`` is how this caller waits, for one who can be woken; else it is the clock's.
        """
        sleep = sleep or self._clock.sleep
        waited = 0.0
        while True:
            try:
                self._take()
                return waited
            except ratelimit.RateLimitException as full:
                pause = max(full.period_remaining, 0.0001)
            if deadline is not None and pause >= deadline.remaining_s():
                raise DeadlineError("the rate limit left no time for this call", queued=True)
            if not sleep(pause):
                raise ConnectError("the client was closed", sent=False)
            waited += pause


class InFlight:
    """At most ``limit`` at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """All are free."""
        self._freed = threading.Condition()
        # Who holds them, not how many: giving one back twice, or one that was never taken, changes nothing, so
        # Ctrl-C may come at any moment.
        self._holders: set[object] = set()

    @contextlib.contextmanager
    def slot(self, deadline: Optional[Deadline] = None) -> Iterator[None]:
        """Hold one of the slots. DeadlineError when none gets free in time; Stopped when the work is stopped first."""
        left = None if deadline is None or deadline.limit_s is None else deadline.remaining_s()
        holder = object()
        try:
            if not self._taken(holder, left):
                raise DeadlineError(f"{self.limit} other requests left no time for this call", queued=True)
            yield
        finally:
            self._holders.discard(holder)
            with self._freed:
                self._freed.notify()

    def _taken(self, holder: object, limit_s: Optional[float]) -> bool:
        with self._freed:
            if self._is_full:
                self._wait(limit_s)
            if self._is_full:
                return False
            self._holders.add(holder)
            return True

    @property
    def _is_full(self) -> bool:
        return len(self._holders) >= self.limit

    def _wait(self, limit_s: Optional[float]) -> None:
        """Until one is free, the time is over, or the work is stopped."""
        until = None if limit_s is None else time.monotonic() + limit_s
        with cancellation.on_stop(self._wake_all):
            while self._is_full:
                cancellation.check()
                left = LOOK_S if until is None else min(LOOK_S, until - time.monotonic())
                if left <= 0:
                    return
                self._freed.wait(left)

    def _wake_all(self) -> None:
        with self._freed:
            self._freed.notify_all()


# A narrower lane in which the reads of a context stand before they stand in that of all: a share of it.
narrowed: contextvars.ContextVar[Optional[InFlight]] = contextvars.ContextVar("narrowed", default=None)
