"""One call at work in a thread: how far it is, and whether anybody still wants it."""

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

__all__ = ["Report", "Stopped", "Telling", "Work", "WorkClock"]

T = TypeVar("T")
Report = Callable[[float, Optional[float], str], Awaitable[None]]
_Ended = tuple[Optional[T], Optional[BaseException]]

REPORT_EVERY_S = 0.2
QUIET_S = 2.0  # how long a client hears nothing of a call
GROWTH = 0.001  # of the progress where nothing is known of it
TOLD_EVERY_S = 1.0  # how long a call waits


class Telling:
    """Tells the client how far one call is, over all its parts; of one that has told nothing for a while, for how long
    it goes on. The protocol wants each progress to be more than the last."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._started = self._last = time.monotonic()
        self._told = -1.0

    async def tell(self, done: float, total: Optional[float], message: str) -> None:
        """Tell it, as a little more than before if it is not."""
        grown = max(done, self._told + GROWTH)
        self._told, self._last = grown, time.monotonic()
        await self._report(grown, total if total is not None and total >= grown else None, message)

    async def go_on(self) -> None:
        """Until it is cancelled, tell in every QUIET_S of silence that the call is still there."""
        while True:
            left = self._last + QUIET_S - time.monotonic()
            if left > 0:
                await anyio.sleep(left)
            else:
                so_far = time.monotonic() - self._started
                await self.tell(max(self._told, 0.0) + GROWTH, None, f"at work, {so_far:.0f} s so far")

    async def during(self, do: Awaitable[T], undo: Callable[[T], object]) -> T:
        """What ``do`` gives, telling meanwhile; ``undo`` is called with it when it cannot be given."""
        found: list[T] = []
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.go_on)
                found.append(await do)
                tasks.cancel_scope.cancel()
        except BaseException:
            for one in found:
                undo(one)
            raise
        return found[0]


class Work(Cancellation):
    """What one call does. Its thread tells and asks this object, the event loop reads and stops it."""

    def __init__(self) -> None:
        super().__init__()
        self._stage, self._before, self._total_of_stage = "", 0, 0
        self.reached: dict[str, str] = {}  # by stage, how far it came
        self._started = time.monotonic()
        self._begun = threading.Lock()  # taken once: by the thread, or by who gives up before it began
        self.progress: tuple[float, Optional[float], str] = (0.0, None, "")
        self._told = -1.0  # how far the client knows it is

    def watch(self, stage: str, done: int, total: int) -> None:
        """Take note of progress, which goes on counting over stages.

        It does not stop the call: the next request does, before it is sent. Until then all that is known of the last
        one is told.
        """
        if stage != self._stage:
            self._before += self._total_of_stage
            self._stage = stage
        self._total_of_stage = total
        reached = max(float(self._before + done), self.progress[0])
        self.reached[stage] = f"{done} of {total}"
        self.progress = (reached, float(self._before + total), f"{stage}: {done} of {total}")

    def waits(self) -> None:
        """Take note that it waits: for a job of the site, or before a repeat."""
        done, total, _ = self.progress
        waited = time.monotonic() - self._started
        grown = done + GROWTH  # the protocol wants it to grow, and nothing is known of the job
        self.progress = (grown, total if total and total > grown else None, f"waiting, {waited:.0f} s so far")

    async def run(
        self,
        do: Callable[[], T],
        telling: Optional[Telling] = None,
        ended: Callable[[], object] = lambda: None,
    ) -> T:
        """What ``do()`` returns, in a thread; ``telling`` is told now and then. Cancelling it stops the work.

        ``ended`` is called when the thread has ended, which a cancelled one may do later than this: what it needs
        is not free before.
        """
        inside = self._entered(do, asyncio.get_running_loop(), ended)
        async with anyio.create_task_group() as tasks:
            if telling is not None:
                tasks.start_soon(self._reporting, telling)
                tasks.start_soon(telling.go_on)
            try:
                # What is waited for was waited for before; nobody else has this limiter.
                alone = anyio.CapacityLimiter(1)
                found, failure = await anyio.to_thread.run_sync(inside, abandon_on_cancel=True, limiter=alone)
            except BaseException:  # cancelled: the thread ends as soon as it can
                self.stop()
                if not self._begun.acquire(blocking=False):
                    raise  # and calls ``ended`` itself
                ended()
                raise
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if telling is not None:
            await self._tell(telling)
        return found  # type: ignore[return-value]

    def _entered(
        self, do: Callable[[], T], loop: asyncio.AbstractEventLoop, ended: Callable[[], object]
    ) -> Callable[[], _Ended[T]]:
        def inside() -> _Ended[T]:
            if not self._begun.acquire(blocking=False):
                return None, Stopped()
            token = current.set(self)
            try:
                return do(), None
            except BaseException as failure:  # out of a group of tasks it would come wrapped
                return None, failure
            finally:
                current.reset(token)
                with contextlib.suppress(RuntimeError):  # the loop was closed, so nobody waits any more
                    loop.call_soon_threadsafe(ended)

        return inside

    async def _reporting(self, telling: Telling) -> None:
        while True:
            await anyio.sleep(REPORT_EVERY_S)
            await self._tell(telling)

    async def _tell(self, telling: Telling) -> None:
        """Tell what was not told before."""
        now = self.progress
        if now[2] and now[0] > self._told:
            await telling.tell(*now)
            self._told = now[0]


class WorkClock(SystemClock):
    """The system's clock, on which a call that waits tells so: clients give up those of which they hear nothing."""

    def sleep(self, seconds: float) -> bool:
        work, until = current.get(), self.monotonic() + seconds
        while isinstance(work, Work) and (left := until - self.monotonic()) > 0:
            work.waits()
            if not super().sleep(min(TOLD_EVERY_S, left)):
                return False
        return super().sleep(until - self.monotonic())
