"""The cache in front of a site: what may be answered without asking, and what to do when asking fails."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
import uuid
import weakref
from typing import Any, Callable, Optional, Protocol

import requests

from ..clock import Clock
from ..errors import ServerError, TransportError
from ..forks import renewed_in_children
from ..metrics import MetricsCollector
from ..settings import CachingSettings
from ..wire import Call, Reply
from .flights import SingleFlight
from .policy import CachePolicy
from .storage import Storage, StorageError, Stored

__all__ = ["Cacheable", "ReplyCache"]

log = logging.getLogger("checkmk_sync")

# Checkmk has no conditional requests, and an ETag from a cache must never reach an If-Match;
# what the answer varies with is in the key.
_NOT_KEPT = frozenset({"etag", "last-modified", "vary", "set-cookie", "content-encoding", "transfer-encoding"})


class Cacheable(Protocol):
    """A prepared request that knows which call it is, which generation its noun had, and what was decoded."""

    call: Call
    generation: Optional[str]
    data: Any
    url: Optional[str]


class ReplyCache:
    """Answers from ``storage`` what ``policy`` allows.

    A storage that cannot be used costs time, never truth: reads go to the site, and when a write could not
    be noted nothing is answered from the storage until it could.
    """

    def __init__(
        self, settings: CachingSettings, policy: CachePolicy, storage: Storage, metrics: MetricsCollector, clock: Clock
    ) -> None:
        self.storage, self._policy, self._metrics, self._clock = storage, policy, metrics, clock
        self._stale_s = settings.stale_if_error
        self._flights: SingleFlight[Reply] = SingleFlight()
        self._unnoted: set[str] = set()  # scopes of writes that the storage does not know of
        self._cleaner = _Cleaner(weakref.WeakMethod(self.cleanup), settings.cleanup_interval)

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
        if stored is not None and self._is_fresh(stored):
            self._metrics.increment_counter("cache_hits")
            return _reply(call, stored)
        self._metrics.increment_counter("cache_misses")
        reply, shared = self._flights.run((key, generation), lambda: self._fetched(call, fetch, stored))
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
        ttl_s = self._policy.ttl_s(request.call)
        headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _NOT_KEPT)
        until = self._clock.time() + ttl_s
        stored = Stored(headers, response.content, str(request.url), request.generation, until)
        try:
            self.storage.set(self._policy.key(request.call), stored, ttl_s + self._stale_s)
        except StorageError as error:
            self._complain(error)
        self._cleaner.start()

    def forget(self, call: Call) -> None:
        """Make void what is kept of the nouns that a write changes."""
        for noun in (call.noun, *call.touches):
            self._note(self._policy.scope(noun))

    def invalidate_pattern(self, pattern: str) -> int:
        """Forget answers whose key ``noun:verb:path:digest`` matches; how many there were."""
        try:
            return self.storage.invalidate_pattern(pattern)
        except StorageError as error:
            self._complain(error)
            return 0

    def clear(self) -> None:
        """Forget all answers."""
        try:
            self.storage.clear()
        except StorageError as error:
            self._complain(error)

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
        """End cleaning up, and let go of the storage."""
        self._cleaner.stop()
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
            self._metrics.increment_counter("cache_stale")
            log.warning("%s: answered with what was kept before, for now it fails: %s", call, error)
            return _reply(call, stored, stale=True)

    def _is_fresh(self, stored: Stored) -> bool:
        return stored.fresh_until > self._clock.time()

    def _look(self, key: str, generation: str) -> Optional[Stored]:
        try:
            stored = self.storage.get(key)
        except StorageError as error:
            self._complain(error)
            return None
        return stored if stored is not None and stored.generation == generation else None

    def _current(self, noun: str) -> Optional[str]:
        scope = self._policy.scope(noun)
        if scope in self._unnoted:
            self._note(scope)
        if scope in self._unnoted:
            return None
        try:
            return self.storage.generation(scope)
        except StorageError as error:
            self._complain(error)
            return None

    def _note(self, scope: str) -> None:
        try:
            self.storage.advance(scope)
        except StorageError as error:
            self._unnoted.add(scope)
            self._complain(error)
        else:
            self._unnoted.discard(scope)

    def _complain(self, error: StorageError) -> None:
        self._metrics.increment_counter("cache_failures")
        log.warning("the cache cannot be used now: %s", error)


_COUNTED = ("hits", "misses", "stale", "shared_flights", "failures")


def _reply(call: Call, stored: Stored, *, stale: bool = False) -> Reply:
    # Decoded anew each time: nobody sees what another caller does to it.
    return Reply(call, 200, dict(stored.headers), json.loads(stored.body), 0.0, from_cache=True, stale=stale)


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _copied(value) for name, value in data.items()}
    return list(map(_copied, data)) if isinstance(data, list) else data


class _Cleaner:
    """Calls the method ``clean`` every ``interval_s`` seconds, from the first :meth:`start` to :meth:`stop`, or until
    its object is gone: a client that nobody closes keeps no thread."""

    def __init__(self, clean: weakref.WeakMethod[Callable[[], None]], interval_s: float) -> None:
        self._clean, self._interval_s = clean, interval_s
        self._stopped = threading.Event()
        weakref.finalize(clean().__self__, self._stopped.set)  # type: ignore[union-attr]
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """No thread yet."""
        self._thread: Optional[threading.Thread] = None
        self._lock = threading.Lock()

    def start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if not self._stopped.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="checkmk-sync-cache", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            clean = self._clean()
            if clean is not None:
                clean()
            del clean
