"""The batch processor, which runs batches within limits, in threads or processes, and with an optional journal."""

from __future__ import annotations

import contextlib
import os
import uuid
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Callable, Generator, Iterable, Iterator, Mapping, Optional, TypeVar, Union

from ..config.settings import BatchSettings, Settings
from ..core.arguments import describe_type, require_count
from ..core.clock import Clock
from ..errors import BatchError
from ..recovery import RateLimit
from .executors import ProcessAdapter, ThreadAdapter
from .journal import Journal, default_key, operation_name
from .result import BatchItem, BatchProgress, BatchResult
from .runner import BatchRun
from .task import StopSignal, Task

T = TypeVar("T")
R = TypeVar("R")


class BatchProcessor:
    """Runs an operation for many items, up to ``max_concurrent`` of them at once.

    ``rate_limit`` is the number of attempts that may start per second, across all threads and batches of this
    processor. Retries in other processes are not limited.

    Failures that may be temporary (see :func:`~checkmk_sync.recovery.classify_error`) are retried up to ``max_retries``
    times. The first wait is at most ``retry_delay`` seconds, and this limit doubles with each retry. If the circuit
    breaker is open, an item waits until the breaker allows requests again, but fails if that takes more than a minute.

    The operation runs in the processor's own threads, or in ``executor``, which the processor never shuts down.
    Executors other than thread pools receive the items pickled, in chunks of ``chunk_size``. If it is given,
    ``max_concurrent`` limits the chunks instead of the items. The default is small enough for two chunks per worker.

    ``journal`` is a file that makes a batch resumable. ``key`` is a function that returns the key of an item in the
    journal; the default is :func:`~checkmk_sync.batch.journal.default_key`. ``grace_s`` is the number of seconds that a
    stopped batch waits for running items.

    Raises ValueError for numbers out of range, and for counts that are not whole numbers.
    """

    def __init__(
        self,
        max_concurrent: int = 10,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        rate_limit: Optional[float] = None,
        executor: Optional[Executor] = None,
        *,
        clock: Optional[Clock] = None,
        journal: Optional[Union[str, os.PathLike[str]]] = None,
        key: Optional[Callable[[Any], Any]] = None,
        chunk_size: Optional[int] = None,
        grace_s: float = 5.0,
    ) -> None:
        require_count(max_concurrent, "max_concurrent", 1)
        require_count(max_retries, "max_retries", 0)
        if chunk_size is not None:
            require_count(chunk_size, "chunk_size", 1)
        _check(retry_delay=retry_delay, grace_s=grace_s, rate_limit=rate_limit)
        if rate_limit == 0:
            raise ValueError("rate_limit must be above 0; give None for no limit")
        self.max_concurrent, self.max_retries, self.retry_delay = max_concurrent, max_retries, retry_delay
        self.rate_limit, self.executor, self.journal = rate_limit, executor, journal
        self.chunk_size, self.grace_s = chunk_size, grace_s
        self._clock, self._key = clock, key or default_key
        self._rate = None if rate_limit is None else RateLimit(rate_limit, clock=clock)

    @classmethod
    def from_settings(cls, settings: Union[Settings, BatchSettings], **options: Any) -> BatchProcessor:
        """Return a processor with the settings from ``advanced_features.batch_processing``.

        ``options`` are further arguments of the constructor.
        """
        batch = settings.batch_processing if isinstance(settings, Settings) else settings
        return cls(batch.max_concurrent, batch.max_retries, batch.retry_delay, batch.rate_limit, **options)

    def process_batch(
        self,
        items: Iterable[T],
        operation: Callable[[T], R],
        batch_id: Optional[str] = None,
        progress_callback: Optional[Callable[[BatchProgress], Any]] = None,
        validate_item: Optional[Callable[[T], Any]] = None,
    ) -> BatchResult[T, R]:
        """Run the operation for all items and return their outcomes.

        The operation fails only if it raises, so any return value counts as success. If ``validate_item`` raises or
        returns False, the item fails and ``operation`` is not called for it. Both functions can raise
        :class:`~checkmk_sync.batch.Skip` to skip the item. A separate thread takes the items, validates them and
        computes their keys. ``progress_callback`` is called after each item, in the calling thread. An error that it
        raises does not stop the batch, and only the first one is logged.

        Ctrl-C raises KeyboardInterrupt as usual. If taking an item or writing to the journal fails, BatchError is
        raised. Either way, no further items start, and the exception has the attribute ``outcomes`` with the outcomes
        so far. Items that were not started have no outcome. Raises SettingsError before any item starts if the journal
        cannot be used.
        """
        outcomes: dict[int, BatchItem[T, R]] = {}
        with self._run(items, operation, batch_id, progress_callback, validate_item) as run:
            try:
                for outcome in run.outcomes():
                    outcomes[outcome.index] = outcome
            except BaseException as stopped:
                with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl-C ends the wait for running items
                    run.stop(self.grace_s)
                outcomes.update((outcome.index, outcome) for outcome in run.unfinished())
                so_far = _in_order(outcomes)
                if isinstance(stopped, Exception):
                    raise BatchError(
                        f"the batch was stopped: {type(stopped).__name__}: {stopped}", outcomes=so_far
                    ) from stopped
                # The original exception must propagate, because only then does Python exit with the signal's exit code.
                stopped.outcomes = so_far  # type: ignore[attr-defined]
                raise
        return BatchResult(run.batch_id, _in_order(outcomes), run.progress())

    def stream(
        self,
        items: Iterable[T],
        operation: Callable[[T], R],
        batch_id: Optional[str] = None,
        progress_callback: Optional[Callable[[BatchProgress], Any]] = None,
        validate_item: Optional[Callable[[T], Any]] = None,
    ) -> Generator[BatchItem[T, R], None, None]:
        """Yield the outcomes as items finish, without keeping them.

        Takes the arguments of :meth:`process_batch`. A separate thread takes the items, so outcomes never wait for a
        slow source. It takes at most twice ``max_concurrent`` items that the caller has not received yet, or
        ``max_concurrent`` chunks if ``chunk_size`` is given. Closing the iterator stops the batch. A failure of the
        source is raised after the outcomes of the earlier items.
        """
        with self._run(items, operation, batch_id, progress_callback, validate_item) as run:
            yield from run.outcomes()

    @contextlib.contextmanager
    def _run(
        self,
        items: Iterable[T],
        operation: Callable[[T], R],
        batch_id: Optional[str],
        report: Optional[Callable[[BatchProgress], Any]],
        validate: Optional[Callable[[T], Any]],
    ) -> Iterator[BatchRun[T, R]]:
        """Yield a run, and stop it when the block ends or raises."""
        if not callable(operation):
            raise TypeError(f"operation must be a function that takes one item, not {describe_type(operation)}")
        journal, batch_name = None, batch_id or uuid.uuid4().hex[:12]
        if self.journal is not None:
            journal = Journal(self.journal, batch_id, batch_name, operation_name(operation))
        executor = self.executor or ThreadPoolExecutor(self.max_concurrent, "batch")
        in_threads = isinstance(executor, ThreadPoolExecutor)
        workers = int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
        task = Task(
            operation,
            self.max_retries,
            self.retry_delay,
            rate=self._rate if in_threads else None,
            stop=StopSignal(self._clock),
        )
        # max_pending below makes room for two chunks per worker. With one, a worker would idle between chunks.
        chunk_size = self.chunk_size or max(1, self.max_concurrent // workers)
        adapter = (
            ThreadAdapter(executor, task) if in_threads else ProcessAdapter(executor, task, chunk_size, self._rate)
        )
        counts_items = in_threads or self.chunk_size is None  # otherwise max_concurrent counts chunks
        max_pending = self.max_concurrent * (2 if counts_items else adapter.chunk_size)
        max_chunks = self.max_concurrent
        if self.executor is None:
            max_chunks = max_pending  # our own pool limits how many items run at once, so its queue may be longer
        elif self._rate is not None and not in_threads:
            # Chunks in a queue for busy workers would later start all at once, faster than the rate limit allows.
            max_chunks = min(max_chunks, workers)
        run = BatchRun(
            items,
            task,
            adapter,
            max_pending=max_pending,
            max_chunks=max_chunks,
            key=self._key,
            validate=validate,
            report=report,
            journal=journal,
            batch_id=batch_name if journal is None else journal.batch_id,
        )
        try:
            yield run
        finally:
            try:
                run.stop(self.grace_s)
            finally:
                run.close()
                if self.executor is None:
                    executor.shutdown(wait=False, cancel_futures=True)


def _check(**numbers: Any) -> None:
    """Raise ValueError for a value that is not a number or is below 0. None is accepted."""
    for name, value in numbers.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (is_number and value >= 0):
            raise ValueError(f"{name} must be a number of at least 0, not {value!r}")


def _in_order(outcomes: Mapping[int, BatchItem[T, R]]) -> list[BatchItem[T, R]]:
    return [outcomes[index] for index in sorted(outcomes)]
