"""Invalidations that have not reached the storage yet."""

from __future__ import annotations

import itertools
from typing import Iterable

from ..core.fork import ForkSafe

__all__ = ["PendingInvalidations", "pending_at"]


class PendingInvalidations(ForkSafe):
    """Scopes that writes have made void, but not yet in the storage, each with the number of the last write.

    With the number, a write that is added while an earlier one of the same scope is being recorded is not lost.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, int] = {}
        self._numbers = itertools.count()  # never used again, even for a scope that was removed
        super().__init__()

    def add(self, scopes: Iterable[str]) -> None:
        """Note one more write to each of the scopes."""
        with self._lock:
            for scope in scopes:
                self.scopes[scope] = next(self._numbers)

    def recorded(self, scope: str, number: int) -> None:
        """Note that the storage knows of the writes to the scope up to this number."""
        with self._lock:
            if self.scopes.get(scope) == number:
                del self.scopes[scope]


_by_location: dict[str, PendingInvalidations] = {}


def pending_at(location: str) -> PendingInvalidations:
    """Return the pending invalidations of all clients of this process that keep answers at one location."""
    return _by_location.setdefault(location, PendingInvalidations())
