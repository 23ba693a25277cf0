"""Answers in Redis, shared by processes on many machines (extra ``redis``)."""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
import logging
import re
import uuid
from typing import Any, Iterable, Iterator, Optional

from ..errors import MissingExtraError, SettingsError
from .storage import StorageError, Stored

__all__ = ["RedisStorage"]

log = logging.getLogger("checkmk_sync")

PREFIX = "checkmk_sync:"
TIMEOUT_S = 0.5  # a cache that makes wait longer is none


class RedisStorage:
    """Each answer is a JSON text that Redis itself forgets in time; how much there is room for is configured there.

    SettingsError for an address that cannot be; MissingExtraError without the package.
    """

    def __init__(self, url: str, password: Optional[str]) -> None:
        try:
            import redis
        except ImportError:
            raise MissingExtraError("the cache in Redis", "redis") from None
        self._errors = (redis.RedisError, OSError, UnicodeDecodeError)
        self.place = f"redis:{url}"
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
        stored = Stored.from_text(text)
        if stored is None:
            log.warning("what Redis holds under %s is damaged, and dropped", key)
            with self._using():
                self._redis.delete(f"{PREFIX}answer:{key}")
        return stored

    def set(self, key: str, stored: Stored, keep_s: float) -> None:
        with self._using():
            self._redis.set(f"{PREFIX}answer:{key}", stored.to_text(), px=max(1, int(keep_s * 1000)))

    def invalidate_pattern(self, pattern: str) -> int:
        matches = re.compile(fnmatch.translate(pattern)).match
        start = len(f"{PREFIX}answer:")
        return self._delete(key for key in self._keys("answer:") if matches(key[start:]))

    def clear(self) -> None:
        # The generations first: with them what is under way becomes void as well.
        self._delete(self._keys("generation:"))
        self._delete(self._keys("answer:"))

    def cleanup_expired(self) -> int:
        return 0  # Redis does that by itself

    def stats(self) -> dict[str, Any]:
        # To count ours, Redis would have to look at all that it holds, for whoever it is.
        return {"size": None}

    def generation(self, scope: str) -> str:
        key = f"{PREFIX}generation:{scope}"
        for _ in range(10):  # between the two questions a write may begin a new one
            with self._using():
                found = self._redis.get(key)
                if found is not None:
                    return str(found.decode())
                token = uuid.uuid4().hex
                # Where Redis has dropped it a new one begins: that makes answers void, never old ones valid.
                if self._redis.set(key, token, nx=True):
                    return token
        raise StorageError("Redis keeps nothing")

    def advance(self, scope: str) -> None:
        with self._using():
            self._redis.delete(f"{PREFIX}generation:{scope}")  # which it also does when it is full

    def close(self) -> None:
        with self._using():
            self._closed = True
            # Those in use go back to the pool; to cut them off would end their calls with a riddle.
            self._redis.connection_pool.disconnect(inuse_connections=False)

    def _keys(self, kind: str) -> Iterator[str]:
        with self._using():
            for key in self._redis.scan_iter(match=f"{PREFIX}{kind}*", count=1000):
                with contextlib.suppress(UnicodeDecodeError):  # not ours
                    yield key.decode()

    def _delete(self, keys: Iterable[str]) -> int:
        doomed, deleted = iter(keys), 0
        with self._using():
            while some := list(itertools.islice(doomed, 1000)):
                deleted += int(self._redis.delete(*some))
        return deleted

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        if self._closed:
            raise StorageError("the cache is closed")
        try:
            yield
        except self._errors as error:
            raise StorageError(f"Redis: {error}") from error
