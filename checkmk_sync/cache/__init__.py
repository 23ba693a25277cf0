"""Everything that this library knows of requests-cache: what is cached, for whom, and for how long."""

from __future__ import annotations

from .lru import LRUCache
from .policy import CachePolicy
from .session import cached_session

__all__ = ["CachePolicy", "LRUCache", "cached_session"]
