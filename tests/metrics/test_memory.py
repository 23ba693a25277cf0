"""The memory for histograms, slices of time and names is bounded."""

from __future__ import annotations

import random
import sys

import pytest

from checkmk_sync.metrics import Histogram, MetricsCollector
from checkmk_sync.testing import ManualClock

LIMIT = 64 * 1024
HOUR = 3600.0


def _size(histogram: Histogram) -> int:
    octaves = histogram._octaves
    return sum(map(sys.getsizeof, (histogram, octaves, *octaves, *octaves.values())))


def test_twenty_decades_keep_full_precision() -> None:
    draw, histogram = random.Random(20), Histogram()
    values = [10.0 ** draw.uniform(-9, 11) for _ in range(100_000)]
    for value in values:
        histogram.record(value)
    assert _size(histogram) <= LIMIT
    values.sort()
    assert histogram.percentile(0.1) == pytest.approx(values[99], rel=0.01)
    assert histogram.percentile(99.9) == pytest.approx(values[99_899], rel=0.01)


def test_histograms_of_any_values_have_bounded_memory() -> None:
    histogram, other = Histogram(), Histogram()
    for power in range(-1000, 1000):
        histogram.record(2.0**power)
        other.record(1.5 * 2.0**power)
    histogram.merge(other)
    assert _size(histogram) <= LIMIT
    assert histogram.up_to([1000]) == [histogram.count] == [4000]


def test_values_beyond_the_limits_share_a_bucket() -> None:
    histogram = Histogram()
    for value in (1e-200, 1e-100, 1e-5, 1e200, 2e200):
        histogram.record(value)
    low, middle, high = histogram.percentiles([20, 60, 100])
    assert low == histogram.percentile(40) == pytest.approx(2.0**-30, rel=0.01)
    assert middle == pytest.approx(1e-5, rel=0.01)
    assert high == histogram.percentile(80) == pytest.approx(2.0**50, rel=0.01)
    assert (histogram.least, histogram.most, histogram.count) == (1e-200, 2e200, 5)


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
