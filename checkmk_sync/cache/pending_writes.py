"""Writes of which a storage does not know yet."""

from __future__ import annotations

import threading
from typing import Iterable

from ..core.fork import renewed_in_children

__all__ = ["Unnoted", "unnoted_at"]


class Unnoted:
    """The scopes of such writes, with how many there were: what came while they were told is not told yet."""

    def __init__(self) -> None:
        self._writes: dict[str, int] = {}
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """A lock of its own."""
        self._lock = threading.Lock()

    def __contains__(self, scope: str) -> bool:
        return scope in self._writes

    def add(self, scopes: Iterable[str]) -> None:
        with self._lock:
            for scope in scopes:
                self._writes[scope] = self._writes.get(scope, 0) + 1

    def all(self) -> dict[str, int]:
        with self._lock:
            return dict(self._writes)

    def told(self, scope: str, writes: int) -> None:
        """The storage knows of the first so many writes."""
        with self._lock:
            if self._writes.get(scope) == writes:
                del self._writes[scope]


_places: dict[str, Unnoted] = {}


def unnoted_at(place: str) -> Unnoted:
    """The writes of all clients of this process whose answers are kept at one place."""
    return _places.setdefault(place, Unnoted())
