"""The limits hold in every window of time and for all threads, and no wait exceeds a call's deadline."""

from __future__ import annotations

import threading

import pytest

from checkmk_sync.core.clock import Deadline
from checkmk_sync.errors import DeadlineError
from checkmk_sync.recovery import InFlight, RateLimit
from checkmk_sync.testing import ManualClock


def test_the_rate_is_never_exceeded(clock: ManualClock) -> None:
    limit = RateLimit(50, clock=clock)
    starts = []
    for _ in range(300):
        limit.wait()
        starts.append(clock.monotonic())
    for first in starts:
        assert sum(first <= start < first + 1.0 for start in starts) <= 51
    assert 5.5 < starts[-1] - starts[0] < 6.5


def test_idle_time_earns_no_burst(clock: ManualClock) -> None:
    limit = RateLimit(10, clock=clock)
    limit.wait()
    clock.advance(100)
    before = clock.monotonic()
    for _ in range(11):
        limit.wait()
    assert clock.monotonic() - before >= 0.99


def test_limits_are_independent(clock: ManualClock) -> None:
    one, other = RateLimit(1, clock=clock), RateLimit(1, clock=clock)
    one.wait()
    assert other.wait() == 0.0


def test_waiting_for_the_rate_limit_ends_with_the_deadline(clock: ManualClock) -> None:
    limit = RateLimit(0.1, clock=clock)
    limit.wait()
    with pytest.raises(DeadlineError) as caught:
        limit.wait(Deadline(clock, 5))
    assert caught.value.sent is False


def test_requests_in_flight_are_bounded() -> None:
    lane, lock = InFlight(3), threading.Lock()
    now, most = [0], [0]
    together = threading.Barrier(3, timeout=10)

    def work() -> None:
        with lane.slot():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            together.wait()
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most[0] == 3


def test_waiting_for_a_slot_ends_with_the_deadline(clock: ManualClock) -> None:
    lane = InFlight(1)
    with lane.slot():
        with pytest.raises(DeadlineError, match="at most 1 run at once") as caught:
            with lane.slot(Deadline(clock, 0.01)):
                pytest.fail("entered")
    assert caught.value.sent is False
    with lane.slot(Deadline(clock, 0.01)):
        pass
