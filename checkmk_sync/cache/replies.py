"""The cache in front of a site: what may be answered without asking, and what to do when asking fails."""

from __future__ import annotations

import collections
import dataclasses
import glob
import itertools
import json
import logging
import uuid
from typing import Any, Callable, Iterable, Optional, Protocol

import requests

from ..config.settings import CachingSettings
from ..core.call import Call, Reply
from ..core.clock import Clock
from ..errors import ServerError, TransportError
from ..metrics import MetricsCollector
from .cleaner import CLEANER
from .pending_writes import unnoted_at
from .policy import CachePolicy
from .single_flight import SingleFlight
from .storage import Storage, StorageError, Stored

__all__ = ["Cacheable", "ReplyCache"]

log = logging.getLogger("checkmk_sync")

# Checkmk has no conditional requests, and an ETag from a cache must never reach an If-Match;
# what the answer varies with is in the key.
_NOT_KEPT = frozenset({"etag", "last-modified", "vary", "set-cookie", "content-encoding", "transfer-encoding"})

REST_S = 5.0


class Cacheable(Protocol):
    """A prepared request that knows which call it is, when its answer counts, and what was decoded.

    ``generation`` is that of its noun, and ``epoch`` that of the cache, when it was asked for.
    """

    call: Call
    generation: Optional[str]
    epoch: int
    data: Any
    url: Optional[str]


