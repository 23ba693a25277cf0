"""An operation with its repeats: what is done to one item, in this process or in another."""

from __future__ import annotations

from typing import Any, Callable, Generic, Optional, TypeVar

from ..core.clock import Clock, Deadline, SystemClock
from ..errors import CircuitOpenError, ConnectError, DeadlineError
from ..recovery import ErrorClass, RateLimit, RetryPolicy, classify_error, retries_are_spent
from .result import BatchStatus, Done, Skip

__all__ = ["Job", "Stop"]

T = TypeVar("T")
R = TypeVar("R")

_LONGEST_WAIT_S = 60.0


class Stop(Deadline):
    """A deadline that comes when :meth:`now` is called, and the clock of those who are to notice.

    Without a ``clock`` it has one of its own, whose sleepers it wakes.
    """

    def __init__(self, clock: Optional[Clock] = None) -> None:
        self._own = SystemClock()
        self.clock: Clock = clock or self._own
        super().__init__(self.clock, None)

    def now(self) -> None:
        """Let it come."""
        self.at = float("-inf")
        self._own.stop()


class Job(Generic[T, R]):
    """Does one item at a time, from any number of threads.

    Every attempt waits for ``rate``; after ``stop`` none begins. It pickles with its operation, but leaves
    rate and stop behind: they belong to one process.
    """

    def __init__(
        self,
        operation: Callable[[T], R],
        max_retries: int,
        retry_delay: float,
        *,
        rate: Optional[RateLimit] = None,
        stop: Optional[Stop] = None,
    ) -> None:
        self.operation, self.max_retries, self.retry_delay = operation, max_retries, retry_delay
        self.stop = stop or Stop()
        self.clock, self._rate = self.stop.clock, rate
        self._longest_s = max(_LONGEST_WAIT_S, retry_delay)
        self._retry = RetryPolicy(max_retries, retry_delay, self._longest_s, clock=self.clock)

    def __reduce__(self) -> tuple[Any, ...]:
        return Job, (self.operation, self.max_retries, self.retry_delay)

    def do(self, item: T) -> Optional[Done]:
        """What became of the item; None when the batch was stopped before its first attempt."""
        tries = _Tries(self, item)
        result, error, note = None, None, ""
        try:
            result = self._retry.run(
                tries, may_retry=self._may_retry, deadline=self.stop, on_retry=self._wait_for_breaker
            )
            status = BatchStatus.SUCCESS
        except Skip as skip:
            status, note = BatchStatus.SKIPPED, str(skip)
        except Exception as failure:
            status, error = BatchStatus.FAILED, failure
        if tries.count == 0:
            return None
        duration_s = self.clock.monotonic() - tries.begun
        return Done(status, result, error, note, tries.count, tries.started, duration_s)

    def admit(self, rate: Optional[RateLimit] = None) -> bool:
        """Wait for a start (as ``rate`` allows, where it is not kept here); False when there will be none any more."""
        rate = rate or self._rate
        if rate is not None:
            try:
                rate.wait(self.stop, sleep=self.clock.sleep)
            except (ConnectError, DeadlineError):  # stopped
                return False
        return not self.stop.expired

    def _may_retry(self, error: Exception) -> bool:
        if isinstance(error, CircuitOpenError):
            return error.retry_at - self.clock.time() <= self._longest_s
        if retries_are_spent(error):
            return False
        return classify_error(error) is not ErrorClass.PERMANENT

    def _wait_for_breaker(self, error: Exception, wait_s: float) -> None:
        """An open breaker refuses until ``retry_at``: trying again any earlier only wastes the repeats."""
        if isinstance(error, CircuitOpenError):
            self.clock.sleep(max(0.0, error.retry_at - self.clock.time() - wait_s))


class _Tries(Generic[T, R]):
    """The attempts at one item."""

    __slots__ = ("begun", "count", "item", "job", "last", "started")

    def __init__(self, job: Job[T, R], item: T) -> None:
        self.job, self.item = job, item
        self.count = 0
        self.started = self.begun = 0.0
        self.last: Exception = DeadlineError("the batch was stopped", sent=False)

    def __call__(self) -> R:
        if not self.job.admit():
            raise self.last
        if self.count == 0:
            self.started, self.begun = self.job.clock.time(), self.job.clock.monotonic()
        self.count += 1
        try:
            return self.job.operation(self.item)
        except Exception as error:
            self.last = error
            raise
