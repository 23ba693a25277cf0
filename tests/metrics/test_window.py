"""Statistics cover the last hours. Older values are dropped, and their memory is freed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.config.file import load
from checkmk_sync.errors import SettingsError
from checkmk_sync.metrics import MetricsCollector
from checkmk_sync.testing import ManualClock, SimulatedSite

HOUR = 3600.0


@given(
    st.floats(0.01, 100),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 0.4), st.integers(0, 3)), max_size=40),
    st.floats(0, 1.5),
)
def test_values_are_dropped_when_they_are_too_old(
    hours: float, slices: int, steps: list[tuple[float, int]], rest: float
) -> None:
    """A value is dropped at its exact age or up to one slice earlier."""
    clock, seen = ManualClock(), []
    collector = MetricsCollector(hours, slices=slices, clock=clock)
    for pause, count in steps:
        clock.advance(pause * hours * HOUR)
        for _ in range(count):
            collector.increment_counter("calls")
            collector.record_timing("call", 1.0)
            seen.append(clock.monotonic())
    clock.advance(rest * hours * HOUR)
    now, kept_s = clock.monotonic(), hours * HOUR
    youngest = sum(now - then < kept_s * (1 - 1 / slices) - 1e-3 for then in seen)
    most = sum(now - then < kept_s + 1e-3 for then in seen)
    assert youngest <= collector.counter("calls") <= most
    timings = collector.get_stats()["timings"]
    assert collector.counter("calls") == (timings["call"]["count"] if timings else 0)


def test_old_values_do_not_affect_the_percentiles(clock: ManualClock) -> None:
    collector = MetricsCollector(24, clock=clock)
    for _ in range(100):
        collector.record_timing("call", 60.0)
    clock.advance(23 * HOUR)
    collector.record_timing("call", 0.1)
    assert collector.merged("call")["p50"] == pytest.approx(60.0, rel=0.01)
    clock.advance(HOUR + 1)
    assert collector.merged("call")["max"] == 0.1
    clock.advance(24 * HOUR)
    assert collector.get_stats()["timings"] == {}


def test_rates_cover_the_observed_time(clock: ManualClock) -> None:
    collector = MetricsCollector(1, slices=60, clock=clock)
    for _ in range(30):
        collector.record_operation("call", 0.1)
        collector.record_timing("throttle_wait", 0.5)  # a wait is not a request
        clock.advance(2.0)
    stats = collector.get_stats()
    assert stats["window_s"] == pytest.approx(60.0)
    assert stats["request_rate_per_second"] == pytest.approx(0.5)
    assert stats["timings"]["throttle_wait"]["per_second"] == pytest.approx(0.5)
    clock.advance(10 * HOUR)
    collector.increment_counter("hosts", 59)
    stats = collector.get_stats()
    assert HOUR - 60 <= stats["window_s"] <= HOUR
    assert stats["rates"]["hosts"] == pytest.approx(59 / stats["window_s"])
    assert stats["request_rate_per_second"] == 0.0


def test_error_rates_are_failures_per_operation(clock: ManualClock) -> None:
    collector = MetricsCollector(1, clock=clock)
    for number in range(8):
        collector.record_operation("call", 0.1, success=number % 4 != 0)
    collector.record_operation("other", 0.1)
    assert collector.get_stats()["error_rates"] == {"call": 0.25, "other": 0.0}
    clock.advance(HOUR)
    collector.record_operation("call", 0.1)
    assert collector.get_stats()["error_rates"] == {"call": 0.0}


@pytest.mark.parametrize(("cleanup_interval", "held"), [(60.0, 0), (4 * HOUR, 2)])
def test_cleanup_frees_memory_at_its_interval(clock: ManualClock, cleanup_interval: float, held: int) -> None:
    collector = MetricsCollector(1, cleanup_interval=cleanup_interval, clock=clock)
    collector.record_timing("once", 1.0)
    collector.increment_counter("once")
    clock.advance(2 * HOUR)
    stats = collector.get_stats()
    assert (stats["timings"], stats["counters"]) == ({}, {})  # not shown, even if not freed yet
    assert stats["held"] == {"slices": 1 if held == 0 else 2, "names": held}


def test_totals_never_decrease(clock: ManualClock) -> None:
    collector = MetricsCollector(1, cleanup_interval=60, clock=clock)
    for number in range(1, 20):
        collector.increment_counter("calls", 2)
        collector.record_timing("call", 1.0)
        clock.advance(HOUR / 2)
        whole, _ = collector.totals()
        assert (whole.counters["calls"], whole.timings["call"].count) == (2 * number, number)
    clock.advance(2 * HOUR)
    assert collector.totals()[0].counters == {}  # no value within the retention


def _configured(site: SimulatedSite, clock: ManualClock, **metrics: float) -> Checkmk:
    return site.client(clock=clock, metrics=metrics)


def test_the_client_uses_the_configured_retention(site: SimulatedSite, clock: ManualClock) -> None:
    for hours, count in ((1.0, 0), (48.0, 1)):
        with _configured(site, clock, retention_hours=hours) as cmk:
            cmk.version()
            clock.advance(3 * HOUR)
            assert len([name for name in cmk.metrics()["timings"] if name == "call.site.version"]) == count


def test_the_client_uses_the_configured_cleanup_interval(site: SimulatedSite, clock: ManualClock) -> None:
    held = {}
    for interval in (60.0, 24 * HOUR):
        with _configured(site, clock, retention_hours=1.0, cleanup_interval=interval) as cmk:
            cmk.version()
            clock.advance(3 * HOUR)
            held[interval] = cmk.metrics()["held"]["names"]
    assert held[60.0] == 0 < held[24 * HOUR]


def test_the_configuration_file_sets_retention_and_cleanup(tmp_path: Path) -> None:
    def loaded(text: str) -> Any:
        file = tmp_path / "config.yaml"
        head = "checkmk: {server_url: 'https://mon', site: s, username: u, password_env: X}\n"
        file.write_text(f"{head}advanced_features: {{metrics: {text}}}\n")
        return load(file).metrics

    assert loaded("{retention_hours: 48, cleanup_interval: 60}").retention_hours == 48
    assert loaded("{cleanup_interval: 60}").cleanup_interval == 60
    for text in ("{retention_hours: 0}", "{cleanup_interval: -1}", "{retention: 3}"):
        with pytest.raises(SettingsError):
            loaded(text)
