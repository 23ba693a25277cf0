"""Pages: the API has none, so these are cut from one long answer while it arrives."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any, Generic, Iterable, Iterator, Mapping, Optional, TypeVar

__all__ = ["StreamBatch", "batches"]

T = TypeVar("T")


@dataclass(frozen=True)
class StreamBatch(Generic[T]):
    """One page. ``batch_number`` counts from 1; ``total_batches`` is None until it is known;
    ``metadata`` holds ``offset``, the number of items before this page."""

    items: list[T]
    batch_number: int
    has_more: bool
    total_batches: Optional[int] = None
    timestamp: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)


def batches(items: Iterable[T], size: int) -> Iterator[StreamBatch[T]]:
    """Pages of ``size`` items; none for no items. ``has_more`` is sure: the next page's first item is there.

    A failure of the source is raised, never turned into an empty page. ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError(f"a page holds at least 1 item, not {size}")
    return _batches(iter(items), size)


def _batches(source: Iterator[T], size: int) -> Iterator[StreamBatch[T]]:
    try:
        offset, page = 0, list(itertools.islice(source, size))
        for number in itertools.count(1):
            if not page:
                return
            ahead = list(itertools.islice(source, 1))
            total = None if ahead else number
            yield StreamBatch(page, number, bool(ahead), total, time.time(), {"offset": offset})
            offset += len(page)
            page = ahead + list(itertools.islice(source, size - 1)) if ahead else []
    finally:  # who abandons the pages abandons the answer they are cut from
        close = getattr(source, "close", None)
        if close is not None:
            close()
