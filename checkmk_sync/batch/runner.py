"""One run of a batch: a thread takes the items, an executor runs them, and the caller receives the outcomes."""

from __future__ import annotations

import collections
import contextlib
import contextvars
import functools
import itertools
import logging
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Callable, Generator, Generic, Iterable, Iterator, NamedTuple, Optional, Sequence, Sized, TypeVar

from ..core.window import window
from ..errors import UnfinishedError
from .executors import ExecutorAdapter
from .journal import Journal
from .result import BatchItem, BatchProgress, BatchStatus, Skip, TaskResult
from .task import Task

log = logging.getLogger("checkmk_sync")

# The longest single wait. If a signal arrives just before a thread starts to wait, Python handles it only after the
# wait (seen with 3.13). Without this limit, Ctrl-C could take as long as the slowest operation.
_POLL_S = 0.1

T = TypeVar("T")
R = TypeVar("R")


class _Entry(NamedTuple):
    item_index: int
    key: str
    item: Any
    payload: Any

    def outcome(self, result: TaskResult) -> BatchItem[Any, Any]:
        return BatchItem(self.item_index, self.key, self.item, *result)


@dataclass(eq=False)
class _Chunk:
    """Items that are submitted together, with their outcomes or the error that ends the batch once they are done."""

    entries: Sequence[_Entry]
    outcomes: Optional[list[BatchItem[Any, Any]]] = None
    is_done: bool = False
    future: Optional[Future[Any]] = None
    fatal_error: Optional[BaseException] = None

    def failed_outcomes(self, error: BaseException) -> list[BatchItem[Any, Any]]:
        return [entry.outcome(TaskResult(BatchStatus.FAILED, error=error)) for entry in self.entries]


