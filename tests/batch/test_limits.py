"""The limits of a batch: items that run at once, attempts per second, and items taken ahead."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Iterator, Optional

import pytest

from checkmk_sync.batch import BatchProcessor, BatchStatus
from checkmk_sync.testing import Fault, SimulatedSite


class InOtherThreads(Executor):
    """An executor that the processor does not recognize as a thread pool."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._threads.submit(fn, *args, **kwargs)


class Crowd:
    """An operation that counts concurrent calls. Each call waits until ``together`` calls run at the same time."""

    def __init__(self, together: int) -> None:
        self.barrier = threading.Barrier(together, timeout=10)
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, item: object) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.barrier.wait()
        with self.lock:
            self.now -= 1


def test_max_concurrent_limits_the_running_items() -> None:
    crowd = Crowd(3)
    assert BatchProcessor(max_concurrent=3).process_batch(range(30), crowd).progress.success == 30
    assert crowd.most == 3


def test_a_given_pool_is_used_up_to_max_concurrent_and_stays_open() -> None:
    crowd = Crowd(3)
    names: set[str] = set()

    def work(item: int) -> None:
        names.add(threading.current_thread().name.rpartition("_")[0])
        crowd(item)

    with ThreadPoolExecutor(12, thread_name_prefix="given") as executor:
        processor = BatchProcessor(max_concurrent=3, executor=executor)
        assert processor.process_batch(range(30), work).progress.success == 30
        assert executor.submit(str, 1).result() == "1"
    assert crowd.most == 3
    assert names == {"given"}


def test_an_endless_source_is_read_only_as_needed() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield number

    outcomes = BatchProcessor(max_concurrent=4).stream(endless(), str)
    for handed, _ in enumerate(itertools.islice(outcomes, 500)):
        assert taken - handed <= 2 * 4
    outcomes.close()
    assert taken < 510


def test_a_stream_takes_no_item_before_it_is_iterated() -> None:
    def never() -> Iterator[int]:
        pytest.fail("taken")
        yield 1

    BatchProcessor().stream(never(), str)


@pytest.mark.parametrize("processes", [False, True])
def test_an_outcome_does_not_wait_for_the_source(processes: bool) -> None:
    """The source may be a queue that the consumer of the outcomes fills."""
    more: queue.SimpleQueue[Optional[int]] = queue.SimpleQueue()
    more.put(1)
    executor = InOtherThreads() if processes else None
    seen = []
    for outcome in BatchProcessor(max_concurrent=4, executor=executor).stream(iter(more.get, None), abs):
        seen.append(outcome.result)
        more.put(None if len(seen) == 3 else len(seen) + 1)
    assert seen == [1, 2, 3]


def test_outcomes_are_yielded_as_items_finish() -> None:
    second_seen = threading.Event()

    def work(number: int) -> Optional[bool]:
        return second_seen.wait(10) if number == 0 else None

    seen = []
    for outcome in BatchProcessor(max_concurrent=2).stream(range(2), work):
        seen.append(outcome.index)
        second_seen.set()
    assert seen == [1, 0]


def test_the_rate_limit_applies_across_threads() -> None:
    starts: list[float] = []

    def work(_: int) -> None:
        starts.append(time.monotonic())

    result = BatchProcessor(max_concurrent=20, rate_limit=50).process_batch(range(75), work)
    assert result.progress.success == 75
    starts.sort()
    assert max(sum(first <= start < first + 1.0 for start in starts) for first in starts) <= 55
    assert starts[-1] - starts[0] < 2.5, "the batch is not slower than the limit allows"


def test_the_rate_limit_applies_to_retries() -> None:
    starts: list[float] = []

    def work(_: int) -> None:
        starts.append(time.monotonic())
        raise TimeoutError

    processor = BatchProcessor(max_concurrent=5, rate_limit=50, max_retries=3, retry_delay=0)
    result = processor.process_batch(range(5), work)
    assert [item.attempts for item in result.items] == [4] * 5
    assert max(starts) - min(starts) >= 19 / 50 - 0.05


def test_two_batches_of_one_processor_share_its_rate_limit() -> None:
    processor = BatchProcessor(rate_limit=50)
    start = time.monotonic()
    threads = [threading.Thread(target=processor.process_batch, args=(range(10), str)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - start >= 19 / 50 - 0.05


def test_every_item_fails_if_the_pool_is_shut_down() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    result = BatchProcessor(executor=executor).process_batch(range(3), str)
    assert [item.status for item in result.items] == [BatchStatus.FAILED] * 3
    assert "not started" in result.items[0].reason


def test_retries_do_not_multiply_with_retries_of_the_client() -> None:
    with SimulatedSite(hosts=1, faults=[Fault("status")]) as site:
        with site.client(recovery={"retry": {"max_retries": 2, "base_delay": 0.001}}) as client:
            client._transport.version_text = "2.4.0p18"  # otherwise the client would first ask for the version
            processor = BatchProcessor(max_concurrent=1, max_retries=3, retry_delay=0.001)
            result = processor.process_batch(["host00000"], client.hosts.get)
            assert client.metrics()["counters"]["attempts"] == 3
    assert result.items[0].attempts == 1
