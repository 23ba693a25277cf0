"""Caching of answers and function results, built on requests-cache."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading


def _import_requests_cache() -> None:
    with contextlib.suppress(ImportError):  # raised again by the imports below
        importlib.import_module("requests_cache")


# requests-cache keeps the ImportErrors of its optional backends forever, with their stack frames. An import in a
# separate thread keeps the frames of the program, which contain clients and passwords, out of them.
if "requests_cache" not in sys.modules:
    _thread = threading.Thread(target=_import_requests_cache, name="checkmk-sync-import")
    _thread.start()
    _thread.join()

from .decorator import CachingService, cached  # noqa: E402
from .lru import LRUCache  # noqa: E402
from .replies import ReplyCache  # noqa: E402

__all__ = ["CachingService", "LRUCache", "ReplyCache", "cached"]
