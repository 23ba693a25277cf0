"""One call at work in a thread: how far it is, and whether anybody still wants it."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import Awaitable, Callable, Optional, TypeVar

import anyio
import anyio.to_thread

from ..clock import SystemClock

__all__ = ["Stopped", "Work", "WorkClock", "current"]

T = TypeVar("T")
Report = Callable[[float, Optional[float], str], Awaitable[None]]

REPORT_EVERY_S = 0.2
LONGEST_NAP_S = 1.0


class Stopped(BaseException):
    """Nobody wants the result any more. Like Ctrl-C it is no Exception, so that nothing in between takes it
    for a failure of the site."""


class Work:
    """What one call does. Its thread tells and asks this object, the event loop reads and stops it."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._stage, self._before, self._total_of_stage = "", 0, 0
        self._started = time.monotonic()
        self.progress: tuple[float, Optional[float], str] = (0.0, None, "")
        self._told = -1.0  # how far the client knows it is

    def stop(self) -> None:
        """Let the thread end at its next step."""
        self._stop.set()

    def check(self) -> None:
        """Raises Stopped when the call was cancelled."""
        if self._stop.is_set():
            raise Stopped

    def watch(self, stage: str, done: int, total: int) -> None:
        """Take note of progress, which goes on counting over stages; a step at which the call can be stopped."""
        self.check()
        if stage != self._stage:
            self._before += self._total_of_stage
            self._stage = stage
        self._total_of_stage = total
        reached = max(float(self._before + done), self.progress[0])
        self.progress = (reached, float(self._before + total), f"{stage}: {done} of {total}")

    def nap(self, seconds: float) -> None:
        """Wait, for a job of the site or before a repeat; ends at once when the call is stopped."""
        done, total, _ = self.progress
        waited = time.monotonic() - self._started
        grown = done + 0.001  # the protocol wants it to grow, and nothing is known of the job
        self.progress = (grown, total if total and total > grown else None, f"waiting, {waited:.0f} s so far")
        self._stop.wait(seconds)
        self.check()

    async def run(self, do: Callable[[], T], limiter: anyio.CapacityLimiter, report: Optional[Report] = None) -> T:
        """What ``do()`` returns, in a thread; ``report`` is called now and then. Cancelling it stops the work."""
        inside = self._entered(do)
        done: list[T] = []
        failed: list[Exception] = []
        async with anyio.create_task_group() as tasks:
            if report is not None:
                tasks.start_soon(self._reporting, report)
            try:
                done.append(await anyio.to_thread.run_sync(inside, abandon_on_cancel=True, limiter=limiter))
            except Exception as error:  # raised below: out of the group it would come wrapped
                failed.append(error)
            except BaseException:  # cancelled: the thread goes on until its next step
                self.stop()
                raise
            tasks.cancel_scope.cancel()
        if failed:
            raise failed[0]
        if report is not None:
            await self._tell(report)
        return done[0]

    def _entered(self, do: Callable[[], T]) -> Callable[[], T]:
        def inside() -> T:
            token = current.set(self)
            try:
                return do()
            finally:
                current.reset(token)

        return inside

    async def _reporting(self, report: Report) -> None:
        while True:
            await anyio.sleep(REPORT_EVERY_S)
            await self._tell(report)

    async def _tell(self, report: Report) -> None:
        """Report what was not reported before: the protocol wants each progress to be more than the last."""
        now = self.progress
        if now[2] and now[0] > self._told:
            await report(*now)
            self._told = now[0]


current: contextvars.ContextVar[Optional[Work]] = contextvars.ContextVar("current", default=None)


class WorkClock(SystemClock):
    """The system's clock, on which a call that was cancelled does not wait any longer."""

    def sleep(self, seconds: float) -> bool:
        work = current.get()
        if work is None:
            return super().sleep(seconds)
        until = self.monotonic() + max(0.0, seconds)
        while self.monotonic() < until and not self._stopped.is_set():
            work.nap(min(LONGEST_NAP_S, max(0.0, until - self.monotonic())))
        return not self._stopped.is_set()
