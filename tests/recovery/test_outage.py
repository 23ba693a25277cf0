"""A failing site receives few requests, and its callers get a result in time. Faults occur on real sockets."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import CircuitOpenError, DeadlineError, GatewayError, ReadTimeoutError, TransportError
from checkmk_sync.recovery import BreakerState
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

THREADS, LANE, THRESHOLD = 16, 4, 5
DOWN = Fault("status", status=503)
NEVER = {"failure_threshold": 10**6, "minimum_calls": 10**6}


class Workers:
    """Threads that read continuously and count their results."""

    def __init__(self, client: Checkmk) -> None:
        self.answered = self.refused = self.failed = 0
        self._client, self._lock, self._ended = client, threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(THREADS)]

    def __enter__(self) -> Workers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while not self._ended.wait(0.001):
            try:
                self._client.version()
                became = "answered"
            except CircuitOpenError:
                became = "refused"
            except TransportError:
                became = "failed"
            with self._lock:
                setattr(self, became, getattr(self, became) + 1)

    def more(self, became: str, count: int) -> None:
        """Wait until ``count`` more reads have had this result."""
        wanted = getattr(self, became) + count
        _until(lambda: getattr(self, became) >= wanted)


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends, "the condition was not met within 20 s"
        time.sleep(0.001)


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        yield site


@pytest.mark.parametrize("fault", [Fault("status", status=503), Fault("reset_before")], ids=lambda fault: fault.kind)
def test_sixteen_threads_recover_after_an_outage(
    site: SimulatedSite, connect: Any, clock: ManualClock, fault: Fault
) -> None:
    breaker = {"failure_threshold": THRESHOLD, "recovery_timeout": 10}
    client = connect(
        site, recovery={"circuit_breaker": breaker, "retry": {"base_delay": 0}}, limits={"reads_in_flight": LANE}
    )
    struck = site.state.faults.matched
    client.version()
    site.set_faults([fault])
    with Workers(client) as workers:
        workers.more("refused", 3 * THREADS)
        _until(lambda: client.metrics()["gauges"]["requests_in_flight"] == 0)
        seen = struck[fault.kind]
        # Requests that were in flight when the breaker opened still end. No other request reaches the site.
        assert THRESHOLD <= seen <= THRESHOLD + LANE - 1
        for second in range(1, 30):
            clock.advance(1)
            _until(lambda: client.metrics()["breaker"] == "open")  # the probe has ended
            workers.more("refused", THREADS)
            assert struck[fault.kind] == seen + second // 10, "one probe every 10 seconds"
        site.set_faults([])
        before = workers.answered
        workers.more("refused", 2 * THREADS)
        assert workers.answered == before, "the recovery timeout has not passed yet"
        clock.advance(1)
        workers.more("answered", 3 * THREADS)
        assert client.health().breaker is BreakerState.CLOSED


@pytest.mark.parametrize("fault", [Fault("slow", seconds=10), Fault("drip", seconds=0.02)], ids=["waits", "drips"])
def test_calls_to_a_slow_site_end_with_their_deadline(site: SimulatedSite, fault: Fault) -> None:
    """There are more callers than slots, and each caller has its own deadline."""
    settings = {"timeouts": {"total_s": 0.3, "read_s": 60}, "recovery": {"circuit_breaker": NEVER}}
    site.set_faults([fault])
    held: list[float] = []
    with site.client(**settings) as client:

        def ask() -> None:
            started = time.monotonic()
            with pytest.raises((DeadlineError, ReadTimeoutError)):
                client.version()
            held.append(time.monotonic() - started)

        threads = [threading.Thread(target=ask) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(held) == THREADS
    assert max(held) < 3.0


def test_a_dead_site_gets_few_retries(site: SimulatedSite, connect: Any) -> None:
    client = connect(site, recovery={"circuit_breaker": NEVER})
    site.set_faults([DOWN])
    for _ in range(200):
        with pytest.raises(GatewayError):
            client.version()
    assert 200 < site.state.faults.matched["status"] <= 1.2 * 200
    assert client.metrics()["counters"]["attempts"] == site.state.faults.matched["status"]


def _at(positions: list[int]) -> list[Fault]:
    """Return faults that answer 503 to the requests with these numbers.

    A fault skips only requests that the faults before it do not match.
    """
    return [Fault("status", status=503, skip=number - before, times=1) for before, number in enumerate(positions)]


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [(0, 1, 2), (7, 8, 9), (0, 4, 7), (2, 3, 9)], ids=str)
def test_reads_succeed_when_three_of_ten_answers_are_503(
    site: SimulatedSite, connect: Any, pattern: tuple[int, ...]
) -> None:
    """With the defaults, at most ``max_retries`` = 3 attempts in a row fail, and the breaker's threshold is 5."""
    client = connect(site)
    site.set_faults(_at([ten * 10 + number for ten in range(30) for number in pattern]))
    assert [client.version().site for _ in range(210)] == ["s"] * 210
    assert site.state.faults.matched["status"] > 85
    assert client.health().breaker is BreakerState.CLOSED


def test_queued_calls_are_refused_when_the_breaker_opens(site: SimulatedSite, connect: Any) -> None:
    client = connect(
        site,
        limits={"reads_in_flight": 1},
        recovery={"circuit_breaker": {"failure_threshold": 1}, "retry": {"max_retries": 0}},
    )
    site.set_faults([DOWN])
    lane = client._transport._adapter._limits.reads
    failures: list[Exception] = []

    def ask() -> None:
        try:
            client.version()
        except TransportError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    with lane.slot():
        for thread in threads:
            thread.start()
        time.sleep(0.1)  # until all of them are queued
    for thread in threads:
        thread.join(10)
    assert site.state.faults.matched == {"status": 1}
    kinds = [type(error) for error in failures]
    assert (kinds.count(GatewayError), kinds.count(CircuitOpenError)) == (1, THREADS - 1)


def test_refused_calls_do_not_queue(site: SimulatedSite, connect: Any) -> None:
    client = connect(
        site,
        limits={"reads_in_flight": 1},
        timeouts={"total_s": 0.5},
        recovery={"circuit_breaker": {"failure_threshold": 1}},
    )
    site.set_faults([DOWN])
    client.health()
    with client._transport._adapter._limits.reads.slot():
        assert isinstance(client.health().error, CircuitOpenError)


@pytest.mark.parametrize("threshold", [1, 2, 5, 7])
def test_the_breaker_reports_the_number_of_failures(threshold: int, clock: ManualClock) -> None:
    """Retries count too, so the message contains the number of requests, not the number of calls."""
    recovery = {"circuit_breaker": {"failure_threshold": threshold}}
    with SimulatedSite(faults=[DOWN], clock=clock) as site, site.client(clock=clock, recovery=recovery) as cmk:
        said = ""
        while not said:
            try:
                cmk.version()
            except CircuitOpenError as error:
                said = str(error)
            except GatewayError:
                continue
        assert cmk.metrics()["counters"]["attempts"] == threshold
        attempts = "1 attempt" if threshold == 1 else f"{threshold} attempts"
        assert said.startswith(f"the call was not tried because {attempts} in a row failed; next try in ")
