"""Answers in Redis, shared by processes on many machines (extra ``redis``)."""

from __future__ import annotations

import fnmatch
import itertools
import logging
import uuid
from typing import Any, Iterable, Iterator, Optional

from requests_cache.models.response import CachedResponse

from ..core.clock import Clock
from ..errors import MissingExtraError, SettingsError
from .responses import TEXT, expires_at

try:
    import redis
    from requests_cache.backends.redis import RedisDict
except ImportError:
    raise MissingExtraError("the cache in Redis", "redis") from None

__all__ = ["RedisStorage"]

log = logging.getLogger("checkmk_sync")

GENERATION = "checkmk_sync:generation:"
TIMEOUT_S = 0.5  # a cache that makes callers wait longer is of no use


class RedisStorage(RedisDict):
    """The dictionary of requests-cache in Redis, which removes expired answers and enforces limits by itself.

    SettingsError for an address that cannot be used.
    """

    is_local = False
    errors: tuple[type[Exception], ...] = (redis.RedisError, OSError, UnicodeDecodeError)

    def __init__(self, url: str, password: Optional[str], stale_s: float, clock: Clock) -> None:
        try:
            connection = redis.Redis.from_url(
                url, password=password, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        except ValueError as error:
            raise SettingsError(f"the address of Redis cannot be used: {error}", field="redis_url") from None
        self.connection: Any
        super().__init__("checkmk_sync:answer", connection=connection, serializer=TEXT)
        self._stale_s, self._time = stale_s, clock.time
        self.location = f"redis:{url}"

    def __getitem__(self, key: str) -> CachedResponse:
        response: Optional[CachedResponse] = super().__getitem__(key)  # type: ignore[no-untyped-call]
        if response is None:
            log.warning("an answer in Redis is damaged, and dropped: %s", key)
            self.bulk_delete([key])
            raise KeyError(key)
        return response

    def __setitem__(self, key: str, response: CachedResponse) -> None:
        keep_s = expires_at(response) + self._stale_s - self._time()
        self.connection.set(self._bkey(key), self.serialize(response), px=max(1, int(keep_s * 1000)))

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        start = f"{self.namespace}:".encode()
        for key in self.connection.scan_iter(match=start + b"*", count=1000):
            yield key[len(start) :].decode(errors="replace")

    def clear(self) -> None:
        # The generations first: with them, answers that are under way become void as well.
        self.connection.delete(GENERATION, *self.connection.scan_iter(match=f"{GENERATION}*", count=1000))
        self._delete(self.keys())

    def close(self) -> None:
        # Connections in use go back to the pool; cutting them off would end their calls with an error.
        self.connection.connection_pool.disconnect(inuse_connections=False)

    def generation(self, scope: str) -> str:
        for _ in range(10):  # between the two requests a write may begin a new generation
            token = self.connection.get(GENERATION + scope)
            if token is not None:
                return str(token.decode())
            new = uuid.uuid4().hex
            # If Redis has dropped it, a new one begins. That makes answers void, and never makes old ones valid.
            if self.connection.set(GENERATION + scope, new, nx=True):
                return new
        raise redis.RedisError("Redis keeps nothing")

    def advance(self, scope: str) -> None:
        self.connection.delete(GENERATION + scope)  # Redis can also do that when it is full

    def invalidate_pattern(self, pattern: str) -> int:
        return self._delete(key for key in self.keys() if fnmatch.fnmatchcase(key, pattern))

    def cleanup_expired(self) -> None:
        """Do nothing: Redis removes them by itself."""

    def stats(self) -> dict[str, Any]:
        # To count our answers, Redis would have to look at all of its keys.
        return {"size": None}

    def _delete(self, keys: Iterable[str]) -> int:
        remaining, deleted = iter(keys), 0
        while chunk := list(itertools.islice(remaining, 1000)):
            deleted += int(self.connection.delete(*self._bkeys(chunk)))
        return deleted
