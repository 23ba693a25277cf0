"""What may be cached, under which key, for how long, and when it is forgotten."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Mapping

from ..settings import CachingSettings
from ..wire import Call, Kind

__all__ = ["CachePolicy"]


class CachePolicy:
    """Decides for one identity: a user at a site. Answers of one user are never another's.

    requests-cache would leave ``Authorization`` out of the key, and so hand them around.
    """

    def __init__(self, settings: CachingSettings, identity: str) -> None:
        self._identity = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._ttl: Mapping[Kind, float] = (
            {Kind.CONFIG: settings.default_ttl, Kind.STATUS: settings.status_ttl} if settings.enabled else {}
        )
        self._generations: dict[str, int] = {}
        self._lock = threading.Lock()

    def ttl_s(self, call: Call) -> float:
        """Seconds for which the answer may be kept; 0 where it never may: writes, jobs, pending changes,
        streams, and reads whose ETag will be sent back."""
        return 0.0 if call.fresh or call.stream or call.body_limit is not None else self._ttl.get(call.kind, 0.0)

    def key(self, call: Call) -> str:
        """``noun:verb:target:digest``, so that patterns such as ``hosts:*web01*`` find it."""
        rest = json.dumps([self._identity, call.method, call.query, call.body, call.accept], sort_keys=True)
        return f"{call.noun}:{call.verb}:{call.path}:{hashlib.sha256(rest.encode()).hexdigest()[:32]}"

    def generation(self, noun: str) -> int:
        """Counts the writes to a noun; an answer of an earlier generation must not be stored."""
        with self._lock:
            return self._generations.get(noun, 0)

    def advance(self, noun: str) -> None:
        """Note a write to ``noun``."""
        with self._lock:
            self._generations[noun] = self._generations.get(noun, 0) + 1
