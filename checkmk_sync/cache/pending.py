"""Invalidations that the storage has not recorded yet."""

from __future__ import annotations

import itertools
from typing import Iterable

from ..core.fork import ForkSafe

__all__ = ["PendingInvalidations", "pending_at"]


class PendingInvalidations(ForkSafe):
    """Scopes that must still be invalidated in the storage, each with the number of its latest write.

    A write may be added while an earlier write of the same scope is being recorded. Without the number, recording the
    earlier one would also remove the later one.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, int] = {}
        self._numbers = itertools.count()  # numbers are never reused, even for a scope that was removed
        super().__init__()

    def add(self, scopes: Iterable[str]) -> None:
        """Add a write to each of the scopes."""
        with self._lock:
            for scope in scopes:
                self.scopes[scope] = next(self._numbers)

    def recorded(self, scope: str, number: int) -> None:
        """Remove the scope after the storage has recorded the write ``number``, unless a later write was added."""
        with self._lock:
            if self.scopes.get(scope) == number:
                del self.scopes[scope]


_by_location: dict[str, PendingInvalidations] = {}


def pending_at(location: str) -> PendingInvalidations:
    """Return the pending invalidations that all clients of this process share for a storage location."""
    return _by_location.setdefault(location, PendingInvalidations())
