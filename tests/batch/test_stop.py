"""A stopped batch starts no further items, and every started item has an outcome."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from checkmk_sync.batch import BatchProcessor, BatchStatus
from checkmk_sync.errors import BatchError, UnfinishedError

CHILD = """\
import itertools, os, sys, time
from checkmk_sync.batch import BatchProcessor

def work(number):
    os.write(1, b"started %d\\n" % number)
    if number >= 5:
        {behave}
    return number

try:
    BatchProcessor(max_concurrent=3, retry_delay=3600).process_batch(itertools.count(), work)
except KeyboardInterrupt as stopped:
    for outcome in stopped.outcomes:
        os.write(1, b"outcome %d %s\\n" % (outcome.index, outcome.status.value.encode()))
    raise
"""


def _interrupted(behave: str) -> tuple[int, list[str], dict[str, str], float]:
    """Run a batch in a child process and interrupt it with Ctrl-C.

    Return the exit code, the started items, the outcomes by item, and the seconds until the process ended.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(behave=behave)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    lines = [next(child.stdout) for _ in range(8)]
    hit = time.monotonic()
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=20)
    words = [line.split() for line in [*lines, *rest.splitlines()]]
    started = sorted(line[1] for line in words if line[0] == "started")
    return (
        child.returncode,
        started,
        {line[1]: line[2] for line in words if line[0] == "outcome"},
        time.monotonic() - hit,
    )


def test_ctrl_c_waits_for_running_items_and_raises_keyboard_interrupt() -> None:
    code, started, outcomes, _ = _interrupted("time.sleep(0.6)")
    assert code == -signal.SIGINT
    assert sorted(outcomes) == started
    # On a busy machine, more than 8 items may start before the signal arrives.
    assert {str(number) for number in range(8)} <= set(started)
    assert set(outcomes.values()) == {"success"}


def test_ctrl_c_ends_the_wait_for_a_retry() -> None:
    code, started, outcomes, took_s = _interrupted("raise TimeoutError")
    assert code == -signal.SIGINT
    assert took_s < 5
    assert sorted(outcomes) == started
    assert [outcomes[number] for number in ("0", "5", "6", "7")] == ["success", "failed", "failed", "failed"]


def test_closing_a_stream_waits_for_running_items_and_starts_no_others() -> None:
    started: list[int] = []
    ended: list[int] = []

    def work(number: int) -> None:
        started.append(number)
        time.sleep(0.1 if number else 0)
        ended.append(number)

    outcomes = BatchProcessor(max_concurrent=4).stream(itertools.count(), work)
    next(outcomes)
    outcomes.close()
    assert sorted(started) == sorted(ended)
    assert len(started) <= 5
    time.sleep(0.05)
    assert len(started) == len(ended)


def test_an_exception_of_the_caller_stops_the_batch() -> None:
    started: list[int] = []
    with pytest.raises(LookupError):
        for outcome in BatchProcessor(max_concurrent=2).stream(itertools.count(), started.append):
            if outcome.index > 10:
                raise LookupError
    known = len(started)
    time.sleep(0.05)
    assert len(started) == known < 20


def test_waits_for_the_rate_limit_and_for_retries_end_with_the_batch() -> None:
    def fail_except_first(number: int) -> None:
        if number:
            raise TimeoutError

    for processor in (BatchProcessor(rate_limit=0.01), BatchProcessor(retry_delay=3600)):
        start = time.monotonic()
        outcomes = processor.stream(range(10), fail_except_first)
        assert next(outcomes).index in range(10)
        outcomes.close()
        assert time.monotonic() - start < 5


def _then(failure: BaseException, *numbers: int) -> Iterator[int]:
    yield from numbers
    raise failure


