"""What a forked process must not inherit: locks that other threads held, and threads that are not there any more."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

__all__ = ["Paused", "Renewed", "paused_for_forks", "renewed_in_children"]


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
    for each in list(_renewed):
        each.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
