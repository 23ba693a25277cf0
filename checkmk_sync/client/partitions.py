"""Reads the services of many hosts in parts. Each part is a range of host names.

A response with a million services would have to be requested again if it broke off near its end. So each part is a
separate request, which is retried alone and yielded when it is complete. Several parts are read at the same time, and
yielded in order. Checkmk compares strings byte by byte, so two comparisons of the host name select a range of any
number of hosts. The range includes hosts that were added after the index was read.

The parts are derived from an index, which lists the hosts, each with its number of services. The first part is taken
from the beginning of the index, so that services are yielded while the rest of the index arrives. This is a guess: the
order of hosts in a response is not guaranteed, so hosts that arrive later may sort before the first part.
"""

from __future__ import annotations

import bisect
import contextlib
import contextvars
import functools
import itertools
import math
import operator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Iterable, Iterator, Optional, TypeVar

from ..core import cancellation
from ..core.window import window
from ..errors import BrokenReplyError, ReplyTooLargeError
from ..http.json_stream import all_items, iter_blocks
from ..streaming import DECODED_FACTOR, Blocks, Received
from .query import Filter, column, everything
from .records import ServiceStatus

# Larger parts are not faster. The first parts are smaller, so that the first item arrives soon.
FIRST_BYTES, TARGET_BYTES = 64 * 2**10, 960 * 2**10
FIRST_GUESS_BYTES = 500  # the assumed size of a service without further columns, before the first part has arrived
GROWTH = 4.0  # the largest factor by which the expected size of a service shrinks after one part
NO_LIMIT = float("inf")
PIECE_BYTES = 64 * 2**10  # JSON decoded at a time, if a part is too large to be decoded at once
BLOCK_BYTES = 64 * 2**10  # JSON of the items that are yielded at a time

SAMPLE = 16  # the number of hosts in the index from which the first part is guessed

_host_of = operator.itemgetter("host_name")

HostCount = tuple[str, float]
Read = Callable[[Filter, float], bytes]


# The indexes of the hosts of a part. The first part has no lower limit of names, and the last one no upper limit.
Part = range

T = TypeVar("T")


