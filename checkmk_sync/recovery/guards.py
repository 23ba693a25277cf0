"""The guards around every request, each once, outermost first: retry, limit, breaker."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import Callable, ContextManager, Generic, Iterator, Mapping, Optional, TypeVar

from ..core.clock import Deadline
from ..metrics import MetricsCollector
from .breaker import BreakerState, CircuitBreaker
from .limit import InFlight, RateLimit, narrowed
from .retry import RetryPolicy

__all__ = ["Guards", "Task"]

log = logging.getLogger("checkmk_sync")

T = TypeVar("T")

# What the gauge `breaker_state` shows.
_STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


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


class Guards:
    """``retry(limit(breaker(attempt)))``, each measured where it acts."""

    def __init__(
        self,
        *,
        metrics: MetricsCollector,
        retry: RetryPolicy,
        breaker: CircuitBreaker,
        lanes: Mapping[str, InFlight],
        rate: Optional[RateLimit],
    ) -> None:
        self.metrics, self.retry, self.breaker = metrics, retry, breaker
        self._lanes, self._rate = lanes, rate
        metrics.set_gauge("requests_in_flight", 0)
        metrics.set_gauge("breaker_state", _STATES[breaker.state])
        breaker.listen(self._breaker_turned)

    def run(self, task: Task[T]) -> T:
        """What the task's attempt returns, or its last failure."""

        def note(error: Exception, wait_s: float) -> None:
            log.info("%s failed, trying again in %.1f s: %s", task.name, wait_s, error)
            self.metrics.increment_counter("retries")
            self.metrics.record_timing("retry_wait", wait_s)

        def may_retry(error: Exception) -> bool:
            # Nor is an open breaker asked again: its wait is longer than any retry's.
            return task.may_retry(error) and self.breaker.state is not BreakerState.OPEN

        if task.probe:
            return self._limited(task)
        return self.retry.run(lambda: self._limited(task), may_retry=may_retry, deadline=task.deadline, on_retry=note)

    def _breaker_turned(self, state: BreakerState) -> None:
        self.metrics.set_gauge("breaker_state", _STATES[state])
        self.metrics.increment_counter(f"breaker_transitions.{state.value}")

    def reading(self, deadline: Optional[Deadline]) -> ContextManager[None]:
        """A place in the lane of reads, for a piece of a stream; DeadlineError when none gets free before ``deadline``.

        A stream holds none while its consumer works: who reads something else meanwhile would wait for itself.
        """
        return self._slot("read", deadline)

    @contextlib.contextmanager
    def _slot(self, lane: str, deadline: Optional[Deadline]) -> Iterator[None]:
        share = narrowed.get() if lane == "read" else None
        with contextlib.nullcontext() if share is None else share.slot(deadline), self._lanes[lane].slot(deadline):
            yield

    def _limited(self, task: Task[T]) -> T:
        if not task.probe:
            self.breaker.check()  # who will be refused need not queue for it
        with self._slot(task.lane, task.deadline):
            if self._rate is not None:
                self.metrics.record_timing("throttle_wait", self._rate.wait(task.deadline))
            # Asked after the queue: who stood in it while the breaker opened must not reach the site any more.
            result: T = self._once(task) if task.probe else self.breaker.call(self._once, task)
            return result

    def _once(self, task: Task[T]) -> T:
        self.metrics.increment_counter("attempts")
        with self.metrics.in_progress("requests_in_flight"):
            return task.attempt()
