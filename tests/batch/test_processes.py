"""Every item that runs in another process has one outcome, even if it does not pickle or its worker is killed."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync.batch import BatchProcessor, BatchStatus, Skip
from checkmk_sync.errors import ConnectError, UnfinishedError, WorkerError

ROOT = Path(__file__).resolve().parent.parent.parent  # not from conftest, which every worker would import

SUCCESS, FAILED, SKIPPED = BatchStatus.SUCCESS, BatchStatus.FAILED, BatchStatus.SKIPPED


class OddError(Exception):
    """An error that pickles but does not unpickle, because the constructor needs more arguments than ``args``."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")


class LockedError(Exception):
    """An error that does not pickle."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


def work(item: str) -> Any:
    if item == "odd":
        raise OddError(400, "does not unpickle")
    if item == "locked":
        raise LockedError("does not pickle")
    if item == "skip":
        raise Skip("nothing to do")
    if item == "lock":
        return threading.Lock()
    if item == "refused":
        raise ConnectError("connection refused", sent=False)
    if item == "interrupt":
        raise KeyboardInterrupt
    if item == "exit":
        sys.exit(3)
    if item.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def work_slowly_at_first(number: int) -> None:
    if number < 2:
        time.sleep(0.5)


class Recovering:
    """An operation that succeeds at the third attempt. It counts in a file, because attempts share no memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, item: int) -> int:
        with (self.folder / str(item)).open("a") as file:
            file.write("x")
        if len((self.folder / str(item)).read_text()) < 3:
            raise TimeoutError
        return item


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, because it is not safe to fork the test run, which has threads.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    """Make this module importable in spawned processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


@pytest.fixture(scope="module")
def pool(importable: None) -> Iterator[Executor]:
    with _pool(2) as executor:
        yield executor


def test_items_run_in_other_processes_and_results_keep_their_order(pool: Executor) -> None:
    result = BatchProcessor(executor=pool).process_batch((str(number) for number in range(95)), work)
    assert [item.key for item in result.items] == [str(number) for number in range(95)]
    assert result.ok
    assert os.getpid() not in {item.result for item in result.items}
    assert all(item.attempts == 1 and item.started for item in result.items)


def test_an_object_that_does_not_pickle_fails_only_its_item(pool: Executor) -> None:
    items = ["a", "odd", "locked", "lock", "skip", "b"]
    result = BatchProcessor(executor=pool).process_batch(items, work)
    assert [item.status for item in result.items] == [SUCCESS, FAILED, FAILED, FAILED, SKIPPED, SUCCESS]
    errors = [item.error for item in result.failed]
    assert all(isinstance(error, WorkerError) for error in errors)
    assert [str(error) for error in errors[:2]] == ["OddError: 400 does not unpickle", "LockedError: does not pickle"]
    assert "the operation succeeded, but its result is lost" in str(errors[2])
    assert result.items[4].reason == "nothing to do"
    assert BatchProcessor(executor=pool).process_batch(["c"], work).ok, "the pool is not broken"


def test_an_item_that_does_not_pickle_is_never_submitted(pool: Executor) -> None:
    processor = BatchProcessor(executor=pool, key=lambda item: "key")
    result = processor.process_batch(["a", threading.Lock(), "b"], work)
    assert [item.status for item in result.items] == [SUCCESS, FAILED, SUCCESS]
    assert result.items[1].attempts == 0


def test_an_operation_that_does_not_pickle_fails_every_item(pool: Executor) -> None:
    result = BatchProcessor(executor=pool).process_batch(["a", "b"], lambda item: item)
    assert len(result.failed) == 2
    assert "lambda" in result.failed[0].reason
    assert BatchProcessor(executor=pool).process_batch(["c"], work).ok


def test_retries_run_in_the_worker_process(pool: Executor, tmp_path: Path) -> None:
    processor = BatchProcessor(executor=pool, retry_delay=0.001, chunk_size=2)
    result = processor.process_batch(range(5), Recovering(tmp_path))
    assert [(item.result, item.attempts) for item in result.items] == [(number, 3) for number in range(5)]
    (refused,) = BatchProcessor(executor=pool, max_retries=0).process_batch(["refused"], work).items
    assert isinstance(refused.error, ConnectError)
    assert refused.error.sent is False


def test_an_interrupted_worker_interrupts_the_batch(pool: Executor) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        BatchProcessor(executor=pool, chunk_size=1, max_concurrent=1).process_batch(["a", "interrupt", "b"], work)
    assert [item.status for item in caught.value.outcomes] == [SUCCESS, FAILED]  # type: ignore[attr-defined]


def test_a_killed_worker_loses_no_outcome(tmp_path: Path) -> None:
    # Both workers are killed: on a busy machine, one that is left could finish all items before the loss is noticed.
    is_deadly = {number for number in range(30, 1000) if number % 5 == 0}
    items = [f"kill {number}" if number in is_deadly else str(number) for number in range(1000)]
    with _pool(2) as executor:
        processor = BatchProcessor(executor=executor, max_concurrent=2, chunk_size=5, journal=tmp_path / "journal")
        result = processor.process_batch(items, work)
    assert [item.key for item in result.items] == items
    lost = [item for item in result.failed if "the worker was lost: BrokenProcessPool" in item.reason]
    assert {item.index for item in lost} >= set(range(30, 35))
    assert len(lost) <= 2 * 5, "only the chunks that were submitted"
    assert all(isinstance(item.error, UnfinishedError) and item.error.started is None for item in lost)
    assert {item.status for item in result.items[:30] if item not in lost} == {SUCCESS}
    last = result.items[-1].error
    assert isinstance(last, UnfinishedError)
    assert last.started is False
    assert "accepts no more work" in str(last)
    with _pool(2) as executor:
        items = list(map(str, range(1000)))
        processor = BatchProcessor(executor=executor, journal=tmp_path / "journal")
        resumed = processor.process_batch(items, work)
    assert resumed.ok
    assert resumed.progress.resumed == result.progress.success


class Recording(Executor):
    """An executor that runs each chunk immediately, and records its time and size."""

    def __init__(self) -> None:
        self.chunks: list[tuple[float, int]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.chunks.append((time.monotonic(), len(args[1])))
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_a_chunk_waits_until_all_its_items_may_start() -> None:
    executor = Recording()
    BatchProcessor(executor=executor, chunk_size=30).process_batch(range(100), str)
    assert [size for _, size in executor.chunks] == [30, 30, 30, 10]
    executor.chunks.clear()
    start = time.monotonic()
    BatchProcessor(executor=executor, chunk_size=30, rate_limit=200).process_batch(range(40), str)
    assert [size for _, size in executor.chunks] == [2] * 20  # the items of 10 ms
    for number, (sent, _) in enumerate(executor.chunks):
        assert sent - start >= (2 * number + 1) / 200 - 0.02, "a chunk waits until all its items may start"


def test_the_default_chunk_size_keeps_all_workers_busy() -> None:
    executor = Recording()
    executor._max_workers = 2  # type: ignore[attr-defined]
    BatchProcessor(max_concurrent=10, executor=executor).process_batch(range(20), str)
    assert [size for _, size in executor.chunks] == [5] * 4


def test_an_endless_source_is_read_only_as_needed(pool: Executor) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken)

    outcomes = BatchProcessor(max_concurrent=4, executor=pool).stream(endless(), work)
    for handed, _ in enumerate(itertools.islice(outcomes, 50)):
        assert taken - handed <= 2 * 4
    outcomes.close()


def test_the_rate_limit_applies_after_workers_were_busy(pool: Executor) -> None:
    """If chunks waited in the executor's queue, they would all start at once when the workers are free again."""
    processor = BatchProcessor(max_concurrent=20, executor=pool, rate_limit=50)
    started = sorted(item.started or 0 for item in processor.process_batch(range(75), work_slowly_at_first).items)
    assert max(sum(first <= moment < first + 1 for moment in started) for first in started) <= 55


