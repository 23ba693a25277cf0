"""What a forked process must not inherit: locks that other threads held, and threads that are not there any more."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Renewed", "renewed_in_children"]


class Renewed(Protocol):
    """What has locks."""

    def renew(self) -> None:
        """Called in the child of a fork, where there is only one thread: begin with locks of its own."""


_known: weakref.WeakSet[Renewed] = weakref.WeakSet()


def renewed_in_children(of: Renewed) -> None:
    """Let ``of.renew()`` be called in every process that is forked from this one, as long as it lives."""
    _known.add(of)


def _renew_all() -> None:
    for each in list(_known):
        each.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
