"""Writes of which a storage does not know yet."""

from __future__ import annotations

from typing import Iterable

from ..core.fork import ForkSafe

__all__ = ["PendingInvalidations", "pending_at"]


class PendingInvalidations(ForkSafe):
    """Scopes that writes have made void, and whose storage could not be told yet; ``scopes`` counts the writes of each.

    With the number, an invalidation that is added while another one of the same scope is written is not lost.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, int] = {}
        super().__init__()

    def add(self, scopes: Iterable[str]) -> None:
        """Note one more write to each of the scopes."""
        with self._lock:
            for scope in scopes:
                self.scopes[scope] = self.scopes.get(scope, 0) + 1

    def written(self, scope: str, writes: int) -> None:
        """Note that the storage knows of the first ``writes`` writes to the scope."""
        with self._lock:
            if self.scopes.get(scope) == writes:
                del self.scopes[scope]


_by_location: dict[str, PendingInvalidations] = {}


def pending_at(location: str) -> PendingInvalidations:
    """Return the pending invalidations of all clients of this process that keep answers at one location."""
    return _by_location.setdefault(location, PendingInvalidations())
