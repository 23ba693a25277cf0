"""A bounded mapping that forgets what is old or was not used for longest."""

from __future__ import annotations

import fnmatch
import re
import threading
from collections import OrderedDict
from typing import Any, Optional

from ..clock import Clock, SystemClock

__all__ = ["LRUCache"]


class LRUCache:
    """Up to ``max_size`` values, each for ``ttl`` seconds; safe to use from many threads."""

    def __init__(self, max_size: int = 1000, default_ttl: float = 300.0, *, clock: Optional[Clock] = None) -> None:
        self.max_size, self.default_ttl = max_size, default_ttl
        self._now = (clock or SystemClock()).monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._counts = {"hits": 0, "misses": 0, "evictions": 0, "expirations": 0}

    def get(self, key: str, default: Any = None) -> Any:
        """The value under ``key``, or ``default`` where there is none or its time is over."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry[0] > self._now():
                self._entries.move_to_end(key)
                self._counts["hits"] += 1
                return entry[1]
            if entry is not None:
                del self._entries[key]
                self._counts["expirations"] += 1
            self._counts["misses"] += 1
            return default

    def set(self, key: str, value: Any, ttl: Optional[float] = None) -> None:
        """Keep ``value`` for ``ttl`` seconds (default: ``default_ttl``); 0 keeps nothing."""
        ttl = self.default_ttl if ttl is None else ttl
        with self._lock:
            self._entries.pop(key, None)
            if ttl <= 0:
                return
            self._entries[key] = (self._now() + ttl, value)
            while len(self._entries) > self.max_size:
                self._entries.popitem(last=False)
                self._counts["evictions"] += 1

    def delete(self, key: str) -> bool:
        """Forget one key; True when it was there."""
        with self._lock:
            return self._entries.pop(key, None) is not None

    def invalidate_pattern(self, pattern: str) -> int:
        """Forget all keys that match a pattern with ``*``, ``?`` and ``[…]``; how many there were."""
        matches = re.compile(fnmatch.translate(pattern)).match
        with self._lock:
            doomed = [key for key in self._entries if matches(key)]
            for key in doomed:
                del self._entries[key]
            return len(doomed)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def stats(self) -> dict[str, Any]:
        """Hits, misses, evictions, expirations, size and hit_rate (None before the first get)."""
        with self._lock:
            asked = self._counts["hits"] + self._counts["misses"]
            rate = self._counts["hits"] / asked if asked else None
            return {**self._counts, "size": len(self._entries), "hit_rate": rate}
