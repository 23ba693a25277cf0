"""Limits on the number of requests per second and of requests in flight."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import Callable, Iterator, Optional, Protocol, TypeVar

import ratelimit

from ..config.settings import LimitSettings
from ..core import cancellation
from ..core.clock import Clock, Deadline, SystemClock
from ..core.fork import ForkSafe
from ..errors import ConnectError, DeadlineError
from ..metrics import MetricsCollector

# Waiting threads check for a free slot at least this often, because a woken thread may be interrupted before it takes
# its slot.
LOOK_S = 1.0


class RateLimit(ForkSafe):
    """A limit on requests per second, evenly spaced and shared by all threads.

    Any given second may contain one request more than ``per_second``, because both of its ends may coincide with a
    start.
    """

    def __init__(self, per_second: float, *, clock: Optional[Clock] = None) -> None:
        self.per_second = per_second
        self._clock: Clock = clock or SystemClock()
        super().__init__()

    def reset_after_fork(self) -> None:
        """Start counting from zero."""
        # ratelimit counts in fixed windows, so around a boundary it would let twice the rate through at once. Windows
        # of one call each make the limit smooth. Each instance has its own decorator, because one on the class would
        # let clients throttle each other.
        period = 1.0 / self.per_second
        self._take = ratelimit.limits(calls=1, period=period, clock=self._clock.monotonic)(lambda: None)

    def wait(self, deadline: Optional[Deadline] = None, *, sleep: Optional[Callable[[float], bool]] = None) -> float:
        """Wait until a request may start, and return the seconds waited.

        ``sleep`` replaces the clock's sleep, for callers that can be woken early. It returns False to stop waiting.

        Raises DeadlineError if the wait would reach the deadline, and ConnectError if the sleep returns False.
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
                raise DeadlineError("the time of this call ran out while it waited for the rate limit", queued=True)
            if not sleep(pause):
                raise ConnectError("the client is closed", sent=False)
            waited += pause


class InFlight(ForkSafe):
    """A limit on the number of requests in flight."""

    LOCKS = (("_freed", threading.Condition),)
    _freed: threading.Condition

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__()

    def reset_after_fork(self) -> None:
        """Free all slots."""
        super().reset_after_fork()
        self._waiting = 0
        # A set instead of a count, because Ctrl-C may arrive at any moment. Freeing a slot twice, or a slot that was
        # never taken, then changes nothing.
        self._holders: set[object] = set()

    @contextlib.contextmanager
    def slot(self, deadline: Optional[Deadline] = None) -> Iterator[None]:
        """Hold a slot during the block.

        Raises DeadlineError if no slot becomes free in time, and Stopped if the caller's work is stopped first.
        """
        holder = object()
        try:
            with self._freed:
                if len(self._holders) >= self.limit and not self._wait_until_free(deadline):
                    raise DeadlineError(
                        "the time of this call ran out while it waited for other calls "
                        f"(at most {self.limit} run at once)",
                        queued=True,
                    )
                self._holders.add(holder)
            yield
        finally:
            self._holders.discard(holder)
            if self._waiting:
                with self._freed:
                    self._freed.notify()

    def _wait_until_free(self, deadline: Optional[Deadline]) -> bool:
        """Wait for a free slot. Return False if none becomes free in time. Raises Stopped if the work is stopped."""
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


# An additional limit for the reads of a context, such as one session of a server. It is a share of the client's limit.
session_limit: contextvars.ContextVar[Optional[InFlight]] = contextvars.ContextVar("session_limit", default=None)


class Guarded(Protocol):
    """The attributes of a request that the limits use."""

    is_exclusive: bool
    deadline: Deadline


G = TypeVar("G", bound=Guarded)
T = TypeVar("T")


class RequestLimits:
    """The limits of one client: reads in flight, writes in flight, and requests per second."""

    def __init__(self, settings: LimitSettings, *, metrics: MetricsCollector, clock: Clock) -> None:
        self.reads = InFlight(settings.reads_in_flight)
        # Checkmk: every Setup write takes a lock of the entire site, so a second concurrent write would only occupy a
        # worker of the site while it waits.
        self.writes = InFlight(1)
        per_second = settings.requests_per_second
        self._rate = None if per_second is None else RateLimit(per_second, clock=clock)
        self._metrics = metrics

    def guard(self, attempt: Callable[[G], T]) -> Callable[[G], T]:
        """Return a function that waits for a slot and for the rate limit, and then calls ``attempt``."""

        def limited(request: G) -> T:
            # A command takes no configuration lock, so it uses the slots of reads and does not wait for writes.
            with self.writes.slot(request.deadline) if request.is_exclusive else self.reading(request.deadline):
                if self._rate is not None:
                    self._metrics.record_timing("throttle_wait", self._rate.wait(request.deadline))
                return attempt(request)

        return limited

    @contextlib.contextmanager
    def reading(self, deadline: Optional[Deadline]) -> Iterator[None]:
        """Hold a slot for a read, or for one chunk of a stream. Raises DeadlineError if none becomes free in time."""
        # A stream holds no slot while its consumer works, because a consumer that makes another read would wait for its
        # own slot.
        share = session_limit.get()
        with contextlib.nullcontext() if share is None else share.slot(deadline), self.reads.slot(deadline):
            yield
