"""The session of requests-cache: what it stores goes to our storages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Optional

import requests
from requests.structures import CaseInsensitiveDict
from requests_cache.backends.base import BaseCache
from requests_cache.models.response import CachedResponse
from requests_cache.session import CachedSession

from ..http.sessions import NoRedirects
from .policy import CachePolicy
from .replies import Cacheable, ReplyCache

__all__ = ["cached_session"]


class _Backend(BaseCache):
    """A backend for requests-cache over one of our storages.

    Its own ones are unbounded, hand one object to everybody, or crash when they are cleared in use.
    """

    def __init__(self, replies: ReplyCache) -> None:
        super().__init__()
        self._replies = replies

    def get_response(self, key: str, default: Any = None) -> Any:
        """What was kept while this request waited for its turn; a key names the generation as well."""
        stored = self._replies.fresh(*_split(key))
        if stored is None:
            return default
        headers = CaseInsensitiveDict(stored.headers)
        response = CachedResponse(content=stored.body, headers=headers, status_code=200, url=stored.url)
        response.cache_key = key
        return response

    def save_response(
        self, response: requests.Response, _key: Optional[str] = None, _expires: Optional[datetime] = None
    ) -> None:
        request: Any = response.request
        self._replies.keep(request, response)

    def delete(self, *_: Any, **__: Any) -> None:
        """Never: answers become void by their generation, and leave in their time."""

    def clear(self) -> None:
        self._replies.clear()


def _split(key: str) -> tuple[str, str]:
    """The key of the storage, and the generation."""
    generation, _, rest = key.partition("@")
    return rest, generation


class _CachedSession(NoRedirects, CachedSession):
    pass


def cached_session(replies: ReplyCache, policy: CachePolicy) -> CachedSession:
    """A session of requests-cache that keeps answers with 200 in ``replies``."""

    def key(request: Cacheable, **_: Any) -> str:
        return f"{request.generation}@{policy.key(request.call)}"

    session: CachedSession = _CachedSession(
        backend=_Backend(replies),
        key_fn=key,
        allowable_methods=("GET", "POST"),
        allowable_codes=(200,),
        expire_after=-1,  # the storage knows the time for each noun
    )
    return session
