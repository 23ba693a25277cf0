"""The cache of one client: its storage, and the session that stores."""

from __future__ import annotations

import os

from ..config.settings import Settings
from ..core.clock import Clock
from ..metrics import MetricsCollector
from .policy import CachePolicy
from .replies import ReplyCache
from .session import cached_session
from .storage import MemoryStorage, Storage

__all__ = ["Cache"]


class Cache(ReplyCache):
    """As :class:`ReplyCache`, built from settings; ``session`` is one of requests-cache that keeps answers in it."""

    def __init__(self, settings: Settings, metrics: MetricsCollector, clock: Clock) -> None:
        policy = CachePolicy(settings.caching, settings.username, settings.base_url)
        super().__init__(settings.caching, policy, _storage(settings, clock), metrics, clock)
        self.session = cached_session(self, policy)


def _storage(settings: Settings, clock: Clock) -> Storage:
    caching = settings.caching
    max_bytes = caching.max_mb * 2**20
    if caching.backend == "sqlite":
        from .sqlite import SQLiteStorage

        return SQLiteStorage(os.path.expanduser(caching.path), caching.max_size, max_bytes, clock)
    if caching.backend == "redis":
        from .redis import RedisStorage

        secret = caching.redis_password
        return RedisStorage(str(caching.redis_url), secret.reveal() if secret is not None else None)
    return MemoryStorage(caching.max_size, max_bytes, clock)
