"""The cache of a client: which answers it stores, for how long, and when it may return them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import logging
import os
import uuid
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, TypeVar, Union, cast

from requests_cache.backends.base import BaseCache, BaseStorage
from requests_cache.models.response import CachedResponse

from ..catalogue.nouns import NOUNS
from ..catalogue.operations import NOUN_NAMES
from ..config.settings import Settings
from ..core.call import Call, CallKind, Reply
from ..core.clock import Clock
from ..core.fork import ForkSafe
from ..core.text import suggestion
from ..errors import ServerError, TransportError
from ..metrics import MetricsCollector
from .memory import MemoryStorage
from .responses import cached_response, expires_at
from .single_flight import SingleFlight

if TYPE_CHECKING:
    from .redis import RedisStorage
    from .sqlite import SQLiteStorage

log = logging.getLogger("checkmk_sync")

T = TypeVar("T")
D = TypeVar("D")

SUSPENDED_S = 5.0  # after a failure of the storage
# Answers with secrets in the clear are cached only in memory.
_WITH_SECRETS = frozenset(name for name, noun in NOUNS.items() if noun.holds_secrets)
_COUNTERS = ("hits", "misses", "stale", "shared_flights", "failures")


class PendingInvalidations(ForkSafe):
    """Scopes that must still be invalidated in the storage, each with the number of its latest write.

    A write may be added while an earlier write of the same scope is being recorded. Without the number, recording the
    earlier one would also remove the later one.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, int] = {}
        self._numbers = itertools.count()  # numbers are never reused, even for a scope that was removed
        super().__init__()

    def add(self, scopes: Iterable[str]) -> None:
        """Add a write to each of the scopes."""
        with self._lock:
            for scope in scopes:
                self.scopes[scope] = next(self._numbers)

    def recorded(self, scope: str, number: int) -> None:
        """Remove the scope after the storage has recorded the write ``number``, unless a later write was added."""
        with self._lock:
            if self.scopes.get(scope) == number:
                del self.scopes[scope]


# By the location of the storage, because all clients of this process share the invalidations.
_PENDING: dict[str, PendingInvalidations] = {}


