"""A circuit breaker: stop asking a site that is down, and find out with one probe that it is back."""

from __future__ import annotations

import enum
import functools
import threading
from typing import Any, Callable, Optional, TypeVar

from ..clock import Clock, SystemClock
from ..errors import CircuitOpenError, DeadlineError, TransportError

__all__ = ["BreakerState", "CircuitBreaker"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class BreakerState(enum.Enum):
    """CLOSED lets everything through, OPEN nothing, HALF_OPEN one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def _is_outage(error: Exception) -> Optional[bool]:
    if isinstance(error, DeadlineError) and error.queued:
        return None  # waiting in one's own queue says nothing about the site
    return isinstance(error, TransportError)


class CircuitBreaker:
    """Opens after ``failure_threshold`` failures in a row; ``recovery_timeout`` seconds later one probe passes.

    The lock guards the bookkeeping only and is never held during a call. A result counts only for the
    generation in which its call began: one that comes late neither opens nor closes anything.
    ``counts`` says of an error whether it is a failure, shows that the site answers, or (None) neither.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60.0,
        *,
        clock: Optional[Clock] = None,
        counts: Callable[[Exception], Optional[bool]] = _is_outage,
    ) -> None:
        self.failure_threshold, self.recovery_timeout = failure_threshold, recovery_timeout
        self._clock: Clock = clock or SystemClock()
        self._counts = counts
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._generation = 0
        self._failures = 0
        self._opened_at = 0.0
        self._probing = False
        self._listener: Optional[Callable[[BreakerState], None]] = None

    def listen(self, listener: Callable[[BreakerState], None]) -> None:
        """Call ``listener(state)`` at each change of the state.

        The breaker's lock is held meanwhile, so that changes are told in their order: it must be quick, must
        not raise, and must not ask the breaker anything.
        """
        self._listener = listener

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker whose time is up is half open."""
        with self._lock:
            self._let_time_pass()
            return self._state

    def call(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """What ``fn`` returns; CircuitOpenError without calling it while the breaker is open."""
        generation = self._enter()
        try:
            result = fn(*args, **kwargs)
        except Exception as error:
            self._leave(generation, failed=self._counts(error))
            raise
        except BaseException:  # Ctrl-C says nothing about the site
            self._leave(generation, failed=None)
            raise
        self._leave(generation, failed=False)
        return result

    def __call__(self, fn: F) -> F:
        """Use as a decorator."""

        @functools.wraps(fn)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return self.call(fn, *args, **kwargs)

        return guarded  # type: ignore[return-value]

    def _let_time_pass(self) -> None:
        if self._state is BreakerState.OPEN and self._clock.monotonic() >= self._opened_at + self.recovery_timeout:
            self._turn(BreakerState.HALF_OPEN)

    def _turn(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        self._failures = 0
        self._probing = False
        if state is BreakerState.OPEN:
            self._opened_at = self._clock.monotonic()
        if self._listener is not None:
            self._listener(state)

    def _enter(self) -> int:
        with self._lock:
            self._let_time_pass()
            refused = self._state is BreakerState.OPEN or self._probing
            if not refused:
                self._probing = self._state is BreakerState.HALF_OPEN
                return self._generation
            left_s = max(0.0, self._opened_at + self.recovery_timeout - self._clock.monotonic())
        raise CircuitOpenError(
            f"not tried: the site failed {self.failure_threshold} times in a row; next try in {left_s:.0f} s",
            retry_at=self._clock.time() + left_s,
        )

    def _leave(self, generation: int, failed: Optional[bool]) -> None:
        with self._lock:
            if generation != self._generation:
                return
            if failed is None:
                self._probing = False
            elif not failed:
                self._failures = 0
                if self._state is BreakerState.HALF_OPEN:
                    self._turn(BreakerState.CLOSED)
            else:
                self._failures += 1
                if self._state is BreakerState.HALF_OPEN or self._failures >= self.failure_threshold:
                    self._turn(BreakerState.OPEN)
