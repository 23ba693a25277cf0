"""Injectable time: all code that waits or measures uses a :class:`Clock`."""

from __future__ import annotations

import threading
import time
from typing import Optional, Protocol

from . import cancellation
from .arguments import require_type
from .fork import ForkSafe

__all__ = ["Clock", "Deadline", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """The functions of time that the library needs, in seconds."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""

    def time(self) -> float:
        """UNIX time."""

    def sleep(self, seconds: float) -> bool:
        """Wait, and return True; return False at once if the clock is stopped."""


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
        """End all sleeping, now and from now on."""
        self._is_stopped = True
        self._wake_all()

    def _wake_all(self) -> None:
        with self._changed:
            self._changed.notify_all()


class ManualClock:
    """A clock for tests: sleeping advances it at once, and :meth:`advance` lets time pass."""

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
        """Let ``seconds`` pass."""
        with self._lock:
            self._now += seconds


class Deadline:
    """The time by which a call has to be over, if it has a limit."""

    def __init__(self, clock: Clock, limit_s: Optional[float]) -> None:
        if limit_s is not None:
            require_type(limit_s, (int, float), "a time limit is a number of seconds")
        self._clock = clock
        self.limit_s = limit_s
        self.started = clock.monotonic()
        self.at = float("inf") if limit_s is None else self.started + limit_s

    def remaining_s(self) -> float:
        """Seconds left, never below 0; infinite without a limit."""
        return max(0.0, self.at - self._clock.monotonic())

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self.started

    @property
    def expired(self) -> bool:
        return self.remaining_s() <= 0.0
