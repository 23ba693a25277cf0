"""Clocks that tests can replace. All code that waits or measures time uses a :class:`Clock`."""

from __future__ import annotations

import threading
import time
from typing import Optional, Protocol

from . import cancellation
from .arguments import require_type
from .fork import ForkSafe


class Clock(Protocol):
    """The time functions that the library needs. All values are in seconds."""

    def monotonic(self) -> float:
        """Return the time of a clock that never goes backwards. Only differences have a meaning."""

    def time(self) -> float:
        """Return the UNIX time."""

    def sleep(self, seconds: float) -> bool:
        """Wait and return True. Return False as soon as the clock is stopped."""


class SystemClock(ForkSafe):
    """The clock of the machine. :meth:`stop` wakes all threads that sleep on it."""

    LOCKS = (("_changed", threading.Condition),)
    _changed: threading.Condition

    def __init__(self) -> None:
        super().__init__()
        self._is_stopped = False

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def sleep(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        with cancellation.on_stop(self._wake_all):
            with self._changed:
                while not self._is_stopped and (left := until - time.monotonic()) > 0:
                    cancellation.check()
                    self._changed.wait(left)
        return not self._is_stopped

    def stop(self) -> None:
        """End all current sleeps. Later sleeps return at once."""
        self._is_stopped = True
        self._wake_all()

    def _wake_all(self) -> None:
        with self._changed:
            self._changed.notify_all()


class ManualClock:
    """A clock for tests. A sleep advances it and returns at once; ``slept`` lists the seconds of all sleeps."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self._now

    def time(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))
        return True

    def advance(self, seconds: float) -> None:
        """Advance the clock by ``seconds``."""
        with self._lock:
            self._now += seconds


class Deadline:
    """The time by which a call must be finished. ``limit_s`` is None for a call without a limit."""

    def __init__(self, clock: Clock, limit_s: Optional[float]) -> None:
        if limit_s is not None:
            require_type(limit_s, (int, float), "a time limit must be a number of seconds")
        self._clock = clock
        self.limit_s = limit_s
        self.started = clock.monotonic()
        self.at = float("inf") if limit_s is None else self.started + limit_s

    def remaining_s(self) -> float:
        """Return the remaining seconds: at least 0, or infinity without a limit."""
        return max(0.0, self.at - self._clock.monotonic())

    def elapsed_s(self) -> float:
        """Return the seconds since the deadline was created."""
        return self._clock.monotonic() - self.started

    @property
    def expired(self) -> bool:
        return self.remaining_s() <= 0.0