class BatchRun(Generic[T, R]):
    """Runs the task for all items, and yields their outcomes.

    At any time, at most ``max_pending`` items have been taken but not yielded, and at most ``max_chunks`` chunks are on
    the executor. A separate thread takes, validates and submits the items, so that outcomes never wait for a slow
    source. Progress is reported in the thread that consumes the outcomes.
    """

    def __init__(
        self,
        items: Iterable[T],
        task: Task[T, R],
        executor: ExecutorAdapter,
        *,
        max_pending: int,
        max_chunks: int,
        key: Callable[[T], Any],
        validate: Optional[Callable[[T], Any]],
        report: Optional[Callable[[BatchProgress], Any]],
        journal: Optional[Journal],
        batch_id: str,
    ) -> None:
        self._items, self._task, self._executor, self._max_chunks = items, task, executor, max_chunks
        self._key, self._validate, self._report = key, validate, report
        self._journal, self.batch_id = journal, batch_id
        self._started, self._total = task.clock.monotonic(), len(items) if isinstance(items, Sized) else None
        self._counts: collections.Counter[BatchStatus] = collections.Counter()
        self._resumed = 0
        self._keys: set[str] = set()
        self._pending_slots = threading.Semaphore(max_pending)
        self._submit_lock = threading.Lock()
        self._unfinished: set[_Chunk] = set()
        # Finished chunks put themselves here, so the cost of an item does not grow with the number of pending items.
        self._done: queue.SimpleQueue[Optional[_Chunk]] = queue.SimpleQueue()
        self._source_error: Optional[Exception] = None  # raised after the last outcome
        self._fatal_error: Optional[BaseException] = None  # raised at once
        self._report_failed = self._closed = False

    def outcomes(self) -> Iterator[BatchItem[T, R]]:
        """Yield each outcome as soon as it is known. A failure of the source is raised after the last outcome."""
        self._start_thread(self._submit_all)
        is_submitted = False
        while not is_submitted or self._unfinished:
            chunk = self._next_done()
            if chunk is None:  # all items are submitted, but the last chunks may not be in the queue yet
                is_submitted = True
                if self._fatal_error is not None:
                    break
                continue
            if chunk.fatal_error is not None:
                raise chunk.fatal_error
            for outcome in chunk.outcomes or ():
                self._counts[outcome.status] += 1
                self._resumed += outcome.resumed
                if self._report is not None:
                    self._report_progress(self._report)
                yield outcome
                self._pending_slots.release()
            self._unfinished.discard(chunk)
        error = self._fatal_error or self._source_error
        if error is not None:
            raise error

    def progress(self) -> BatchProgress:
        """Return the progress so far."""
        counts = {status.value: self._counts[status] for status in BatchStatus}
        duration = self._task.clock.monotonic() - self._started
        return BatchProgress(self._total, **counts, resumed=self._resumed, duration=duration)

    def stop(self, grace_s: float) -> None:
        """Start no further items, wake waiting threads, and wait up to ``grace_s`` seconds for running items.

        A second call does nothing. This method does not wait for the source.
        """
        if self._task.stop.expired:  # the second call, after a second Ctrl-C interrupted the first
            return
        self._task.stop.set()
        self._pending_slots.release()  # wakes the thread that takes the items
        with self._submit_lock:  # once this is acquired, a chunk that was being submitted is in _unfinished
            pass
        if self._executor.cancelled_is_unstarted:
            self._cancel()
        end = time.monotonic() + grace_s
        while not self._all_done():
            try:
                self._done.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
        self._cancel()

    def unfinished(self) -> list[BatchItem[T, R]]:
        """Return the outcomes of submitted items that were not yielded. Called after :meth:`stop`."""
        outcomes: list[BatchItem[T, R]] = []
        for chunk in list(self._unfinished):
            error = chunk.fatal_error or UnfinishedError(
                "the item was still running when the batch was stopped; check the site before you repeat it"
            )
            outcomes += chunk.failed_outcomes(error) if chunk.outcomes is None else chunk.outcomes
        return outcomes

    def close(self) -> None:
        """Close the journal now, or else when the last running item ends."""
        self._closed = True
        if self._journal is not None and self._all_done():
            self._journal.close()

    def _cancel(self) -> None:
        for chunk in list(self._unfinished):
            if chunk.future is not None:
                chunk.future.cancel()

    def _all_done(self) -> bool:
        return all(chunk.is_done for chunk in list(self._unfinished))

    def _next_done(self) -> Optional[_Chunk]:
        while True:
            try:
                return self._done.get(timeout=_POLL_S)
            except queue.Empty:
                continue

    def _report_progress(self, report: Callable[[BatchProgress], Any]) -> None:
        try:
            report(self.progress())
        except Exception:  # the callback is the caller's code, and its errors must not end the batch
            if not self._report_failed:
                log.warning("the progress callback failed; the batch continues", exc_info=True)
            self._report_failed = True

    # The following methods run in the batch's own threads.

    def _start_thread(self, function: Callable[[], None]) -> None:
        def run() -> None:
            try:
                function()
            except BaseException as error:  # the source is the caller's code; outcomes() raises its error
                self._fatal_error = error
                self._done.put(None)

        threading.Thread(target=contextvars.copy_context().run, args=(run,), name="batch-source", daemon=True).start()

    def _submit_all(self) -> None:
        for _ in window(self._submit, self._chunks(), self._max_chunks):
            pass  # _finish has queued the outcomes of this chunk
        self._done.put(None)

    def _chunks(self) -> Iterator[_Chunk]:
        """Yield full chunks, or smaller ones while the source is slow."""
        size, rate, entries = self._executor.chunk_size, self._executor.rate, self._take_items()
        for group in self._grouped(entries, size) if size > 1 else zip(entries):
            if rate is not None and not all(self._task.wait_for_start(rate) for _ in group):
                return
            yield _Chunk(group)

    def _grouped(self, entries: Iterator[_Entry], size: int) -> Iterator[Sequence[_Entry]]:
        arrived: queue.SimpleQueue[Optional[_Entry]] = queue.SimpleQueue()

        def take_all() -> None:
            try:
                collections.deque(map(arrived.put, entries), maxlen=0)
            finally:
                arrived.put(None)

        self._start_thread(take_all)
        while (entry := arrived.get()) is not None:
            group, end = [entry], time.monotonic() + _POLL_S
            with contextlib.suppress(queue.Empty):
                while (
                    len(group) < size and (entry := arrived.get(timeout=max(0.0, end - time.monotonic()))) is not None
                ):
                    group.append(entry)
            yield group
            if entry is None:
                return

    def _take_items(self) -> Iterator[_Entry]:
        """Yield the items to submit. Items that are skipped or invalid get their outcome here."""
        source = iter(self._items)
        try:
            for index in itertools.count():
                self._pending_slots.acquire()
                if self._task.stop.expired:
                    return
                try:
                    item = next(source)
                except StopIteration:
                    self._total = index
                    return
                except Exception as error:  # outcomes() raises it after the outcomes of the earlier items
                    self._source_error = error
                    return
                entry = self._prepare(index, item)
                if isinstance(entry, BatchItem):
                    chunk = _Chunk((), [entry], is_done=True)
                    self._unfinished.add(chunk)
                    self._done.put(chunk)
                else:
                    yield entry
        finally:
            if isinstance(source, Generator):  # closed in the thread that used it, which some resources require
                source.close()

    def _prepare(self, index: int, item: T) -> _Entry | BatchItem[T, R]:
        key = f"item {index}"
        try:
            own_key = self._key(item)
            if own_key is not None:
                key = str(own_key)
            if self._journal is not None:
                if own_key is None:
                    raise TypeError("this item has no key for the journal; give BatchProcessor a key= function")
                if key in self._keys:  # the journal cannot distinguish items with the same key
                    raise ValueError(
                        f"the key {key} occurs twice in this batch; give BatchProcessor a key= that returns unique keys"
                    )
                self._keys.add(key)
                if key in self._journal.done:
                    note = "already done, according to the journal"
                    return BatchItem(index, key, item, BatchStatus.SKIPPED, note=note, resumed=True)
            if self._validate is not None and self._validate(item) is False:
                raise ValueError("validate_item returned False for this item")
            return _Entry(index, key, item, self._executor.serialize(item))
        except Skip as skip:
            outcome = BatchItem[T, R](index, key, item, BatchStatus.SKIPPED, note=str(skip))
        except Exception as error:  # from the key function, the validation or pickling; only this item fails
            outcome = BatchItem(index, key, item, BatchStatus.FAILED, error=error)
        self._write_journal([outcome])
        return outcome

    def _submit(self, chunk: _Chunk) -> Future[Any]:
        with self._submit_lock:
            if self._task.stop.expired:
                unsent: Future[Any] = Future()
                unsent.cancel()
                return unsent
            self._unfinished.add(chunk)
            try:
                future = self._executor.submit([entry.payload for entry in chunk.entries])
            except Exception as error:  # the executor may be the caller's, so it may raise anything
                future = Future()
                future.set_exception(
                    _unfinished_error("the executor accepts no more work, so the item was not started", error, False)
                )
            chunk.future = future
        future.add_done_callback(functools.partial(self._finish, chunk))
        return future

    # The following methods run in threads of the executor.

    def _finish(self, chunk: _Chunk, future: Future[Any]) -> None:
        try:
            chunk.outcomes = self._collect_outcomes(chunk, future)
            self._write_journal(chunk.outcomes)
            errors = [outcome.error for outcome in chunk.outcomes if outcome.error is not None]
            chunk.fatal_error = next((error for error in errors if not isinstance(error, Exception)), None)
        except BaseException as error:  # a future would only log it, so outcomes() raises it
            chunk.fatal_error = error
        chunk.is_done = True
        self._done.put(chunk)
        if self._closed:  # the batch stopped without this item, which may be the last
            self.close()

    def _collect_outcomes(self, chunk: _Chunk, future: Future[Any]) -> list[BatchItem[Any, Any]]:
        unstarted = future.cancelled() and self._executor.cancelled_is_unstarted
        if unstarted and self._task.stop.expired:
            return []
        try:
            results = self._executor.results(future.result())
        except UnfinishedError as error:
            return chunk.failed_outcomes(error)
        except Exception as error:  # from the executor, such as a broken pool; an operation's error is in its result
            return chunk.failed_outcomes(_unfinished_error("the worker was lost", error, False if unstarted else None))
        return [entry.outcome(result) for entry, result in zip(chunk.entries, results) if result is not None]

    def _write_journal(self, outcomes: list[BatchItem[Any, Any]]) -> None:
        if self._journal is not None:
            for outcome in outcomes:
                self._journal.record(outcome, self._task.clock.time())


def _unfinished_error(message: str, cause: Exception, started: Optional[bool]) -> UnfinishedError:
    error = UnfinishedError(f"{message}: {type(cause).__name__}: {cause}", started=started)
    error.__cause__ = cause
    return error
