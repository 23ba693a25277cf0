"""The task of a batch: it runs the operation with its retries, in this process or in another."""

from __future__ import annotations

from typing import Any, Callable, Generic, Optional, TypeVar

from ..core.clock import Clock, Deadline, SystemClock
from ..errors import CircuitOpenError, ConnectError, DeadlineError
from ..recovery import ErrorClass, RateLimit, RetryPolicy, classify_error, retries_are_spent
from .result import BatchStatus, Skip, TaskResult

T = TypeVar("T")
R = TypeVar("R")

_LONGEST_WAIT_S = 60.0


class StopSignal(Deadline):
    """A deadline that expires when :meth:`set` is called.

    Threads of the batch sleep on ``clock``. By default this is a clock that :meth:`set` stops, which wakes them.
    """

    def __init__(self, clock: Optional[Clock] = None) -> None:
        self._own_clock = SystemClock()
        self.clock: Clock = clock or self._own_clock
        super().__init__(self.clock, None)

    def set(self) -> None:
        """Expire now, and wake the threads that sleep on the default clock."""
        self.at = float("-inf")
        self._own_clock.stop()


class _Attempts:
    """The attempts at one item so far. ``started`` is the UNIX time of the first, ``begin`` its monotonic time."""

    __slots__ = ("begin", "last_error", "number", "started")

    def __init__(self) -> None:
        self.number, self.started, self.begin = 0, 0.0, 0.0
        self.last_error: Exception = DeadlineError("the batch was stopped", sent=False)


class Task(Generic[T, R]):
    """Runs the operation for one item per call of :meth:`run`, from any number of threads.

    Each attempt waits for ``rate``, and no attempt starts after ``stop`` has expired.
    """

    def __init__(
        self,
        operation: Callable[[T], R],
        max_retries: int,
        retry_delay: float,
        *,
        rate: Optional[RateLimit] = None,
        stop: Optional[StopSignal] = None,
    ) -> None:
        self.operation, self.max_retries, self.retry_delay = operation, max_retries, retry_delay
        self.stop = stop or StopSignal()
        self.clock, self._rate = self.stop.clock, rate
        self._longest_wait_s = max(_LONGEST_WAIT_S, retry_delay)
        retry = RetryPolicy(max_retries, retry_delay, self._longest_wait_s, clock=self.clock)
        self._attempt_with_retries = retry.guard(
            self._attempt,
            may_retry=self._may_retry,
            deadline=lambda _item, _attempts: self.stop,
            on_retry=self._wait_for_breaker,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # The rate and the stop signal belong to one process, so they are not pickled.
        return Task, (self.operation, self.max_retries, self.retry_delay)

    def run(self, item: T) -> Optional[TaskResult]:
        """Return the result of the operation for an item, or None if the batch stopped before the first attempt."""
        attempts = _Attempts()
        result, error, note = None, None, ""
        try:
            result = self._attempt_with_retries(item, attempts)
            status = BatchStatus.SUCCESS
        except Skip as skip:
            status, note = BatchStatus.SKIPPED, str(skip)
        except Exception as failure:  # the operation is the caller's code; any error is the outcome of its item
            status, error = BatchStatus.FAILED, failure
        if attempts.number == 0:
            return None
        duration_s = self.clock.monotonic() - attempts.begin
        return TaskResult(status, result, error, note, attempts.number, attempts.started, duration_s)

    def _attempt(self, item: T, attempts: _Attempts) -> R:
        if not self.wait_for_start():
            raise attempts.last_error
        if attempts.number == 0:
            attempts.started, attempts.begin = self.clock.time(), self.clock.monotonic()
        attempts.number += 1
        try:
            return self.operation(item)
        except Exception as error:
            attempts.last_error = error
            raise

    def wait_for_start(self, rate: Optional[RateLimit] = None) -> bool:
        """Wait until ``rate`` allows another start. Return False if the batch is stopped.

        By default, the task's own rate is used.
        """
        rate = rate or self._rate
        if rate is not None:
            try:
                rate.wait(self.stop, sleep=self.clock.sleep)
            except (ConnectError, DeadlineError):  # the batch was stopped
                return False
        return not self.stop.expired

    def _may_retry(self, error: Exception, *_: Any) -> bool:
        if isinstance(error, CircuitOpenError):
            return error.retry_at - self.clock.time() <= self._longest_wait_s
        return not retries_are_spent(error) and classify_error(error) is not ErrorClass.PERMANENT

    def _wait_for_breaker(self, error: Exception, wait_s: float, *_: Any) -> None:
        """Sleep until an open breaker allows requests again, because it would refuse an earlier retry."""
        if isinstance(error, CircuitOpenError):
            self.clock.sleep(max(0.0, error.retry_at - self.clock.time() - wait_s))
