"""Time, injectable: everything that waits or measures asks a :class:`Clock`."""

from __future__ import annotations

import threading
import time
from typing import Optional, Protocol

from . import cancelling

__all__ = ["Clock", "Deadline", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """What the library needs of time, in seconds."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""

    def time(self) -> float:
        """UNIX time."""

    def sleep(self, seconds: float) -> bool:
        """Wait; False, at once, when the clock was stopped: then there is nothing to wait for any more."""


NAP_S = 0.1  # how soon who sleeps sees that the work was stopped


class SystemClock:
    """The machine's clock; :meth:`stop` wakes everybody who sleeps on it. Work that is stopped sleeps no longer."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> bool:
        until = time.monotonic() + max(0.0, seconds)
        while cancelling.current.get() is not None and until - time.monotonic() > NAP_S:
            if self._stopped.wait(NAP_S):
                return False
            cancelling.check()
        return not self._stopped.wait(max(0.0, until - time.monotonic()))

    def stop(self) -> None:
        """End all sleeping, now and from now on."""
        self._stopped.set()


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
    """A point in time after which a call must be over; without a limit it never comes."""

    def __init__(self, clock: Clock, limit_s: Optional[float]) -> None:
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
