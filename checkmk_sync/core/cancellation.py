"""Stopping work from another thread: what waits is woken, and what goes on asks whether it still should.

Whoever does work that somebody may no longer want puts a :class:`Cancellation` into ``current``; everything below
finds it there, and nobody has to hand it down.
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
    """Nobody wants the result any more. Like Ctrl-C it is no Exception, so that nothing in between takes it
    for a failure of the site."""


class Cancellation:
    """One piece of work, which another thread may stop."""

    def __init__(self) -> None:
        self.writes = 0  # requests of it that change something, so far
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._wakers: dict[object, Callable[[], object]] = {}

    def stop(self) -> None:
        """Let the work end: what it waits for is cut short, and its next step is not done."""
        with self._lock:
            self._stopped.set()
            wakers = list(self._wakers.values())
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raises Stopped when it was stopped."""
        if self._stopped.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait; Stopped, at once, when it is stopped meanwhile."""
        self._stopped.wait(seconds)
        self.check()

    @contextlib.contextmanager
    def on_stop(self, wake: Callable[[], object]) -> Iterator[None]:
        """While the block runs a stop calls ``wake``, from its own thread; at once, when it came before."""
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
    """Raises Stopped when the work of this thread was stopped."""
    work = current.get()
    if work is not None:
        work.check()


def count_write() -> None:
    """Note that this thread's work sends a request that changes something."""
    work = current.get()
    if work is not None:
        work.writes += 1


def on_stop(wake: Callable[[], object]) -> ContextManager[None]:
    """Around something that waits: a stop of this thread's work calls ``wake``."""
    work = current.get()
    return contextlib.nullcontext() if work is None else work.on_stop(wake)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Around what has to be finished once it was begun, such as finding out what became of a write."""
    token = current.set(None)
    try:
        yield
    finally:
        current.reset(token)


def wait_for_result(future: Future[T]) -> T:
    """What another thread's ``future`` gives; Stopped when the work of this thread is stopped meanwhile."""
    if current.get() is not None:
        ready = threading.Event()
        future.add_done_callback(lambda _: ready.set())
        with on_stop(ready.set):
            ready.wait()
        if not future.done():
            check()
    return future.result()
