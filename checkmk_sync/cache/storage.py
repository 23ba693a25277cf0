"""What every storage of answers does, and the one in memory."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from typing import Any, Optional, Protocol, Union

from ..core.clock import Clock
from ..core.fork import renewed_in_children
from .lru import LRUCache

__all__ = ["Generations", "MemoryStorage", "Storage", "StorageError", "Stored"]


class StorageError(Exception):
    """The storage cannot be used now; whoever asks does without it."""


@dataclass(frozen=True)
class Stored:
    """One answer. ``fresh_until`` is a UNIX time; ``generation`` that of its noun when it was asked for."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str
    generation: str
    fresh_until: float

    @property
    def size(self) -> int:
        """Bytes: the body, and a thousand for all else that an entry takes."""
        return len(self.body) + 1000

    def to_text(self) -> str:
        """As JSON, for storages outside of this process."""
        return json.dumps([self.headers, self.body.decode(), self.url, self.generation, self.fresh_until])

    @classmethod
    def from_text(cls, text: Union[str, bytes]) -> Optional[Stored]:
        """What :meth:`to_text` wrote; None for what is damaged."""
        try:
            headers, body, url, generation, fresh_until = json.loads(text)
            pairs = tuple((str(name), str(value)) for name, value in headers)
            return cls(pairs, body.encode(), str(url), str(generation), float(fresh_until))
        except (ValueError, TypeError, AttributeError):
            return None


class Storage(Protocol):
    """Answers by key, and a generation for each noun of a site, which a write changes.

    An answer counts only in the generation in which it was asked for: so a write makes all older answers
    void at once, for everybody who shares the storage, and one that was under way meanwhile never counts.
    Any of these may raise StorageError.
    """

    place: str  # the same for all that share the answers

    def get(self, key: str) -> Optional[Stored]:
        """The answer under ``key``, however old; None where there is none."""

    def set(self, key: str, stored: Stored, keep_s: float) -> None:
        """Keep an answer for ``keep_s`` seconds, if there is room."""

    def invalidate_pattern(self, pattern: str) -> int:
        """Forget all keys that match; how many there were."""

    def clear(self) -> None:
        """Forget all answers; shared storages begin new generations, for what is under way elsewhere."""

    def cleanup_expired(self) -> int:
        """Free the room of those whose time is over; how many there were."""

    def stats(self) -> dict[str, Any]:
        """What it knows of itself: at least ``size``, None where that is not known."""

    def generation(self, scope: str) -> str:
        """The generation of a noun at a site."""

    def advance(self, scope: str) -> None:
        """Begin a new generation."""

    def close(self) -> None:
        """Let go of files and connections; later calls find nothing."""


class Generations:
    """Generations in memory. Each is unlike any before, so one that was lost cannot come back."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """A lock of its own."""
        self._lock = threading.Lock()

    def get(self, scope: str) -> str:
        found = self._tokens.get(scope)
        if found is not None:
            return found
        with self._lock:
            return self._tokens.setdefault(scope, uuid.uuid4().hex)

    def advance(self, scope: str) -> None:
        with self._lock:
            self._tokens[scope] = uuid.uuid4().hex


# Shared by all clients of this process: each has its own memory, but a write of one concerns the others.
_SHARED = Generations()


class MemoryStorage:
    """In this process, for one client: bounded in number and size."""

    place = "memory"

    def __init__(self, max_size: int, max_bytes: float, clock: Optional[Clock] = None) -> None:
        self._entries = LRUCache(max_size, max_bytes=max_bytes, size_of=_size, clock=clock)

    def get(self, key: str) -> Optional[Stored]:
        fields = self._entries.get(key)
        return None if fields is None else Stored(*fields)

    def set(self, key: str, stored: Stored, keep_s: float) -> None:
        # A tuple of what cannot be changed is shared as it is.
        fields = (stored.headers, stored.body, stored.url, stored.generation, stored.fresh_until)
        self._entries.set(key, fields, keep_s)

    def invalidate_pattern(self, pattern: str) -> int:
        return self._entries.invalidate_pattern(pattern)

    def clear(self) -> None:
        self._entries.clear()

    def cleanup_expired(self) -> int:
        return self._entries.cleanup_expired()

    def stats(self) -> dict[str, Any]:
        stats = self._entries.stats()
        return {name: stats[name] for name in ("size", "bytes", "evictions", "expirations")}

    def generation(self, scope: str) -> str:
        return _SHARED.get(scope)

    def advance(self, scope: str) -> None:
        _SHARED.advance(scope)

    def close(self) -> None:
        self._entries.clear()


def _size(fields: tuple[Any, ...]) -> int:
    return Stored(*fields).size
