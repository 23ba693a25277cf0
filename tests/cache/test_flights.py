"""Concurrent identical reads share one request and its failure; stale answers are marked."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.cache.single_flight import SingleFlight
from checkmk_sync.errors import CheckmkError, GatewayError, NotFoundError, TransportError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3, latency=0.15) as site:
        yield site


def _asked(site: SimulatedSite) -> int:
    return sum(1 for request in site.requests if request.path.startswith("/objects/host"))


def _at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    results: list[Any] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except CheckmkError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_sixteen_threads_share_one_request(site: SimulatedSite) -> None:
    with site.client() as client:
        client.version()
        hosts = _at_once(16, lambda: client.hosts.get("host00000"))
        assert _asked(site) == 1
        assert len(hosts) == 16 and all(host.name == "host00000" for host in hosts)
        assert len({id(host.attributes) for host in hosts}) == 16, "each thread gets its own copy"
        counts = client.metrics()["cache"]
        assert counts["hits"] + counts["misses"] == 16
        assert counts["shared_flights"] + counts["hits"] == 15


def test_threads_get_copies_of_the_shared_answer(site: SimulatedSite) -> None:
    def claim(client: Checkmk) -> bool:
        attributes: Any = client.hosts.get("host00000").attributes
        return attributes.setdefault("alias", threading.current_thread().name) == threading.current_thread().name

    for _ in range(3):
        with site.client() as client:
            client.version()
            assert all(_at_once(16, lambda: claim(client)))


def test_all_threads_share_the_failure(site: SimulatedSite) -> None:
    with site.client() as client:
        client.version()
        started = time.monotonic()
        failures = _at_once(16, lambda: client.hosts.get("nobody"))
        assert time.monotonic() - started < 8 * 0.15, "separate requests would take 16 times as long"
        assert _asked(site) == 1
        assert all(isinstance(failure, NotFoundError) for failure in failures)
        assert len({id(failure) for failure in failures}) == 16


def test_reads_after_a_write_do_not_join_earlier_requests(site: SimulatedSite) -> None:
    with site.client() as client:
        client.version()
        before: list[Any] = []
        thread = threading.Thread(target=lambda: before.append(client.hosts.get("host00000")))
        thread.start()
        while not client.metrics()["counters"].get("cache_misses"):
            time.sleep(0.001)
        client._transport.cache.invalidate(_write_to_hosts(client))
        client.hosts.get("host00000")
        thread.join()
        assert _asked(site) == 2


def _write_to_hosts(client: Checkmk) -> Any:
    from checkmk_sync.core.call import Call, CallKind

    return Call("POST", "/x", CallKind.WRITE, "hosts", "create")


def test_ctrl_c_ends_one_thread_only() -> None:
    flights: SingleFlight[str] = SingleFlight()
    leading, waiting = threading.Event(), threading.Event()
    calls: list[int] = []

    def fly() -> str:
        calls.append(1)
        if len(calls) == 1:
            leading.set()
            waiting.wait(5)
            raise KeyboardInterrupt
        return "landed"

    def lead() -> None:
        with pytest.raises(KeyboardInterrupt):
            flights.run("key", fly)

    leader = threading.Thread(target=lead)
    leader.start()
    leading.wait(5)
    found: list[Any] = []
    follower = threading.Thread(target=lambda: found.append(flights.run("key", fly)))
    follower.start()
    time.sleep(0.05)
    waiting.set()
    leader.join()
    follower.join()
    assert found == [("landed", False)]


# Stale answers


@pytest.fixture
def quick() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        yield site


def _client(site: SimulatedSite, clock: ManualClock, stale: float = 600) -> Checkmk:
    client: Checkmk = site.client(
        clock=clock, caching={"stale_if_error": stale}, recovery={"retry": {"max_retries": 0}}
    )
    return client


@pytest.mark.parametrize(
    "fault", [Fault("status", status=502), Fault("status", status=503), Fault("reset_before"), Fault("crash")]
)
def test_stale_answers_are_marked(
    quick: SimulatedSite, clock: ManualClock, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    with _client(quick, clock) as client:
        first = client.hosts.get("host00000")
        clock.advance(100)
        quick.set_faults([fault])
        with caplog.at_level(logging.WARNING, "checkmk_sync"):
            assert client.hosts.get("host00000") == first
        reply = client._site.perform("hosts", "get", path={"name": "host00000"})
        assert reply.stale and reply.from_cache
        assert "returned an expired answer" in caplog.text
        assert client.metrics()["cache"]["stale"] == 2
        quick.set_faults([])
        assert not client._site.perform("hosts", "get", path={"name": "host00000"}).stale


def test_stale_answers_bridge_an_open_breaker_and_a_missing_site(clock: ManualClock) -> None:
    with SimulatedSite(hosts=1) as site:
        client = _client(site, clock)
        client.hosts.get("host00000")
    clock.advance(100)
    for _ in range(8):
        assert client.hosts.get("host00000").name == "host00000"
    assert client.health().breaker.value == "open"
    client.close()


def test_stale_answers_expire_as_configured(quick: SimulatedSite, clock: ManualClock) -> None:
    with _client(quick, clock, stale=600) as client:
        client.hosts.get("host00000")
        quick.set_faults([Fault("status")])
        clock.advance(659)
        assert client.hosts.get("host00000")
        clock.advance(2)
        with pytest.raises(GatewayError):
            client.hosts.get("host00000")
    with _client(quick, clock, stale=0) as client:
        quick.set_faults([])
        client.hosts.get("host00000")
        clock.advance(61)
        quick.set_faults([Fault("status")])
        with pytest.raises(GatewayError):
            client.hosts.get("host00000")


def test_stale_answers_are_not_used_after_a_write(quick: SimulatedSite, clock: ManualClock) -> None:
    with _client(quick, clock) as client:
        client.hosts.get("host00000")
        client.hosts.update("host00000", update_attributes={"alias": "new"})
        quick.set_faults([Fault("status")])
        with pytest.raises(TransportError):
            client.hosts.get("host00000")


@pytest.mark.parametrize("status", [401, 403, 404, 412])
def test_answers_of_the_site_are_never_replaced(status: int, clock: ManualClock) -> None:
    import responses

    base = "https://mon.example.com/s/check_mk/api/1.0"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        good = {"id": "h", "extensions": {"folder": "/", "attributes": {}}}
        mocked.get(f"{base}/objects/host_config/h", json=good)
        with Checkmk(
            "https://mon.example.com", "s", "a", "geheim", clock=clock, caching={"stale_if_error": 600}
        ) as client:
            client.hosts.get("h")
            clock.advance(100)
            mocked.reset()
            mocked.get(f"{base}/objects/host_config/h", status=status, json={"title": "no", "status": status})
            with pytest.raises(CheckmkError):
                client.hosts.get("h")
