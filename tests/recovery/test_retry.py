"""The retry policy limits the number of retries, their delays, the deadline and the budget."""

from __future__ import annotations

import email.utils
import random
import threading
import time
from typing import Any, Callable, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.core.clock import Deadline, SystemClock
from checkmk_sync.errors import (
    BrokenReplyError,
    CircuitOpenError,
    ConnectError,
    GatewayError,
    NotFoundError,
    ReadTimeoutError,
    ThrottledError,
)
from checkmk_sync.http.error_replies import retry_after_s
from checkmk_sync.recovery import RetryBudget, RetryPolicy, RetryStrategy
from checkmk_sync.testing import ManualClock


def _failing(times: int, error: Exception) -> Callable[[], str]:
    left = [times]

    def attempt() -> str:
        if left[0] > 0:
            left[0] -= 1
            raise error
        return "done"

    return attempt


def _policy(clock: ManualClock, **options: Any) -> RetryPolicy:
    return RetryPolicy(**{"base_delay": 1.0, "jitter": False, "clock": clock, **options})


@given(st.integers(0, 6), st.integers(0, 6))
def test_max_retries_are_added_to_the_first_attempt(max_retries: int, failures: int) -> None:
    attempts = 0

    def attempt() -> str:
        nonlocal attempts
        attempts += 1
        if attempts <= failures:
            raise ConnectError("no")
        return "done"

    policy = _policy(ManualClock(), max_retries=max_retries)
    if failures > max_retries:
        with pytest.raises(ConnectError):
            policy.execute(attempt)
        assert attempts == max_retries + 1
    else:
        assert policy.execute(attempt) == "done"
        assert attempts == failures + 1


@pytest.mark.parametrize(
    ("strategy", "waits"),
    [
        (RetryStrategy.FIXED, [1.0, 1.0, 1.0, 1.0]),
        (RetryStrategy.LINEAR, [1.0, 2.0, 3.0, 4.0]),
        (RetryStrategy.EXPONENTIAL_BACKOFF, [1.0, 2.0, 4.0, 5.0]),
    ],
)
def test_waits_grow_by_the_strategy_up_to_the_maximum(strategy: RetryStrategy, waits: list[float]) -> None:
    clock = ManualClock()
    _policy(clock, max_retries=4, max_delay=5.0, strategy=strategy).execute(_failing(4, ConnectError("no")))
    assert clock.slept == waits


def test_jitter_covers_the_entire_delay() -> None:
    asked: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 2

    clock = ManualClock()
    _policy(clock, jitter=True, draw=draw).execute(_failing(2, ConnectError("no")))
    assert asked == [(0.0, 1.0), (0.0, 2.0)]
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize(
    "error", [ThrottledError(429, "Slow", retry_after_s=7.0), GatewayError("503", status=503, retry_after_s=7.0)]
)
def test_retry_after_is_a_minimum(error: Exception, jitter: bool) -> None:
    clock = ManualClock()
    _policy(clock, jitter=jitter).execute(_failing(1, error), retryable_exceptions=(type(error),))
    assert clock.slept[0] >= 7.0


def test_waits_end_before_the_deadline() -> None:
    clock = ManualClock()
    deadline = Deadline(clock, 2.5)
    with pytest.raises(ConnectError):
        _policy(clock, max_retries=9).run(_failing(9, ConnectError("no")), may_retry=lambda _: True, deadline=deadline)
    assert clock.slept == [1.0]  # the next wait of 2 s would end after the deadline


