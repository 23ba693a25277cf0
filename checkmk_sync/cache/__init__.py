"""Everything that this library knows of requests-cache: what is kept, for whom, where, and for how long."""

from __future__ import annotations

from .decorator import CachingService, cached
from .front import Cache
from .lru import LRUCache

__all__ = ["Cache", "CachingService", "LRUCache", "cached"]
