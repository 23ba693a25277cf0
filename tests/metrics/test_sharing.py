"""No value is lost or counted twice if threads share a collector, a process forks, or workers send their values."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor

import pytest

from checkmk_sync.metrics import MetricsCollector, get_metrics_collector
from checkmk_sync.testing import ManualClock

HOUR = 3600.0


def _run(*works: object) -> None:
    threads = [threading.Thread(target=work) for work in works]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_no_update_is_lost_in_16_threads() -> None:
    collector, reads = MetricsCollector(), []

    def work() -> None:
        for _ in range(2000):
            collector.increment_counter("calls")
            collector.record_timing("call", 0.1)
            with collector.in_progress("open"):
                pass

    def read() -> None:
        for _ in range(50):
            reads.append(collector.get_stats()["counters"].get("calls", 0))

    _run(*[work] * 16, read)
    stats = collector.get_stats()
    assert stats["counters"] == {"calls": 32_000}
    assert stats["timings"]["call"]["count"] == 32_000
    assert stats["gauges"] == {"open": 0}
    assert collector.counter("calls") == collector.merged("ca")["count"] == 32_000
    assert reads == sorted(reads)


def test_finalizers_can_record_while_another_value_is_recorded() -> None:
    collector = MetricsCollector()
    with collector._lock:  # simulates a garbage collection while another value is recorded
        finalizer = threading.Thread(target=collector.increment_counter, args=("of another thread",))
        finalizer.start()
        collector.increment_counter("of this thread")
    finalizer.join(10)
    assert collector.get_stats()["counters"] == {"of another thread": 1, "of this thread": 1}


def test_new_slices_start_while_threads_record() -> None:
    """Each reading of this clock falls into a new slice."""
    collector = MetricsCollector(1.0, slices=1000, cleanup_interval=0.0, clock=(clock := ManualClock()))

    def work() -> None:
        for _ in range(500):
            collector.increment_counter("calls")
            clock.advance(0.0004 * HOUR / 8)

    _run(*[work] * 8)
    assert collector.totals()[0].counters["calls"] == 4000


def test_draining_loses_no_value() -> None:
    collector, sums = MetricsCollector(), MetricsCollector()
    done = threading.Event()

    def work() -> None:
        for _ in range(5000):
            collector.increment_counter("calls")

    def drain() -> None:
        while not done.is_set():
            sums.merge(pickle.loads(pickle.dumps(collector.drain())))

    shipper = threading.Thread(target=drain)
    shipper.start()
    _run(*[work] * 4)
    done.set()
    shipper.join(60)
    sums.merge(collector.drain())
    assert sums.counter("calls") == 20_000
    assert collector.counter("calls") == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_children_start_empty_without_a_deadlock() -> None:
    collector = MetricsCollector()
    collector.increment_counter("calls", 7)
    get_metrics_collector().increment_counter("of the parent")
    reader, writer = os.pipe()
    with collector._lock:  # simulates another thread that records during the fork
        child = os.fork()
        if child == 0:
            try:
                collector.increment_counter("calls")
                counted = f"{collector.counter('calls')} {get_metrics_collector().counter('of the parent')}"
                os.write(writer, counted.encode())
            finally:
                os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as output:
        assert output.read() == "1 0"
    os.waitpid(child, 0)
    assert collector.counter("calls") == 7


def _worked(number: int) -> MetricsCollector:
    collector = MetricsCollector()
    for _ in range(number):
        collector.record_timing("item", float(number))
        collector.increment_counter("items")
    collector.set_gauge("last", number)
    return collector


def test_worker_processes_can_send_measurements() -> None:
    total = MetricsCollector()
    with ProcessPoolExecutor(2) as pool:
        for part in pool.map(_worked, range(1, 5)):
            total.merge(part)
    stats = total.get_stats()
    assert stats["counters"] == {"items": 10}
    assert stats["timings"]["item"]["count"] == 10
    assert stats["timings"]["item"]["mean"] == pytest.approx(3.0)
    assert stats["timings"]["item"]["max"] == 4.0
    assert stats["gauges"] == {"last": 4}


def test_a_pickle_is_a_snapshot_with_the_same_limits(clock: ManualClock) -> None:
    collector = MetricsCollector(2, slices=5, max_names=3, clock=clock)
    collector.record_timing("call", 0.5)
    clock.advance(HOUR)
    collector.record_timing("call", 1.5)
    for twin in (pickle.loads(pickle.dumps(collector)), copy.deepcopy(collector)):
        found, expected = twin.get_stats(), collector.get_stats()
        assert found["timings"]["call"]["p99"] == expected["timings"]["call"]["p99"]
        assert found["window_s"] == pytest.approx(expected["window_s"], abs=60)
        for name in "abcd":
            twin.increment_counter(name)
        assert twin.counter("metrics_names_refused") == 1
        assert collector.counter("a") == 0


def test_values_keep_their_age_when_merged(clock: ManualClock) -> None:
    old, collector = MetricsCollector(4, slices=8, clock=clock), MetricsCollector(4, slices=8, clock=clock)
    old.increment_counter("calls", 5)
    clock.advance(2 * HOUR)
    old.increment_counter("calls", 1)
    clock.advance(HOUR)
    collector.increment_counter("calls", 10)
    collector.merge(old)
    collector.merge(MetricsCollector(clock=clock))
    assert collector.counter("calls") == 16
    assert collector.get_stats()["window_s"] == 3 * HOUR
    clock.advance(HOUR + 1)
    assert collector.counter("calls") == 11
    clock.advance(2 * HOUR)
    assert collector.counter("calls") == 10
    assert collector.totals()[0].counters["calls"] == 16


def test_merging_respects_the_limit_of_names() -> None:
    collector, other = MetricsCollector(max_names=3), MetricsCollector()
    for number in range(50):
        other.increment_counter(f"n{number}", 2)
    collector.merge(other)
    counters = collector.get_stats()["counters"]
    assert sum(counters.values()) - counters["metrics_names_refused"] == 100
    assert len(counters) <= 5
    collector.merge(collector)  # merging with itself doubles the values without a deadlock
    assert collector.counter("n0") == 4
