"""A storage for cached answers in Redis, shared by processes on many machines (extra ``redis``)."""

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

log = logging.getLogger("checkmk_sync")

GENERATION = "checkmk_sync:generation:"
TIMEOUT_S = 0.5  # short, because waiting longer for the cache saves no time


class RedisStorage(RedisDict):
    """requests-cache's dictionary in Redis. Redis itself removes expired answers and enforces its limits.

    Raises SettingsError if the URL is not valid.
    """

    is_local = False
    errors: tuple[type[Exception], ...] = (redis.RedisError, OSError, UnicodeDecodeError)

    def __init__(self, url: str, password: Optional[str], stale_s: float, clock: Clock) -> None:
        try:
            connection = redis.Redis.from_url(
                url, password=password, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        except ValueError as error:
            raise SettingsError(f"redis_url is not a valid Redis URL: {error}", field="redis_url") from None
        self.connection: Any
        super().__init__("checkmk_sync:answer", connection=connection, serializer=TEXT)
        self._stale_s, self._time = stale_s, clock.time
        self.location = f"redis:{url}"

    def __getitem__(self, key: str) -> CachedResponse:
        response: Optional[CachedResponse] = super().__getitem__(key)  # type: ignore[no-untyped-call]
        if response is None:
            log.warning("a cached answer in Redis is damaged and was removed: %s", key)
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
        # The generations come first, because removing them also invalidates answers that are still on their way.
        self.connection.delete(GENERATION, *self.connection.scan_iter(match=f"{GENERATION}*", count=1000))
        self._delete(self.keys())

    def close(self) -> None:
        # Connections in use return to the pool. Closing them would make their calls fail.
        self.connection.connection_pool.disconnect(inuse_connections=False)

    def generation(self, scope: str) -> str:
        for _ in range(10):  # between get and set, a write may start a new generation
            token = self.connection.get(GENERATION + scope)
            if token is not None:
                return str(token.decode())
            new = uuid.uuid4().hex
            # If Redis has evicted the generation, a new one starts. It invalidates answers, but never revives old ones.
            if self.connection.set(GENERATION + scope, new, nx=True):
                return new
        raise redis.RedisError("Redis does not keep the generation of the cached answers")

    def advance(self, scope: str) -> None:
        self.connection.delete(GENERATION + scope)  # unlike a set, this also works if Redis is out of memory

    def invalidate_pattern(self, pattern: str) -> int:
        return self._delete(key for key in self.keys() if fnmatch.fnmatchcase(key, pattern))

    def cleanup_expired(self) -> None:
        """Do nothing, because Redis removes expired answers itself."""

    def stats(self) -> dict[str, Any]:
        # Counting the answers would make Redis scan all of its keys.
        return {"size": None}

    def _delete(self, keys: Iterable[str]) -> int:
        remaining, deleted = iter(keys), 0
        while chunk := list(itertools.islice(remaining, 1000)):
            deleted += int(self.connection.delete(*self._bkeys(chunk)))
        return deleted
