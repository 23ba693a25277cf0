"""Pages of items. The API has none, so they are cut from replies while these arrive."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Generator, Generic, Iterable, Iterator, Mapping, Optional, TypeVar

from .batch.window import window
from .core.arguments import require_type
from .errors import UnexpectedReplyError

__all__ = ["Blocks", "Received", "Stream", "StreamBatch", "StreamingMixin", "batches"]

T = TypeVar("T")
R = TypeVar("R")

Received = Callable[[int], None]

# Bytes of memory for each byte of JSON: decoded items take several, and a page stands beside those that wait.
DECODED_FACTOR = 16

BEYOND_THE_END = 10**9  # an offset


@dataclass(frozen=True)
class StreamBatch(Generic[T]):
    """One page. ``batch_number`` counts from 1; ``total_batches`` is None until it is known; ``timestamp`` is a
    UNIX time. ``metadata`` holds ``offset``, the number of items before this page, ``elapsed_s`` since the first page
    was requested, and, for items that come from a site, ``bytes``, received for the stream so far."""

    items: list[T]
    batch_number: int
    has_more: bool
    total_batches: Optional[int] = None
    timestamp: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)


# Lists of items, as they arrive.
Blocks = Generator[list[T], None, None]


class _ByteCounter:
    """The bytes received for a stream, shared by the stream and its source.

    If the source referred to the stream itself, the two would form a cycle, and a forgotten stream would keep its
    connection until the garbage collector runs.
    """

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()  # several threads may read for one stream

    def add(self, size: int) -> None:
        with self._lock:
            self.total += size


class Stream(Iterator[T]):
    """Items while they arrive; :meth:`close` (or dropping the stream) frees connection and threads.

    ``received_bytes`` counts the bytes read so far. A failure is raised and ends the stream.
    """

    def __init__(self, source: Callable[[Received], Blocks[T]]) -> None:
        self._received = _ByteCounter()
        self._blocks = source(self._received.add)
        self._ready: Iterator[T] = iter(())

    @property
    def received_bytes(self) -> int:
        return self._received.total

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        while True:
            for item in self._ready:
                return item
            self._ready = iter(next(self._blocks))

    def blocks(self) -> Blocks[T]:
        """Yield the remaining items in lists, as they arrive."""
        try:
            yield list(self._ready)
            yield from self._blocks
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading."""
        self._ready = iter(())
        self._blocks.close()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def batches(items: Iterable[T], size: int, limit_bytes: Optional[float] = None) -> Iterator[StreamBatch[T]]:
    """Return pages of ``size`` items; none for no items. ``has_more`` is certain: the next item is already there.

    A page of a :class:`Stream` ends earlier when its items take more than about ``limit_bytes`` of memory.
    A failure of the source is raised, never turned into an empty page. ValueError for a size below 1, TypeError
    unless it is a whole number.
    """
    require_type(size, int, "the size of a page is a whole number of items")
    if size < 1:
        raise ValueError(f"a page holds at least 1 item, not {size}")
    return _batches(items, size, limit_bytes)


def _batches(items: Iterable[T], size: int, limit_bytes: Optional[float]) -> Iterator[StreamBatch[T]]:
    stream = items if isinstance(items, Stream) else None
    received, started = _ByteCounter() if stream is None else stream._received, time.monotonic()
    max_bytes = float("inf") if limit_bytes is None else limit_bytes / DECODED_FACTOR
    offset = 0
    # Closing the pages closes the reply that they are cut from.
    with contextlib.closing(_one_by_one(items) if stream is None else stream.blocks()) as blocks:
        for number, (page, more) in enumerate(_cut(blocks, size, received, max_bytes), 1):
            metadata: dict[str, Any] = {"offset": offset, "elapsed_s": time.monotonic() - started}
            if stream is not None:
                metadata["bytes"] = received.total
            yield StreamBatch(page, number, more, None if more else number, time.time(), metadata)
            offset += len(page)


