"""How items reach the threads or processes that work on them: threads get them as they are, processes get pickles."""

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

__all__ = ["ExecutorAdapter", "ProcessAdapter", "ThreadAdapter"]


class ThreadAdapter:
    """Submits items one by one to threads of this process. Each attempt waits for the rate in its own thread.

    ``cancelled_is_unstarted`` says whether an item whose future could be cancelled was certainly not started.
    """

    chunk_size = 1
    cancelled_is_unstarted = True

    def __init__(self, executor: concurrent.futures.Executor, task: Task[Any, Any]) -> None:
        self._executor, self._task = executor, task

    def serialize(self, item: Any) -> Any:
        """Return the item as it is submitted."""
        return item

    def wait_for_rate(self, _count: int) -> bool:
        """Wait until that many items may start. False if the batch was stopped meanwhile."""
        return True

    def submit(self, payload: Sequence[Any]) -> concurrent.futures.Future[Any]:
        """Submit a chunk of packed items, in the caller's context. Errors of the executor are passed on."""
        return self._executor.submit(contextvars.copy_context().run, self._task.run, payload[0])

    def results(self, answer: Optional[TaskResult]) -> Sequence[Optional[TaskResult]]:
        """Return the results in the answer to a chunk, None for an item that was not started."""
        return (answer,)


class _PickledResult(NamedTuple):
    """A result on its way between processes.

    ``content`` is the pickled return value or error; ``error_type`` and ``error_text`` stand in for an error that
    cannot be unpickled.
    """

    result: TaskResult
    content: bytes
    error_type: str = ""
    error_text: str = ""


class ProcessAdapter:
    """Submits items in chunks to other processes, where each submission may cost milliseconds.

    The rate is kept here, because processes do not share one. A chunk is submitted when all its items may start, and
    with a rate it is small (a hundredth of a second's worth), so that few start at once. Retries happen in the other
    process, where the rate does not apply.

    Each item, result and error is pickled by itself: if one cannot be pickled, only its item fails. The executor would
    let the whole chunk fail, or break the pool.
    """

    def __init__(
        self,
        executor: concurrent.futures.Executor,
        task: Task[Any, Any],
        chunk_size: int,
        rate: Optional[RateLimit] = None,
    ) -> None:
        self._executor, self._task, self._rate = executor, task, rate
        # dask also cancels running calls, and drops their results.
        self.cancelled_is_unstarted = isinstance(executor, concurrent.futures.ProcessPoolExecutor)
        self.chunk_size = chunk_size if rate is None else min(chunk_size, max(1, int(rate.per_second / 100)))

    def serialize(self, item: Any) -> Any:
        """As in :class:`ThreadAdapter`. Errors of pickling the item are passed on."""
        return pickle.dumps(item)

    def wait_for_rate(self, count: int) -> bool:
        """As in :class:`ThreadAdapter`."""
        return self._rate is None or all(self._task.wait_for_start(self._rate) for _ in range(count))

    def submit(self, payload: Sequence[Any]) -> concurrent.futures.Future[Any]:
        """As in :class:`ThreadAdapter`."""
        # dask treats calls with equal arguments as one call (`pure`, its default) and would run only the first.
        return self._executor.submit(_run_chunk, self._task, payload, uuid.uuid4().hex)

    def results(self, answer: Sequence[_PickledResult]) -> Sequence[Optional[TaskResult]]:
        """As in :class:`ThreadAdapter`; fewer than were submitted if one of them ended the batch."""
        return [_unpickled(pickled) for pickled in answer]


ExecutorAdapter = Union[ThreadAdapter, ProcessAdapter]


def _run_chunk(task: Task[Any, Any], payload: Sequence[bytes], _unique: str) -> list[_PickledResult]:
    """Run a chunk in the other process: one result for each item, up to one that ends the process or the batch."""
    results: list[_PickledResult] = []
    for item in payload:
        try:
            result = task.run(pickle.loads(item))  # noqa: S301 - pickled by the adapter
        except Exception as error:  # unpickling runs code of the item's own class
            result = TaskResult(BatchStatus.FAILED, error=error)
        except BaseException as error:
            results.append(_pickled(TaskResult(BatchStatus.FAILED, error=error)))
            break
        assert result is not None, "only the parent process stops a task"
        results.append(_pickled(result))
    return results


def _pickled(result: TaskResult) -> _PickledResult:
    if result.error is not None:
        return _PickledResult(
            result._replace(error=None), _pickled_error(result.error), type(result.error).__name__, str(result.error)
        )
    try:
        return _PickledResult(result._replace(result=None), pickle.dumps(result.result))
    except Exception as error:  # pickling runs code of the result's own class
        kind, text = type(error).__name__, f"done, but its result is lost: {error}"
        failed = result._replace(status=BatchStatus.FAILED, result=None)
        return _PickledResult(failed, _pickled_error(WorkerError(text, kind=kind)), kind, text)


def _pickled_error(error: BaseException) -> bytes:
    """Pickle an error, without its cause if necessary; if that fails too, pickle a WorkerError with the same text."""
    for without_cause in (False, True):
        if without_cause:  # dask includes them when it pickles errors
            error.__cause__ = error.__context__ = None
        try:
            content = pickle.dumps(error)
            pickle.loads(content)  # noqa: S301 - dumped in the previous line
        except Exception:  # noqa: S112 - runs code of the error's own class; another form is tried next
            continue
        return content
    return pickle.dumps(WorkerError(str(error), kind=type(error).__name__))


def _unpickled(pickled: _PickledResult) -> TaskResult:
    try:
        content = pickle.loads(pickled.content)  # noqa: S301 - comes from our own worker
    except Exception as error:  # unpickling runs code of the result's own class, which may be missing here
        text = pickled.error_text or f"done, but its result is lost: {error}"
        lost = WorkerError(text, kind=pickled.error_type or type(error).__name__)
        return pickled.result._replace(status=BatchStatus.FAILED, error=lost)
    if pickled.result.status is BatchStatus.FAILED:
        return pickled.result._replace(error=content)
    return pickled.result._replace(result=content)