class Partitions:
    """A reader of services in parts.

    ``index()`` yields the names of hosts, each with its number of services. ``read(filter, limit_bytes)`` returns the
    complete response for a filter, or raises ReplyTooLargeError. It is called from ``workers`` threads, and each of
    them keeps at most ``share_bytes`` in memory. ``is_first(name)`` queries the site, and returns True if no host sorts
    before ``name``. ``again(function)`` calls ``function``, and repeats it after broken JSON.
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
    ) -> None:
        self._index, self._read, self._again, self._is_first = index, read, again, is_first
        self._hosts: list[HostCount] = []
        self._workers = workers
        self._limit = share_bytes
        self._target = min(FIRST_BYTES, TARGET_BYTES, share_bytes / 2)
        self._bytes_each = float(FIRST_GUESS_BYTES)
        self._next = 0

    def blocks(self, received: Received) -> Blocks[Any]:
        """Yield all items in the order of their hosts, in lists. Closing the generator stops the reads.

        ``received`` is called with the number of bytes of each list.
        """
        readers = _Readers(self._workers)
        try:
            yield from self._first_part_and_index(readers, received)
            yield from self._read_parts(readers, self._parts(), self._workers, received)
        finally:
            readers.close()

    def _first_part_and_index(self, readers: _Readers, received: Received) -> Blocks[Any]:
        """Yield the first part while the rest of the index is read. If it cannot be guessed, only read the index."""
        index = self._index()
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(index.close)
            sample = self._sample(index)
            if sample is None:
                return
            border, blocks = self._first_part(readers, received)
            first_block = next(blocks, [])  # decoded before other threads compete for the interpreter
            on_failure.pop_all()  # from here on another thread reads the index, and closes it
            rest = readers.submit(self._rest_of, index, sample)
        yield first_block
        yield from blocks
        self._continue_from(border, readers.result(rest))

    def _sample(self, index: Blocks[HostCount]) -> Optional[list[HostCount]]:
        """Return the beginning of the index, or None if no part can be guessed from it.

        In the second case, the entire index has been read into ``_hosts``.
        """
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
        """Return the name of the host after the first part, and the items of the part.

        Returns ``""`` and no items if the guess was wrong or the part is too large. While the part is read, the site is
        queried for hosts that sort before it.
        """
        (name, _), part = self._hosts[0], self._cut()
        self._next = min(part.stop, len(self._hosts) - 1)
        part = range(self._next)
        # The lower limit excludes hosts that sort before the part. Otherwise a wrong guess might read all of them.
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
        """Start the next part at ``border``, even if ``hosts`` no longer contains that host."""
        remaining = hosts[bisect.bisect_left(hosts, (border,)) :]
        if border and (not remaining or remaining[0][0] != border):
            remaining.insert(0, (border, 0))
        # The part at index 0 has no lower limit, so a placeholder takes that index.
        self._hosts, self._next = ([("", 0), *remaining], 1) if border else (remaining, 0)

    def _rest_of(self, index: Blocks[HostCount], sample: list[HostCount]) -> list[HostCount]:
        """Return all hosts, sorted as Checkmk compares strings. ``sample`` has already been read."""
        try:
            with contextlib.closing(index):
                return sorted(itertools.chain(sample, *index))
        except BrokenReplyError:
            return self._whole_index()

    def _whole_index(self) -> list[HostCount]:
        return self._again(lambda: sorted(itertools.chain.from_iterable(self._index())))

    def _read_parts(self, readers: _Readers, parts: Iterable[Part], at_once: int, received: Received) -> Blocks[Any]:
        """Read ``at_once`` parts at the same time, and yield their items in order.

        A part that is too large is read again in two halves.
        """
        for future in window(functools.partial(readers.submit, self._body), parts, at_once, in_order=True):
            part, body = readers.result(future)
            if body is None:
                yield from self._read_parts(readers, self._halves(part), 1, received)
                continue
            blocks = self._decoded(part, body, received)
            del future, body  # free the bytes, because the next part is already arriving
            yield from blocks
            del blocks

    def _body(self, part: Part) -> tuple[Part, Optional[bytes]]:
        # A single host is the smallest part, so it is read without a limit.
        limit = NO_LIMIT if len(part) <= 1 else self._limit
        try:
            return part, self._read(self._range(part), limit)
        except ReplyTooLargeError:
            return part, None

    def _parts(self) -> Iterator[Part]:
        # Each part is cut only when it is needed, because the sizes of earlier parts show how many hosts fit.
        while self._next < max(len(self._hosts), 1):
            yield self._cut()

    def _cut(self) -> Part:
        """Return a part with as many of the next hosts as fit, but at least one."""
        start, services = self._next, 0.0
        fitting = self._target / self._bytes_each
        while self._next < len(self._hosts) and (
            self._next == start or services + self._hosts[self._next][1] <= fitting
        ):
            services += self._hosts[self._next][1]
            self._next += 1
        self._next = max(self._next, start + 1)
        self._target = min(2 * self._target, TARGET_BYTES, self._limit / 2)
        return range(start, self._next)

    def _halves(self, part: Part) -> list[Part]:
        middle = (part.start + part.stop) // 2
        self._bytes_each *= 2
        return [range(part.start, middle), range(middle, part.stop)]

    def _learn(self, part: Part, size: int) -> None:
        """Adapt the expected size of a service to a part that has arrived."""
        services = sum(count for _, count in self._hosts[part.start : part.stop])
        if services:
            # If a filter excludes most services, this size shrinks and the parts grow, by a limited factor each time.
            self._bytes_each = max(size / services, self._bytes_each / GROWTH)

    def _range(self, part: Part) -> Filter:
        name, condition = column("host_name"), everything()
        if part.start > 0:
            condition = condition & (name >= self._hosts[part.start][0])
        if part.stop < len(self._hosts):
            condition = condition & (name < self._hosts[part.stop][0])
        return condition

    def _decoded(self, part: Part, body: bytes, received: Received) -> Iterator[list[Any]]:
        """Return the items of a part in lists. If the response broke off, the part is read again first."""
        self._learn(part, len(body))
        if len(body) * DECODED_FACTOR > self._limit and len(part) <= 1 and self._is_in_order(body):
            # Decoding all services of this host at once would take more memory than allowed.
            blocks = iter_blocks(_pieces(body, received), fields=ServiceStatus.PARTS)
        else:
            blocks = _in_blocks(self._complete(part, body), len(body), received)
        # Lazily, because many long-lived objects slow down the garbage collector.
        return map(ServiceStatus.parse_all, blocks)

    def _is_in_order(self, body: bytes) -> bool:
        """Return True if the response is complete and its items are in the order of their hosts."""
        last, in_order = "", True
        try:
            for block in iter_blocks(_pieces(body, lambda _size: None), fields=ServiceStatus.PARTS):
                ServiceStatus.parse_all(block)  # raises for a malformed item
                names = [last, *map(_host_of, block)]
                in_order = in_order and names == sorted(names)
                last = names[-1]
        except BrokenReplyError:
            return False
        return in_order

    def _complete(self, part: Part, body: bytes) -> list[Any]:
        """Return all items of a part in the order of their hosts. A part with broken JSON is read again."""

        def decode(text: bytes) -> list[Any]:
            items = all_items(text, ServiceStatus.PARTS)
            try:
                items.sort(key=_host_of)  # the server may return the items of a part in any order
            except (KeyError, TypeError):
                ServiceStatus.parse_all(items)  # raises a better error for a malformed item
                raise
            return items

        try:
            return decode(body)
        except BrokenReplyError:
            return self._again(lambda: decode(self._read(self._range(part), NO_LIMIT)))


class _Readers:
    """Threads that read for the thread that created them. They stop when that thread's work is cancelled."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="checkmk-sync-read")
        self._cancellation = cancellation.Cancellation()

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        context = contextvars.copy_context()
        context.run(cancellation.current.set, self._cancellation)
        return self._pool.submit(context.run, function, *arguments)

    def result(self, future: Future[T]) -> T:
        with cancellation.on_stop(self._cancellation.stop):  # cancelling this thread's work stops the reads as well
            return future.result()

    def close(self) -> None:
        self._cancellation.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _in_blocks(items: list[Any], size: int, received: Received) -> Iterator[list[Any]]:
    """Yield the items in lists. Before each list, report its share of the bytes.

    The shares matter because the size of a page is limited by bytes.
    """
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
