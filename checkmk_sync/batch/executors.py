"""Adapters that submit items to an executor: as they are to threads, and pickled to other processes."""

from __future__ import annotations

import concurrent.futures
import contextvars
import pickle
import uuid
from typing import Any, NamedTuple, Optional, Sequence, Union

from ..errors import WorkerError
from ..recovery import RateLimit
from .result import BatchStatus, TaskResult
from .task import Task


class ThreadAdapter:
    """Submits items one by one to threads of this process. Each attempt waits for the rate limit in its own thread.

    ``cancelled_is_unstarted`` is True if a cancelled future proves that its items were never started.
    """

    chunk_size = 1
    rate: Optional[RateLimit] = None  # the batch waits for it before it submits items
    cancelled_is_unstarted = True

    def __init__(self, executor: concurrent.futures.Executor, task: Task[Any, Any]) -> None:
        self._executor, self._task = executor, task

    def serialize(self, item: Any) -> Any:
        """Return the item in the form in which it is submitted."""
        return item

    def submit(self, payload: Sequence[Any]) -> concurrent.futures.Future[Any]:
        """Submit a chunk of serialized items and return its future. Errors of the executor propagate."""
        # The operation sees the caller's context variables.
        return self._executor.submit(contextvars.copy_context().run, self._task.run, payload[0])

    def results(self, answer: Optional[TaskResult]) -> Sequence[Optional[TaskResult]]:
        """Return the results of a finished chunk. The result of an item that was not started is None."""
        return (answer,)


class _PickledResult(NamedTuple):
    """A result in the form in which it is sent to the parent process.

    ``content`` is the pickled return value or error. ``result`` does not contain the return value. An error in it is a
    WorkerError, for the case that the parent process cannot unpickle the content.
    """

    result: TaskResult
    content: bytes


class ProcessAdapter:
    """Submits items to other processes, in chunks because each submission can take milliseconds.

    The parent process waits for the rate limit before it submits a chunk. Retries run in the other process and are not
    limited.

    Each item, result and error is pickled separately, so an object that cannot be pickled fails only its own item.
    """

    def __init__(
        self,
        executor: concurrent.futures.Executor,
        task: Task[Any, Any],
        chunk_size: int,
        rate: Optional[RateLimit] = None,
    ) -> None:
        self._executor, self._task = executor, task
        self.rate = rate  # processes cannot share it, so the parent waits for all items of a chunk
        # dask also cancels running calls, so a cancelled future of dask does not prove that its items never started.
        self.cancelled_is_unstarted = isinstance(executor, concurrent.futures.ProcessPoolExecutor)
        # The items of a chunk start without further waits. To keep the rate even, a chunk contains at most the items
        # that may start in 10 ms.
        self.chunk_size = chunk_size if rate is None else min(chunk_size, max(1, int(rate.per_second / 100)))

    def serialize(self, item: Any) -> Any:
        """Return the pickled item. Errors from pickling it propagate."""
        # The executor pickles entire chunks: one bad item would fail all of them, or break the pool.
        return pickle.dumps(item)

    def submit(self, payload: Sequence[Any]) -> concurrent.futures.Future[Any]:
        """Submit a chunk of serialized items and return its future. Errors of the executor propagate."""
        # dask treats calls with equal arguments as one call (`pure`, its default) and would run only the first.
        return self._executor.submit(_run_chunk, self._task, payload, uuid.uuid4().hex)

    def results(self, answer: Sequence[_PickledResult]) -> Sequence[Optional[TaskResult]]:
        """Return the results of a finished chunk, up to the first item that ended the batch."""
        return [_unpickled(pickled) for pickled in answer]


ExecutorAdapter = Union[ThreadAdapter, ProcessAdapter]


def _run_chunk(task: Task[Any, Any], payload: Sequence[bytes], _unique: str) -> list[_PickledResult]:
    """Run a chunk in the other process and return one result for each item.

    An error that is not an Exception, such as KeyboardInterrupt, ends the batch, so it is the last result of the list.
    """
    results: list[_PickledResult] = []
    for item in payload:
        try:
            result = task.run(pickle.loads(item))  # noqa: S301 - pickled by the adapter
        except Exception as error:  # unpickling runs code of the item's class, which may raise anything
            result = TaskResult(BatchStatus.FAILED, error=error)
        except BaseException as error:
            results.append(_pickled(TaskResult(BatchStatus.FAILED, error=error)))
            break
        assert result is not None, "a task was stopped outside the parent process"
        results.append(_pickled(result))
    return results


def _pickled(result: TaskResult) -> _PickledResult:
    if result.error is not None:
        substitute = WorkerError(str(result.error), kind=type(result.error).__name__)
        return _PickledResult(result._replace(error=substitute), _pickled_error(result.error))
    try:
        return _PickledResult(result._replace(result=None), pickle.dumps(result.result))
    except Exception as error:  # pickling runs code of the result's class, which may raise anything
        return _PickledResult(_without_return_value(result, error), b"")


def _pickled_error(error: BaseException) -> bytes:
    """Return the pickled error, if necessary without its cause, or nothing if it does not pickle."""
    for without_cause in (False, True):
        if without_cause:  # dask pickles the cause and the context with the error
            error.__cause__ = error.__context__ = None
        try:
            content = pickle.dumps(error)
            pickle.loads(content)  # noqa: S301 - dumped in the previous line
        except Exception:  # noqa: S112 - runs code of the error's class; a simpler form is tried next
            continue
        return content
    return b""


def _unpickled(pickled: _PickledResult) -> TaskResult:
    has_failed = pickled.result.error is not None
    try:
        content = pickle.loads(pickled.content)  # noqa: S301 - comes from our own worker
    except Exception as error:  # unpickling runs code of the result's class, which this process may lack
        return pickled.result if has_failed else _without_return_value(pickled.result, error)
    return pickled.result._replace(error=content) if has_failed else pickled.result._replace(result=content)


def _without_return_value(result: TaskResult, cause: Exception) -> TaskResult:
    message = f"the operation succeeded, but its result is lost: {cause}"
    error = WorkerError(message, kind=type(cause).__name__)
    return result._replace(status=BatchStatus.FAILED, result=None, error=error)