def _cut(
    blocks: Iterable[list[T]], size: int, received: _ByteCounter, max_bytes: float
) -> Iterator[tuple[list[T], bool]]:
    """Yield pages of at most ``size`` items, and whether more follow. A page ends before a block that would make it
    larger than ``max_bytes``."""
    page: list[T] = []
    before = received.total
    full = before + max_bytes
    for block in blocks:
        start = 0
        while start < len(block):
            if len(page) == size or (page and received.total > full):
                yield page, True
                page, full = [], before + max_bytes
            taken = size - len(page)
            page += block[start : start + taken]
            start += taken
        before = received.total
    if page:
        yield page, False


def _one_by_one(items: Iterable[T]) -> Blocks[T]:
    source = iter(items)
    try:
        for item in source:
            yield [item]
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


class _ConfiguredSize:
    """``streaming.default_batch_size`` of an object's ``config``, else 100; an object or a class may set its own."""

    def __get__(self, service: object, _kind: object = None) -> int:
        settings = getattr(getattr(service, "config", None), "streaming", None)
        return int(getattr(settings, "default_batch_size", 100))


class StreamingMixin:
    """Adds pages to a service class, from any function that takes a limit and an offset.

    ``default_batch_size`` comes from the settings in ``self.config``, or is 100, unless another is assigned.
    """

    default_batch_size: int = _ConfiguredSize()  # type: ignore[assignment]

    def stream_paginated_data(
        self, fetch_function: Callable[..., Any], batch_size: Optional[int] = None, **arguments: Any
    ) -> Iterator[StreamBatch[Any]]:
        """Return pages of the items, or of the ``items`` member, of ``fetch_function(limit=, offset=, **arguments)``.

        Ends with the first empty page, because a short one may only mean that the other side gives no more at once. If
        the function ignores limit and offset and returns everything at once, that is cut into pages; if everything is
        exactly one page, it looks like the first of several, and UnexpectedReplyError is raised.
        """
        size = self.default_batch_size if batch_size is None else batch_size

        def fetch(offset: int) -> list[Any]:
            return _page_items(fetch_function(limit=size, offset=offset, **arguments))

        def items() -> Iterator[Any]:
            offset, previous = 0, None
            while page := fetch(offset):
                # Two pages may be equal, but there is none far beyond the end.
                if page == previous and fetch(offset + BEYOND_THE_END) == page:
                    if len(page) == size:
                        raise UnexpectedReplyError(f"the page at offset {offset} is the one before it again")
                    return
                yield from page
                offset, previous = offset + len(page), page

        return batches(items(), size)

    _stream_paginated_data = stream_paginated_data

    def process_stream(self, stream: Iterable[Any], callback: Callable[[Any], object], max_concurrent: int = 5) -> int:
        """Call ``callback(item)`` for every item of a stream, or of the pages of one, in ``max_concurrent`` threads.

        Takes no more items ahead than threads. Return how many items there were; the first failure stops it and is
        raised.
        """
        require_type(max_concurrent, int, "max_concurrent is a whole number of threads")
        pool = ThreadPoolExecutor(max_concurrent, thread_name_prefix="checkmk-sync-stream")

        def submit(item: Any) -> Future[object]:
            return pool.submit(contextvars.copy_context().run, callback, item)

        count = 0
        try:
            for future in window(submit, _items(stream), max_concurrent):
                future.result()
                count += 1
        finally:
            pool.shutdown(cancel_futures=True)
        return count

    _process_stream = process_stream


def _page_items(page: Any) -> list[Any]:
    """Return the items of a page: of a list, or of its member or attribute ``items``. TypeError for anything else."""
    items = page.get("items") if isinstance(page, Mapping) else page
    if not isinstance(items, Iterable):
        items = getattr(page, "items", None)
    if not isinstance(items, Iterable) or isinstance(items, (str, bytes)):
        raise TypeError(f"a page is a list, or holds one as 'items'; this is a {type(page).__name__}")
    return list(items)


def _items(stream: Iterable[Any]) -> Iterator[Any]:
    for entry in stream:
        if isinstance(entry, StreamBatch):
            yield from entry.items
        else:
            yield entry