class ReplyCache(BaseCache):
    """The cache of one client. Its storage is in memory, in a file, or in Redis.

    If the storage fails, requests go to the site. A cached answer is never used if a write may have changed it. After a
    failure the storage is not used for SUSPENDED_S seconds, because waiting for it each time would cost more than it
    saves.
    """

    def __init__(self, settings: Settings, metrics: MetricsCollector, clock: Clock) -> None:
        super().__init__()
        caching = settings.caching
        self.storage = _storage(settings, clock)
        self.responses = cast(BaseStorage[str, CachedResponse], self.storage)
        self._metrics, self._clock = metrics, clock
        self._ttl_s: Mapping[CallKind, float] = (
            {CallKind.CONFIG: caching.default_ttl, CallKind.STATUS: caching.status_ttl} if caching.enabled else {}
        )
        # Users must not get each other's answers, and requests-cache leaves the credentials out of the key.
        self._user_key = _digest(f"{settings.username}@{settings.base_url}")[:16]
        site = _digest(settings.base_url)[:16]
        self._scopes = {noun: f"{site}:{noun}" for noun in NOUN_NAMES}
        self._stale_s = caching.stale_if_error
        self._single_flight: SingleFlight[Reply] = SingleFlight()
        self._pending_invalidations = _PENDING.setdefault(self.storage.location, PendingInvalidations())
        self._suspended_until = float("-inf")
        self._cleanup_interval, self._cleanup_at = caching.cleanup_interval, clock.monotonic()
        self._epochs = itertools.count(1)
        self._epoch = 0  # changes when answers are removed; an answer requested before that is not stored

    def get_or_fetch(self, call: Call, fetch: Callable[[], Reply]) -> Reply:
        """Return the answer to a read from the cache, from another thread that is fetching it, or from ``fetch()``.

        Raises the error of ``fetch()``, unless an expired answer may replace it.
        """
        key = self._key(call)
        if key is None:
            return fetch()
        if call.fresh:
            if self._single_flight.is_under_way((key, self._epoch)):
                self._epoch = next(self._epochs)  # later callers must not share the older answer of the call in flight
            return self._fetch_and_store(call, key, fetch)
        cached = self._use_storage(lambda: self.get_response(key), None)
        if cached is not None and expires_at(cached) > self._clock.time():
            reply = _reply(call, cached)
            if reply is not None:
                self._metrics.increment_counters({"cache_hits": 1})
                return reply
        self._metrics.increment_counter("cache_misses")
        reply, shared = self._single_flight.run(
            (key, self._epoch), lambda: self._fetch_and_store(call, key, fetch, stale_fallback=cached)
        )
        if not shared:
            return reply
        self._metrics.increment_counter("cache_shared_flights")
        # Decoded again, because the thread that fetched the answer may modify its data.
        data = None if reply.data is None else json.loads(reply.body)
        return dataclasses.replace(reply, call=call, data=data, elapsed_s=0.0)

    def invalidate(self, call: Call) -> None:
        """Invalidate all answers that a write may have changed."""
        self.invalidate_nouns(NOUN_NAMES if call.is_raw else (call.noun, *call.touches))

    def invalidate_nouns(self, nouns: Iterable[str]) -> None:
        """Invalidate all answers about these nouns."""
        self._pending_invalidations.add(self._scopes[noun] for noun in nouns)
        self._write_invalidations()

    def invalidate_pattern(self, pattern: str) -> int:
        """Remove answers whose key ``noun:verb:path:digest`` matches, and return their number.

        If the storage cannot be used now, all answers are invalidated and the number is 0.
        """
        return self._forget(lambda: self.storage.invalidate_pattern(f"{pattern}@*"))

    def clear(self) -> None:
        """Remove all answers."""
        self._forget(self.responses.clear)

    def generation_of(self, noun: str) -> str:
        """Return a token that changes with every write to the noun. If it is unknown, each call returns a new one.

        Raises ValueError for a noun that does not exist.
        """
        if noun not in self._scopes:
            raise ValueError(f"unknown noun {noun!r}{suggestion(noun, tuple(sorted(self._scopes)))}")
        return self._generation(noun) or uuid.uuid4().hex

    def stats(self) -> dict[str, Any]:
        """Return hits, misses, stale, shared_flights, failures and hit_rate, with the numbers of the storage."""
        self._clean_up()
        counts = {name: int(self._metrics.counter(f"cache_{name}")) for name in _COUNTERS}
        total = counts["hits"] + counts["misses"]
        return {
            **counts,
            **self._use_storage(self.storage.stats, {"size": None}),
            "hit_rate": counts["hits"] / total if total else None,
        }

    def close(self) -> None:
        """Write the pending invalidations and close the storage."""
        self._suspended_until = float("-inf")
        self._write_invalidations()
        self._suspended_until = float("inf")
        try:
            self.responses.close()  # type: ignore[no-untyped-call]
        except self.storage.errors as error:
            log.debug("the cache could not be closed: %s", error)

    def _key(self, call: Call) -> Optional[str]:
        """Return ``noun:verb:path:digest@generation``, or None if the answer cannot be stored."""
        if call.stream or call.body_limit is not None or self._ttl_s.get(call.kind, 0.0) <= 0.0:
            return None
        if call.noun in _WITH_SECRETS and not isinstance(self.storage, MemoryStorage):
            return None
        generation = self._generation(call.noun)
        if generation is None:
            return None
        rest = json.dumps([self._user_key, call.method, call.query, call.body, call.accept], sort_keys=True)
        return f"{call.noun}:{call.verb}:{call.path}:{_digest(rest)[:32]}@{generation}"

    def _generation(self, noun: str) -> Optional[str]:
        """Return the current generation of a noun, or None if the storage cannot be used now."""
        scope = self._scopes[noun]
        if self._pending_invalidations.scopes:
            self._write_invalidations()
            if scope in self._pending_invalidations.scopes:
                return None
        return self._use_storage(lambda: self.storage.generation(scope), None)

    def _fetch_and_store(
        self, call: Call, key: str, fetch: Callable[[], Reply], *, stale_fallback: Optional[CachedResponse] = None
    ) -> Reply:
        """Store and return ``fetch()``. If the site cannot answer, return the expired answer ``stale_fallback``."""
        epoch = self._epoch
        try:
            reply = fetch()
        except (TransportError, ServerError) as error:
            # Refusals such as 401, 403, 404 and 412 are current answers, so they are raised. Of the errors that the
            # site itself sends, only a crash (ServerError) is replaced by an expired answer.
            if stale_fallback is None or expires_at(stale_fallback) + self._stale_s <= self._clock.time():
                raise
            if epoch != self._epoch or key != self._key(call):  # removed, or invalidated by a write, since the request
                raise
            cached = _reply(call, stale_fallback)
            if cached is None:
                raise
            self._metrics.increment_counter("cache_stale")
            log.warning("%s: returned an expired answer from the cache because the site failed: %s", call, error)
            return dataclasses.replace(cached, stale=True)
        if reply.status == 200 and epoch == self._epoch:
            self._store(key, reply, epoch)
        return reply

    def _store(self, key: str, reply: Reply, epoch: int) -> None:
        until = self._clock.time() + self._ttl_s[reply.call.kind]
        response = cached_response(reply.body, reply.headers, until)
        self._use_storage(lambda: self.responses.__setitem__(key, response), None)
        if epoch != self._epoch:  # answers were removed after the check in the caller
            self._use_storage(lambda: self.responses.bulk_delete([key]), None)
        self._clean_up()

    def _forget(self, forget: Callable[[], Optional[int]]) -> int:
        self._epoch = next(self._epochs)
        forgotten = self._use_storage(lambda: forget() or 0, None)
        if forgotten is None:  # the storage failed, so it must not be used until all of its answers are invalidated
            self._pending_invalidations.add(self._scopes.values())
            self._write_invalidations()
        return forgotten or 0

    def _write_invalidations(self) -> None:
        """Write the pending invalidations to the storage, including those of other clients of this process."""
        for scope, number in list(self._pending_invalidations.scopes.items()):
            advance = functools.partial(self._advance, scope, number)
            # A suspended local storage is used nevertheless, because a file that cannot be written can be removed.
            self._use_storage(advance, None, even_if_suspended=self.storage.is_local)

    def _advance(self, scope: str, number: int) -> None:
        self.storage.advance(scope)
        self._pending_invalidations.recorded(scope, number)

    def _clean_up(self) -> None:
        """Remove expired answers, at most once in ``cleanup_interval`` seconds."""
        if self._clock.monotonic() >= self._cleanup_at + self._cleanup_interval:
            self._cleanup_at = self._clock.monotonic()
            self._use_storage(self.storage.cleanup_expired, None)

    def _use_storage(self, use: Callable[[], T], default: D, *, even_if_suspended: bool = False) -> Union[T, D]:
        """Return ``use()``, or ``default`` if the storage fails or is suspended after a failure."""
        if self._clock.monotonic() < self._suspended_until and not even_if_suspended:
            return default
        try:
            return use()
        except self.storage.errors as error:
            self._suspended_until = max(self._suspended_until, self._clock.monotonic() + SUSPENDED_S)
            self._metrics.increment_counter("cache_failures")
            log.warning("the cache cannot be used now, so requests go to the site: %s", error)
            return default


def _storage(settings: Settings, clock: Clock) -> Union[MemoryStorage, SQLiteStorage, RedisStorage]:
    caching = settings.caching
    limits = (caching.max_size, caching.max_mb * 2**20, caching.stale_if_error)
    if caching.backend == "sqlite":
        from .sqlite import SQLiteStorage

        return SQLiteStorage(os.path.expanduser(caching.path), *limits, clock)
    if caching.backend == "redis":
        from .redis import RedisStorage

        secret = caching.redis_password
        password = secret.reveal() if secret is not None else None
        return RedisStorage(str(caching.redis_url), password, caching.stale_if_error, clock)
    return MemoryStorage(*limits, clock)


def _reply(call: Call, cached: CachedResponse) -> Optional[Reply]:
    """Return a cached response as a Reply, or None if it is damaged."""
    try:
        data = json.loads(cached.content)  # decoded for each caller, so that no caller sees the changes of another
    except ValueError:
        return None
    return Reply(call, 200, cached.headers, data, from_cache=True, body=cached.content)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
