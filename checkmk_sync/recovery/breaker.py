"""A circuit breaker: stop asking a site that is down, and find out with one probe that it is back."""

from __future__ import annotations

import enum
import functools
import inspect
import math
from collections import deque
from typing import Any, Callable, Optional, TypeVar

from ..config.settings import BreakerSettings
from ..core.clock import Clock, SystemClock
from ..core.fork import ForkSafe
from ..core.text import pluralize
from ..errors import ApiError, CircuitOpenError, DeadlineError, TransportError
from .classify import ErrorClass, classify_error

__all__ = ["BreakerState", "CircuitBreaker", "refuse_what_works_later"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class BreakerState(enum.Enum):
    """CLOSED lets everything through, OPEN nothing, HALF_OPEN one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def _is_outage(error: Exception) -> Optional[bool]:
    if isinstance(error, CircuitOpenError) or (isinstance(error, DeadlineError) and error.queued):
        return None  # neither one's own queue nor another breaker says anything about the site
    if isinstance(error, (ApiError, TransportError)):  # also of a write, which is not to be repeated
        return isinstance(error, TransportError)
    return classify_error(error) is not ErrorClass.PERMANENT


class CircuitBreaker(ForkSafe):
    """Opens after ``failure_threshold`` failures in a row, or when of at least ``minimum_calls`` attempts in the last
    ``window`` seconds ``failure_rate`` (a part of 1) failed; ``recovery_timeout`` seconds later one probe passes.

    It counts attempts: inside of a retry policy, as in a client, each repeat of a call is one.

    The lock guards the bookkeeping only and is never held during a call. A result counts only for the
    generation in which its call began: one that comes late neither opens nor closes anything.
    ``counts`` says of an error whether it is a failure, shows that the site answers, or (None) neither; by
    default failures are the TransportErrors, and of other libraries what :func:`classify_error` does not
    call PERMANENT. ValueError for limits that make no sense.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60.0,
        *,
        # A rate of 0.5 would open by chance, once in 16 times 200 calls, where 3 of 10 answers are 503.
        failure_rate: float = 0.7,
        window: float = 60.0,
        minimum_calls: int = 20,
        clock: Optional[Clock] = None,
        counts: Callable[[Exception], Optional[bool]] = _is_outage,
    ) -> None:
        if not (failure_threshold >= 1 and recovery_timeout >= 0.0 and 0.0 < failure_rate <= 1.0):
            raise ValueError("a breaker opens after some failures, at a rate of at most 1, for some time")
        self.failure_threshold, self.recovery_timeout = failure_threshold, recovery_timeout
        self.failure_rate, self.minimum_calls = failure_rate, minimum_calls
        self._clock: Clock = clock or SystemClock()
        self._counts = counts
        super().__init__()
        self._state = BreakerState.CLOSED
        self._generation = 0
        self._failures = 0  # in a row
        self._recent = _Recent(window)
        self._opened_at, self._reason = 0.0, ""
        self._listener: Optional[Callable[[BreakerState], None]] = None

    def reset_after_fork(self) -> None:
        """Replace the lock, and forget a probe that is under way; the known state of the site stays."""
        super().reset_after_fork()
        self._probe: Optional[object] = None  # the one call that is let through while half open

    @classmethod
    def from_settings(cls, settings: BreakerSettings, *, clock: Optional[Clock] = None) -> CircuitBreaker:
        """A breaker as ``recovery.circuit_breaker`` configures it."""
        return cls(
            settings.failure_threshold,
            settings.recovery_timeout,
            failure_rate=settings.failure_rate,
            window=settings.window,
            minimum_calls=settings.minimum_calls,
            clock=clock,
        )

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

    def check(self) -> None:
        """Raise CircuitOpenError if a call would be refused now."""
        if self._state is not BreakerState.CLOSED:
            with self._lock:
                self._refuse()

    def guard(self, fn: F) -> F:
        """Return ``fn`` guarded; the same as the decorator ``@breaker``.

        TypeError for generators and coroutines: they work after they have returned.
        """
        refuse_what_works_later(fn)
        return functools.wraps(fn)(self._guarded(fn))  # type: ignore[return-value]

    __call__ = guard

    def call(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """What ``fn`` returns; CircuitOpenError without calling it while the breaker is open."""
        return self._guarded(fn)(*args, **kwargs)

    def _guarded(self, fn: Callable[..., T]) -> Callable[..., T]:
        def guarded(*args: Any, **kwargs: Any) -> T:
            call, generation = object(), None
            try:  # starts before the call is admitted, because Ctrl-C may come at any moment
                generation = self._enter(call)
                result = fn(*args, **kwargs)
            except Exception as error:
                self._leave(call, generation, failed=None if generation is None else self._counts(error))
                raise
            except BaseException:  # Ctrl-C says nothing about the site
                self._leave(call, generation, failed=None)
                raise
            self._leave(call, generation, failed=False)
            return result

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
            raise CircuitOpenError(
                f"not tried: {self._reason}; next try in {left_s:.0f} s", retry_at=self._clock.time() + left_s
            )

    def _enter(self, call: object) -> int:
        generation = self._generation  # read before the state: a result of an earlier generation does not count
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
        """Note a result of the closed state; only a failure can open it."""
        attempts, failures = self._recent.add(self._clock.monotonic(), failed)
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= self.failure_threshold:
            self._turn(BreakerState.OPEN, f"{pluralize(self._failures, 'attempt')} in a row failed")
        elif failed and attempts >= self.minimum_calls and failures >= self.failure_rate * attempts:
            self._turn(BreakerState.OPEN, f"{failures} of the last {pluralize(attempts, 'attempt')} failed")


class _Recent:
    """How many attempts there were, and failed, in the last ``window`` seconds.

    Counted in ``SLICES`` of it, so that it takes the same memory for any number of attempts; the oldest one leaves
    as a whole, so up to a slice less is looked at.
    """

    SLICES = 10

    def __init__(self, window: float) -> None:
        if not 0.0 < window < math.inf:
            raise ValueError(f"a window is some seconds long, not {window!r}")
        self._slice_s = window / self.SLICES
        self._slices: deque[list[int]] = deque()  # of [number, attempts, failures]

    def add(self, now: float, failed: bool) -> tuple[int, int]:
        """Note an attempt; the attempts and the failures of the window, with it."""
        number = int(now / self._slice_s)
        while self._slices and self._slices[0][0] <= number - self.SLICES:
            self._slices.popleft()
        if not self._slices or self._slices[-1][0] < number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += failed
        return sum(part[1] for part in self._slices), sum(part[2] for part in self._slices)

    def clear(self) -> None:
        self._slices.clear()


def refuse_what_works_later(function: Callable[..., Any]) -> None:
    """TypeError for generators and coroutines: a guard around their call sees nothing of their work."""
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__qualname__} works after it has returned; guard what it calls")