def test_system_exit_in_a_worker_ends_the_batch_and_loses_no_outcome(pool: Executor) -> None:
    processor = BatchProcessor(executor=pool, max_concurrent=1, chunk_size=20)
    with pytest.raises(SystemExit) as caught:
        processor.process_batch([*map(str, range(19)), "exit", *map(str, range(20, 40))], work)
    outcomes = caught.value.outcomes  # type: ignore[attr-defined]
    assert [item.status for item in outcomes] == [SUCCESS] * 19 + [FAILED]
    assert isinstance(outcomes[19].error, SystemExit)


def test_ctrl_c_ends_the_wait_for_the_rate_limit() -> None:
    processor = BatchProcessor(executor=Recording(), rate_limit=0.05)
    main = threading.main_thread().ident
    assert main is not None
    interrupt = threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT])
    start = time.monotonic()
    interrupt.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        processor.process_batch(range(10), str)
    assert [outcome.result for outcome in caught.value.outcomes] == ["0"]  # type: ignore[attr-defined]
    assert time.monotonic() - start < 4


def test_the_number_of_pending_chunks_is_limited() -> None:
    class Holding(Executor):
        def __init__(self) -> None:
            self.futures: list[Future[Any]] = []

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.futures.append(Future())
            if sum(not future.done() for future in self.futures) == 3:
                oldest = next(future for future in self.futures if not future.done())
                oldest.set_exception(OSError("gone"))
            return self.futures[-1]

    executor = Holding()
    numbers = iter(range(10**9))
    outcomes = BatchProcessor(max_concurrent=3, executor=executor, chunk_size=4, grace_s=0).stream(numbers, str)
    handed = [next(outcomes) for _ in range(10)]
    assert {outcome.reason for outcome in handed} == {"the worker was lost: OSError: gone"}
    assert sum(not future.done() for future in executor.futures) <= 3
    assert next(numbers) <= 10 + 2 * 3 * 4
    outcomes.close()
    assert all(future.cancelled() or future.done() for future in executor.futures)
