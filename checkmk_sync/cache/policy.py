"""What may be kept, under which key, and for how long."""

from __future__ import annotations

import hashlib
import json
from typing import Mapping

from ..config.settings import CachingSettings
from ..core.call import Call, CallKind

__all__ = ["CachePolicy"]


class CachePolicy:
    """Decides for one identity: a user at a site. Answers of one user are never another's.

    requests-cache would leave ``Authorization`` out of the key, and so hand them around.
    """

    def __init__(self, settings: CachingSettings, username: str, site_url: str) -> None:
        self._identity = _digest(f"{username}@{site_url}")[:16]
        self._site = _digest(site_url)[:16]
        self._ttl: Mapping[CallKind, float] = (
            {CallKind.CONFIG: settings.default_ttl, CallKind.STATUS: settings.status_ttl} if settings.enabled else {}
        )

    def ttl_s(self, call: Call) -> float:
        """Seconds for which the answer may be kept; 0 where it never may: writes, jobs, pending changes, streams."""
        return 0.0 if call.stream or call.body_limit is not None else self._ttl.get(call.kind, 0.0)

    def key(self, call: Call) -> str:
        """``noun:verb:target:digest``, so that patterns such as ``hosts:*web01*`` find it."""
        rest = json.dumps([self._identity, call.method, call.query, call.body, call.accept], sort_keys=True)
        return f"{call.noun}:{call.verb}:{call.path}:{_digest(rest)[:32]}"

    def scope(self, noun: str) -> str:
        """What a write to a noun makes void: the answers about it, of all users of the site."""
        return f"{self._site}:{noun}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
