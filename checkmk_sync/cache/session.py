"""The session of requests-cache, with a storage that is bounded and hands out private copies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional, Protocol

import requests
from requests.structures import CaseInsensitiveDict
from requests_cache.backends.base import BaseCache
from requests_cache.models.response import CachedResponse
from requests_cache.session import CachedSession

from ..sessions import NoRedirects
from ..wire import Call
from .lru import LRUCache
from .policy import CachePolicy

__all__ = ["cached_session"]

# Checkmk has no conditional requests, and an ETag from a cache must never reach an If-Match;
# what the answer varies with is in the key.
_NOT_KEPT = frozenset({"etag", "last-modified", "vary", "set-cookie", "content-encoding", "transfer-encoding"})


class _Cacheable(Protocol):
    """A prepared request that knows which call it is, and which generation its noun had."""

    call: Call
    generation: int
    url: Optional[str]


@dataclass(frozen=True)
class _Stored:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str


class _MemoryCache(BaseCache):
    """A backend for requests-cache over :class:`LRUCache`.

    Its own memory backend is unbounded, hands one object to everybody and cannot be pruned while others write.
    """

    def __init__(self, entries: LRUCache, policy: CachePolicy) -> None:
        super().__init__()
        self._entries, self._policy = entries, policy

    def get_response(self, key: str, default: Any = None) -> Any:
        stored = self._entries.get(key)
        if stored is None:
            return default
        response = CachedResponse(
            content=stored.body, headers=CaseInsensitiveDict(stored.headers), status_code=stored.status, url=stored.url
        )
        response.cache_key = key
        return response

    def save_response(
        self, response: requests.Response, cache_key: Optional[str] = None, _expires: Optional[datetime] = None
    ) -> None:
        request: Any = response.request
        self._save(request, response, str(cache_key))

    def _save(self, request: _Cacheable, response: requests.Response, key: str) -> None:
        if request.generation != self._policy.generation(request.call.noun):
            return  # a write came in between: this answer may be older than it
        headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _NOT_KEPT)
        stored = _Stored(response.status_code, headers, response.content, str(request.url))
        self._entries.set(key, stored, ttl=self._policy.ttl_s(request.call))

    def delete(self, *keys: str, **_: Any) -> None:
        for key in keys:
            self._entries.delete(key)

    def clear(self) -> None:
        self._entries.clear()


class _CachedSession(NoRedirects, CachedSession):
    pass


def cached_session(entries: LRUCache, policy: CachePolicy) -> CachedSession:
    """A session that answers from ``entries`` what ``policy`` allows, and stores 200 only."""

    def key(request: _Cacheable, **_: Any) -> str:
        return policy.key(request.call)

    session: CachedSession = _CachedSession(
        backend=_MemoryCache(entries, policy),
        key_fn=key,
        allowable_methods=("GET", "POST"),
        allowable_codes=(200,),
        expire_after=-1,  # the storage knows the time for each noun
    )
    return session
