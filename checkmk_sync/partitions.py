"""Reading the services of many hosts in parts: ranges of host names, several at a time, in order.

One answer with a million services cannot be repeated when it breaks off near its end. Each part is an
exchange of its own, which the guards repeat alone; it leaves when it is complete. Checkmk compares
texts byte by byte, so two comparisons name a range however many hosts lie in it, and a host that
appears meanwhile lies in one of them too.
"""

from __future__ import annotations

import collections
import contextvars
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Sequence

from . import cancelling
from .decode import all_items, iter_blocks
from .errors import BrokenReplyError, ReplyTooLargeError
from .query import Filter, column, everything
from .streaming import DECODED_FACTOR, Blocks, Received

__all__ = ["Part", "Partitions"]

# More than this in one part gains nothing. The first parts are smaller, so that the first item comes soon.
FIRST_BYTES, TARGET_BYTES = 32 * 2**10, 1024 * 2**10
FIRST_GUESS_BYTES = 4000  # of a service, before any was seen: rather too much, for wide rows make large parts
GROWTH = 4.0
NO_LIMIT = float("inf")
PIECE_BYTES = 64 * 2**10
BLOCK_BYTES = 16 * 2**10

Read = Callable[[Filter, float], bytes]


@dataclass(frozen=True)
class Part:
    """The hosts from number ``start`` to before ``end``; the first and the last part are open to one side."""

    start: int
    end: int


class Partitions:
    """``hosts`` are sorted names with the number of services each may give. ``read(filter, limit_bytes)``
    gives the whole answer for a filter, or raises ReplyTooLargeError; it is called from ``workers`` threads.

    Each worker holds at most ``share_bytes``, so ``workers`` times that is what waits for its turn.
    ``again`` runs a read once more where its JSON is broken; ``parse`` makes of an item what is given out, and
    ``host_of`` names its host: inside a part the server may give them in any order.
    """

    def __init__(
        self,
        hosts: Sequence[tuple[str, int]],
        read: Read,
        *,
        workers: int,
        share_bytes: float,
        again: Callable[[Callable[[], list[Any]]], list[Any]],
        parts: Sequence[str],
        parse: Callable[[Any], Any],
        host_of: Callable[[Any], str],
    ) -> None:
        self._hosts, self._read, self._again, self._parts, self._parse = hosts, read, again, parts, parse
        self._host_of = host_of
        self._workers = workers
        self._limit = share_bytes
        self._target = min(FIRST_BYTES, TARGET_BYTES, share_bytes / 2)
        self._bytes_each = float(FIRST_GUESS_BYTES)
        self._next = 0

    def blocks(self, received: Received) -> Blocks[Any]:
        """All items, in the order of their hosts; ``received`` is told their bytes. Closing it ends the reading."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="checkmk-sync-read")
        reading = cancelling.Cancellation()
        under_way: collections.deque[tuple[Part, Future[bytes]]] = collections.deque()
        try:
            while True:
                while len(under_way) < self._workers and self._next < max(len(self._hosts), 1):
                    under_way.append(self._submit(pool, reading, self._cut()))
                if not under_way:
                    return
                part, future = under_way.popleft()
                try:
                    with cancelling.waking(reading.stop):  # who stops our work stops these reads
                        found = self._decoded(part, future.result(), received)
                except ReplyTooLargeError:
                    under_way.extendleft(self._submit(pool, reading, half) for half in reversed(self._halves(part)))
                    continue
                del future  # it holds the bytes, and the next part is on its way
                yield from found
                del found
        finally:
            reading.stop()
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(
        self, pool: ThreadPoolExecutor, reading: cancelling.Cancellation, part: Part
    ) -> tuple[Part, Future[bytes]]:
        # One host is the least there is, so there is no limit to hold it to.
        limit = NO_LIMIT if part.end - part.start <= 1 else self._limit
        context = contextvars.copy_context()
        context.run(cancelling.current.set, reading)
        return part, pool.submit(context.run, self._read, self._range(part), limit)

    def _cut(self) -> Part:
        """The next hosts, as many as fill a part."""
        start, weight = self._next, 0.0
        most = self._target / self._bytes_each
        while self._next < len(self._hosts) and (self._next == start or weight + self._hosts[self._next][1] <= most):
            weight += self._hosts[self._next][1]
            self._next += 1
        self._next = max(self._next, start + 1)
        self._target = min(2 * self._target, TARGET_BYTES, self._limit / 2)
        return Part(start, self._next)

    def _halves(self, part: Part) -> list[Part]:
        middle = (part.start + part.end) // 2
        self._bytes_each *= 2
        return [Part(part.start, middle), Part(middle, part.end)]

    def _learn(self, part: Part, size: int) -> None:
        """Adapt the guess to what came; where a filter leaves little, parts grow quickly."""
        weight = sum(count for _, count in self._hosts[part.start : part.end])
        if weight:
            self._bytes_each = max(size / weight, self._bytes_each / GROWTH)

    def _range(self, part: Part) -> Filter:
        name, found = column("host_name"), everything()
        if part.start > 0:
            found = found & (name >= self._hosts[part.start][0])
        if part.end < len(self._hosts):
            found = found & (name < self._hosts[part.end][0])
        return found

    def _decoded(self, part: Part, body: bytes, received: Received) -> Iterator[list[Any]]:
        """The items of a part, all of which are there: nothing that breaks off later was given out."""
        self._learn(part, len(body))
        if len(body) * DECODED_FACTOR > self._limit and part.end - part.start <= 1 and body.rstrip().endswith(b"}"):
            # One host with so much that all of it decoded would take more than there is room for; it is not cut off.
            return map(self._parsed, iter_blocks(_pieces(body, received), fields=self._parts))
        return _in_blocks(self._complete(part, body), len(body), received)

    def _parsed(self, block: list[Any]) -> list[Any]:
        return list(map(self._parse, block))

    def _complete(self, part: Part, body: bytes) -> list[Any]:
        """All items of a part, read once more where it is broken."""

        def whole(text: bytes) -> list[Any]:
            return sorted(map(self._parse, all_items(text, self._parts)), key=self._host_of)

        try:
            return whole(body)
        except BrokenReplyError:
            return self._again(lambda: whole(self._read(self._range(part), NO_LIMIT)))


def _in_blocks(items: list[Any], size: int, received: Received) -> Iterator[list[Any]]:
    """Some at a time, each told with its part of the bytes, for pages end by them."""
    count = max(min(size // BLOCK_BYTES, len(items)), 1)
    received(size % count)
    for number in range(count):
        received(size // count)
        yield items[number * len(items) // count : (number + 1) * len(items) // count]


def _pieces(body: bytes, received: Received) -> Iterable[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        piece = body[start : start + PIECE_BYTES]
        received(len(piece))
        yield piece
