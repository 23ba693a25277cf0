"""One run through a batch: a bounded window between the items that come in and the outcomes that go out."""

from __future__ import annotations

import concurrent.futures
import functools
import logging
import queue
import time
from typing import Any, Callable, Generic, Iterable, Iterator, Optional, Sized, TypeVar

from ..errors import UnfinishedError
from .carrier import Carrier
from .job import Job
from .journal import Journal
from .outcome import BatchItem, BatchProgress, BatchStatus, Done, Skip, Tally

__all__ = ["Run"]

log = logging.getLogger("checkmk_sync")

# A signal that comes while a thread is about to wait is noticed only after the wait (seen with Python 3.13), so
# that Ctrl-C would last as long as the slowest operation. No wait for outcomes is longer than this.
_BLINK_S = 0.1

T = TypeVar("T")
R = TypeVar("R")


class _Chunk:
    """Some items on their way: ``entries``, how they are ``packed``, and in the end ``outcomes`` or a ``failure``."""

    __slots__ = ("entries", "failure", "future", "landed", "outcomes", "packed")

    def __init__(self, outcomes: Optional[list[BatchItem[Any, Any]]] = None) -> None:
        self.entries: list[tuple[int, str, Any]] = []
        self.packed: list[Any] = []
        self.outcomes = outcomes
        self.future: Optional[concurrent.futures.Future[Any]] = None
        self.failure: Optional[BaseException] = None
        self.landed = False