def test_a_failing_source_ends_the_batch_after_the_earlier_items() -> None:
    with pytest.raises(BatchError, match="stopped: OSError: gone") as caught:
        BatchProcessor(max_concurrent=2).process_batch(_then(OSError("gone"), 1, 2, 3), str)
    assert [outcome.result for outcome in caught.value.outcomes] == ["1", "2", "3"]
    assert isinstance(caught.value.__cause__, OSError)
    seen = []
    with pytest.raises(OSError, match="gone"):
        for outcome in BatchProcessor(max_concurrent=2).stream(_then(OSError("gone"), 1, 2, 3), str):
            seen.append(outcome.result)
    assert sorted(seen) == ["1", "2", "3"]


@pytest.mark.parametrize("how", ["break", "close", "raise", "interrupt"])
def test_a_generator_is_closed_in_the_thread_that_took_its_items(how: str) -> None:
    closed: queue.SimpleQueue[str] = queue.SimpleQueue()

    def numbers() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.put(threading.current_thread().name)

    outcomes = BatchProcessor(max_concurrent=2).stream(numbers(), str)
    with contextlib.suppress(OSError, KeyboardInterrupt):
        for _ in outcomes:
            if how == "raise":
                raise OSError
            if how == "interrupt":
                raise KeyboardInterrupt
            if how == "close":
                outcomes.close()
            break
    outcomes.close()
    assert closed.get(timeout=10) == "batch-source"


def test_an_item_that_runs_longer_than_the_grace_period_is_unfinished(tmp_path: Path) -> None:
    may_end, started = threading.Event(), threading.Event()

    def work(number: int) -> None:
        started.set()
        may_end.wait(10)

    def numbers() -> Iterator[int]:
        yield 1
        started.wait(10)
        raise KeyboardInterrupt

    path = tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt) as caught:
        BatchProcessor(journal=path, grace_s=0.05).process_batch(numbers(), work)
    (outcome,) = caught.value.outcomes  # type: ignore[attr-defined]
    assert outcome.status is BatchStatus.FAILED
    assert isinstance(outcome.error, UnfinishedError)
    assert outcome.error.started is None
    # The item ends later, and its outcome is recorded because the journal is open until then.
    may_end.set()
    for _ in range(200):
        if len(path.read_text().splitlines()) == 2:
            break
        time.sleep(0.01)
    assert json.loads(path.read_text().splitlines()[1])["status"] == "success"


def test_a_second_ctrl_c_ends_the_wait_for_running_items() -> None:
    may_end = threading.Event()
    main = threading.main_thread().ident
    assert main is not None
    timers = [threading.Timer(after_s, signal.pthread_kill, [main, signal.SIGINT]) for after_s in (0.1, 0.3)]
    for timer in timers:
        timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as caught:
        BatchProcessor(max_concurrent=2, grace_s=60).process_batch(range(9), lambda _: may_end.wait(20))
    assert time.monotonic() - start < 10
    may_end.set()
    outcomes = caught.value.outcomes  # type: ignore[attr-defined]
    assert len(outcomes) == 2
    assert all(isinstance(outcome.error, UnfinishedError) for outcome in outcomes)


@pytest.mark.parametrize("stop", [SystemExit(3), KeyboardInterrupt()])
def test_system_exit_and_keyboard_interrupt_end_the_batch(stop: BaseException) -> None:
    def work(number: int) -> int:
        if number == 3:
            raise stop
        return number

    with pytest.raises(type(stop)) as caught:
        BatchProcessor(max_concurrent=1).process_batch(range(1000), work)
    outcomes = caught.value.outcomes  # type: ignore[attr-defined]
    assert [outcome.result for outcome in outcomes[:3]] == [0, 1, 2]
    assert outcomes[3].error is stop
    assert len(outcomes) < 10


def test_a_processor_can_be_used_again_after_a_stop() -> None:
    processor = BatchProcessor(rate_limit=200)
    outcomes = processor.stream(itertools.count(), str)
    next(outcomes)
    outcomes.close()
    start = time.monotonic()
    assert processor.process_batch(range(21), str).progress.success == 21
    assert time.monotonic() - start >= 20 / 200 - 0.05, "the rate limit still applies"
