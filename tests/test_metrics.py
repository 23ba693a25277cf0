"""Percentiles are true to 1 %, counts are exact, whatever thread they come from."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.metrics import Histogram, MetricsCollector


@given(st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_percentiles_are_within_one_percent(values: list[float], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    ordered = sorted(values)
    rank = max(1, -(-percent * len(ordered) // 100))
    truth = ordered[int(rank) - 1]
    assert histogram.percentile(percent) == pytest.approx(truth, rel=0.0101)


@given(st.lists(st.floats(1e-6, 1e5), max_size=50), st.lists(st.floats(1e-6, 1e5), max_size=50))
def test_merging_is_recording_all(left: list[float], right: list[float]) -> None:
    one, other, both = Histogram(), Histogram(), Histogram()
    for values, histogram in ((left, one), (right, other), (left + right, both)):
        for value in values:
            histogram.record(value)
    one.merge(other)
    merged, expected = one.summary(), both.summary()
    assert {**merged, "mean": None} == {**expected, "mean": None}
    assert merged["mean"] == pytest.approx(expected["mean"]) if left or right else merged["mean"] is None


def test_a_hundred_thousand_skewed_samples() -> None:
    draw, histogram = random.Random(1), Histogram()
    values = sorted(draw.lognormvariate(-3, 1.5) for _ in range(100_000))
    for value in values:
        histogram.record(value)
    for percent in (50, 95, 99, 99.9):
        assert histogram.percentile(percent) == pytest.approx(values[int(len(values) * percent / 100) - 1], rel=0.011)


def test_nothing_recorded_is_nothing_invented() -> None:
    assert Histogram().summary() == {
        "count": 0, "mean": None, "min": None, "max": None, "p50": None, "p95": None, "p99": None, "p999": None,
    }  # fmt: skip
    stats = MetricsCollector().get_stats()
    assert stats["timings"] == stats["counters"] == stats["gauges"] == stats["rates"] == stats["error_rates"] == {}
    assert stats["request_rate_per_second"] == 0.0


def test_no_update_is_lost() -> None:
    collector = MetricsCollector()

    def work() -> None:
        for _ in range(2000):
            collector.increment_counter("calls")
            collector.record_timing("call", 0.1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    collector.set_gauge("open", 3)
    stats = collector.get_stats()
    assert stats["counters"] == {"calls": 16_000}
    assert stats["timings"]["call"]["count"] == 16_000
    assert stats["gauges"] == {"open": 3}
    assert collector.counter("calls") == 16_000
    assert collector.counter("other") == 0
    assert collector.merged("ca")["count"] == 16_000
