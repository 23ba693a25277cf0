"""Repeating what failed: how often, after which wait, and when no more."""

from __future__ import annotations

import enum
import random
import threading
from typing import Any, Callable, Generator, Generic, Optional, TypeVar

import backoff

from ..config.settings import RetrySettings
from ..core.clock import Clock, Deadline, SystemClock
from ..core.fork import renewed_in_children
from ..errors import GatewayError, ThrottledError
from .classify import is_repeatable

__all__ = ["RetryBudget", "RetryPolicy", "RetryStrategy"]

T = TypeVar("T")


class RetryStrategy(enum.Enum):
    """How the wait grows from one repeat to the next."""

    FIXED = "fixed"
    LINEAR = "linear"
    EXPONENTIAL_BACKOFF = "exponential_backoff"

    def delay(self, base: float, repeat: int) -> float:
        """Seconds before repeat number ``repeat`` (from 0)."""
        if self is RetryStrategy.FIXED:
            return base
        return base * (repeat + 1) if self is RetryStrategy.LINEAR else base * 2.0 ** min(repeat, 60)


class RetryBudget:
    """Repeats that all threads share: each costs one token, each success earns ``earned`` back.

    A site that answers nothing gets at most ``capacity`` repeats in all; one of whose answers fewer than
    half fail does not run out.
    """

    # With half a token it would run out by chance, now and then, where 3 of 10 answers fail.
    def __init__(self, capacity: float = 10.0, earned: float = 1.0) -> None:
        self._capacity, self._earned = capacity, earned
        self._tokens = capacity
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """A lock of its own."""
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take the token for one repeat; False when none is left."""
        with self._lock:
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def earn(self) -> None:
        """Note a success."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + self._earned)


class _Again(Exception):
    """Carries a failure that may be repeated, and the call it belongs to, through backoff."""

    def __init__(self, run: _Run[Any], error: Exception) -> None:
        super().__init__(str(error))
        self.run, self.error = run, error


class _Run(Generic[T]):
    """One call with all its attempts."""

    def __init__(
        self,
        attempt: Callable[[], T],
        may_retry: Callable[[Exception], bool],
        deadline: Optional[Deadline],
        on_retry: Optional[Callable[[Exception, float], None]],
    ) -> None:
        self.attempt, self.may_retry = attempt, may_retry
        self.deadline, self.on_retry = deadline, on_retry


class RetryPolicy:
    """Repeat a call up to ``max_retries`` times after its first failure; delays are seconds.

    With ``jitter`` each wait is drawn between 0 and the delay that the strategy gives. What the server
    asks for (``retry_after_s`` of the error) is a floor for the wait, never shortened. No wait goes
    beyond the deadline: then the failure is raised at once. ValueError for numbers below 0.
    """

    def __init__(
        self,
        max_retries: int = 3,
        base_delay: float = 1.0,
        max_delay: float = 60.0,
        strategy: RetryStrategy = RetryStrategy.EXPONENTIAL_BACKOFF,
        jitter: bool = True,
        *,
        clock: Optional[Clock] = None,
        budget: Optional[RetryBudget] = None,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if min(max_retries, base_delay, max_delay) < 0:
            raise ValueError("max_retries and the delays are at least 0")
        self.max_retries, self.base_delay, self.max_delay = max_retries, base_delay, max_delay
        self.strategy, self.jitter = strategy, jitter
        self._clock: Clock = clock or SystemClock()
        self._budget, self._draw = budget, draw
        # backoff's decorators are built once: they cost more than the calls they guard. It would sleep
        # with time.sleep, uninterruptibly and beyond any deadline, so the waits sleep and yield 0.
        self._repeat = backoff.on_exception(self._waits, _Again, max_tries=max_retries + 1, jitter=None, logger=None)(
            self._once
        )

    @classmethod
    def from_settings(
        cls, settings: RetrySettings, *, clock: Optional[Clock] = None, budget: Optional[RetryBudget] = None
    ) -> RetryPolicy:
        """A policy as ``recovery.retry`` configures it."""
        return cls(
            settings.max_retries,
            settings.base_delay,
            settings.max_delay,
            RetryStrategy(settings.strategy),
            settings.jitter,
            clock=clock,
            budget=budget,
        )

    def execute(
        self,
        fn: Callable[..., T],
        /,
        *args: Any,
        retryable_exceptions: Optional[tuple[type[BaseException], ...]] = None,
        **kwargs: Any,
    ) -> T:
        """What ``fn(*args, **kwargs)`` returns; its last failure is raised when no repeat helped.

        Repeats what is one of ``retryable_exceptions``, whatever else it is. Without them it repeats what may be:
        nothing that :func:`classify_error` calls PERMANENT, so no write that may have happened, and no open breaker.
        """

        def may_retry(error: Exception) -> bool:
            return is_repeatable(error) if retryable_exceptions is None else isinstance(error, retryable_exceptions)

        return self.run(lambda: fn(*args, **kwargs), may_retry=may_retry)

    def run(
        self,
        attempt: Callable[[], T],
        *,
        may_retry: Callable[[Exception], bool],
        deadline: Optional[Deadline] = None,
        on_retry: Optional[Callable[[Exception, float], None]] = None,
    ) -> T:
        """What ``attempt()`` returns, repeated while ``may_retry(error)`` says so and time is left."""
        try:
            result: T = self._repeat(_Run(attempt, may_retry, deadline, on_retry))
        except _Again as again:
            failure = again.error
        else:
            if self._budget is not None:
                self._budget.earn()
            return result
        # Raised out here, so that the carrier is not its context: callers see the failure alone.
        raise failure from failure.__cause__

    def _once(self, run: _Run[T]) -> T:
        try:
            return run.attempt()
        except Exception as error:
            if run.may_retry(error):
                raise _Again(run, error) from error
            raise

    def _waits(self) -> Generator[Any, Any, None]:
        """backoff's wait generator: receives each failure, waits itself, and ends when it is no use."""
        again: _Again = yield None
        repeat = 0
        while True:
            wait = self._wait_s(again.error, repeat)
            left = float("inf") if again.run.deadline is None else again.run.deadline.remaining_s()
            if wait >= left or (self._budget is not None and not self._budget.spend()):
                return
            if again.run.on_retry is not None:
                again.run.on_retry(again.error, wait)
            if not self._clock.sleep(wait):
                return
            repeat += 1
            again = yield 0

    def _wait_s(self, error: Exception, repeat: int) -> float:
        delay = min(self.max_delay, self.strategy.delay(self.base_delay, repeat))
        wait = self._draw(0.0, delay) if self.jitter else delay
        asked = error.retry_after_s if isinstance(error, (ThrottledError, GatewayError)) else None
        if asked is None:
            return wait
        return max(wait, asked) + (self._draw(0.0, self.base_delay) if self.jitter else 0.0)
