"""Functions, methods, blocks and services are timed, each in its own collector."""

from __future__ import annotations

import inspect
import itertools
from typing import Any, AsyncIterator, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.metrics import MetricsCollector, MetricsMixin, get_metrics_collector, timed, timed_context
from checkmk_sync.testing import ManualClock, SimulatedSite

_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """A name that is new to the collector of the process."""
    return f"test.{next(_numbers)}"


@pytest.fixture
def collector(clock: ManualClock) -> MetricsCollector:
    return MetricsCollector(clock=clock)


def _timing(name: str, collector: Any = None) -> Any:
    return (collector or get_metrics_collector()).get_stats()["timings"].get(name)


def _errors(name: str, collector: Any = None) -> float:
    return float((collector or get_metrics_collector()).counter(f"{name}.errors"))


def test_timed_functions_keep_their_metadata(name: str) -> None:
    @timed(metric_name=name)
    def double(number: int, *, plus: int = 0) -> int:
        """Return twice the number."""
        return 2 * number + plus

    assert double(2, plus=1) == 5
    assert (double.__name__, double.__doc__) == ("double", "Return twice the number.")
    assert str(inspect.signature(double)) == "(number: 'int', *, plus: 'int' = 0) -> 'int'"
    assert _timing(name)["count"] == 1
    assert _errors(name) == 0


def test_failures_are_timed_counted_and_raised(name: str) -> None:
    @timed(metric_name=name)
    def fail() -> None:
        raise KeyError(name)

    for _ in range(3):
        with pytest.raises(KeyError):
            fail()
    assert _timing(name)["count"] == _errors(name) == 3
    assert get_metrics_collector().get_stats()["error_rates"][name] == 1.0


def test_the_default_name_is_the_qualified_name_of_the_function() -> None:
    @timed()
    def work() -> None:
        pass

    work()
    assert _timing(work.__qualname__)["count"] == 1


def test_blocks_use_the_clock_of_the_collector(collector: MetricsCollector, clock: ManualClock) -> None:
    with timed_context("block", collector):
        clock.advance(2.5)
    with pytest.raises(KeyboardInterrupt), timed_context("block", collector):
        clock.advance(0.5)
        raise KeyboardInterrupt
    timing = _timing("block", collector)
    assert (timing["count"], timing["min"], timing["max"]) == (2, 0.5, 2.5)
    assert _errors("block", collector) == 1


def test_generators_and_coroutines_are_refused() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> None:
        pass

    async def numbers_later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later, numbers_later):
        with pytest.raises(TypeError, match="timed_context"):
            timed(metric_name="x")(function)


class _Service(MetricsMixin):
    def __init__(self, client: Any = None, metrics_collector: Any = None) -> None:
        self.client, self.metrics_collector = client, metrics_collector

    @timed(metric_name="service.work")
    def work(self) -> None:
        self.record_operation("service.step", 0.25)
        self.record_operation("service.step", 0.75, success=False)


def test_services_prefer_their_own_collector(collector: MetricsCollector, site: SimulatedSite, cmk: Checkmk) -> None:
    _Service(cmk, collector).work()
    assert _timing("service.work", collector)["count"] == 1
    assert collector.get_stats()["error_rates"]["service.step"] == 0.5
    assert _timing("service.work", cmk.collector) is None


def test_services_use_the_collector_of_their_client(cmk: Checkmk) -> None:
    _Service(cmk).work()
    assert cmk.metrics()["timings"]["service.step"]["mean"] == 0.5
    assert _timing("service.work", cmk.collector)["count"] == 1


def test_services_without_a_client_use_the_collector_of_the_process() -> None:
    before = _timing("service.step")
    assert before is None
    _Service().work()
    assert _timing("service.step")["count"] == 2
    assert _timing("service.work")["count"] == 1
