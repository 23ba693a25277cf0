"""Calls in threads, which report their progress and stop when their clients cancel them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import Awaitable, Callable, Optional, TypeVar

import anyio
import anyio.to_thread

from ..core.cancellation import Cancellation, Stopped, current
from ..core.clock import SystemClock
from .capacity import Slot

__all__ = ["CancellableTask", "ProgressReporter", "ReportingClock", "Stopped"]

T = TypeVar("T")

REPORT_EVERY_S = 0.2
MAX_SILENCE_S = 2.0
STEP = 0.001  # added to the progress while the real progress is unknown
WAIT_REPORT_S = 1.0


class ProgressReporter:
    """Reports the progress of one call to its client."""

    def __init__(self, send: Callable[[float, Optional[float], str], Awaitable[None]]) -> None:
        self._send = send
        self._started = self._last_sent = time.monotonic()
        self._done = -1.0

    async def follow(self, task: CancellableTask) -> None:
        """Report the progress of a task until cancelled. After a silence, report that it is still running."""
        while True:
            await anyio.sleep(min(REPORT_EVERY_S, MAX_SILENCE_S))
            now = time.monotonic()
            if not await self.report(task) and now - self._last_sent >= MAX_SILENCE_S:
                await self._report(max(self._done, 0.0) + STEP, None, f"running, {now - self._started:.0f} s so far")

    async def report(self, task: CancellableTask) -> bool:
        """Report the progress of a task if it has advanced since the last report. Return True if it has."""
        done, total, message = task.progress
        is_news = bool(message) and done > task.reported
        if is_news:
            task.reported = done
            await self._report(done, total, message)
        return is_news

    async def _report(self, done: float, total: Optional[float], message: str) -> None:
        # The MCP specification requires each report to be greater than the one before.
        self._done, self._last_sent = max(done, self._done + STEP), time.monotonic()
        await self._send(self._done, total if total is not None and total >= self._done else None, message)


class CancellableTask(Cancellation):
    """A function in a thread. The thread records progress for the event loop, which can stop the thread."""

    def __init__(self) -> None:
        super().__init__()
        self._stage, self._earlier_stages, self._stage_total = "", 0, 0
        self.reached: dict[str, str] = {}  # by stage, for the audit log
        self._created = time.monotonic()
        self._claim = threading.Lock()  # taken once: by the thread, or by a cancellation before the thread runs
        self.progress: tuple[float, Optional[float], str] = (0.0, None, "")  # done, total, message
        self.reported = -1.0

    def watch(self, stage: str, done: int, total: int) -> None:
        """Record that ``done`` of ``total`` items of a stage are done. The progress is summed over all stages.

        This does not raise Stopped, so that the outcome of the last request is recorded. The next request raises it.
        """
        if stage != self._stage:
            self._earlier_stages += self._stage_total
            self._stage = stage
        self._stage_total = total
        self.reached[stage] = message = f"{done} of {total}"
        done_of_all = max(float(self._earlier_stages + done), self.progress[0])
        self.progress = (done_of_all, float(self._earlier_stages + total), f"{stage}: {message}")

    def record_waiting(self) -> None:
        """Record that the task waits for a background job of the site, or before a retry."""
        done, total, _ = self.progress
        done += STEP
        elapsed = time.monotonic() - self._created
        self.progress = (done, total if total and total > done else None, f"waiting, {elapsed:.0f} s so far")

    async def run(
        self,
        function: Callable[[Slot], T],
        acquire: Callable[[], Awaitable[Slot]],
        reporter: Optional[ProgressReporter] = None,
    ) -> T:
        """Run ``function(slot)`` in a thread, with the slot of ``acquire()``, and return its result.

        Cancelling this coroutine stops the task. The slot is released when the thread has ended, which can be later.
        """
        loop = asyncio.get_running_loop()

        def in_thread(slot: Slot) -> tuple[Optional[T], Optional[BaseException]]:
            if not self._claim.acquire(blocking=False):
                return None, Stopped()
            token = current.set(self)
            try:
                return function(slot), None
            except BaseException as error:  # returned, because the task group would put it into an exception group
                return None, error
            finally:
                current.reset(token)
                with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits for the slot
                    loop.call_soon_threadsafe(slot.release)

        async with anyio.create_task_group() as tasks:
            if reporter is not None:
                tasks.start_soon(reporter.follow, self)
            slot = await acquire()
            try:
                # A new limiter, because the slot already limits the number of threads.
                result, error = await anyio.to_thread.run_sync(
                    in_thread, slot, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
                )
            except BaseException:  # cancelled: the thread ends as soon as it can, and releases the slot if it started
                self.stop()
                if self._claim.acquire(blocking=False):
                    slot.release()
                raise
            tasks.cancel_scope.cancel()
        if error is not None:
            raise error
        if reporter is not None:
            await reporter.report(self)
        return result  # type: ignore[return-value]


class ReportingClock(SystemClock):
    """The system clock, which records waiting as progress, because clients give up on calls that report nothing."""

    def sleep(self, seconds: float) -> bool:
        task, end = current.get(), self.monotonic() + seconds
        while isinstance(task, CancellableTask) and (left := end - self.monotonic()) > 0:
            task.record_waiting()
            if not super().sleep(min(WAIT_REPORT_S, left)):
                return False
        return super().sleep(end - self.monotonic())
