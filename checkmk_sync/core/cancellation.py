"""Stop work from another thread: waits end at once, and running code checks whether it should stop.

Work that may be cancelled sets a :class:`Cancellation` in the context variable ``current``. All functions that it calls
find it there, so it is not passed as an argument.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from concurrent.futures import Future
from typing import Callable, ContextManager, Iterator, Optional, TypeVar

__all__ = ["Cancellation", "Stopped", "check", "count_write", "current", "on_stop", "shielded", "wait_for_result"]

T = TypeVar("T")


class Stopped(BaseException):
    """The work was cancelled. Like KeyboardInterrupt it is not an Exception, so no caller takes it for a failure of the
    site."""


class Cancellation:
    """A piece of work that another thread may stop."""

    def __init__(self) -> None:
        self.writes = 0  # requests of it that change something, so far
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._wakers: dict[object, Callable[[], object]] = {}

    def stop(self) -> None:
        """End the work: its waits are cut short, and its next step does not start."""
        with self._lock:
            self._stopped.set()
            wakers = list(self._wakers.values())
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raise Stopped if the work was stopped."""
        if self._stopped.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait. Raise Stopped at once if the work is stopped meanwhile."""
        self._stopped.wait(seconds)
        self.check()

    @contextlib.contextmanager
    def on_stop(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call ``wake`` if the work is stopped while the block runs, or at once if it was stopped before."""
        key = object()
        with self._lock:
            self._wakers[key] = wake
            is_late = self._stopped.is_set()
        if is_late:
            wake()
        try:
            yield
        finally:
            with self._lock:
                del self._wakers[key]


current: contextvars.ContextVar[Optional[Cancellation]] = contextvars.ContextVar("current", default=None)


def check() -> None:
    """Raise Stopped if the work of this thread was stopped."""
    work = current.get()
    if work is not None:
        work.check()


def count_write() -> None:
    """Count a request of this thread's work that changes something."""
    work = current.get()
    if work is not None:
        work.writes += 1


def on_stop(wake: Callable[[], object]) -> ContextManager[None]:
    """Return a context manager in which a stop of this thread's work calls ``wake``."""
    work = current.get()
    return contextlib.nullcontext() if work is None else work.on_stop(wake)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Protect a block that has to be finished once it has started, such as settling a write."""
    token = current.set(None)
    try:
        yield
    finally:
        current.reset(token)


def wait_for_result(future: Future[T]) -> T:
    """Return the result of a ``future``. Raise Stopped if the work of this thread is stopped meanwhile."""
    if current.get() is not None:
        ready = threading.Event()
        future.add_done_callback(lambda _: ready.set())
        with on_stop(ready.set):
            ready.wait()
        if not future.done():
            check()
    return future.result()
