"""Limits: how many requests may start in a second, and how many may be under way at once."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import Callable, Iterator, Optional

import ratelimit

from .. import cancelling
from ..clock import Clock, Deadline, SystemClock
from ..errors import ConnectError, DeadlineError
from ..forks import renewed_in_children

__all__ = ["InFlight", "RateLimit", "narrowed"]


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
        self._free = self.limit

    @contextlib.contextmanager
    def slot(self, deadline: Optional[Deadline] = None) -> Iterator[None]:
        """Hold one of the slots. DeadlineError when none gets free in time; Stopped when the work is stopped first."""
        left = None if deadline is None or deadline.limit_s is None else deadline.remaining_s()
        freed = self._freed
        if not self._taken(left):
            raise DeadlineError(f"{self.limit} other requests left no time for this call", queued=True)
        try:
            yield
        finally:
            with freed:
                if freed is self._freed:  # else this is the child of a fork, where it was never taken
                    self._free += 1
                    freed.notify()

    def _taken(self, limit_s: Optional[float]) -> bool:
        with self._freed:
            if not self._free:
                try:
                    self._wait(limit_s)
                except BaseException:
                    self._freed.notify()  # the place that woke this one is for the next
                    raise
            if not self._free:
                return False
            self._free -= 1
            return True

    def _wait(self, limit_s: Optional[float]) -> None:
        """Until one is free, the time is over, or the work is stopped."""
        until = None if limit_s is None else time.monotonic() + limit_s
        with cancelling.waking(self._wake_all):
            while not self._free:
                cancelling.check()
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return
                self._freed.wait(left)

    def _wake_all(self) -> None:
        with self._freed:
            self._freed.notify_all()


# A narrower lane in which the reads of a context stand before they stand in that of all: a share of it.
narrowed: contextvars.ContextVar[Optional[InFlight]] = contextvars.ContextVar("narrowed", default=None)
