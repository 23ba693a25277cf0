"""Retries of failed calls, limited by a number, a deadline and a shared budget."""

from __future__ import annotations

import enum
import functools
import itertools
import random
from typing import Any, Callable, Generator, Optional, TypeVar

import backoff

from ..config.settings import RetrySettings
from ..core.arguments import require_count
from ..core.clock import Clock, Deadline, SystemClock
from ..core.fork import ForkSafe
from ..errors import GatewayError, ThrottledError
from .classify import is_repeatable

T = TypeVar("T")


class RetryStrategy(enum.Enum):
    """The growth of the delay from one retry to the next."""

    FIXED = "fixed"
    LINEAR = "linear"
    EXPONENTIAL_BACKOFF = "exponential_backoff"

    def delay(self, base: float, repeat: int) -> float:
        """Return the delay in seconds before retry number ``repeat``, counted from 0."""
        if self is RetryStrategy.FIXED:
            return base
        return base * (repeat + 1) if self is RetryStrategy.LINEAR else base * 2.0 ** min(repeat, 60)


class RetryBudget(ForkSafe):
    """A budget of retries that all threads share. Each retry costs one token, and each success earns ``earned`` tokens.

    A site that is down receives at most ``capacity`` retries in total. If fewer than half of the attempts fail, the
    budget does not run out.
    """

    # With half a token per success, the budget would sometimes run out by chance if 3 of 10 answers fail.
    def __init__(self, capacity: float = 10.0, earned: float = 1.0) -> None:
        self._capacity, self._earned = capacity, earned
        self._tokens = capacity
        super().__init__()

    def spend(self) -> bool:
        """Take the token for one retry. Return False if no token is left."""
        with self._lock:
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def earn(self) -> None:
        """Add the tokens for one success."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + self._earned)


class _Repeatable(Exception):
    """A wrapper that passes a retryable failure, with the arguments of its call, through backoff."""

    def __init__(self, error: Exception, args: tuple[Any, ...]) -> None:
        super().__init__(str(error))
        self.error, self.call_args = error, args


class RetryPolicy:
    """A policy that retries a call up to ``max_retries`` times after its first failure. Delays are in seconds.

    With ``jitter``, each wait is a random time between 0 and the delay of the strategy. If the server asks for a delay
    (``retry_after_s`` of the error), the wait is never shorter. If a wait would exceed the deadline, the failure is
    raised at once. Raises ValueError for numbers below 0, and for a ``max_retries`` that is not a whole number.
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
        require_count(max_retries, "max_retries", 0)  # backoff would retry endlessly with a fraction
        if min(base_delay, max_delay) < 0:
            raise ValueError("base_delay and max_delay must be at least 0")
        self.max_retries, self.base_delay, self.max_delay = max_retries, base_delay, max_delay
        self.strategy, self.jitter = strategy, jitter
        self._clock: Clock = clock or SystemClock()
        self._budget, self._draw = budget, draw

    @classmethod
    def from_settings(
        cls, settings: RetrySettings, *, clock: Optional[Clock] = None, budget: Optional[RetryBudget] = None
    ) -> RetryPolicy:
        """Create a policy from the settings ``recovery.retry``."""
        values = {**vars(settings), "strategy": RetryStrategy(settings.strategy)}
        return cls(**values, clock=clock, budget=budget)

    def execute(
        self,
        fn: Callable[..., T],
        /,
        *args: Any,
        retryable_exceptions: Optional[tuple[type[BaseException], ...]] = None,
        **kwargs: Any,
    ) -> T:
        """Call ``fn(*args, **kwargs)`` with retries and return its result. Raises the last failure if all calls fail.

        Only failures of the types ``retryable_exceptions`` are retried, even if they are PERMANENT. By default, all
        failures are retried except open breakers and those that :func:`classify_error` calls PERMANENT, such as a write
        that may have happened.
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
        """Call ``attempt()`` and return its result. Retry it while ``may_retry(error)`` is true and time is left."""
        return self.guard(attempt, may_retry=may_retry, deadline=lambda: deadline, on_retry=on_retry)()

    def guard(
        self,
        attempt: Callable[..., T],
        *,
        may_retry: Callable[..., bool],
        deadline: Callable[..., Optional[Deadline]],
        on_retry: Optional[Callable[..., None]] = None,
    ) -> Callable[..., T]:
        """Return a function that calls ``attempt`` with retries, within the deadline of each call.

        ``deadline`` is called with the arguments of the call, and ``may_retry`` with the failure and the arguments.
        ``on_retry`` is called with the failure, the seconds until the retry, and the arguments.
        """

        def attempt_once(*args: Any) -> T:
            try:
                return attempt(*args)
            except Exception as error:
                if may_retry(error, *args):
                    raise _Repeatable(error, args) from error
                raise

        waits = functools.partial(self._sleep_between_attempts, deadline, on_retry)
        decorate = backoff.on_exception(waits, _Repeatable, max_tries=self.max_retries + 1, jitter=None, logger=None)
        with_backoff = decorate(attempt_once)

        @functools.wraps(attempt)
        def guarded(*args: Any) -> T:
            try:
                result: T = with_backoff(*args)
            except _Repeatable as last:
                failure = last.error
            else:
                if self._budget is not None:
                    self._budget.earn()
                return result
            # Raised outside the except block, so that callers do not see _Repeatable as the context of the failure.
            raise failure from failure.__cause__

        return guarded

    def _sleep_between_attempts(
        self, deadline: Callable[..., Optional[Deadline]], on_retry: Optional[Callable[..., None]]
    ) -> Generator[Any, Any, None]:
        """Receive each failure from backoff and wait. End if no retry is allowed."""
        # backoff itself would wait with time.sleep, which close() cannot interrupt and which ignores deadlines. So the
        # wait happens here, and backoff only waits for 0 seconds.
        failure: _Repeatable = yield None
        for repeat in itertools.count():
            wait_s = self._wait_s(failure.error, repeat)
            limit = deadline(*failure.call_args)
            left_s = float("inf") if limit is None else limit.remaining_s()
            if wait_s >= left_s or (self._budget is not None and not self._budget.spend()):
                return
            if on_retry is not None:
                on_retry(failure.error, wait_s, *failure.call_args)
            if not self._clock.sleep(wait_s):
                return
            failure = yield 0

    def _wait_s(self, error: Exception, repeat: int) -> float:
        delay = min(self.max_delay, self.strategy.delay(self.base_delay, repeat))
        wait = self._draw(0.0, delay) if self.jitter else delay
        retry_after_s = error.retry_after_s if isinstance(error, (ThrottledError, GatewayError)) else None
        if retry_after_s is None:
            return wait
        return max(wait, retry_after_s) + (self._draw(0.0, self.base_delay) if self.jitter else 0.0)
