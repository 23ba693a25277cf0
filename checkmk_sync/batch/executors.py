"""How items get to where they are done: to threads of this process as they are, to other processes in parcels."""

from __future__ import annotations

import concurrent.futures
import contextvars
import pickle
import uuid
from typing import Any, NamedTuple, Optional, Protocol, Sequence

from ..errors import WorkerError
from ..recovery import RateLimit
from .result import BatchStatus, Done
from .task import Job

__all__ = ["Carrier", "Processes", "Threads"]


class Carrier(Protocol):
    """Sends items to an executor, ``chunk_size`` at a time, and reads what comes back.

    ``recalls`` says whether what could be cancelled has surely not begun.
    """

    chunk_size: int
    recalls: bool

    def pack(self, item: Any) -> Any:
        """The item as it travels; raises where it cannot."""

    def wait(self, count: int, /) -> bool:
        """Until so many items may be sent; False when the batch was stopped meanwhile."""

    def send(self, packed: Sequence[Any]) -> concurrent.futures.Future[Any]:
        """Submit some items; raises what the executor does when it takes no more."""

    def read(self, answer: Any) -> list[Optional[Done]]:
        """What the answer of the executor says of each item, None for what was not begun."""


class Threads:
    """Items go one by one, as they are, to threads of this process."""

    chunk_size = 1
    recalls = True

    def __init__(self, executor: concurrent.futures.Executor, job: Job[Any, Any]) -> None:
        self._executor, self._job = executor, job

    def pack(self, item: Any) -> Any:
        return item

    def wait(self, _count: int) -> bool:
        """Not here: threads wait themselves, with each attempt."""
        return True

    def send(self, packed: Sequence[Any]) -> concurrent.futures.Future[Any]:
        # In the context of the batch: what was set there, and who stops its work, reaches the operation.
        return self._executor.submit(contextvars.copy_context().run, self._job.do, packed[0])

    def read(self, answer: Optional[Done]) -> list[Optional[Done]]:
        return [answer]


class _Parcel(NamedTuple):
    """What became of one item, as it travels; ``content`` is its pickled result or error."""

    status: BatchStatus
    content: bytes
    kind: str
    text: str
    note: str
    attempts: int
    started: Optional[float]
    duration_s: float


class Processes:
    """Items go in chunks to other processes, where each submission may cost milliseconds.

    The rate is kept here, for processes do not share one: a chunk is sent when all its items may start, with a rate
    it is no larger than a hundredth of a second's worth, and none waits over there for its turn, as many would
    then start at once. Repeats are made over there, beyond the rate.

    Every item, result and error is pickled by itself: one that does not travel is the failure of its item.
    Left to the executor, it would take its neighbours along, or break the whole pool.
    """

    def __init__(
        self,
        executor: concurrent.futures.Executor,
        job: Job[Any, Any],
        chunk_size: int,
        rate: Optional[RateLimit] = None,
    ) -> None:
        self._executor, self._job, self._rate = executor, job, rate
        # dask cancels what is under way as well, and drops its results.
        self.recalls = isinstance(executor, concurrent.futures.ProcessPoolExecutor)
        self.chunk_size = chunk_size if rate is None else min(chunk_size, max(1, int(rate.per_second / 100)))

    def pack(self, item: Any) -> Any:
        return pickle.dumps(item)

    def wait(self, count: int) -> bool:
        return self._rate is None or all(self._job.admit(self._rate) for _ in range(count))

    def send(self, packed: Sequence[Any]) -> concurrent.futures.Future[Any]:
        # dask takes calls with equal arguments for one call (`pure`, its default) and would do only the first.
        return self._executor.submit(_do_chunk, self._job, packed, uuid.uuid4().hex)

    def read(self, answer: Sequence[_Parcel]) -> list[Optional[Done]]:
        return [_unpacked(parcel) for parcel in answer]  # fewer than were sent where one ended all


def _do_chunk(job: Job[Any, Any], packed: Sequence[bytes], _unique: str) -> list[_Parcel]:
    """In the other process: one parcel for each item, up to one that ends the process or the batch."""
    parcels: list[_Parcel] = []
    for item in packed:
        try:
            done = job.do(pickle.loads(item))  # noqa: S301 - packed by ourselves
        except Exception as error:
            done = Done(BatchStatus.FAILED, error=error)
        except BaseException as end:
            parcels.append(_parcel(Done(BatchStatus.FAILED, error=end)))
            break
        assert done is not None, "nothing stops a job here"
        parcels.append(_parcel(done))
    return parcels


def _parcel(done: Done) -> _Parcel:
    status, kind, text = done.status, "", ""
    if done.error is not None:
        kind, text = type(done.error).__name__, str(done.error)
        content = _travelling_error(done.error)
    else:
        try:
            content = pickle.dumps(done.result)
        except Exception as error:
            status, kind, text = BatchStatus.FAILED, type(error).__name__, f"done, but its result is lost: {error}"
            content = _travelling_error(WorkerError(text, kind=kind))
    return _Parcel(status, content, kind, text, done.note, done.attempts, done.started, done.duration_s)


def _travelling_error(error: BaseException) -> bytes:
    """The error; without its cause where that does not survive the journey; or else one that says the same."""
    for bare in (False, True):
        if bare:  # dask makes pickles of errors include them
            error.__cause__ = error.__context__ = None
        try:
            content = pickle.dumps(error)
            pickle.loads(content)  # noqa: S301 - our own dump
        except Exception:  # noqa: S112 - whatever pickling runs into, there is another form
            continue
        return content
    return pickle.dumps(WorkerError(str(error), kind=type(error).__name__))


def _unpacked(parcel: _Parcel) -> Done:
    result, error, status = None, None, parcel.status
    try:
        content = pickle.loads(parcel.content)  # noqa: S301 - what our own worker sent
    except Exception as broken:
        status = BatchStatus.FAILED
        text = parcel.text or f"done, but its result is lost: {broken}"
        error = WorkerError(text, kind=parcel.kind or type(broken).__name__)
    else:
        result, error = (None, content) if status is BatchStatus.FAILED else (content, None)
    return Done(status, result, error, parcel.note, parcel.attempts, parcel.started, parcel.duration_s)
