"""A bounded cache that removes expired and least recently used values."""

from __future__ import annotations

import copy
import enum
import fnmatch
import pickle
import sys
from collections import OrderedDict
from typing import Any, Callable, Optional

from ..core.clock import Clock, SystemClock
from ..core.fork import ForkSafe

_SCALARS = (type(None), bool, int, float, complex, str, bytes, enum.Enum)


class LRUCache(ForkSafe):
    """A cache of up to ``max_size`` values, each for its time to live in seconds. Safe to use from many threads.

    Mutable values are stored and returned as copies, so that no caller sees the changes of another. With
    ``copy_values=False``, a value is returned as it was stored.

    ``max_bytes`` limits the sum of ``size_of(value)`` (default: the size of the pickled value). A single value that
    exceeds it is not stored. With ``cleanup_interval``, storing a value also removes expired ones, at most once in that
    many seconds.

    Raises ValueError if ``max_size`` is less than 1 or ``max_bytes`` is not above 0.
    """

    def __init__(
        self,
        max_size: int = 1000,
        default_ttl: float = 300.0,
        *,
        max_bytes: Optional[float] = None,
        size_of: Optional[Callable[[Any], int]] = None,
        copy_values: bool = True,
        cleanup_interval: Optional[float] = None,
        clock: Optional[Clock] = None,
    ) -> None:
        if max_size < 1 or (max_bytes is not None and max_bytes <= 0):
            raise ValueError("max_size must be at least 1, and max_bytes above 0")
        self.max_size, self.default_ttl = max_size, default_ttl
        self._max_bytes, self._size_of = max_bytes, size_of or _pickled_size
        self._copy_values = copy_values
        self._now = (clock or SystemClock()).monotonic
        self._cleanup_interval, self._cleaned_at = cleanup_interval, self._now()
        super().__init__()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0
        self._counts = {"hits": 0, "misses": 0, "evictions": 0, "expirations": 0}
        self.epoch = 0  # counts deletions; a value computed before a deletion must not be stored after it

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of ``key``, or ``default`` if it is missing or expired."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.ends <= self._now():
                if entry is not None:
                    self._drop(key)
                    self._counts["expirations"] += 1
                self._counts["misses"] += 1
                return default
            self._entries.move_to_end(key)
            self._counts["hits"] += 1
            copied, value = entry.copied, entry.value
        return value if copied is None else copied(value)

    def set(self, key: str, value: Any, ttl: Optional[float] = None, *, epoch: Optional[int] = None) -> None:
        """Store ``value`` for ``ttl`` seconds (default: ``default_ttl``). With 0, nothing is stored.

        Pass the ``epoch`` that was read before the value was computed. Then the value is not stored if anything was
        deleted in between.
        """
        ttl = self.default_ttl if ttl is None else ttl
        size = 0 if self._max_bytes is None else self._size_of(value)
        kept, copied = _private(value) if self._copy_values else (value, None)
        with self._lock:
            if epoch is not None and epoch != self.epoch:
                return
            self._drop(key)
            if ttl <= 0 or (self._max_bytes is not None and size > self._max_bytes):
                return
            if self._cleanup_interval is not None and self._now() >= self._cleaned_at + self._cleanup_interval:
                self._drop_expired()
            self._entries[key] = _Entry(self._now() + ttl, kept, copied, size)
            self._bytes += size
            while len(self._entries) > self.max_size or (self._max_bytes is not None and self._bytes > self._max_bytes):
                self._drop(next(iter(self._entries)))
                self._counts["evictions"] += 1

    def delete(self, key: str) -> bool:
        """Remove a key, and return True if it was present."""
        with self._lock:
            self.epoch += 1
            return self._drop(key)

    def invalidate_pattern(self, pattern: str) -> int:
        """Remove all keys that match a pattern with ``*``, ``?`` and ``[…]``, and return their number."""
        with self._lock:
            self.epoch += 1
            doomed = [key for key in self._entries if fnmatch.fnmatchcase(key, pattern)]
            for key in doomed:
                self._drop(key)
            return len(doomed)

    def clear(self) -> None:
        """Remove all values."""
        with self._lock:
            self.epoch += 1
            self._entries.clear()
            self._bytes = 0

    def cleanup_expired(self) -> int:
        """Remove all expired values, and return their number."""
        with self._lock:
            return self._drop_expired()

    def keys(self) -> list[str]:
        """Return all keys, including those of expired values."""
        with self._lock:
            return list(self._entries)

    def stats(self) -> dict[str, Any]:
        """Return hits, misses, evictions, expirations, size, bytes and hit_rate.

        ``bytes`` is None without ``max_bytes``. ``hit_rate`` is None before the first get.
        """
        with self._lock:
            total = self._counts["hits"] + self._counts["misses"]
            rate = self._counts["hits"] / total if total else None
            held = None if self._max_bytes is None else self._bytes  # without max_bytes, sizes are not computed
            return {**self._counts, "size": len(self._entries), "bytes": held, "hit_rate": rate}

    def _drop_expired(self) -> int:
        now = self._cleaned_at = self._now()
        doomed = [key for key, entry in self._entries.items() if entry.ends <= now]
        for key in doomed:
            self._drop(key)
        self._counts["expirations"] += len(doomed)
        return len(doomed)

    def _drop(self, key: str) -> bool:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
        return entry is not None


class _Entry:
    __slots__ = ("copied", "ends", "size", "value")

    def __init__(self, ends: float, value: Any, copied: Optional[Callable[[Any], Any]], size: int) -> None:
        self.ends, self.value, self.copied, self.size = ends, value, copied, size


def _private(value: Any) -> tuple[Any, Optional[Callable[[Any], Any]]]:
    """Return the stored form of a value, and the function that creates a copy from it (None for immutable values)."""
    # Pickling copies ten times as fast as deepcopy.
    if _is_immutable(value):
        return value, None
    pickled = _pickled(value)
    return (copy.deepcopy(value), copy.deepcopy) if pickled is None else (pickled, pickle.loads)


def _pickled_size(value: Any) -> int:
    pickled = _pickled(value)
    return sys.getsizeof(value) if pickled is None else len(pickled)


def _pickled(value: Any) -> Optional[bytes]:
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError):
        return None


def private_copy(value: Any) -> Any:
    """Return ``value`` itself if it is immutable, otherwise a copy."""
    kept, copied = _private(value)
    return kept if copied is None else copied(kept)


def _is_immutable(value: Any) -> bool:
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_immutable, value))
    return isinstance(value, _SCALARS)
