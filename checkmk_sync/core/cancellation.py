"""Cancellation of work from another thread.

A stop ends all waits at once. Running code checks between its steps whether it was stopped. Work that can be cancelled
stores its :class:`Cancellation` in the context variable ``current``, so that it need not be passed as an argument.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from concurrent.futures import Future
from typing import Callable, ContextManager, Iterator, Optional, TypeVar

T = TypeVar("T")


class Stopped(BaseException):
    """The work was cancelled.

    Like KeyboardInterrupt, it is not a subclass of Exception, so that no caller mistakes it for a failure of the site.
    """


class Cancellation:
    """The state of a piece of work that another thread can stop."""

    def __init__(self) -> None:
        self.writes = 0  # the number of writes that were sent so far
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._wakers: dict[object, Callable[[], object]] = {}

    def stop(self) -> None:
        """Cancel the work: its waits end at once, and its next step does not start."""
        with self._lock:
            self._stopped.set()
            wakers = list(self._wakers.values())
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raise Stopped if the work was stopped."""
        if self._stopped.is_set():
            raise Stopped

    @contextlib.contextmanager
    def on_stop(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call ``wake`` if the work is stopped during the block, or at once if it is already stopped."""
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
    """Count one write for the work of this thread."""
    work = current.get()
    if work is not None:
        work.writes += 1


def on_stop(wake: Callable[[], object]) -> ContextManager[None]:
    """Return a context manager that calls ``wake`` if the work of this thread is stopped during the block."""
    work = current.get()
    return contextlib.nullcontext() if work is None else work.on_stop(wake)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Ignore a stop during the block, which must finish once it has started, such as settling a write."""
    token = current.set(None)
    try:
        yield
    finally:
        current.reset(token)


def wait_for_result(future: Future[T]) -> T:
    """Return the result of ``future``. Raises Stopped as soon as the work of this thread is stopped."""
    if current.get() is not None:
        # future.result() cannot be interrupted, so wait for an event that a stop also sets.
        ready = threading.Event()
        future.add_done_callback(lambda _: ready.set())
        with on_stop(ready.set):
            ready.wait()
        if not future.done():
            check()
    return future.result()
