"""Reading the services of many hosts in parts: ranges of host names, several at a time, in order.

One answer with a million services cannot be repeated when it breaks off near its end. Each part is an
exchange of its own, which the guards repeat alone; it leaves when it is complete. Checkmk compares
texts byte by byte, so two comparisons name a range however many hosts lie in it, and a host that
appears before its range is read is read with it.

Parts are cut from an index, the hosts and how many services each has; the first one from what comes first of it, so
that services leave while the rest arrives. Checkmk gives hosts in no certain order, so that is a guess: no host must
have a name before those that came, or the first part could be as large as all.
"""

from __future__ import annotations

import bisect
import collections
import contextlib
import contextvars
import itertools
import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Optional, TypeVar

from ..core import cancellation
from ..errors import BrokenReplyError, ReplyTooLargeError
from ..http.json_stream import all_items, iter_blocks
from ..streaming import DECODED_FACTOR, Blocks, Received
from .query import Filter, column, everything

__all__ = ["Part", "Partitions"]

# More than this in one part gains nothing. The first parts are smaller, so that the first item comes soon.
FIRST_BYTES, TARGET_BYTES = 64 * 2**10, 960 * 2**10
FIRST_GUESS_BYTES = 500  # of a service, before any was seen: what one without columns of its own has
GROWTH = 4.0
NO_LIMIT = float("inf")
PIECE_BYTES = 64 * 2**10
BLOCK_BYTES = 64 * 2**10

# Hosts that show where a first part may end.
SAMPLE = 16

Counted = tuple[str, float]
Read = Callable[[Filter, float], bytes]


T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """The hosts from number ``start`` to before ``end``; one that begins or ends all is open to that side."""

    start: int
    end: int


