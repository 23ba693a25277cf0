"""Reading the services of many hosts in parts: ranges of host names, several at a time, in order.

One reply with a million services cannot be repeated when it breaks off near its end. Each part is a request of its own,
which is retried alone, and is yielded when it is complete. Checkmk compares texts byte by byte, so two comparisons name
a range however many hosts it has, and a host that was added after the index was read is read with its range.

Parts are cut from an index: the hosts, and how many services each has. The first part is cut from the beginning of the
index, so that services are yielded while the rest arrives. That is a guess, because Checkmk returns hosts in no
particular order: if a host sorted before those that have arrived, the first part could be as large as all of them.
"""

from __future__ import annotations

import bisect
import contextlib
import contextvars
import functools
import itertools
import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Optional, TypeVar

from ..batch.window import window
from ..core import cancellation
from ..errors import BrokenReplyError, ReplyTooLargeError
from ..http.json_stream import all_items, iter_blocks
from ..streaming import DECODED_FACTOR, Blocks, Received
from .query import Filter, column, everything

__all__ = ["Part", "Partitions"]

# Larger parts gain nothing. The first parts are smaller, so that the first item comes soon.
FIRST_BYTES, TARGET_BYTES = 64 * 2**10, 960 * 2**10
FIRST_GUESS_BYTES = 500  # of a service without further columns, before any was seen
GROWTH = 4.0
NO_LIMIT = float("inf")
PIECE_BYTES = 64 * 2**10
BLOCK_BYTES = 64 * 2**10

# Hosts from which the first part is guessed.
SAMPLE = 16

HostCount = tuple[str, float]
Read = Callable[[Filter, float], bytes]


T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """The hosts from number ``start`` to before ``end``. The first and the last part are open on their outer side."""

    start: int
    end: int


