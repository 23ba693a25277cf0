"""Keep objects usable in forked processes, which inherit locked locks but not the threads that would release them."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Callable, ClassVar, Protocol

__all__ = ["ForkSafe", "Paused", "Renewed", "paused_for_forks", "renewed_in_children"]


class ForkSafe:
    """Base class of objects whose locks are replaced in the child of a fork.

    ``LOCKS`` pairs the names of the attributes with the functions that make them. A subclass with more to reset than
    locks extends :meth:`reset_after_fork`, which the constructor calls as well.
    """

    LOCKS: ClassVar[tuple[tuple[str, Callable[[], Any]], ...]] = (("_lock", threading.Lock),)

    def __init__(self) -> None:
        self.reset_after_fork()
        _fork_safe.add(self)

    def reset_after_fork(self) -> None:
        """Replace the locks, which other threads may have held when the process forked."""
        for name, make_lock in self.LOCKS:
            setattr(self, name, make_lock())


class Renewed(Protocol):
    """What has locks."""

    def renew(self) -> None:
        """Called in the child of a fork, where there is only one thread: begin with locks of its own."""


class Paused(Protocol):
    """What has something open that two processes cannot share."""

    def pause(self) -> None:
        """Called before a fork: close it, and open nothing until :meth:`go_on`."""

    def go_on(self) -> None:
        """Called after a fork, in the parent."""


_fork_safe: weakref.WeakSet[ForkSafe] = weakref.WeakSet()
_renewed: weakref.WeakSet[Renewed] = weakref.WeakSet()
_paused: weakref.WeakSet[Paused] = weakref.WeakSet()
_forking = [threading.RLock()]  # two threads that fork at once would wait for each other's
_waiting: list[Paused] = []


def renewed_in_children(of: Renewed) -> None:
    """Let ``of.renew()`` be called in every process that is forked from this one, as long as it lives."""
    _renewed.add(of)


def paused_for_forks(of: Paused) -> None:
    """Let ``of.pause()`` be called before every fork, and ``of.go_on()`` after it, as long as it lives."""
    _paused.add(of)


def _before() -> None:
    _forking[0].acquire()
    for each in list(_paused):
        each.pause()
        _waiting.append(each)


def _after_in_parent() -> None:
    while _waiting:
        _waiting.pop().go_on()
    _forking[0].release()


def _after_in_child() -> None:
    _forking[0] = threading.RLock()
    _waiting.clear()
    for shared in list(_fork_safe):
        shared.reset_after_fork()
    for each in list(_renewed):
        each.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