def test_only_the_given_exceptions_are_retried() -> None:
    clock = ManualClock()
    with pytest.raises(NotFoundError):
        _policy(clock).execute(_failing(1, NotFoundError(404, "Not Found")))
    assert _policy(clock).execute(_failing(1, KeyError("x")), retryable_exceptions=(KeyError,)) == "done"
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (TimeoutError(), 2),
        (ConnectError("refused", sent=False), 2),
        (ReadTimeoutError("of a write that may have happened"), 1),
        (CircuitOpenError("open for longer than any wait"), 1),
        (ValueError("wrong"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_retryable_errors_are_retried_by_default(clock: ManualClock, error: Exception, tries: int) -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        raise error

    with pytest.raises(type(error)):
        _policy(clock, max_retries=1).execute(attempt)
    assert len(attempts) == tries


def test_the_failure_is_raised_with_its_own_cause_only() -> None:
    """Its context contains neither the internal wrapper exception nor the failure of an earlier attempt."""
    first = BrokenReplyError("cut")
    first.__cause__ = OSError(104, "reset")
    with pytest.raises(BrokenReplyError) as caught:
        _policy(ManualClock()).execute(_failing(9, first), retryable_exceptions=(BrokenReplyError,))
    assert caught.value is first
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__context__ is None


def test_arguments_reach_the_function() -> None:
    def add(a: int, *, b: int) -> int:
        return a + b

    assert _policy(ManualClock()).execute(add, 1, b=2) == 3


def test_the_budget_limits_retries_to_a_dead_site() -> None:
    attempts = [0]

    def attempt() -> None:
        attempts[0] += 1
        raise ConnectError("no")

    policy = _policy(ManualClock(), budget=RetryBudget(capacity=10))
    for _ in range(100):
        with pytest.raises(ConnectError):
            policy.execute(attempt)
    assert attempts[0] == 110


def test_unreliable_sites_do_not_empty_the_budget() -> None:
    policy = _policy(ManualClock(), budget=RetryBudget(capacity=10))
    for _ in range(300):
        assert policy.execute(_failing(0, ConnectError("no"))) == "done"
        assert policy.execute(_failing(1, ConnectError("no"))) == "done"


@pytest.mark.parametrize("seed", range(8))
def test_random_failures_do_not_empty_the_budget(seed: int) -> None:
    luck = random.Random(seed)
    policy = _policy(ManualClock(), max_retries=50, budget=RetryBudget())

    def attempt() -> str:
        if luck.random() < 0.3:
            raise ConnectError("no")
        return "done"

    assert all(policy.execute(attempt) == "done" for _ in range(1000))


@pytest.mark.parametrize("count", [1.5, True, float("inf"), "3"])
def test_the_number_of_retries_must_be_a_whole_number(count: Any) -> None:
    with pytest.raises(ValueError, match=rf"^max_retries must be a whole number of at least 0, not {count!r}$"):
        RetryPolicy(max_retries=count)


@pytest.mark.parametrize("numbers", [{"max_retries": -1}, {"base_delay": -1.0}, {"max_delay": -0.1}])
def test_invalid_numbers_are_refused(numbers: Any) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        RetryPolicy(**numbers)


def test_cancelling_the_clock_ends_a_wait() -> None:
    clock = SystemClock()
    policy = RetryPolicy(max_retries=1, base_delay=3600, jitter=False, max_delay=3600, clock=clock)
    failures: list[Exception] = []

    def run() -> None:
        try:
            policy.execute(_failing(1, ConnectError("no")))
        except ConnectError as error:
            failures.append(error)

    waiting = threading.Thread(target=run)
    waiting.start()
    clock.stop()
    waiting.join(timeout=10)
    assert len(failures) == 1  # the failure is raised without a retry


def test_threads_can_share_a_policy() -> None:
    policy = _policy(ManualClock())
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(policy.execute(_failing(2, ConnectError("no")))))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["done"] * 20


@pytest.mark.parametrize(
    ("asked", "date", "seconds"),
    [
        ("5", None, 5.0),
        ("Wed, 21 Oct 2026 07:28:05 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 5.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_retry_after_can_be_a_date(asked: str, date: Optional[str], seconds: Optional[float]) -> None:
    """A date is relative to the server's clock, which may be wrong."""
    headers = {"Retry-After": asked, **({"Date": date} if date else {})}
    assert retry_after_s(headers) == seconds


def test_retry_after_dates_use_the_local_clock_without_a_date_header() -> None:
    then = email.utils.formatdate(time.time() + 30, usegmt=True)
    found = retry_after_s({"Retry-After": then})
    assert found is not None
    assert 25 < found <= 30
