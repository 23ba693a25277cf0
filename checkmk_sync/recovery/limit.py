"""Limits: how many requests may start in a second, and how many may be under way at once."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import Callable, ContextManager, Iterator, Optional, Protocol, TypeVar

import ratelimit

from ..config.settings import LimitSettings
from ..core import cancellation
from ..core.clock import Clock, Deadline, SystemClock
from ..core.fork import ForkSafe
from ..errors import ConnectError, DeadlineError
from ..metrics import MetricsCollector

__all__ = ["InFlight", "RateLimit", "RequestLimits", "session_limit"]

LOOK_S = 1.0  # a thread that was woken may be interrupted before it takes its place; no other may wait for ever


class RateLimit(ForkSafe):
    """Lets at most ``per_second`` starts (plus one) through in any second, evenly spaced, over all threads."""

    def __init__(self, per_second: float, *, clock: Optional[Clock] = None) -> None:
        self.per_second = per_second
        self._clock: Clock = clock or SystemClock()
        # ratelimit counts in fixed windows and would let twice the rate through around their borders,
        # all at once. Windows that hold one call each are a smooth limit. One decorator per instance:
        # on a class it would let one client throttle another.
        super().__init__()

    def reset_after_fork(self) -> None:
        """Start counting again."""
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


class InFlight(ForkSafe):
    """At most ``limit`` requests at once."""

    LOCKS = (("_freed", threading.Condition),)
    _freed: threading.Condition

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__()

    def reset_after_fork(self) -> None:
        """Free all places."""
        super().reset_after_fork()
        self._waiting = 0
        # The holders, not their number: giving a place back twice, or one that was never taken, changes nothing, so
        # Ctrl-C may come at any moment.
        self._holders: set[object] = set()

    @contextlib.contextmanager
    def slot(self, deadline: Optional[Deadline] = None) -> Iterator[None]:
        """Hold one of the places. DeadlineError if none gets free in time; Stopped if the work is stopped first."""
        holder = object()
        try:
            with self._freed:
                if len(self._holders) >= self.limit and not self._wait_until_free(deadline):
                    raise DeadlineError(f"{self.limit} other requests left no time for this call", queued=True)
                self._holders.add(holder)
            yield
        finally:
            self._holders.discard(holder)
            if self._waiting:
                with self._freed:
                    self._freed.notify()

    def _wait_until_free(self, deadline: Optional[Deadline]) -> bool:
        """Wait for a free place; False if there is none in time. Stopped if this thread's work is stopped."""
        limit_s = None if deadline is None or deadline.limit_s is None else deadline.remaining_s()
        until = None if limit_s is None else time.monotonic() + limit_s
        self._waiting += 1
        try:
            with cancellation.on_stop(self._wake_all):
                while len(self._holders) >= self.limit:
                    cancellation.check()
                    left = LOOK_S if until is None else min(LOOK_S, until - time.monotonic())
                    if left <= 0:
                        return False
                    self._freed.wait(left)
            return True
        finally:
            self._waiting -= 1

    def _wake_all(self) -> None:
        with self._freed:
            self._freed.notify_all()


# A narrower limit for the reads of a context, such as one session of a server: a share of the client's limit.
session_limit: contextvars.ContextVar[Optional[InFlight]] = contextvars.ContextVar("session_limit", default=None)


class Guarded(Protocol):
    """A request as the guards see it."""

    is_read: bool
    deadline: Deadline


G = TypeVar("G", bound=Guarded)
T = TypeVar("T")


class RequestLimits:
    """The limits of one client: requests under way, of reads and of writes, and requests that start in a second."""

    def __init__(self, settings: LimitSettings, *, metrics: MetricsCollector, clock: Clock) -> None:
        self.reads = InFlight(settings.reads_in_flight)
        # Checkmk: every Setup write takes one lock of the whole site, so a second one at a time only
        # occupies a worker that waits.
        self.writes = InFlight(1)
        per_second = settings.requests_per_second
        self._rate = None if per_second is None else RateLimit(per_second, clock=clock)
        self._metrics = metrics

    def guard(self, attempt: Callable[[G], T]) -> Callable[[G], T]:
        """Return ``attempt`` as a function that waits for a place and for the rate before it starts."""

        def limited(request: G) -> T:
            with self.reading(request.deadline) if request.is_read else self.writes.slot(request.deadline):
                if self._rate is not None:
                    self._metrics.record_timing("throttle_wait", self._rate.wait(request.deadline))
                return attempt(request)

        return limited

    def reading(self, deadline: Optional[Deadline]) -> ContextManager[None]:
        """Hold a place among the reads, also for a piece of a stream. DeadlineError if none gets free in time.

        A stream holds none while its consumer works: a consumer that reads something else would wait for itself.
        """
        share = session_limit.get()
        return self.reads.slot(deadline) if share is None else self._reading_in(share, deadline)

    @contextlib.contextmanager
    def _reading_in(self, share: InFlight, deadline: Optional[Deadline]) -> Iterator[None]:
        with share.slot(deadline), self.reads.slot(deadline):
            yield
