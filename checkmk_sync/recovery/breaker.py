"""A circuit breaker, which stops calls to a site that is down and detects its recovery with a single probe."""

from __future__ import annotations

import enum
import functools
import math
from collections import deque
from typing import Any, Callable, Optional, TypeVar

from ..config.settings import BreakerSettings
from ..core.arguments import require_count, runs_after_return
from ..core.clock import Clock, SystemClock
from ..core.fork import ForkSafe
from ..core.text import pluralize
from ..errors import ApiError, CircuitOpenError, DeadlineError, TransportError
from .classify import ErrorClass, classify_error

MAX_RECENT = 1000  # the breaker remembers this number of attempts, or minimum_calls if that is more

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class BreakerState(enum.Enum):
    """The state of a breaker: CLOSED lets all calls through, OPEN refuses them, and HALF_OPEN admits one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def _is_outage(error: Exception) -> Optional[bool]:
    if isinstance(error, CircuitOpenError) or (isinstance(error, DeadlineError) and error.queued):
        return None  # the client's own queue and other breakers say nothing about the site
    if isinstance(error, (ApiError, TransportError)):  # even of a write, which classify_error may call PERMANENT
        return isinstance(error, TransportError)
    return classify_error(error) is not ErrorClass.PERMANENT


class CircuitBreaker(ForkSafe):
    """A circuit breaker that refuses calls after too many failures.

    It opens after ``failure_threshold`` consecutive failures. It also opens if at least ``minimum_calls`` attempts were
    made in the last ``window`` seconds and at least the fraction ``failure_rate`` of them failed. At a high rate, only
    the last 1,000 attempts count. After ``recovery_timeout`` seconds it lets one probe through, whose result closes it
    or opens it again.

    The breaker counts attempts. Inside a retry policy, as in a client, each retry of a call is an attempt.

    ``counts(error)`` returns True if an error is a failure, False if it shows that the site answers, and None if it
    shows neither. By default, a TransportError is a failure, and so is any error of another library that
    :func:`classify_error` does not call PERMANENT.

    Raises ValueError if a limit is out of range, or if ``failure_threshold`` or ``minimum_calls`` is not a whole
    number.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60.0,
        *,
        # With 0.5, a site that answers 3 of 10 requests with 503 would open the breaker by chance, once in 3,200 calls.
        failure_rate: float = 0.7,
        window: float = 60.0,
        minimum_calls: int = 20,
        clock: Optional[Clock] = None,
        counts: Callable[[Exception], Optional[bool]] = _is_outage,
    ) -> None:
        require_count(failure_threshold, "failure_threshold", 1)
        require_count(minimum_calls, "minimum_calls", 1)
        if not recovery_timeout >= 0.0:
            raise ValueError(f"recovery_timeout must be at least 0, not {recovery_timeout!r}")
        if not 0.0 < failure_rate <= 1.0:
            raise ValueError(f"failure_rate must be above 0 and at most 1, not {failure_rate!r}")
        if not 0.0 < window < math.inf:
            raise ValueError(f"window must be a finite number of seconds above 0, not {window!r}")
        self.failure_threshold, self.recovery_timeout = failure_threshold, recovery_timeout
        self.failure_rate, self.window, self.minimum_calls = failure_rate, window, minimum_calls
        self._clock: Clock = clock or SystemClock()
        self._counts = counts
        super().__init__()
        self._state = BreakerState.CLOSED
        self._generation = 0
        self._failures = 0  # consecutive
        # The end and the result of each attempt in the window.
        self._recent: deque[tuple[float, bool]] = deque(maxlen=max(MAX_RECENT, minimum_calls))
        self._opened_at, self._reason = 0.0, ""
        self._listener: Optional[Callable[[BreakerState], None]] = None

    def reset_after_fork(self) -> None:
        """Replace the lock and forget a probe in flight. The state stays, because the site is the same."""
        super().reset_after_fork()
        self._probe: Optional[object] = None  # the call that was let through while half open

    @classmethod
    def from_settings(cls, settings: BreakerSettings, *, clock: Optional[Clock] = None) -> CircuitBreaker:
        """Create a breaker from the settings ``recovery.circuit_breaker``."""
        return cls(**vars(settings), clock=clock)

    def listen(self, listener: Callable[[BreakerState], None]) -> None:
        """Call ``listener(state)`` at each change of the state.

        The breaker's lock is held during the call, so that changes are reported in order. The listener must be quick,
        and must not raise or use the breaker.
        """
        self._listener = listener

    @property
    def state(self) -> BreakerState:
        """The current state. An open breaker becomes half open after ``recovery_timeout`` seconds."""
        with self._lock:
            self._let_time_pass()
            return self._state

    def check(self) -> None:
        """Raise CircuitOpenError if a call would be refused now."""
        if self._state is not BreakerState.CLOSED:
            with self._lock:
                self._refuse()

    def guard(self, fn: F) -> F:
        """Return ``fn`` guarded by the breaker. ``@breaker`` does the same as a decorator.

        Raises TypeError if ``fn`` is a generator or coroutine function, because its work starts after it has returned.
        """
        refuse_what_works_later(fn)
        return functools.wraps(fn)(self._guarded(fn))  # type: ignore[return-value]

    __call__ = guard

    def call(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call ``fn`` and return its result. Raises CircuitOpenError, without calling it, while the breaker is open."""
        return self._guarded(fn)(*args, **kwargs)

    def _guarded(self, fn: Callable[..., T]) -> Callable[..., T]:
        def guarded(*args: Any, **kwargs: Any) -> T:
            call, generation, failed = object(), None, None  # Ctrl-C says nothing about the site
            try:  # starts before the call is admitted, because Ctrl-C may arrive at any moment
                generation = self._enter(call)
                result = fn(*args, **kwargs)
                failed = False
                return result
            except Exception as error:
                failed = None if generation is None else self._counts(error)
                raise
            finally:
                self._leave(call, generation, failed)

        return guarded

    def _let_time_pass(self) -> None:
        if self._state is BreakerState.OPEN and self._clock.monotonic() >= self._opened_at + self.recovery_timeout:
            self._turn(BreakerState.HALF_OPEN)

    def _turn(self, state: BreakerState, reason: str = "") -> None:
        self._state = state
        self._generation += 1
        self._failures = 0
        self._recent.clear()
        self._probe = None
        if state is BreakerState.OPEN:
            self._opened_at, self._reason = self._clock.monotonic(), reason
        if self._listener is not None:
            self._listener(state)

    def _refuse(self) -> None:
        self._let_time_pass()
        if self._state is BreakerState.OPEN or self._probe is not None:
            left_s = max(0.0, self._opened_at + self.recovery_timeout - self._clock.monotonic())
            is_probing = self._probe is not None
            hint = "a probe is running, so try again when it ends" if is_probing else f"next try in {left_s:.0f} s"
            message = f"the call was not tried because {self._reason}; {hint}"
            raise CircuitOpenError(message, retry_at=self._clock.time() + left_s)

    def _enter(self, call: object) -> int:
        # Read before the state, because a result counts only in the generation in which its call started. A late result
        # neither opens nor closes the breaker.
        generation = self._generation
        if self._state is BreakerState.CLOSED:
            return generation
        with self._lock:
            self._refuse()
            if self._state is BreakerState.HALF_OPEN:
                self._probe = call
            return self._generation

    def _leave(self, call: object, generation: Optional[int], failed: Optional[bool]) -> None:
        with self._lock:
            if self._probe is call:
                self._probe = None
            if generation != self._generation or failed is None:
                return
            if self._state is not BreakerState.HALF_OPEN:
                self._count(failed)
            elif failed:
                self._turn(BreakerState.OPEN, "the last probe failed")
            else:
                self._turn(BreakerState.CLOSED)

    def _count(self, failed: bool) -> None:
        """Record a result while the breaker is closed. Open it if too many attempts failed."""
        now = self._clock.monotonic()
        while self._recent and self._recent[0][0] <= now - self.window:
            self._recent.popleft()
        self._recent.append((now, failed))
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= self.failure_threshold:
            self._turn(BreakerState.OPEN, f"{pluralize(self._failures, 'attempt')} in a row failed")
        elif failed and len(self._recent) >= self.minimum_calls:
            attempts, failures = len(self._recent), sum(result for _, result in self._recent)
            if failures >= self.failure_rate * attempts:
                self._turn(BreakerState.OPEN, f"{failures} of the last {pluralize(attempts, 'attempt')} failed")


def refuse_what_works_later(function: Callable[..., Any]) -> None:
    """Raise TypeError for a generator or coroutine function, because a guard would end before its work starts."""
    if runs_after_return(function):
        raise TypeError(
            f"{function.__qualname__} works after it has returned, so it cannot be guarded; "
            "guard the functions that it calls"
        )
