"""Pages: the API has none, so these are cut from answers while they arrive."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Callable, Generator, Generic, Iterable, Iterator, Mapping, Optional, TypeVar

from .core.arguments import require_type
from .errors import UnexpectedReplyError

__all__ = ["Blocks", "Received", "Stream", "StreamBatch", "StreamingMixin", "batches"]

T = TypeVar("T")
R = TypeVar("R")

Received = Callable[[int], None]

# What an item takes decoded, for each byte of its JSON, and there are pages besides what waits: dictionaries are roomy.
DECODED_FACTOR = 16

FAR_AWAY = 10**9


@dataclass(frozen=True)
class StreamBatch(Generic[T]):
    """One page. ``batch_number`` counts from 1; ``total_batches`` is None until it is known; ``timestamp`` is a
    UNIX time. ``metadata`` holds ``offset``, the items before this page, ``elapsed_s`` since the first page was
    asked for, and, where the items come from a site, ``bytes``, received for the stream so far."""

    items: list[T]
    batch_number: int
    has_more: bool
    total_batches: Optional[int] = None
    timestamp: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)


# Items some at a time, as they come.
Blocks = Generator[list[T], None, None]


class _Counter:
    """Shared by a stream and what feeds it. Were it the stream itself, the two would hold each other, and a
    forgotten stream would keep its connection until the garbage collector comes."""

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()  # several threads may read for one stream

    def add(self, size: int) -> None:
        with self._lock:
            self.total += size


class Stream(Iterator[T]):
    """Items while they arrive; :meth:`close` (or forgetting it) frees connection and threads.

    ``received_bytes`` counts what was read for them so far. A failure is raised, and ends it.
    """

    def __init__(self, source: Callable[[Received], Blocks[T]]) -> None:
        self._received = _Counter()
        self._blocks = source(self._received.add)
        self._at_hand: Iterator[T] = iter(())

    @property
    def received_bytes(self) -> int:
        return self._received.total

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        while True:
            for item in self._at_hand:
                return item
            self._at_hand = iter(next(self._blocks))

    def blocks(self) -> Blocks[T]:
        """What is left, some items at a time: as many as are there anyway."""
        try:
            yield list(self._at_hand)
            yield from self._blocks
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading."""
        self._at_hand = iter(())
        self._blocks.close()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def batches(items: Iterable[T], size: int, limit_bytes: Optional[float] = None) -> Iterator[StreamBatch[T]]:
    """Pages of ``size`` items; none for no items. ``has_more`` is sure: the next page's first item is there.

    A page of a :class:`Stream` ends earlier when its items take more than about ``limit_bytes`` of memory.
    A failure of the source is raised, never turned into an empty page. ValueError for a size below 1, TypeError for
    anything else than a whole number.
    """
    require_type(size, int, "the size of a page is a whole number of items")
    if size < 1:
        raise ValueError(f"a page holds at least 1 item, not {size}")
    return _batches(items, size, limit_bytes)


def _batches(items: Iterable[T], size: int, limit_bytes: Optional[float]) -> Iterator[StreamBatch[T]]:
    stream = items if isinstance(items, Stream) else None
    received, started = _Counter() if stream is None else stream._received, time.monotonic()
    most = float("inf") if limit_bytes is None else limit_bytes / DECODED_FACTOR
    offset = 0
    # Who abandons the pages abandons the answer they are cut from.
    with contextlib.closing(_one_by_one(items) if stream is None else stream.blocks()) as blocks:
        for number, (page, more) in enumerate(_cut(blocks, size, received, most), 1):
            metadata: dict[str, Any] = {"offset": offset, "elapsed_s": time.monotonic() - started}
            if stream is not None:
                metadata["bytes"] = received.total
            yield StreamBatch(page, number, more, None if more else number, time.time(), metadata)
            offset += len(page)


def _cut(blocks: Iterable[list[T]], size: int, received: _Counter, most: float) -> Iterator[tuple[list[T], bool]]:
    """Pages, and whether there is more, of at most ``size`` items; one to which a block would add more than
    ``most`` bytes ends before it."""
    page: list[T] = []
    before = received.total
    full = before + most
    for block in blocks:
        at = 0
        while at < len(block):
            if len(page) == size or (page and received.total > full):
                yield page, True
                page, full = [], before + most
            taken = size - len(page)
            page += block[at : at + taken]
            at += taken
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
    """For service classes of one's own: pages from any function that takes a limit and an offset.

    ``default_batch_size`` is that of the settings in ``self.config``, or 100; assign another to use that.
    """

    default_batch_size: int = _ConfiguredSize()  # type: ignore[assignment]

    def stream_paginated_data(
        self, fetch_function: Callable[..., Any], batch_size: Optional[int] = None, **arguments: Any
    ) -> Iterator[StreamBatch[Any]]:
        """Pages of what ``fetch_function(limit=, offset=, **arguments)`` returns: items, or what has them as ``items``.

        Ends with the first empty page, for a short one may only mean that the other side gives no more at once. A
        function that ignores limit and offset gives everything at once, and is cut into pages; where that is just
        one page, nobody can tell it from a beginning, and UnexpectedReplyError is raised.
        """
        size = self.default_batch_size if batch_size is None else batch_size

        def fetch(offset: int) -> list[Any]:
            return _items_of(fetch_function(limit=size, offset=offset, **arguments))

        def items() -> Iterator[Any]:
            offset, before = 0, None
            while page := fetch(offset):
                # Pages may be alike, but there are none far behind the end.
                if page == before and fetch(offset + FAR_AWAY) == page:
                    if len(page) == size:
                        raise UnexpectedReplyError(f"the page at offset {offset} is the one before it again")
                    return
                yield from page
                offset, before = offset + len(page), page

        return batches(items(), size)

    _stream_paginated_data = stream_paginated_data

    def process_stream(self, stream: Iterable[Any], callback: Callable[[Any], object], max_concurrent: int = 5) -> int:
        """Call ``callback(item)`` for every item of a stream, or of the pages of one, in ``max_concurrent`` threads.

        Takes no more items ahead than threads. How many there were; the first failure stops it and is raised.
        """
        require_type(max_concurrent, int, "max_concurrent is a whole number of threads")
        pool = ThreadPoolExecutor(max_concurrent, thread_name_prefix="checkmk-sync-stream")
        under_way: set[Future[object]] = set()
        done = 0
        try:
            for item in _flat(stream):
                under_way.add(pool.submit(contextvars.copy_context().run, callback, item))
                if len(under_way) >= max_concurrent:
                    ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    done += _counted(ended)
            while under_way:
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                done += _counted(ended)
        finally:
            pool.shutdown(cancel_futures=True)
        return done

    _process_stream = process_stream


def _items_of(found: Any) -> list[Any]:
    """The items of a page, in whatever it is. TypeError for what holds none."""
    held = found.get("items") if isinstance(found, Mapping) else found
    if not isinstance(held, Iterable):
        held = getattr(found, "items", None)
    if not isinstance(held, Iterable) or isinstance(held, (str, bytes)):
        raise TypeError(f"a page is a list, or holds one as 'items'; this is a {type(found).__name__}")
    return list(held)


def _counted(ended: Iterable[Future[object]]) -> int:
    """How many; raises what one of them raised."""
    return len([future.result() for future in ended])


def _flat(stream: Iterable[Any]) -> Iterator[Any]:
    for entry in stream:
        if isinstance(entry, StreamBatch):
            yield from entry.items
        else:
            yield entry
