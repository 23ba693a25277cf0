"""The breaker also opens at a high failure rate, and considers only the results within its window."""

from __future__ import annotations

import contextlib
from typing import Any, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import CircuitOpenError, ConnectError
from checkmk_sync.recovery import BreakerState, CircuitBreaker
from checkmk_sync.testing import ManualClock

NEVER_IN_A_ROW = 10**9


def _breaker(clock: ManualClock, **options: Any) -> CircuitBreaker:
    return CircuitBreaker(**{"failure_threshold": NEVER_IN_A_ROW, "clock": clock, **options})


def _see(breaker: CircuitBreaker, results: Iterable[bool]) -> None:
    """Make one call for each of ``results``, which succeeds if the result is true."""

    def end(well: bool) -> None:
        if not well:
            raise ConnectError("no")

    for result in results:
        with contextlib.suppress(ConnectError):
            breaker.call(end, result)


def test_a_high_failure_rate_opens_it(clock: ManualClock) -> None:
    breaker = _breaker(clock, failure_rate=0.5, minimum_calls=10)
    _see(breaker, [True, False] * 4)
    assert breaker.state is BreakerState.CLOSED, "too few calls for a failure rate"
    _see(breaker, [True, False])
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(CircuitOpenError, match="5 of the last 10 attempts failed"):
        breaker.call(lambda: pytest.fail("called"))


def test_successes_never_open_it(clock: ManualClock) -> None:
    breaker = _breaker(clock, failure_rate=0.5, minimum_calls=4)
    _see(breaker, [False, False, False, True])
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("pattern", ["FFF.......", "F..F...F..", "..F...F.F."])
def test_three_failures_in_ten_do_not_open_the_default(clock: ManualClock, pattern: str) -> None:
    breaker = CircuitBreaker(clock=clock)
    for _ in range(100):
        _see(breaker, (letter != "F" for letter in pattern))
        clock.advance(0.5)
    assert breaker.state is BreakerState.CLOSED


def test_four_failures_in_five_open_the_default(clock: ManualClock) -> None:
    breaker = CircuitBreaker(clock=clock)
    _see(breaker, [True, False, False, False, False] * 4)
    assert breaker.state is BreakerState.OPEN


def test_old_results_do_not_count(clock: ManualClock) -> None:
    breaker = _breaker(clock, failure_rate=0.5, window=60, minimum_calls=10)
    _see(breaker, [False] * 9)
    clock.advance(60)
    _see(breaker, [False] * 9)
    assert breaker.state is BreakerState.CLOSED
    clock.advance(30)
    _see(breaker, [False])
    assert breaker.state is BreakerState.OPEN


def test_a_successful_probe_resets_the_rate(clock: ManualClock) -> None:
    breaker = _breaker(clock, failure_rate=0.5, minimum_calls=10, recovery_timeout=5)
    _see(breaker, [False] * 10)
    clock.advance(5)
    _see(breaker, [True])
    assert breaker.state is BreakerState.CLOSED
    _see(breaker, [False] * 9)
    assert breaker.state is BreakerState.CLOSED


def test_memory_does_not_grow_with_calls(clock: ManualClock) -> None:
    breaker = _breaker(clock, failure_rate=1.0, window=60)
    for pause in (0.7, 0.0):
        for _ in range(2000):
            _see(breaker, [False, True])
            clock.advance(pause)
        assert len(breaker._recent) == (2 * 86 if pause else 1000)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, 7.0, 40.0])), max_size=80),
    st.sampled_from([0.3, 0.5, 1.0]),
    st.integers(1, 8),
)
def test_it_behaves_like_a_complete_log(steps: list[tuple[bool, float]], rate: float, least: int) -> None:
    clock = ManualClock(start=0.0)
    breaker = _breaker(clock, failure_rate=rate, window=60, minimum_calls=least)
    seen: list[tuple[float, bool]] = []
    for well, pause in steps:
        clock.advance(pause)
        seen.append((clock.monotonic(), well))
        recent = [fine for at, fine in seen if at > clock.monotonic() - 60]
        _see(breaker, [well])
        too_many = len(recent) >= least and recent.count(False) >= rate * len(recent)
        assert (breaker.state is BreakerState.OPEN) is (too_many and not well)
        if breaker.state is BreakerState.OPEN:
            return


def test_a_window_below_the_resolution_of_the_clock_keeps_the_latest_result() -> None:
    breaker = _breaker(ManualClock(start=1e9), failure_rate=1.0, window=1e-12, minimum_calls=1)
    _see(breaker, [True, True])
    assert breaker.state is BreakerState.CLOSED
    _see(breaker, [False])
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize(
    "options",
    [
        {"failure_threshold": 0},
        {"failure_threshold": 2.5},
        {"failure_threshold": True},
        {"minimum_calls": 0},
        {"minimum_calls": 20.0},
        {"minimum_calls": True},
        {"recovery_timeout": -1},
        {"recovery_timeout": float("nan")},
        {"failure_rate": 0},
        {"failure_rate": 1.1},
        {"window": 0},
    ],
    ids=str,
)
def test_invalid_limits_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"^{name} must be"):
        CircuitBreaker(**options)
