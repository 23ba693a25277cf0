"""The guards around every request, each once, outermost first: meter, retry, breaker, limit."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Callable, Generic, Mapping, Optional, TypeVar

from ..clock import Clock, Deadline
from ..errors import ApiError, CheckmkError, CircuitOpenError, TransportError
from ..metrics import MetricsCollector
from .breaker import CircuitBreaker
from .limit import InFlight, RateLimit
from .retry import RetryPolicy

__all__ = ["Guards", "Task"]

log = logging.getLogger("checkmk_sync")

T = TypeVar("T")


@dataclass
class Task(Generic[T]):
    """One call to guard. ``attempt`` does it once; ``lane`` names the queue it stands in. A ``probe`` is not
    repeated, and what becomes of it says nothing to the breaker."""

    name: str
    attempt: Callable[[], T]
    may_retry: Callable[[Exception], bool]
    deadline: Deadline
    lane: str
    probe: bool = False
    attempts: int = 0


class Guards:
    """``meter(retry(breaker(limit(attempt))))``."""

    def __init__(
        self,
        *,
        metrics: MetricsCollector,
        retry: RetryPolicy,
        breaker: CircuitBreaker,
        lanes: Mapping[str, InFlight],
        rate: Optional[RateLimit],
        clock: Clock,
    ) -> None:
        self.metrics, self.retry, self.breaker = metrics, retry, breaker
        self._lanes, self._rate = lanes, rate
        self._clock = clock

    def run(self, task: Task[T]) -> T:
        """What the task's attempt returns, or its last failure, measured."""
        started = self._clock.monotonic()
        outcome = "error"
        try:
            result = self._retried(task)
            outcome = "ok"
            return result
        except CheckmkError as error:
            if isinstance(error, (TransportError, ApiError)):
                error.attempts = task.attempts
            outcome = type(error).__name__
            raise
        finally:
            self.metrics.record_timing(f"call.{task.name}", self._clock.monotonic() - started)
            self.metrics.increment_counter(f"calls.{outcome}")

    def _retried(self, task: Task[T]) -> T:
        def note(error: Exception, wait_s: float) -> None:
            log.info("%s failed, trying again in %.1f s: %s", task.name, wait_s, error)
            self.metrics.increment_counter("retries")
            self.metrics.record_timing("retry_wait", wait_s)

        def may_retry(error: Exception) -> bool:
            # An open breaker is not asked again: its wait is longer than any retry's.
            return not isinstance(error, CircuitOpenError) and task.may_retry(error)

        def guarded() -> T:
            result: T = self.breaker.call(self._limited, task)
            return result

        if task.probe:
            return self._limited(task)
        return self.retry.run(guarded, may_retry=may_retry, deadline=task.deadline, on_retry=note)

    def _limited(self, task: Task[T]) -> T:
        with self._lanes[task.lane].slot(task.deadline):
            if self._rate is not None:
                self.metrics.record_timing("throttle_wait", self._rate.wait(task.deadline))
            task.attempts += 1
            self.metrics.increment_counter("attempts")
            return task.attempt()