class ReplyCache:
    """Answers from ``storage`` what ``policy`` allows.

    A storage that cannot be used costs time, never truth: reads go to the site, and when a write could not
    be noted, or answers could not be forgotten, nothing is answered from the storage until they could. It is
    not asked again for some seconds.
    """

    def __init__(
        self, settings: CachingSettings, policy: CachePolicy, storage: Storage, metrics: MetricsCollector, clock: Clock
    ) -> None:
        self.storage, self._policy, self._metrics, self._clock = storage, policy, metrics, clock
        self._stale_s = settings.stale_if_error
        self._flights: SingleFlight[Reply] = SingleFlight()
        self._unnoted = unnoted_at(storage.place)
        self._owed: collections.deque[Callable[[], Optional[int]]] = collections.deque()  # what is to be forgotten
        self._rests_until = float("-inf")
        self._cleanup_interval = settings.cleanup_interval
        self._epochs = itertools.count(1)
        self.epoch = 0  # another when something is forgotten: what was asked for before that is not kept

    def generation(self, call: Call) -> Optional[str]:
        """In which an answer to this call would count; None when nothing may be kept of it now."""
        return self._current(call.noun) if self._policy.ttl_s(call) > 0 else None

    def generation_of(self, noun: str) -> str:
        """Changes with every write to the noun; a new one each time when that cannot be known now."""
        return self._current(noun) or uuid.uuid4().hex

    def reply(self, call: Call, generation: str, fetch: Callable[[], Reply]) -> Reply:
        """The answer to a read: kept, shared with another thread that asks, or what ``fetch()`` says."""
        key = self._policy.key(call)
        stored = self._look(key, generation)
        found = _reply(call, stored) if stored is not None and self._is_fresh(stored) else None
        if found is not None:
            self._metrics.increment_counter("cache_hits")
            return found
        self._metrics.increment_counter("cache_misses")
        flight = (key, generation, self.epoch)
        reply, shared = self._flights.run(flight, lambda: self._fetched(call, fetch, stored))
        # Each gets a copy, also who fetched it: others copy it while that one may change it already.
        data = _copied(reply.data)
        if shared:
            self._metrics.increment_counter("cache_shared_flights")
            return Reply(call, reply.status, reply.headers, data, 0.0, stale=reply.stale)
        return dataclasses.replace(reply, data=data)

    def fresh(self, key: str, generation: str) -> Optional[Stored]:
        """What is kept under ``key`` and still counts."""
        stored = self._look(key, generation)
        return stored if stored is not None and self._is_fresh(stored) else None

    def keep(self, request: Cacheable, response: requests.Response) -> None:
        """Keep an answer, for its time and for as long after that as it may stand in for one that fails."""
        if request.generation is None or request.data is None:  # what is no JSON is no answer of Checkmk
            return
        if request.epoch != self.epoch or self._rests:
            return
        ttl_s = self._policy.ttl_s(request.call)
        headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _NOT_KEPT)
        until = self._clock.time() + ttl_s
        stored = Stored(headers, response.content, str(request.url), request.generation, until)
        key = self._policy.key(request.call)
        try:
            self.storage.set(key, stored, ttl_s + self._stale_s)
            if request.epoch != self.epoch:  # forgotten between the look above and now
                self.storage.invalidate_pattern(glob.escape(key))
        except StorageError as error:
            self._complain(error)
        CLEANER.add(self.cleanup, self._cleanup_interval)

    def forget(self, call: Call) -> None:
        """Make void what is kept of the nouns that a write changes."""
        self.forget_nouns((call.noun, *call.touches))

    def forget_nouns(self, nouns: Iterable[str]) -> None:
        """Make void what is kept of some nouns."""
        self._unnoted.add(map(self._policy.scope, nouns))
        self._note_all()

    def invalidate_pattern(self, pattern: str) -> int:
        """Forget answers whose key ``noun:verb:path:digest`` matches; how many there were, 0 while the storage cannot
        be used: then they are forgotten before anything is answered from it again."""
        return self._forget(lambda: self.storage.invalidate_pattern(pattern))

    def clear(self) -> None:
        """Forget all answers; while the storage cannot be used, before anything is answered from it again."""
        self._forget(self.storage.clear)

    def cleanup(self) -> None:
        """Free the room of answers whose time is over."""
        try:
            self.storage.cleanup_expired()
        except StorageError as error:
            self._complain(error)

    def stats(self) -> dict[str, Any]:
        """What the storage says of itself, with hits, misses, stale answers, shared flights and the hit_rate."""
        counts = {name: int(self._metrics.counter(f"cache_{name}")) for name in _COUNTED}
        asked = counts["hits"] + counts["misses"]
        try:
            held = self.storage.stats()
        except StorageError as error:
            self._complain(error)
            held = {"size": None}
        return {**counts, **held, "hit_rate": counts["hits"] / asked if asked else None}

    def close(self) -> None:
        """End cleaning up, note what is not noted yet, and let go of the storage."""
        CLEANER.remove(self.cleanup)
        self._rests_until = float("-inf")
        self._note_all()
        try:
            self.storage.close()
        except StorageError as error:
            log.debug("the cache did not close: %s", error)

    def _fetched(self, call: Call, fetch: Callable[[], Reply], stored: Optional[Stored]) -> Reply:
        try:
            return fetch()
        except (TransportError, ServerError) as error:
            # Of what the site says itself only a crash: 401, 403, 404 and 412 are answers.
            if stored is None or stored.fresh_until + self._stale_s <= self._clock.time():
                raise
            found = _reply(call, stored, stale=True)
            if found is None:
                raise
            self._metrics.increment_counter("cache_stale")
            log.warning("%s: answered with what was kept before, for now it fails: %s", call, error)
            return found

    def _is_fresh(self, stored: Stored) -> bool:
        return stored.fresh_until > self._clock.time()

    @property
    def _rests(self) -> bool:
        """True for some seconds after the storage failed: to wait for it again and again costs more than it saves."""
        return self._clock.monotonic() < self._rests_until

    def _look(self, key: str, generation: str) -> Optional[Stored]:
        if self._rests:
            return None
        try:
            stored = self.storage.get(key)
        except StorageError as error:
            self._complain(error)
            return None
        return stored if stored is not None and stored.generation == generation else None

    def _current(self, noun: str) -> Optional[str]:
        self._note_all()
        scope = self._policy.scope(noun)
        if self._rests or self._owed or scope in self._unnoted:
            return None
        try:
            return self.storage.generation(scope)
        except StorageError as error:
            self._complain(error)
            return None

    def _forget(self, forget: Callable[[], Optional[int]]) -> int:
        self.epoch = next(self._epochs)
        self._owed.append(forget)
        return self._pay()

    def _pay(self) -> int:
        """Forget what is still to be forgotten; how many answers that were."""
        forgotten = 0
        while self._owed and not self._rests:
            forget = self._owed.popleft()
            try:
                forgotten += forget() or 0
            except StorageError as error:
                self._owed.appendleft(forget)
                self._complain(error)
        return forgotten

    def _note_all(self) -> None:
        """Tell the storage of the writes that it does not know of yet, those of other clients of this process too."""
        self._pay()
        for scope, writes in self._unnoted.all().items():
            if self._rests:
                return
            try:
                self.storage.advance(scope)
            except StorageError as error:
                self._complain(error)
            else:
                self._unnoted.told(scope, writes)

    def _complain(self, error: StorageError) -> None:
        self._rests_until = self._clock.monotonic() + REST_S
        self._metrics.increment_counter("cache_failures")
        log.warning("the cache cannot be used now: %s", error)


_COUNTED = ("hits", "misses", "stale", "shared_flights", "failures")


def _reply(call: Call, stored: Stored, *, stale: bool = False) -> Optional[Reply]:
    """What is kept as an answer, None where it is damaged."""
    try:
        data = json.loads(stored.body)  # anew each time: nobody sees what another caller does to it
    except ValueError:
        return None
    return Reply(call, 200, dict(stored.headers), data, 0.0, from_cache=True, stale=stale)


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _copied(value) for name, value in data.items()}
    return list(map(_copied, data)) if isinstance(data, list) else data
