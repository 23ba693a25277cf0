"""One call at work in a thread: it reports its progress, and stops when its client cancels it."""

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

__all__ = ["CancellableTask", "ProgressReporter", "ReportingClock", "Stopped"]

T = TypeVar("T")
Progress = tuple[float, Optional[float], str]  # done, total, message

REPORT_EVERY_S = 0.2
MAX_SILENCE_S = 2.0
STEP = 0.001  # by which progress grows when nothing is known of it
WAIT_REPORT_S = 1.0


class ProgressReporter:
    """Reports the progress of one call to its client, also when nothing new is known of it for a while.

    The protocol wants each report to be more than the last.
    """

    def __init__(self, send: Callable[[float, Optional[float], str], Awaitable[None]]) -> None:
        self._send = send
        self._started = self._last_sent = time.monotonic()
        self._done = -1.0

    async def report(self, done: float, total: Optional[float], message: str) -> None:
        """Send a report; ``done`` is raised a little if it is not more than before."""
        self._done, self._last_sent = max(done, self._done + STEP), time.monotonic()
        await self._send(self._done, total if total is not None and total >= self._done else None, message)

    async def report_silence(self) -> None:
        """Report after each MAX_SILENCE_S without a report that the call is still at work, until cancelled."""
        while True:
            silence_left = self._last_sent + MAX_SILENCE_S - time.monotonic()
            if silence_left > 0:
                await anyio.sleep(silence_left)
            else:
                elapsed = time.monotonic() - self._started
                await self.report(max(self._done, 0.0) + STEP, None, f"at work, {elapsed:.0f} s so far")

    async def report_during(self, awaitable: Awaitable[T], undo: Callable[[T], object]) -> T:
        """Await something, and report meanwhile. ``undo`` is called with its result if that cannot be returned."""
        results: list[T] = []
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.report_silence)
                results.append(await awaitable)
                tasks.cancel_scope.cancel()
        except BaseException:
            for result in results:
                undo(result)
            raise
        return results[0]


class CancellableTask(Cancellation):
    """A function in a thread. The thread records progress, which the event loop reads; it can also stop the thread."""

    def __init__(self) -> None:
        super().__init__()
        self._stage, self._earlier_stages, self._stage_total = "", 0, 0
        self.reached: dict[str, str] = {}  # by stage, for the audit log
        self._created = time.monotonic()
        self._claim = threading.Lock()  # taken once: by the thread, or by a cancellation before the thread runs
        self.progress: Progress = (0.0, None, "")
        self._reported = -1.0

    def watch(self, stage: str, done: int, total: int) -> None:
        """Record progress, which is summed over stages.

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
        """Record that the task waits for a job of the site, or before a retry."""
        done, total, _ = self.progress
        done += STEP
        elapsed = time.monotonic() - self._created
        self.progress = (done, total if total and total > done else None, f"waiting, {elapsed:.0f} s so far")

    async def run(
        self,
        function: Callable[[], T],
        reporter: Optional[ProgressReporter] = None,
        on_end: Callable[[], object] = lambda: None,
    ) -> T:
        """Return the result of ``function()``, run in a thread. Cancelling this stops the task.

        ``on_end`` is called when the thread has ended, which can be later than this: until then a cancelled task
        occupies its slot.
        """
        loop = asyncio.get_running_loop()

        def in_thread() -> tuple[Optional[T], Optional[BaseException]]:
            if not self._claim.acquire(blocking=False):
                return None, Stopped()
            token = current.set(self)
            try:
                return function(), None
            except BaseException as error:  # returned, because the task group would wrap it
                return None, error
            finally:
                current.reset(token)
                with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
                    loop.call_soon_threadsafe(on_end)

        async with anyio.create_task_group() as tasks:
            if reporter is not None:
                tasks.start_soon(self._report_changes, reporter)
                tasks.start_soon(reporter.report_silence)
            try:
                # A limiter of its own: the slot already limits the number of threads.
                limiter = anyio.CapacityLimiter(1)
                result, error = await anyio.to_thread.run_sync(in_thread, abandon_on_cancel=True, limiter=limiter)
            except BaseException:  # cancelled: the thread ends as soon as it can, and calls on_end if it has started
                self.stop()
                if self._claim.acquire(blocking=False):
                    on_end()
                raise
            tasks.cancel_scope.cancel()
        if error is not None:
            raise error
        if reporter is not None:
            await self._report(reporter)
        return result  # type: ignore[return-value]

    async def _report_changes(self, reporter: ProgressReporter) -> None:
        while True:
            await anyio.sleep(REPORT_EVERY_S)
            await self._report(reporter)

    async def _report(self, reporter: ProgressReporter) -> None:
        done, total, message = self.progress
        if message and done > self._reported:
            await reporter.report(done, total, message)
            self._reported = done


class ReportingClock(SystemClock):
    """The system's clock, which records waiting as progress, because clients give up calls that report nothing."""

    def sleep(self, seconds: float) -> bool:
        task, end = current.get(), self.monotonic() + seconds
        while isinstance(task, CancellableTask) and (left := end - self.monotonic()) > 0:
            task.record_waiting()
            if not super().sleep(min(WAIT_REPORT_S, left)):
                return False
        return super().sleep(end - self.monotonic())
