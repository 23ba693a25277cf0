"""The client for one site: nouns, records, queries, bulk calls, and the settling of writes whose answer was lost.

``Checkmk`` and ``Health`` are imported on first use, so that records and outcomes can be imported without requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkmk import Checkmk, Health

__all__ = ["Checkmk", "Health"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import checkmk

    return getattr(checkmk, name)
