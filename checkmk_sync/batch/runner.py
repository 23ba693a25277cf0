"""One run through a batch: a bounded window between the items that come in and the outcomes that go out."""

from __future__ import annotations

import concurrent.futures
import contextvars
import functools
import logging
import queue
import threading
import time
from typing import Any, Callable, Generator, Generic, Iterable, Iterator, Optional, Sized, TypeVar

from ..errors import UnfinishedError
from .executors import Carrier
from .journal import Journal
from .result import BatchItem, BatchProgress, BatchStatus, Done, Skip, Tally
from .task import Job

__all__ = ["Run"]

log = logging.getLogger("checkmk_sync")

# No wait for outcomes is longer: a signal that comes while a thread is about to wait is noticed only after the wait
# (seen with Python 3.13), so that Ctrl-C would last as long as the slowest operation.
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
        self.landed = outcomes is not None


class _Room:
    """Places, until it is closed. Who waits for one is woken when ``enough`` are free: each wake costs as much as
    a trivial item."""

    def __init__(self, places: int, enough: int) -> None:
        self._free, self._enough = places, enough
        self._changed = threading.Condition()
        self._closed = False

    def take(self, *, wait: bool = True) -> bool:
        """Take a place; False when there is none any more, or now."""
        with self._changed:
            if self._free < 1 and wait:
                self._changed.wait_for(lambda: self._closed or self._free >= self._enough)
            if self._closed or self._free < 1:
                return False
            self._free -= 1
            return True

    def give(self) -> None:
        with self._changed:
            self._free += 1
            if self._free >= self._enough:
                self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Run(Generic[T, R]):
    """Takes items one by one, never more than ``window`` beyond those whose outcome was handed out (and then again when
    that leaves room for ``refill``), keeps at most ``at_once`` chunks of them on the way, and hands outcomes out.

    Items are taken, named, validated and sent in a thread of their own, as those of multiprocessing's pools are:
    an outcome must not wait for a source that takes its time. What lands puts itself into a queue, so the cost of
    an item does not depend on the window's size. Progress is told where the outcomes are consumed.
    """

    def __init__(
        self,
        items: Iterable[T],
        job: Job[T, R],
        carrier: Carrier,
        *,
        window: int,
        refill: int,
        at_once: int,
        key: Callable[[T], Any],
        validate: Optional[Callable[[T], Any]],
        report: Optional[Callable[[BatchProgress], Any]],
        journal: Optional[Journal],
        batch_id: str,
    ) -> None:
        self._items, self._job, self._carrier = items, job, carrier
        self._key, self._validate, self._report = key, validate, report
        self._journal, self.batch_id = journal, batch_id
        self.tally = Tally(job.clock, len(items) if isinstance(items, Sized) else None)
        self._keys: set[str] = set()
        self._room, self._slots = _Room(window, refill), _Room(at_once, 1)
        self._filling, self._filled = _Chunk(), threading.Lock()
        self._sending = threading.Lock()
        self._on_the_way: set[_Chunk] = set()
        self._landed: queue.SimpleQueue[Optional[_Chunk]] = queue.SimpleQueue()
        self._at_hand: Optional[_Chunk] = None
        self._source_error: Optional[Exception] = None
        self._failure: Optional[BaseException] = None
        self._report_failed = self._stopped = False

    def outcomes(self) -> Iterator[BatchItem[T, R]]:
        """One for each item, as they become known. A failure of the source is raised after the last."""
        within = contextvars.copy_context()
        threading.Thread(target=within.run, args=(self._feed,), name="batch-source", daemon=True).start()
        fed = False
        while not fed or self._on_the_way:
            chunk = self._next_landed()
            if chunk is not None:
                yield from self._hand_out(chunk)
            elif self._failure is not None:
                raise self._failure
            else:
                fed = True
        if self._source_error is not None:
            raise self._source_error

    def stop(self, grace_s: float) -> None:
        """Begin no more items, wake those that wait, and give those under way ``grace_s`` seconds to end; only the
        first time, so who is interrupted while waiting will not wait again. Nobody waits for the source."""
        if self._job.stop.expired:
            return
        self._job.stop.now()
        self._room.close()
        self._slots.close()
        with self._sending:  # what is being sent just now is on the way then
            pass
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

    def _feed(self) -> None:
        """Take all items, and send them in chunks."""
        try:
            for index, item in self._taken():
                known = self._enter(index, item)
                if known is not None:
                    self._know(known)
                elif len(self._filling.entries) >= self._carrier.chunk_size:
                    self._send_filled()
            self._send_filled()
        except BaseException as error:  # it belongs to the thread where outcomes are consumed
            self._failure = error
        self._landed.put(None)

    def _taken(self) -> Iterator[tuple[int, T]]:
        source, index = iter(self._items), 0
        while self._room.take():
            try:
                item = next(source)
            except StopIteration:
                self.tally.total = index
                return
            except Exception as error:  # raised when all that is under way has been handed out
                self._source_error = error
                return
            yield index, item
            index += 1
        if isinstance(source, Generator):  # stopped: what it holds is let go of in this thread
            source.close()

    def _know(self, outcome: BatchItem[T, R]) -> None:
        """Hand out what needs no sending."""
        chunk = _Chunk([outcome])
        self._on_the_way.add(chunk)
        self._landed.put(chunk)

    def _enter(self, index: int, item: T) -> Optional[BatchItem[T, R]]:
        """Take one item into the chunk that is filling; or its outcome, when that is known already."""
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
        with self._filled:
            self._filling.entries.append((index, key, item))
            self._filling.packed.append(packed)
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

    def _send_filled(self, *, wait: bool = True) -> None:
        """Send what there is; without ``wait`` only when that can be now."""
        if not self._filling.entries or not self._slots.take(wait=wait):
            return
        with self._filled:
            chunk, self._filling = self._filling, _Chunk()
        if not chunk.entries or not self._carrier.wait(len(chunk.packed)):
            self._slots.give()
            return
        with self._sending:
            if not self._job.stop.expired:
                self._send(chunk)

    def _send(self, chunk: _Chunk) -> None:
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
            chunk.failure = next((each.error for each in chunk.outcomes if _ends_all(each.error)), None)
            if self._journal is not None:
                for outcome in chunk.outcomes:
                    self._noted(outcome)
        except BaseException as error:  # futures would only log it; it is raised where outcomes are consumed
            chunk.failure = error
        chunk.landed = True
        self._slots.give()
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
            self._room.give()
        self._on_the_way.discard(chunk)

    def _next_landed(self) -> Optional[_Chunk]:
        """The next chunk whose outcomes are known; None when all items are taken."""
        while True:
            try:
                return self._landed.get(timeout=_BLINK_S)
            except queue.Empty:
                self._send_filled(wait=False)  # the source takes its time: what it gave is not to wait for more

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


def _ends_all(error: Optional[BaseException]) -> bool:
    return error is not None and not isinstance(error, Exception)
