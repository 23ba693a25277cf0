"""Answers in Redis, shared by processes on many machines (extra ``redis``)."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import re
import uuid
from typing import Any, Iterator, Optional

from ..errors import MissingExtraError, SettingsError
from .storage import StorageError, Stored

__all__ = ["RedisStorage"]

PREFIX = "checkmk_sync:"
TIMEOUT_S = 2.0  # a cache that makes wait longer is none


class RedisStorage:
    """Each answer is a JSON text that Redis itself forgets in time; how much there is room for is configured there.

    SettingsError for an address that cannot be; MissingExtraError without the package.
    """

    def __init__(self, url: str, password: Optional[str]) -> None:
        try:
            import redis
        except ImportError:
            raise MissingExtraError("the cache in Redis", "redis") from None
        self._error: type[Exception] = redis.RedisError
        self._closed = False
        try:
            self._redis: Any = redis.Redis.from_url(
                url, password=password, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        except ValueError as error:
            raise SettingsError(f"the address of Redis cannot be used: {error}", field="redis_url") from None

    def get(self, key: str) -> Optional[Stored]:
        with self._using():
            text = self._redis.get(f"{PREFIX}answer:{key}")
        if text is None:
            return None
        try:
            headers, body, url, generation, fresh_until = json.loads(text)
            pairs = tuple((str(name), str(value)) for name, value in headers)
            return Stored(pairs, body.encode(), str(url), str(generation), float(fresh_until))
        except (ValueError, TypeError, AttributeError) as error:
            raise StorageError(f"Redis holds something else under {key}") from error

    def set(self, key: str, stored: Stored, keep_s: float) -> None:
        fields = (stored.headers, stored.body.decode(), stored.url, stored.generation, stored.fresh_until)
        with self._using():
            self._redis.set(f"{PREFIX}answer:{key}", json.dumps(fields), px=max(1, int(keep_s * 1000)))

    def invalidate_pattern(self, pattern: str) -> int:
        matches = re.compile(fnmatch.translate(pattern)).match
        start = len(f"{PREFIX}answer:")
        doomed = [key for key in self._keys() if matches(key[start:])]
        with self._using():
            return int(self._redis.delete(*doomed)) if doomed else 0

    def clear(self) -> None:
        doomed = list(self._keys())
        with self._using():
            if doomed:
                self._redis.delete(*doomed)

    def cleanup_expired(self) -> int:
        return 0  # Redis does that by itself

    def stats(self) -> dict[str, Any]:
        return {"size": sum(1 for _ in self._keys())}

    def generation(self, scope: str) -> str:
        key = f"{PREFIX}generation:{scope}"
        with self._using():
            found = self._redis.get(key)
            if found is None:
                # Where Redis has dropped it a new one begins: that makes answers void, never old ones valid.
                self._redis.set(key, uuid.uuid4().hex, nx=True)
                found = self._redis.get(key)
        if found is None:
            raise StorageError("Redis keeps nothing")
        return str(found.decode())

    def advance(self, scope: str) -> None:
        with self._using():
            self._redis.set(f"{PREFIX}generation:{scope}", uuid.uuid4().hex)

    def close(self) -> None:
        with self._using():
            self._closed = True
            # Those in use go back to the pool; to cut them off would end their calls with a riddle.
            self._redis.connection_pool.disconnect(inuse_connections=False)

    def _keys(self) -> Iterator[str]:
        with self._using():
            yield from (key.decode() for key in self._redis.scan_iter(match=f"{PREFIX}answer:*", count=1000))

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        if self._closed:
            raise StorageError("the cache is closed")
        try:
            yield
        except self._error as error:
            raise StorageError(f"Redis: {error}") from error
