"""Support for forked processes.

A child inherits locked locks, but not the threads that would release them.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Callable, ClassVar


class ForkSafe:
    """Base class of objects whose locks are replaced in the child of a fork.

    ``LOCKS`` pairs the name of each lock attribute with the function that creates the lock. A subclass that must reset
    more than its locks extends :meth:`reset_after_fork`, which the constructor also calls.
    """

    LOCKS: ClassVar[tuple[tuple[str, Callable[[], Any]], ...]] = (("_lock", threading.Lock),)
    _lock: Any

    def __init__(self) -> None:
        self.reset_after_fork()
        with _adding[0]:
            _instances.add(self)

    def reset_after_fork(self) -> None:
        """Replace the locks, which other threads may have held when the process forked."""
        for name, make_lock in self.LOCKS:
            setattr(self, name, make_lock())

    def pause(self) -> None:
        """Close the resources that two processes cannot share, and keep them closed until :meth:`resume`.

        This is called before a fork.
        """

    def resume(self) -> None:
        """Allow these resources again. This is called in the parent after a fork."""


_instances: weakref.WeakSet[ForkSafe] = weakref.WeakSet()
# The locks are in lists so that a child can replace them.
_adding = [threading.Lock()]  # a set must not grow while it is copied
_forking = [threading.RLock()]  # without it, two threads that fork at the same time would deadlock
_paused: list[ForkSafe] = []


def _before() -> None:
    _forking[0].acquire()
    with _adding[0]:
        instances = list(_instances)
    for instance in instances:
        instance.pause()
        _paused.append(instance)


def _after_in_parent() -> None:
    while _paused:
        _paused.pop().resume()
    _forking[0].release()


def _after_in_child() -> None:
    _adding[0], _forking[0] = threading.Lock(), threading.RLock()
    _paused.clear()
    for instance in list(_instances):
        instance.reset_after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
