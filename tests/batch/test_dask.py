"""Batches run on a dask cluster with real worker processes, even if a worker is killed."""

from __future__ import annotations

import copyreg
import os
import signal
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync.batch import BatchProcessor, BatchStatus
from checkmk_sync.errors import ConnectError, UnfinishedError, WorkerError
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

SUCCESS, FAILED = BatchStatus.SUCCESS, BatchStatus.FAILED


class Recording:
    """An operation that records each call as a file. Some items kill their worker: "once" or "always"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, item: str) -> str:
        (self.folder / f"{item}.{uuid.uuid4().hex}").touch()
        runs = len(list(self.folder.glob(f"{item}.*")))
        if item == "always" or (item == "once" and runs == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if item == "odd":
            raise OddError(400, "does not unpickle")
        if item == "caused":
            raise ConnectError("connection refused", sent=False) from LockedError()
        if item == "lock":
            return threading.Lock()  # type: ignore[return-value]
        return f"{item} done"

    def runs(self) -> int:
        return len(list(self.folder.iterdir()))


class OddError(Exception):
    """An error that pickles but does not unpickle."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")


class LockedError(Exception):
    """An error that does not pickle, because a lock does not."""

    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    # dask changes how errors are pickled, so the original way is restored for other tests.
    pickling = dict(copyreg.dispatch_table)
    distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        patch.setenv("PYTHONPATH", str(ROOT))  # for workers that dask restarts
        cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0")
        with cluster, distributed.Client(cluster) as client:
            yield client
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(pickling)


@pytest.mark.parametrize("pure", [False, True])
def test_equal_items_and_repeated_batches_all_run(client: Any, tmp_path: Path, pure: bool) -> None:
    work = Recording(tmp_path)
    processor = BatchProcessor(executor=client.get_executor(pure=pure), chunk_size=5)
    for times in (1, 2):
        result = processor.process_batch(["same"] * 40, work)
        assert [item.result for item in result.items] == ["same done"] * 40
        assert work.runs() == times * 40


def test_an_object_that_does_not_pickle_fails_only_its_item(client: Any, tmp_path: Path) -> None:
    processor = BatchProcessor(executor=client.get_executor(pure=False))
    result = processor.process_batch(["a", "odd", "lock", "caused", "b"], Recording(tmp_path))
    assert [item.status for item in result.items] == [SUCCESS, FAILED, FAILED, FAILED, SUCCESS]
    assert str(result.items[1].error) == "OddError: 400 does not unpickle"
    assert [type(item.error) for item in result.failed] == [WorkerError, WorkerError, ConnectError]


def test_items_of_a_killed_worker_run_again(client: Any, tmp_path: Path) -> None:
    work = Recording(tmp_path)
    items = [f"host{number}" for number in range(40)]
    items[17] = "once"
    processor = BatchProcessor(executor=client.get_executor(pure=False), max_concurrent=4, chunk_size=5)
    result = processor.process_batch(items, work)
    assert [item.result for item in result.items] == [f"{item} done" for item in items]
    assert 40 < work.runs() <= 40 + 4 * 5


def test_an_item_that_kills_every_worker_is_unfinished_and_the_others_succeed(client: Any, tmp_path: Path) -> None:
    items = ["a", "always", "b", "c"]
    processor = BatchProcessor(executor=client.get_executor(pure=False), max_concurrent=1, chunk_size=1)
    result = processor.process_batch(items, Recording(tmp_path))
    assert [item.status for item in result.items] == [SUCCESS, FAILED, SUCCESS, SUCCESS]
    error = result.items[1].error
    assert isinstance(error, UnfinishedError)
    assert error.started is None
    assert "KilledWorker" in str(error)


class Slow(Recording):
    def __call__(self, item: str) -> str:
        done = super().__call__(item)
        time.sleep(0.1)
        return done


def _interrupted(work: Recording, count: int) -> Iterator[str]:
    """Yield ``count`` items, and raise KeyboardInterrupt when the first of them has started."""
    yield from map(str, range(count))
    while not work.runs():
        time.sleep(0.01)
    raise KeyboardInterrupt


@pytest.mark.parametrize("grace_s", [10.0, 0.0])
def test_an_interrupted_batch_has_an_outcome_for_every_submitted_item(
    client: Any, tmp_path: Path, grace_s: float
) -> None:
    work = Slow(tmp_path)
    executor = client.get_executor(pure=False)
    processor = BatchProcessor(executor=executor, max_concurrent=10, chunk_size=2, grace_s=grace_s)
    with pytest.raises(KeyboardInterrupt) as caught:
        processor.process_batch(_interrupted(work, 8), work)
    outcomes = caught.value.outcomes  # type: ignore[attr-defined]
    assert len(outcomes) == 8
    if grace_s:
        assert {outcome.status for outcome in outcomes} == {SUCCESS}
    else:
        assert all(isinstance(outcome.error, UnfinishedError) for outcome in outcomes)
        assert {outcome.error.started for outcome in outcomes} == {None}