class Run(Generic[T, R]):
    """Takes items one by one, keeps at most ``window`` chunks of them on the way, and hands outcomes out.

    What lands puts itself into a queue, so the cost of an item does not depend on the window's size. All
    that calls the user's code, except the operation, happens in the thread that consumes the outcomes.
    """

    def __init__(
        self,
        items: Iterable[T],
        job: Job[T, R],
        carrier: Carrier,
        *,
        window: int,
        key: Callable[[T], Any],
        validate: Optional[Callable[[T], Any]],
        report: Optional[Callable[[BatchProgress], Any]],
        journal: Optional[Journal],
        batch_id: str,
    ) -> None:
        self._items, self._job, self._carrier, self._window = items, job, carrier, window
        self._key, self._validate, self._report = key, validate, report
        self._journal, self.batch_id = journal, batch_id
        self.tally = Tally(job.clock, len(items) if isinstance(items, Sized) else None)
        self._keys: set[str] = set()
        self._on_the_way: set[_Chunk] = set()
        self._landed: queue.SimpleQueue[_Chunk] = queue.SimpleQueue()
        self._at_hand: Optional[_Chunk] = None
        self._source_error: Optional[Exception] = None
        self._report_failed = self._stopped = False

    def outcomes(self) -> Iterator[BatchItem[T, R]]:
        """One for each item, as they become known. A failure of the source is raised after the last."""
        for chunk in self._chunks():
            if chunk.outcomes is None:
                self._send(chunk)
            else:
                yield from self._hand_out(chunk)
            while len(self._on_the_way) >= self._window or not self._landed.empty():
                yield from self._hand_out(self._next_landed())
        while self._on_the_way:
            yield from self._hand_out(self._next_landed())
        if self._source_error is not None:
            raise self._source_error

    def stop(self, grace_s: float) -> None:
        """Begin no more items, wake those that wait, and give those under way ``grace_s`` seconds to end.

        Only the first time: who is interrupted while waiting here will not wait again.
        """
        if self._job.stop.expired:
            return
        self._job.stop.now()
        if self._carrier.recalls:
            self._cancel()
        end = time.monotonic() + grace_s
        while not self._all_landed():
            try:
                self._landed.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
        self._cancel()

    def left(self) -> list[BatchItem[T, R]]:
        """After :meth:`stop`: the outcomes of what began, but was not handed out for good."""
        chunks = {*self._on_the_way, *([self._at_hand] if self._at_hand is not None else [])}
        found: list[BatchItem[T, R]] = []
        for chunk in chunks:
            lost = chunk.failure or UnfinishedError("it was under way when the batch was stopped")
            found += self._lost(chunk, lost) if chunk.outcomes is None else chunk.outcomes
        return found

    def close(self) -> None:
        """Close the journal, now or when the last item that is still under way has landed."""
        self._stopped = True
        if self._journal is not None and self._all_landed():
            self._journal.close()

    def _cancel(self) -> None:
        for chunk in list(self._on_the_way):
            if chunk.future is not None:
                chunk.future.cancel()

    def _all_landed(self) -> bool:
        return all(chunk.landed for chunk in list(self._on_the_way))

    # What comes in

    def _chunks(self) -> Iterator[_Chunk]:
        """The items in chunks to send; what needs no sending is a chunk that has its outcomes."""
        chunk, source, index = _Chunk(), iter(self._items), 0
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except Exception as error:  # raised when all that is under way has been handed out
                self._source_error = error
                break
            known = self._enter(chunk, index, item)
            index += 1
            if known is not None:
                yield _Chunk([known])
            elif len(chunk.entries) >= self._carrier.chunk_size:
                yield chunk
                chunk = _Chunk()
        if self._source_error is None:
            self.tally.total = index
        if chunk.entries:
            yield chunk

    def _enter(self, chunk: _Chunk, index: int, item: T) -> Optional[BatchItem[T, R]]:
        """Take one item into the chunk; or its outcome, when that is known already."""
        key = f"item {index}"
        try:
            key = self._named(item, key)
            if self._journal is not None and key in self._journal.done:
                note = "done before, says the journal"
                return BatchItem(index, key, item, BatchStatus.SKIPPED, note=note, resumed=True)
            if self._validate is not None and self._validate(item) is False:
                raise ValueError("it is not valid")
            packed = self._carrier.pack(item)
        except Skip as skip:
            return self._noted(BatchItem(index, key, item, BatchStatus.SKIPPED, note=str(skip)))
        except Exception as error:
            return self._noted(BatchItem(index, key, item, BatchStatus.FAILED, error=error))
        chunk.entries.append((index, key, item))
        chunk.packed.append(packed)
        return None

    def _named(self, item: T, position: str) -> str:
        found = self._key(item)
        key = position if found is None else str(found)
        if self._journal is not None:
            if found is None:
                raise TypeError("a journal needs a key for each item: give key=")
            if key in self._keys:  # the journal could not tell them apart
                raise ValueError(f"{key} stands more than once in this batch: give key=")
            self._keys.add(key)
        return key

    # On the way

    def _send(self, chunk: _Chunk) -> None:
        self._carrier.wait(len(chunk.packed))
        self._on_the_way.add(chunk)
        try:
            chunk.future = self._carrier.send(chunk.packed)
        except Exception as error:
            lost = UnfinishedError(f"not started, for the executor takes nothing more: {_said(error)}", started=False)
            lost.__cause__ = error
            self._land(chunk, lambda: self._lost(chunk, lost))
        else:
            chunk.future.add_done_callback(functools.partial(self._arrived, chunk))

    def _arrived(self, chunk: _Chunk, future: concurrent.futures.Future[Any]) -> None:
        """Called where the future was done: in a worker thread, or in a thread of the executor."""
        self._land(chunk, lambda: self._read(chunk, future))

    def _land(self, chunk: _Chunk, read: Callable[[], list[BatchItem[Any, Any]]]) -> None:
        try:
            chunk.outcomes = read()
            if self._journal is not None:
                for outcome in chunk.outcomes:
                    self._noted(outcome)
        except BaseException as error:  # futures would only log it; it is raised where outcomes are consumed
            chunk.failure = error
        chunk.landed = True
        self._landed.put(chunk)
        if self._stopped:
            self.close()

    def _read(self, chunk: _Chunk, future: concurrent.futures.Future[Any]) -> list[BatchItem[Any, Any]]:
        never = future.cancelled() and self._carrier.recalls
        if never and self._job.stop.expired:
            return []
        try:
            done = self._carrier.read(future.result())
        except Exception as error:  # not the operation's: that is part of the answer
            lost = UnfinishedError(f"the worker was lost: {_said(error)}", started=False if never else None)
            lost.__cause__ = error
            return self._lost(chunk, lost)
        return [_outcome(entry, found) for entry, found in zip(chunk.entries, done) if found is not None]

    def _lost(self, chunk: _Chunk, error: BaseException) -> list[BatchItem[Any, Any]]:
        return [_outcome(entry, Done(BatchStatus.FAILED, error=error)) for entry in chunk.entries]

    def _noted(self, outcome: BatchItem[T, R]) -> BatchItem[T, R]:
        if self._journal is not None:
            self._journal.note(outcome, self._job.clock.time())
        return outcome

    # What goes out

    def _hand_out(self, chunk: _Chunk) -> Iterator[BatchItem[T, R]]:
        self._at_hand = chunk
        if chunk.failure is not None:
            raise chunk.failure
        for outcome in chunk.outcomes or ():
            self.tally.add(outcome)
            if self._report is not None:
                self._tell(self._report)
            yield outcome
        self._on_the_way.discard(chunk)

    def _next_landed(self) -> _Chunk:
        while True:
            try:
                return self._landed.get(timeout=_BLINK_S)
            except queue.Empty:
                continue

    def _tell(self, report: Callable[[BatchProgress], Any]) -> None:
        try:
            report(self.tally.progress())
        except Exception:
            if not self._report_failed:
                log.warning("the progress callback failed; the batch goes on", exc_info=True)
            self._report_failed = True


def _outcome(entry: tuple[int, str, Any], done: Done) -> BatchItem[Any, Any]:
    index, key, item = entry
    return BatchItem(index, key, item, *done)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