class Partitions:
    """Reads services in parts.

    ``index()`` yields the names of hosts, each with the number of its services. ``read(filter, limit_bytes)`` returns
    the whole reply for a filter, or raises ReplyTooLargeError; it is called from ``workers`` threads.
    ``is_first(name)`` asks the site whether that host has the first name of all.

    Each worker holds at most ``share_bytes``. ``again`` repeats a read whose JSON is broken. ``field`` is the only
    member of an item that is needed, ``host_of`` returns the name of its host (inside a part the server may give items
    in any order), and ``parse_all`` makes records of several.
    """

    def __init__(
        self,
        index: Callable[[], Blocks[HostCount]],
        read: Read,
        *,
        is_first: Callable[[str], bool],
        workers: int,
        share_bytes: float,
        again: Callable[[Callable[[], list[Any]]], list[Any]],
        field: str,
        parse_all: Callable[[list[Any]], list[Any]],
        host_of: Callable[[Any], str],
    ) -> None:
        self._index, self._read, self._again, self._field, self._parse_all = index, read, again, field, parse_all
        self._host_of, self._is_first = host_of, is_first
        self._hosts: list[HostCount] = []
        self._workers = workers
        self._limit = share_bytes
        self._target = min(FIRST_BYTES, TARGET_BYTES, share_bytes / 2)
        self._bytes_each = float(FIRST_GUESS_BYTES)
        self._next = 0

    def blocks(self, received: Received) -> Blocks[Any]:
        """Yield all items in the order of their hosts; ``received`` gets their bytes. Closing it stops reading."""
        readers = _Readers(self._workers)
        try:
            yield from self._first_part_and_index(readers, received)
            yield from self._read_parts(readers, self._parts(), self._workers, received)
        finally:
            readers.close()

    def _first_part_and_index(self, readers: _Readers, received: Received) -> Blocks[Any]:
        """Read the whole index, and meanwhile yield the first part, unless it cannot be guessed."""
        index = self._index()
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(index.close)
            sample = self._sample(index)
            if sample is None:
                return
            border, blocks = self._first_part(readers, received)
            first_block = next(blocks, [])  # before other threads compete for the interpreter
            on_failure.pop_all()  # from here on another thread may be reading the index
            rest = readers.submit(self._rest_of, index, sample)
        yield first_block
        yield from blocks
        self._continue_from(border, readers.result(rest))

    def _sample(self, index: Blocks[HostCount]) -> Optional[list[HostCount]]:
        """Return the beginning of the index; None if it says too little, and the whole index was read instead."""
        sample: list[HostCount] = []
        try:
            while self._workers > 1 and len(sample) < SAMPLE:
                sample += next(index)
        except StopIteration:
            pass
        except BrokenReplyError:
            self._hosts = self._whole_index()
            return None
        self._hosts = sorted(sample)
        if len(sample) < SAMPLE or self._hosts != sample:
            self._hosts = self._rest_of(index, sample)
            return None
        return sample

    def _first_part(self, readers: _Readers, received: Received) -> tuple[str, Iterator[list[Any]]]:
        """Return where the first part ends, and its items; ``""`` and no items if the guess was wrong or too large.

        While it is read, the site is asked whether any host comes before it. The part has a border on both sides, so it
        does not include such hosts if the guess is wrong.
        """
        (name, _), part = self._hosts[0], self._cut()
        self._next = min(part.end, len(self._hosts) - 1)
        part = Part(0, self._next)
        from_name = self._range(part) & (column("host_name") >= name)
        reading = readers.submit(self._read, from_name, min(TARGET_BYTES, self._limit))
        try:
            body = readers.result(reading) if self._is_first(name) else None
        except (ReplyTooLargeError, BrokenReplyError):
            body = None
        if body is None:
            return "", iter(())
        return self._hosts[self._next][0], self._decoded(part, body, received)

    def _continue_from(self, border: str, hosts: list[HostCount]) -> None:
        """Let the next part start at ``border``, whether its host is still one of ``hosts`` or not."""
        remaining = hosts[bisect.bisect_left(hosts, (border,)) :]
        if border and (not remaining or remaining[0][0] != border):
            remaining.insert(0, (border, 0))
        # A part that does not start at number 0 has a border to the left.
        self._hosts, self._next = ([("", 0), *remaining], 1) if border else (remaining, 0)

    def _rest_of(self, index: Blocks[HostCount], sample: list[HostCount]) -> list[HostCount]:
        """Return all hosts, sorted as Checkmk compares texts; ``sample`` was read already."""
        try:
            with contextlib.closing(index):
                return sorted(itertools.chain(sample, *index))
        except BrokenReplyError:
            return self._whole_index()

    def _whole_index(self) -> list[HostCount]:
        return self._again(lambda: sorted(itertools.chain.from_iterable(self._index())))

    def _read_parts(self, readers: _Readers, parts: Iterable[Part], at_once: int, received: Received) -> Blocks[Any]:
        """Read several parts at once, and yield their items in order. A part that is too large is read in halves."""
        for future in window(functools.partial(readers.submit, self._body), parts, at_once, in_order=True):
            part, body = readers.result(future)
            if body is None:
                yield from self._read_parts(readers, self._halves(part), 1, received)
                continue
            blocks = self._decoded(part, body, received)
            del future, body  # the bytes: the next part is on its way
            yield from blocks
            del blocks

    def _body(self, part: Part) -> tuple[Part, Optional[bytes]]:
        # A single host is the smallest part, so it has no limit.
        limit = NO_LIMIT if part.end - part.start <= 1 else self._limit
        try:
            return part, self._read(self._range(part), limit)
        except ReplyTooLargeError:
            return part, None

    def _parts(self) -> Iterator[Part]:
        """Cut the next part whenever one is taken, because the sizes of earlier ones show how many hosts fit."""
        while self._next < max(len(self._hosts), 1):
            yield self._cut()

    def _cut(self) -> Part:
        """Return the next hosts, as many as fill a part."""
        start, services = self._next, 0.0
        fitting = self._target / self._bytes_each
        while self._next < len(self._hosts) and (
            self._next == start or services + self._hosts[self._next][1] <= fitting
        ):
            services += self._hosts[self._next][1]
            self._next += 1
        self._next = max(self._next, start + 1)
        self._target = min(2 * self._target, TARGET_BYTES, self._limit / 2)
        return Part(start, self._next)

    def _halves(self, part: Part) -> list[Part]:
        middle = (part.start + part.end) // 2
        self._bytes_each *= 2
        return [Part(part.start, middle), Part(middle, part.end)]

    def _learn(self, part: Part, size: int) -> None:
        """Adapt the expected size of a service; if a filter excludes most of them, parts grow quickly."""
        services = sum(count for _, count in self._hosts[part.start : part.end])
        if services:
            self._bytes_each = max(size / services, self._bytes_each / GROWTH)

    def _range(self, part: Part) -> Filter:
        name, condition = column("host_name"), everything()
        if part.start > 0:
            condition = condition & (name >= self._hosts[part.start][0])
        if part.end < len(self._hosts):
            condition = condition & (name < self._hosts[part.end][0])
        return condition

    def _decoded(self, part: Part, body: bytes, received: Received) -> Iterator[list[Any]]:
        """Return the items of a part. The part has arrived as a whole, so one that breaks off yields no items."""
        self._learn(part, len(body))
        if len(body) * DECODED_FACTOR > self._limit and part.end - part.start <= 1 and self._is_in_order(body):
            # One host whose services, all decoded at once, would take more memory than allowed.
            blocks = iter_blocks(_pieces(body, received), fields=self._field)
        else:
            blocks = _in_blocks(self._complete(part, body), len(body), received)
        return map(self._parse_all, blocks)  # not all at once: objects that live long cost the garbage collector time

    def _is_in_order(self, body: bytes) -> bool:
        """Return True if the items of a complete reply are in the order of their hosts."""
        last, in_order = "", True
        try:
            for block in iter_blocks(_pieces(body, lambda _size: None), fields=self._field):
                self._parse_all(block)  # raises for a wrong item
                names = [last, *map(self._host_of, block)]
                in_order = in_order and names == sorted(names)
                last = names[-1]
        except BrokenReplyError:
            return False
        return in_order

    def _complete(self, part: Part, body: bytes) -> list[Any]:
        """Return all items of a part in the order of their hosts; a broken part is read again."""

        def decode(text: bytes) -> list[Any]:
            items = all_items(text, self._field)
            try:
                items.sort(key=self._host_of)
            except (KeyError, TypeError):
                self._parse_all(items)  # its error says which item is wrong
                raise
            return items

        try:
            return decode(body)
        except BrokenReplyError:
            return self._again(lambda: decode(self._read(self._range(part), NO_LIMIT)))


class _Readers:
    """Threads that read for the thread that made them, and stop when its work is stopped."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="checkmk-sync-read")
        self._cancellation = cancellation.Cancellation()

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        context = contextvars.copy_context()
        context.run(cancellation.current.set, self._cancellation)
        return self._pool.submit(context.run, function, *arguments)

    def result(self, future: Future[T]) -> T:
        with cancellation.on_stop(self._cancellation.stop):  # a stop of this thread's work stops the reads
            return future.result()

    def close(self) -> None:
        self._cancellation.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _in_blocks(items: list[Any], size: int, received: Received) -> Iterator[list[Any]]:
    """Yield lists of items, and report the share of the bytes of each first, because pages end by bytes."""
    count = max(min(math.ceil(size / BLOCK_BYTES), len(items)), 1)
    received(size % count)
    for number in range(count):
        received(size // count)
        yield items[number * len(items) // count : (number + 1) * len(items) // count]


def _pieces(body: bytes, received: Received) -> Iterable[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        piece = body[start : start + PIECE_BYTES]
        received(len(piece))
        yield piece