class Partitions:
    """``index()`` yields the names of hosts with the number of services each may give. ``read(filter, limit_bytes)``
    gives the whole answer for a filter, or raises ReplyTooLargeError; it is called from ``workers`` threads.
    ``is_first(name)`` asks whether no host of the index has a name before that one.

    Each worker holds at most ``share_bytes``, so ``workers`` times that is what waits for its turn.
    ``again`` runs a read once more where its JSON is broken. ``field`` is what is needed of an item, ``host_of`` names
    its host by that, for inside a part the server may give them in any order, and ``parse_all`` makes of some of those
    what is given out.
    """

    def __init__(
        self,
        index: Callable[[], Blocks[Counted]],
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
        self._hosts: list[Counted] = []
        self._workers = workers
        self._limit = share_bytes
        self._target = min(FIRST_BYTES, TARGET_BYTES, share_bytes / 2)
        self._bytes_each = float(FIRST_GUESS_BYTES)
        self._next = 0

    def blocks(self, received: Received) -> Blocks[Any]:
        """All items, in the order of their hosts; ``received`` is told their bytes. Closing it ends the reading."""
        readers = _Readers(self._workers)
        try:
            under_way: collections.deque[_Reading] = collections.deque()
            yield from self._before_the_index_is_there(readers, under_way, received)
            yield from self._read_parts(readers, under_way, received, end=max(len(self._hosts), 1))
        finally:
            readers.close()

    def _before_the_index_is_there(
        self, readers: _Readers, under_way: collections.deque[_Reading], received: Received
    ) -> Blocks[Any]:
        """The first part; nothing where it cannot be guessed. The whole index was read afterwards."""
        index = self._index()
        with contextlib.ExitStack() as unless_handed_on:
            unless_handed_on.callback(index.close)
            some = self._sample(index)
            if some is None:
                return
            border = self._first(readers, under_way)
            first = self._read_parts(readers, under_way, received, end=self._next)
            begun = next(first, [])  # before anybody else has something to do
            unless_handed_on.pop_all()  # before another thread may have it
            rest = readers.submit(self._rest_of, index, some)
        yield begun
        yield from first
        self._go_on_from(border, readers.result(rest))

    def _sample(self, index: Blocks[Counted]) -> Optional[list[Counted]]:
        """What comes first of the index; None once the whole index was read, where it says too little."""
        some: list[Counted] = []
        try:
            while self._workers > 1 and len(some) < SAMPLE:
                some += next(index)
        except StopIteration:
            pass
        except BrokenReplyError:
            self._hosts = self._whole_index()
            return None
        self._hosts = sorted(some)
        if len(some) < SAMPLE or self._hosts != some:
            self._hosts = self._rest_of(index, some)
            return None
        return some

    def _first(self, readers: _Readers, under_way: collections.deque[_Reading]) -> str:
        """Where the first part ends, which is there then; "" without one, where it is not the first or too large.

        Meanwhile the site is asked whether it is: that reads all before it. So the part has a border on both sides, and
        is no larger where it is not; the right one may be narrow.
        """
        (name, _), part = self._hosts[0], self._cut()
        self._next = min(part.end, len(self._hosts) - 1)
        part = Part(0, self._next)
        from_it = self._range(part) & (column("host_name") >= name)
        body = readers.submit(self._read, from_it, min(TARGET_BYTES, self._limit))
        try:
            if self._is_first(name):
                readers.result(body)
                under_way.append(_Reading(part, body))
                return self._hosts[self._next][0]
        except (ReplyTooLargeError, BrokenReplyError):
            pass
        return ""

    def _go_on_from(self, border: str, hosts: list[Counted]) -> None:
        """The next part starts at ``border``, whether its host is still among the ``hosts`` or not."""
        left = hosts[bisect.bisect_left(hosts, (border,)) :]
        if border and (not left or left[0][0] != border):
            left.insert(0, (border, 0))
        # A part that is not number 0 has a border to the left.
        self._hosts, self._next = ([("", 0), *left], 1) if border else (left, 0)

    def _rest_of(self, index: Blocks[Counted], some: list[Counted]) -> list[Counted]:
        """All hosts, sorted as Checkmk compares texts, when ``some`` were read."""
        try:
            with contextlib.closing(index):
                return sorted(itertools.chain(some, *index))
        except BrokenReplyError:
            return self._whole_index()

    def _whole_index(self) -> list[Counted]:
        return self._again(lambda: sorted(itertools.chain.from_iterable(self._index())))

    def _read_parts(
        self, readers: _Readers, under_way: collections.deque[_Reading], received: Received, *, end: int
    ) -> Blocks[Any]:
        """The parts that are ``under_way``, and those that follow, up to host number ``end``."""
        while True:
            while len(under_way) < self._workers and self._next < end:
                under_way.append(self._submit(readers, self._cut()))
            if not under_way:
                return
            reading = under_way.popleft()
            try:
                found = self._decoded(reading.part, readers.result(reading.body), received)
            except ReplyTooLargeError:
                under_way.extendleft(self._submit(readers, half) for half in reversed(self._halves(reading.part)))
                continue
            del reading  # it holds the bytes, and the next part is on its way
            yield from found
            del found

    def _submit(self, readers: _Readers, part: Part) -> _Reading:
        # One host is the least there is, so there is no limit to hold it to.
        limit = NO_LIMIT if part.end - part.start <= 1 else self._limit
        return _Reading(part, readers.submit(self._read, self._range(part), limit))

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
        if len(body) * DECODED_FACTOR > self._limit and part.end - part.start <= 1 and self._is_in_order(body):
            # One host with so much that all of it decoded would take more than there is room for.
            found = iter_blocks(_pieces(body, received), fields=self._field)
        else:
            found = _in_blocks(self._complete(part, body), len(body), received)
        return map(self._parse_all, found)  # not all at once: what lives for long costs the garbage collector time

    def _is_in_order(self, body: bytes) -> bool:
        """Whether the items of an answer can leave as they come; not where it breaks off."""
        before, in_order = "", True
        try:
            for block in iter_blocks(_pieces(body, lambda _size: None), fields=self._field):
                self._parse_all(block)  # which raises for what is none
                names = [before, *map(self._host_of, block)]
                in_order = in_order and names == sorted(names)
                before = names[-1]
        except BrokenReplyError:
            return False
        return in_order

    def _complete(self, part: Part, body: bytes) -> list[Any]:
        """What is needed of all items of a part, read once more where it is broken."""

        def whole(text: bytes) -> list[Any]:
            found = all_items(text, self._field)
            try:
                found.sort(key=self._host_of)
            except (KeyError, TypeError):
                self._parse_all(found)  # which says what is wrong
                raise
            return found

        try:
            return whole(body)
        except BrokenReplyError:
            return self._again(lambda: whole(self._read(self._range(part), NO_LIMIT)))


@dataclass(frozen=True)
class _Reading:
    part: Part
    body: Future[bytes]


class _Readers:
    """Threads that read for somebody, and whose work ends with that of theirs."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="checkmk-sync-read")
        self._reading = cancellation.Cancellation()

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        context = contextvars.copy_context()
        context.run(cancellation.current.set, self._reading)
        return self._pool.submit(context.run, function, *arguments)

    def result(self, future: Future[T]) -> T:
        with cancellation.on_stop(self._reading.stop):  # who stops our work stops these reads
            return future.result()

    def close(self) -> None:
        self._reading.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _in_blocks(items: list[Any], size: int, received: Received) -> Iterator[list[Any]]:
    """Some at a time, each told with its part of the bytes, for pages end by them."""
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
