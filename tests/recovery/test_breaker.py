"""The breaker stops calls to a site that is down, and detects its recovery with exactly one probe."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, AsyncIterator, Callable, Iterator, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import (
    CircuitOpenError,
    ConnectError,
    DeadlineError,
    NotFoundError,
    ReadTimeoutError,
    ThrottledError,
)
from checkmk_sync.recovery import BreakerState, CircuitBreaker
from checkmk_sync.testing import ManualClock


def _fail(error: Exception) -> Any:
    raise error


def _break(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ConnectError):
            breaker.call(_fail, ConnectError("no"))


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(failure_threshold=3, recovery_timeout=60, clock=clock)


def test_it_opens_after_consecutive_failures_and_names_the_next_try(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    _break(breaker, 3)
    assert breaker.state is BreakerState.OPEN
    clock.advance(20)
    with pytest.raises(CircuitOpenError, match="next try in 40 s") as caught:
        breaker.call(lambda: pytest.fail("called"))
    assert caught.value.retry_at == clock.time() + 40
    assert caught.value.sent is False


def test_calls_during_a_probe_are_refused_because_of_it(breaker: CircuitBreaker, clock: ManualClock) -> None:
    _break(breaker, 3)
    clock.advance(60)
    said = "^the call was not tried because 3 attempts in a row failed; a probe is running, so try again when it ends$"
    with pytest.raises(CircuitOpenError, match=said) as caught:
        breaker.call(lambda: breaker.call(lambda: pytest.fail("called")))
    assert caught.value.retry_at == clock.time()


def test_a_success_resets_the_count(breaker: CircuitBreaker) -> None:
    _break(breaker, 2)
    assert breaker.call(lambda: "ok") == "ok"
    _break(breaker, 2)
    assert breaker.state is BreakerState.CLOSED


def test_timeouts_count_but_waits_in_the_queue_do_not(breaker: CircuitBreaker, clock: ManualClock) -> None:
    for _ in range(3):
        with pytest.raises(DeadlineError):
            breaker.call(_fail, DeadlineError("connecting took too long", sent=False))
    assert breaker.state is BreakerState.OPEN
    clock.advance(60)
    with pytest.raises(DeadlineError):
        breaker.call(_fail, DeadlineError("in the queue", queued=True))
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.call(lambda: "probe") == "probe"
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("error", [NotFoundError(404, "x"), KeyError("x"), DeadlineError("queue", queued=True)])
def test_answers_of_the_site_are_not_failures(breaker: CircuitBreaker, error: Exception) -> None:
    for _ in range(9):
        with pytest.raises(type(error)):
            breaker.call(_fail, error)
    assert breaker.state is BreakerState.CLOSED


def test_probes_close_or_reopen_it(breaker: CircuitBreaker, clock: ManualClock) -> None:
    _break(breaker, 3)
    clock.advance(60)
    assert breaker.state is BreakerState.HALF_OPEN
    _break(breaker, 1)
    assert breaker.state is BreakerState.OPEN
    clock.advance(60)
    assert breaker.call(lambda: "ok") == "ok"
    assert breaker.state is BreakerState.CLOSED


def test_only_one_of_32_threads_probes(breaker: CircuitBreaker, clock: ManualClock) -> None:
    _break(breaker, 3)
    clock.advance(60)
    inside, go, passed, refused = threading.Event(), threading.Event(), [0], [0]
    lock = threading.Lock()

    def probe() -> None:
        inside.set()
        go.wait(10)
        with lock:
            passed[0] += 1

    def knock() -> None:
        try:
            breaker.call(probe)
        except CircuitOpenError:
            with lock:
                refused[0] += 1
            if refused[0] == 31:
                go.set()

    threads = [threading.Thread(target=knock) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (passed[0], refused[0]) == (1, 31)
    assert breaker.state is BreakerState.CLOSED


def test_the_lock_is_not_held_during_a_call(breaker: CircuitBreaker) -> None:
    """Eight calls wait for each other inside the breaker, which would deadlock if it held its lock."""
    meeting = threading.Barrier(8, timeout=10)
    threads = [threading.Thread(target=lambda: breaker.call(meeting.wait)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not meeting.broken


def _end_late(breaker: CircuitBreaker, clock: ManualClock, end: Callable[[], object]) -> None:
    """Start a call, open the breaker, let its recovery timeout pass, and then end the call."""

    def late() -> None:
        _break(breaker, 3)
        clock.advance(60)
        assert breaker.state is BreakerState.HALF_OPEN
        end()

    with contextlib.suppress(ConnectError):
        breaker.call(late)


@pytest.mark.parametrize("error", [None, ConnectError("late")], ids=["success", "failure"])
def test_late_results_are_not_probes(breaker: CircuitBreaker, clock: ManualClock, error: Optional[Exception]) -> None:
    _end_late(breaker, clock, lambda: error and _fail(error))
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.call(lambda: "probe") == "probe"
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("error", [None, ConnectError("late")], ids=["success", "failure"])
def test_late_results_do_not_count_after_recovery(
    breaker: CircuitBreaker, clock: ManualClock, error: Optional[Exception]
) -> None:
    """The breaker has two failures: a counted failure would open it, and a counted success would reset the count."""

    def end() -> None:
        breaker.call(lambda: "probe")
        _break(breaker, 2)
        if error:
            raise error

    _end_late(breaker, clock, end)
    assert breaker.state is BreakerState.CLOSED
    _break(breaker, 1)
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize("error", [None, ConnectError("late"), DeadlineError("queue", queued=True)])
def test_late_results_do_not_free_the_probe(
    breaker: CircuitBreaker, clock: ManualClock, error: Optional[Exception]
) -> None:
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        finish.wait(10)
        if error:
            raise error

    def run() -> None:
        with contextlib.suppress(ConnectError, DeadlineError):
            breaker.call(slow)

    late = threading.Thread(target=run)
    late.start()
    started.wait(10)
    _break(breaker, 3)
    clock.advance(60)

    def probe() -> None:
        finish.set()
        late.join(10)
        with pytest.raises(CircuitOpenError):
            breaker.call(lambda: pytest.fail("a second probe"))

    breaker.call(probe)
    assert breaker.state is BreakerState.CLOSED


def test_checks_refuse_like_calls_but_take_no_probe(breaker: CircuitBreaker, clock: ManualClock) -> None:
    breaker.check()
    _break(breaker, 3)
    with pytest.raises(CircuitOpenError, match="3 attempts in a row failed"):
        breaker.check()
    clock.advance(60)
    breaker.check()
    with pytest.raises(CircuitOpenError):
        breaker.call(breaker.check)  # the probe is in flight during the check
    assert breaker.call(lambda: "probe") == "probe"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TimeoutError(), BreakerState.OPEN),
        (ConnectionResetError(), BreakerState.OPEN),
        (ReadTimeoutError("of a write"), BreakerState.OPEN),
        (ValueError(), BreakerState.CLOSED),
        (CircuitOpenError("another breaker"), BreakerState.CLOSED),
        (ThrottledError(429, "Too Many Requests"), BreakerState.CLOSED),
    ],
    ids=lambda value: getattr(value, "value", type(value).__name__),
)
def test_exceptions_of_any_library_count(breaker: CircuitBreaker, error: Exception, state: BreakerState) -> None:
    for _ in range(3):
        with pytest.raises(type(error)):
            breaker.call(_fail, error)
    assert breaker.state is state


def test_ctrl_c_does_not_count(breaker: CircuitBreaker, clock: ManualClock) -> None:
    _break(breaker, 3)
    clock.advance(60)
    with pytest.raises(KeyboardInterrupt):
        breaker.call(_fail, KeyboardInterrupt())  # type: ignore[arg-type]
    assert breaker.call(lambda: "ok") == "ok"  # the next probe is let through


def test_state_changes_are_reported_in_order(breaker: CircuitBreaker, clock: ManualClock) -> None:
    told: list[BreakerState] = []
    breaker.listen(told.append)
    _break(breaker, 3)
    clock.advance(60)
    _break(breaker, 1)
    clock.advance(60)
    breaker.call(lambda: "ok")
    half_open, is_open = BreakerState.HALF_OPEN, BreakerState.OPEN
    assert told == [is_open, half_open, is_open, half_open, BreakerState.CLOSED]


def test_it_decorates_functions(breaker: CircuitBreaker) -> None:
    @breaker
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    assert add(1, b=2) == 3
    assert add.__doc__ == "Return the sum."


def test_it_refuses_generators_and_coroutines(breaker: CircuitBreaker) -> None:
    def each() -> Iterator[int]:
        yield 1

    async def later() -> None: ...

    async def each_later() -> AsyncIterator[int]:
        yield 1

    for function in (each, later, each_later):
        with pytest.raises(TypeError, match="works after it has returned"):
            breaker(function)


@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=40))
def test_it_never_calls_while_open_and_always_recovers(steps: list[str]) -> None:
    clock = ManualClock()
    breaker = CircuitBreaker(failure_threshold=2, recovery_timeout=10, clock=clock)
    for step in steps:
        if step == "wait":
            clock.advance(10)
            continue
        was_open, called = breaker.state is BreakerState.OPEN, []

        def attempt(fails: bool = step == "fail", called: list[int] = called) -> None:
            called.append(1)
            if fails:
                raise ReadTimeoutError("no")

        with contextlib.suppress(CircuitOpenError, ReadTimeoutError):
            breaker.call(attempt)
        assert bool(called) is not was_open
    clock.advance(10)
    assert breaker.call(lambda: "ok") == "ok"
    assert breaker.state is BreakerState.CLOSED


def test_an_interrupt_just_after_a_probe_was_admitted_lets_the_next_one_through(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=5, clock=clock)
    with pytest.raises(ConnectionError):
        breaker.call(_raise, ConnectionError())
    clock.advance(5)
    enter = CircuitBreaker._enter

    def interrupted(self: CircuitBreaker, call: object) -> int:
        enter(self, call)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(CircuitBreaker, "_enter", interrupted)
        with pytest.raises(KeyboardInterrupt):
            breaker.call(lambda: 1)
    assert breaker.call(lambda: 2) == 2


def _raise(error: Exception) -> None:
    raise error
