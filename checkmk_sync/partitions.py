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
from typing import Any, Callable, Generator, Sequence

from .decode import iter_items
from .errors import BrokenReplyError, ReplyTooLargeError
from .query import Filter, column, everything
from .streaming import Received

__all__ = ["Part", "Partitions"]

# More than this in one part gains nothing, and delays the first item.
TARGET_BYTES = 512 * 2**10
FIRST_GUESS_BYTES = 1000  # of a service, before any was seen
GROWTH = 4.0
NO_LIMIT = float("inf")

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
    ``again`` runs a read once more where its JSON is broken; ``parse`` makes of an item what is given out.
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
    ) -> None:
        self._hosts, self._read, self._again, self._parts, self._parse = hosts, read, again, parts, parse
        self._workers = workers
        self._limit = share_bytes
        self._target = min(TARGET_BYTES, share_bytes / 2)
        self._bytes_each = float(FIRST_GUESS_BYTES)
        self._next = 0

    def items(self, received: Received) -> Generator[Any, None, None]:
        """All items, in the order of their hosts. Closing it ends the reading."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="checkmk-sync-read")
        under_way: collections.deque[tuple[Part, Future[bytes]]] = collections.deque()
        try:
            while True:
                while len(under_way) < self._workers and self._next < max(len(self._hosts), 1):
                    under_way.append(self._submit(pool, self._cut()))
                if not under_way:
                    return
                part, future = under_way.popleft()
                try:
                    found = self._decoded(part, future.result(), received)
                except ReplyTooLargeError:
                    under_way.extendleft(self._submit(pool, half) for half in reversed(self._halves(part)))
                    continue
                del future  # it holds the bytes, and the next part is on its way
                yield from found
                del found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, pool: ThreadPoolExecutor, part: Part) -> tuple[Part, Future[bytes]]:
        # One host is the least there is, so there is no limit to hold it to.
        limit = NO_LIMIT if part.end - part.start <= 1 else self._limit
        # In the caller's context: who stops the caller's work stops these reads.
        return part, pool.submit(contextvars.copy_context().run, self._read, self._range(part), limit)

    def _cut(self) -> Part:
        """The next hosts, as many as fill a part."""
        start, weight = self._next, 0.0
        most = self._target / self._bytes_each
        while self._next < len(self._hosts) and (self._next == start or weight + self._hosts[self._next][1] <= most):
            weight += self._hosts[self._next][1]
            self._next += 1
        self._next = max(self._next, start + 1)
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

    def _decoded(self, part: Part, body: bytes, received: Received) -> list[Any]:
        received(len(body))
        self._learn(part, len(body))

        def whole(text: bytes) -> list[Any]:
            # What a record does not need of an item is free before the next one is decoded.
            return list(map(self._parse, iter_items([text], fields=self._parts)))

        try:
            return whole(body)
        except BrokenReplyError:
            return self._again(lambda: whole(self._read(self._range(part), NO_LIMIT)))
