"""Everything that this library knows of requests-cache: which answers are kept, for whom, where, and for how long."""

from __future__ import annotations

from .decorator import CachingService, cached
from .lru import LRUCache
from .replies import ReplyCache

__all__ = ["CachingService", "LRUCache", "ReplyCache", "cached"]
