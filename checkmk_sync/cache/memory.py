"""A storage for the cached answers of one client, in the memory of its process."""

from __future__ import annotations

import uuid
from typing import Any, Iterator, Optional

from requests_cache.backends.base import BaseStorage
from requests_cache.models.response import CachedResponse

from ..core.clock import Clock
from .lru import LRUCache
from .responses import expires_at, size_of

# The generations by scope. All clients of this process share them, because a write of one client invalidates the
# answers of the others. Each token is unique, so that an old generation cannot become valid again.
_GENERATIONS: dict[str, str] = {}


class MemoryStorage(BaseStorage[str, CachedResponse]):
    """A storage of requests-cache, limited in number and size, that drops the least recently used answers.

    All storages also contain a generation for each noun of a site, such as host or folder. The generation is part of
    the cache key of an answer. A write starts a new generation. This invalidates all older answers at once, for all
    clients that share the storage, including answers that are still on their way.

    ``location`` is equal for all storages that share their answers. If a storage cannot be used now, its methods raise
    one of its ``errors``. ``is_local`` is True if an invalidation is quick and always possible.
    """

    location = "memory"
    is_local = True
    errors: tuple[type[Exception], ...] = ()

    def __init__(self, max_size: int, max_bytes: float, stale_s: float, clock: Clock) -> None:
        super().__init__()
        self._stale_s, self._time = stale_s, clock.time
        # Responses need no copies, because only their bodies are read and each caller decodes the JSON itself.
        self._entries = LRUCache(max_size, max_bytes=max_bytes, size_of=size_of, copy_values=False, clock=clock)

    def __getitem__(self, key: str) -> CachedResponse:
        response: Optional[CachedResponse] = self._entries.get(key)
        if response is None:
            raise KeyError(key)
        return response

    def __setitem__(self, key: str, response: CachedResponse) -> None:
        self._entries.set(key, response, expires_at(response) + self._stale_s - self._time())

    def __delitem__(self, key: str) -> None:
        if not self._entries.delete(key):
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries.keys())

    def __len__(self) -> int:
        return int(self._entries.stats()["size"])

    def clear(self) -> None:
        self._entries.clear()

    def close(self) -> None:
        self._entries.clear()

    def generation(self, scope: str) -> str:
        """Return the generation of a noun at a site."""
        return _GENERATIONS.get(scope) or _GENERATIONS.setdefault(scope, uuid.uuid4().hex)

    def advance(self, scope: str) -> None:
        """Start a new generation."""
        _GENERATIONS[scope] = uuid.uuid4().hex

    def invalidate_pattern(self, pattern: str) -> int:
        """Remove all keys that match, and return their number."""
        return self._entries.invalidate_pattern(pattern)

    def cleanup_expired(self) -> None:
        """Remove expired answers."""
        self._entries.cleanup_expired()

    def stats(self) -> dict[str, Any]:
        """Return at least ``size``, which is None if the storage does not know it."""
        stats = self._entries.stats()
        return {name: stats[name] for name in ("size", "bytes", "evictions", "expirations")}
