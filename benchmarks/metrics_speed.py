"""Compare the recording of a value with alternatives. Run: python benchmarks/metrics_speed.py

Each ratio is relative to a plain list, which grows without limit and must be sorted to compute percentiles.
"""

from __future__ import annotations

import random
import statistics
import sys
import threading
import time
import timeit
from typing import Callable

import prometheus_client

from checkmk_sync.metrics import Histogram, MetricsCollector

RECORDS, ROUNDS, THREADS = 100_000, 7, 8


def _us(record: Callable[[float], object], values: list[float]) -> float:
    """Return the microseconds per record, as the best of several rounds."""

    def work() -> None:
        for value in values:
            record(value)

    return min(timeit.repeat(work, number=1, repeat=ROUNDS)) / len(values) * 1e6


def _us_in_threads(record: Callable[[float], object], values: list[float]) -> float:
    def work() -> None:
        for value in values[: len(values) // THREADS]:
            record(value)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - started) / len(values) * 1e6


def main() -> None:
    draw = random.Random(1)
    values = [draw.lognormvariate(-3, 1.5) for _ in range(RECORDS)]
    collector, histogram = MetricsCollector(), Histogram()
    kept: list[float] = []
    theirs = prometheus_client.Histogram("call_seconds", "Calls.", registry=None)
    labelled = prometheus_client.Histogram("labelled_seconds", "Calls.", ["noun", "verb"], registry=None)
    recorders: dict[str, Callable[[float], object]] = {
        "list.append": kept.append,
        "our histogram, no lock": histogram.record,
        "our record_timing": lambda value: collector.record_timing("call.hosts.get", value),
        "our increment_counter": lambda value: collector.increment_counter("calls", value),
        "prometheus Histogram": theirs.observe,
        "prometheus, with labels": lambda value: labelled.labels("hosts", "get").observe(value),
    }
    base = _us(kept.append, values)
    for name, record in recorders.items():
        alone, shared = _us(record, values), _us_in_threads(record, values)
        print(
            f"{name:24} {alone:6.2f} us per record, {alone / base:5.1f} x a list; {shared:6.2f} us in {THREADS} threads"
        )

    _compare(values)


def _compare(values: list[float]) -> None:
    """Compare the percentiles, time and memory of a histogram with those of a sorted list."""
    collector, histogram = MetricsCollector(), Histogram()
    for value in values:
        collector.record_timing("call.hosts.get", value)
        histogram.record(value)
    print(f"\n{'':24} p50, p95, p99, p99.9 of {RECORDS} values")
    started = time.perf_counter()
    exact = statistics.quantiles(values, n=1000)
    sorted_ms = (time.perf_counter() - started) * 1000
    started = time.perf_counter()
    ours = collector.get_stats()["timings"]["call.hosts.get"]
    stats_ms = (time.perf_counter() - started) * 1000
    for name, place in (("p50", 500), ("p95", 950), ("p99", 990), ("p999", 999)):
        print(f"{name:24} {(ours[name] / exact[place - 1] - 1) * 100:+6.2f} % from statistics.quantiles")
    print(f"{'time':24} {stats_ms:6.2f} ms, statistics.quantiles {sorted_ms:.2f} ms")
    held = sum(map(sys.getsizeof, (histogram._octaves, *histogram._octaves.values())))
    print(f"{'memory':24} {held / 1024:6.1f} KiB, a list {RECORDS * 32 / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
