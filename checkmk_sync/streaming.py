"""Pages of items. The API does not paginate, so replies are split into pages while they arrive."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Generator, Generic, Iterable, Iterator, Mapping, Optional, TypeVar

from .core.arguments import describe_type, require_type
from .core.window import window
from .errors import UnexpectedReplyError

__all__ = ["Blocks", "Received", "Stream", "StreamBatch", "StreamingMixin", "batches"]

T = TypeVar("T")
R = TypeVar("R")

Received = Callable[[int], None]

# Bytes of memory for each byte of JSON. A decoded item needs several times the size of its JSON, and the items of the
# next pages are in memory at the same time.
DECODED_FACTOR = 16

BEYOND_THE_END = 10**9  # an offset that no list of items reaches


@dataclass(frozen=True)
class StreamBatch(Generic[T]):
    """One page of items.

    ``batch_number`` counts from 1. ``total_batches`` is None except on the last page. ``timestamp`` is a UNIX time.
    ``metadata`` contains ``offset``, the number of items before this page, and ``elapsed_s``, the seconds since the
    first page was requested. For items from a site, it also contains ``bytes``, the number of bytes received so far.
    """

    items: list[T]
    batch_number: int
    has_more: bool
    total_batches: Optional[int] = None
    timestamp: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)


# Yields lists of items as they arrive.
Blocks = Generator[list[T], None, None]


class _ByteCounter:
    """The number of bytes received for a stream, shared by the stream and its source.

    The source must not refer to the stream itself. The two would form a reference cycle, and an abandoned stream would
    keep its connection until the garbage collector runs.
    """

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()  # several threads may read for one stream

    def add(self, size: int) -> None:
        with self._lock:
            self.total += size


class Stream(Iterator[T]):
    """An iterator of items that yields them while the reply arrives.

    :meth:`close` frees the connection and the threads; so does dropping the last reference to the stream.
    ``received_bytes`` is the number of bytes received so far. A failure is raised and ends the stream.
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
        """Yield the remaining items in lists, as they arrive, and close the stream at the end."""
        try:
            yield list(self._ready)
            yield from self._blocks
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading, and free the connection and the threads."""
        self._ready = iter(())
        self._blocks.close()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def batches(items: Iterable[T], size: int, limit_bytes: Optional[float] = None) -> Iterator[StreamBatch[T]]:
    """Return pages of ``size`` items. An empty source yields no pages.

    ``has_more`` is reliable, because a page is yielded only when the next item has arrived or the items have ended. A
    page of a :class:`Stream` is shorter if ``size`` items would need more than about ``limit_bytes`` of memory. A
    failure of the source is raised; it never looks like the end of the items. Raises ValueError for a size below 1, and
    TypeError for a size that is not a whole number.
    """
    require_type(size, int, "the page size must be a whole number of items")
    if size < 1:
        raise ValueError(f"the page size must be at least 1, not {size}")
    return _batches(items, size, limit_bytes)


def _batches(items: Iterable[T], size: int, limit_bytes: Optional[float]) -> Iterator[StreamBatch[T]]:
    stream = items if isinstance(items, Stream) else None
    received, started = _ByteCounter() if stream is None else stream._received, time.monotonic()
    max_bytes = float("inf") if limit_bytes is None else limit_bytes / DECODED_FACTOR
    offset = 0
    # Closing the iterator of pages closes the reply behind it.
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
    """Yield each page of at most ``size`` items, and True if another page follows.

    A page also ends before a block that would make it larger than ``max_bytes``.
    """
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
    """A descriptor for ``streaming.default_batch_size`` from an object's ``config``. The default is 100.

    An object or a class can override it by assignment.
    """

    def __get__(self, service: object, _kind: object = None) -> int:
        settings = getattr(getattr(service, "config", None), "streaming", None)
        return int(getattr(settings, "default_batch_size", 100))


class StreamingMixin:
    """Adds paging to a service class. The pages come from any function that takes a limit and an offset.

    ``default_batch_size`` is the number of items per page. It comes from the settings in ``self.config``, or is 100
    without settings. Assign a number to override it.
    """

    default_batch_size: int = _ConfiguredSize()  # type: ignore[assignment]

    def stream_paginated_data(
        self, fetch_function: Callable[..., Any], batch_size: Optional[int] = None, **arguments: Any
    ) -> Iterator[StreamBatch[Any]]:
        """Return pages of the items that ``fetch_function(limit=, offset=, **arguments)`` returns.

        The function returns a list of items, or an object or mapping with such a list as ``items``. It is called until
        it returns an empty list.

        If the function ignores limit and offset and returns all items at once, they are split into pages. However, if
        it returns exactly ``batch_size`` items, it is unknown whether more items exist, so UnexpectedReplyError is
        raised.
        """
        size = self.default_batch_size if batch_size is None else batch_size

        def fetch(offset: int) -> list[Any]:
            return _page_items(fetch_function(limit=size, offset=offset, **arguments))

        def items() -> Iterator[Any]:
            offset, previous = 0, None
            # A short page does not mean the end, because the server may limit the size of a page.
            while page := fetch(offset):
                # Two consecutive pages may be equal. A page far beyond the end shows that the offset is ignored.
                if page == previous and fetch(offset + BEYOND_THE_END) == page:
                    if len(page) == size:
                        raise UnexpectedReplyError(
                            f"the page at offset {offset} repeats the page before it; "
                            "fetch_function must not ignore its offset"
                        )
                    return
                yield from page
                offset, previous = offset + len(page), page

        return batches(items(), size)

    _stream_paginated_data = stream_paginated_data

    def process_stream(self, stream: Iterable[Any], callback: Callable[[Any], object], max_concurrent: int = 5) -> int:
        """Call ``callback(item)`` for every item in ``max_concurrent`` threads and return the number of items.

        ``stream`` yields items or pages of items. An item is taken from it only when a thread is free. After a failure
        no further items are taken, and the error is raised when the running calls have ended.
        """
        require_type(max_concurrent, int, "max_concurrent must be a whole number of threads")
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
    """Return the items of a page, which is a list or has one as its member or attribute ``items``.

    Raises TypeError for anything else.
    """
    items = page.get("items") if isinstance(page, Mapping) else page
    if not isinstance(items, Iterable):
        items = getattr(page, "items", None)
    if not isinstance(items, Iterable) or isinstance(items, (str, bytes)):
        raise TypeError(f"a page must be a list or have a list as 'items', not {describe_type(page)}")
    return list(items)


def _items(stream: Iterable[Any]) -> Iterator[Any]:
    for entry in stream:
        if isinstance(entry, StreamBatch):
            yield from entry.items
        else:
            yield entry
