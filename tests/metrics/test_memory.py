"""The memory for histograms, slices of time and names is bounded."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.metrics import Histogram, MetricsCollector
from checkmk_sync.testing import ManualClock

LIMIT = 64 * 1024
HOUR = 3600.0


def _size(histogram: Histogram) -> int:
    return sys.getsizeof(histogram) + sum(sys.getsizeof(getattr(histogram, name)) for name in Histogram.__slots__)


def test_twenty_decades_keep_full_precision() -> None:
    draw, histogram = random.Random(20), Histogram()
    values = [10.0 ** draw.uniform(-9, 11) for _ in range(100_000)]
    for value in values:
        histogram.record(value)
    assert _size(histogram) <= LIMIT
    values.sort()
    assert histogram.percentile(0.1) == pytest.approx(values[99], rel=0.01)
    assert histogram.percentile(99.9) == pytest.approx(values[99_899], rel=0.01)


@given(st.lists(st.floats(0, 1e300), min_size=1))
def test_any_values_fit_and_high_percentiles_stay_accurate(values: list[float]) -> None:
    histogram, other = Histogram(), Histogram()
    for value in values:
        histogram.record(value)
        other.record(1e300 - value)
    assert _size(histogram) <= LIMIT
    assert histogram.percentile(100) == max(values) or histogram.percentile(100) == pytest.approx(max(values), rel=0.01)
    histogram.merge(other)
    assert _size(histogram) <= LIMIT
    assert histogram.up_to([1000]) == [2 * len(values)]


def test_only_the_lowest_buckets_are_merged() -> None:
    histogram = Histogram()
    for value in (1e-9, 1e-9, 1e200, 2e200, 1e-5):
        histogram.record(value)
    assert histogram.percentile(100) == pytest.approx(2e200, rel=0.01)
    assert histogram.percentile(80) == pytest.approx(1e200, rel=0.01)
    assert histogram.summary()["min"] == 1e-9
    assert histogram.count == 5


def test_values_of_names_beyond_the_limit_are_recorded_as_other() -> None:
    collector = MetricsCollector(max_names=10)
    for number in range(5000):
        collector.record_timing(f"job.{number}", 1.0)
        collector.increment_counter(f"job.{number}")
        collector.set_gauge(f"job.{number}", number)
    collector.increment_counter("x" * 10_000)
    stats = collector.get_stats()
    assert len(stats["timings"]) == len(stats["gauges"]) == 11
    assert stats["timings"]["other"]["count"] == 4990
    assert stats["gauges"]["other"] == 4999
    counters = stats["counters"]
    assert len(counters) == 12  # ten names, "other", and the count of refused names
    assert sum(count for name, count in counters.items() if name != "metrics_names_refused") == 5001
    assert counters["metrics_names_refused"] == 4990 + 4990 + counters["other"]
    assert stats["held"]["names"] == 11 + 12


def test_gauges_with_a_long_name_are_recorded_as_other() -> None:
    collector = MetricsCollector()
    collector.set_gauge("x" * 201, 7)
    collector.set_gauge("y" * 200, 8)
    stats = collector.get_stats()
    assert stats["gauges"] == {"other": 7, "y" * 200: 8}
    assert stats["counters"] == {"metrics_names_refused": 1}


def test_names_that_fit_are_never_renamed() -> None:
    collector = MetricsCollector(max_names=2)
    for name in ("a", "b", "c", "a", "b"):
        collector.record_timing(name, 1.0)
    found = {name: timing["count"] for name, timing in collector.get_stats()["timings"].items()}
    assert found == {"a": 2, "b": 2, "other": 1}


@pytest.mark.parametrize("cleanup_interval", [0.0, 60.0, 1e9])
def test_slices_are_bounded(clock: ManualClock, cleanup_interval: float) -> None:
    collector = MetricsCollector(1.0, slices=6, cleanup_interval=cleanup_interval, clock=clock)
    for _ in range(500):
        collector.record_timing("call", 1.0)
        clock.advance(HOUR / 20)
    assert collector.get_stats()["held"]["slices"] <= 13
    assert collector.totals()[0].timings["call"].count == 500


def test_invalid_limits_are_refused() -> None:
    for options in ({"retention_hours": 0}, {"slices": 0}, {"cleanup_interval": -1}, {"max_names": 0}):
        with pytest.raises(ValueError, match="retention_hours must be above 0"):
            MetricsCollector(**options)
