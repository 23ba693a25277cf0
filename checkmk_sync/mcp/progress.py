"""Calls in threads, which report their progress and stop when their clients cancel them."""

from __future__ import annotations

import contextlib
import time
from typing import Awaitable, Callable, Optional, TypeVar

import anyio
import anyio.to_thread

from ..core.cancellation import Cancellation, current

T = TypeVar("T")

REPORT_EVERY_S = 0.2
MAX_SILENCE_S = 2.0
STEP = 0.001  # added to the progress while the real progress is unknown


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
        is_news = bool(message) and done > self._done
        if is_news:
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
        self.progress: tuple[float, Optional[float], str] = (0.0, None, "")  # done, total, message

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

    async def run(
        self,
        function: Callable[[], T],
        slot: contextlib.AbstractAsyncContextManager[None],
        reporter: Optional[ProgressReporter] = None,
        *,
        abandon: bool = False,
    ) -> T:
        """Run ``function()`` in a thread while it holds ``slot``, and return its result.

        Cancelling this coroutine stops the task. The coroutine ends when the thread has ended, which can be later: a
        stop does not interrupt a connection attempt. With ``abandon``, it ends at once, without the thread.
        """

        def in_thread() -> tuple[Optional[T], Optional[BaseException]]:
            current.set(self)  # anyio runs this function in its own copy of the context, so this needs no reset
            try:
                return function(), None
            except BaseException as error:  # returned, because the task group would put it into an exception group
                return None, error

        async def stop_at_end() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.stop()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_at_end)
            if reporter is not None:
                tasks.start_soon(reporter.follow, self)
            async with slot:
                # A new limiter, because the slot already limits the number of threads.
                result, error = await anyio.to_thread.run_sync(
                    in_thread, abandon_on_cancel=abandon, limiter=anyio.CapacityLimiter(1)
                )
            tasks.cancel_scope.cancel()
        if error is not None:
            raise error
        if reporter is not None:
            await reporter.report(self)
        return result  # type: ignore[return-value]
