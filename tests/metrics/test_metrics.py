"""Percentiles are accurate to 1 % for any values, and merging equals recording all values in one histogram."""

from __future__ import annotations

import itertools
import math
import random
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.metrics import Histogram, MetricsCollector

PERCENTS = (50.0, 95.0, 99.0, 99.9)


def _filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


def _exact_percentile(ordered: list[float], percent: float) -> float:
    return ordered[max(1, math.ceil(round(percent * len(ordered) / 100, 6))) - 1]


def _assert_accurate(histogram: Histogram, values: list[float]) -> None:
    ordered = sorted(values)
    found = histogram.percentiles(PERCENTS)
    assert found == [histogram.percentile(percent) for percent in PERCENTS]
    assert found == [pytest.approx(_exact_percentile(ordered, percent), rel=0.0055) for percent in PERCENTS]


@given(st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=200))
def test_percentiles_are_within_one_percent(values: list[float]) -> None:
    _assert_accurate(_filled(values), values)


@given(st.lists(st.floats(0, 1e12), max_size=50), st.lists(st.floats(0, 1e12), max_size=50))
def test_merging_equals_recording_all_values_in_one_histogram(left: list[float], right: list[float]) -> None:
    one, both = _filled(left), _filled(left + right)
    twin = one.copy()
    one.merge(_filled(right))
    merged, expected = one.summary(), both.summary()
    assert {**merged, "mean": None} == {**expected, "mean": None}
    assert merged["mean"] == (pytest.approx(expected["mean"]) if left or right else None)
    assert twin.summary() == _filled(left).summary()


_SKEWED: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda draw: draw.lognormvariate(-3, 1.5),
    "pareto": lambda draw: 0.01 * draw.paretovariate(1.0),
    "bimodal": lambda draw: draw.gauss(0.002, 0.0001) if draw.random() < 0.97 else draw.gauss(30.0, 2.0),
    "constant": lambda _draw: 0.25,
    "exponential": lambda draw: draw.expovariate(20.0),
}


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", _SKEWED)
def test_percentiles_are_accurate_for_skewed_samples(name: str, count: int) -> None:
    draw = random.Random(name)
    values = [_SKEWED[name](draw) for _ in range(count)]
    _assert_accurate(_filled(values), values)
    values.sort()
    _assert_accurate(_filled(values), values)
    values.reverse()
    _assert_accurate(_filled(values), values)


@given(st.lists(st.floats(1e-4, 1e4), max_size=50))
def test_powers_of_two_are_bucket_borders(values: list[float]) -> None:
    values += [2.0**power for power in range(-5, 5)]
    powers = range(-20, 21)
    counted = _filled(values).up_to(powers)
    # Because of rounding, a value that is above a border by one part in 10^14 may count as the border.
    assert counted == [sum(value <= 2.0**power * (1 + 1e-14) for value in values) for power in powers]


def test_empty_histograms_have_no_values() -> None:
    assert set(Histogram().summary().values()) == {0, None}
    stats = MetricsCollector().get_stats()
    assert stats["timings"] == stats["counters"] == stats["gauges"] == stats["rates"] == stats["error_rates"] == {}
    assert stats["request_rate_per_second"] == 0.0


@pytest.mark.parametrize("percent", [100, 100.1, 150])
def test_percentiles_from_100_on_are_the_greatest_value(percent: float) -> None:
    assert _filled([1.0, 2.0]).percentile(percent) == pytest.approx(2.0, rel=0.01)


def test_zero_durations_are_recorded() -> None:
    assert _filled([0.0, 0.0]).summary() == {
        **dict.fromkeys(("mean", "min", "max", "p50", "p95", "p99", "p999"), 0.0),
        "count": 2,
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001])
def test_invalid_values_are_counted_as_refused(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite and at least 0"):
        Histogram().record(value)
    collector = MetricsCollector()
    collector.record_timing("call", value)
    collector.increment_counter("calls", value)
    collector.set_gauge("open", value if value != -0.001 else math.nan)
    stats = collector.get_stats()
    assert stats["counters"] == {"metrics_values_refused": 3}
    assert stats["timings"] == stats["gauges"] == {}


def test_gauges_may_be_negative_and_go_up_and_down() -> None:
    collector = MetricsCollector()
    collector.set_gauge("degrees", -3)
    with collector.in_progress("open"), pytest.raises(KeyError), collector.in_progress("open"):
        assert collector.get_stats()["gauges"] == {"degrees": -3, "open": 2}
        raise KeyError
    assert collector.get_stats()["gauges"] == {"degrees": -3, "open": 0}


def test_the_order_of_recording_does_not_matter() -> None:
    values = [1e-9, 1e-3, 1.0, 7.0, 1e6]
    summaries = [_filled(list(order)).summary() for order in itertools.permutations(values)]
    assert all({**summary, "mean": 0} == {**summaries[0], "mean": 0} for summary in summaries)
