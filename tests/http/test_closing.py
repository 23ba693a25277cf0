"""``close()`` ends all waits and prevents further requests. Running calls keep their deadlines."""

from __future__ import annotations

import gc
import threading
import time
import warnings
import weakref
from typing import Any, Callable

import pytest

from checkmk_sync.errors import CheckmkError, ConnectError, DeadlineError, SettingsError, TransportError
from checkmk_sync.http import socket_deadlines
from checkmk_sync.testing import Fault, SimulatedSite


def _in_background(call: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except CheckmkError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def _wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_closing_ends_a_wait_between_retries() -> None:
    with SimulatedSite(faults=[Fault("status")]) as site:
        client = site.client(recovery={"retry": {"base_delay": 30, "max_retries": 9}})
        thread, failures = _in_background(client.version)
        _wait_until(lambda: client.metrics()["counters"].get("retries", 0) >= 1)
        tried = client.metrics()["counters"]["attempts"]
        client.close()
        thread.join(20)
        assert not thread.is_alive()
        assert isinstance(failures[0], TransportError)
        assert client.metrics()["counters"]["attempts"] == tried


def test_closing_ends_settling_with_an_unknown_outcome() -> None:
    with SimulatedSite(faults=[Fault("reset_before", writes=True, times=1)]) as site:
        client = site.client(timeouts={"settle_s": 60})
        client.version()
        thread, failures = _in_background(lambda: client.hosts.create("web01"))
        _wait_until(lambda: site.counts()["struck"] != {} and len(site.requests) > 2)
        used = time.process_time()
        client.close()
        thread.join(20)
        assert not thread.is_alive()
        assert isinstance(failures[0], TransportError) and failures[0].sent is None
        assert time.process_time() - used < 1


def test_queued_calls_are_not_sent_after_closing() -> None:
    with SimulatedSite(latency=0.3) as site:
        client = site.client()
        client.version()
        calls = [_in_background(lambda name=f"web{n}": client.hosts.create(name)) for n in range(3)]
        time.sleep(0.1)
        client.close()
        for thread, _ in calls:
            thread.join(20)
            assert not thread.is_alive()
        ended = [failures[0] for _, failures in calls if failures]
        assert len(site.state.configuration.hosts) <= 1
        assert len(ended) >= 2 and any(isinstance(error, ConnectError) for error in ended)


def test_running_calls_keep_their_deadline() -> None:
    with SimulatedSite(faults=[Fault("drip", seconds=0.05)]) as site:
        client = site.client(timeouts={"total_s": 0.5}, recovery={"retry": {"max_retries": 0}})
        thread, failures = _in_background(client.version)
        _wait_until(lambda: "drip" in site.state.faults.matched)
        client.close()
        thread.join(20)
        assert not thread.is_alive()
        assert isinstance(failures[0], DeadlineError)


@pytest.mark.parametrize("how", ["read", "write", "stream"])
def test_nothing_is_sent_after_closing(how: str) -> None:
    with SimulatedSite(hosts=1) as site:
        client = site.client()
        client.version()
        before = len(site.requests)
        client.close()
        calls = {
            "read": client.version,
            "write": lambda: client.hosts.delete("host00000"),
            "stream": lambda: list(client.hosts.each()),
        }
        with pytest.raises(ConnectError, match="closed"):
            calls[how]()
        assert len(site.requests) == before


@pytest.mark.filterwarnings("ignore:unclosed client:ResourceWarning")
def test_unclosed_clients_are_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """No background thread keeps a client alive."""
    monkeypatch.setattr(socket_deadlines, "IDLE_S", 0.05)
    with SimulatedSite(hosts=1) as site:
        before = threading.active_count()
        for _ in range(10):
            client = site.client()
            client.hosts.get("host00000")
            client.hosts.get("host00000")
        gone = weakref.ref(client._transport)
        del client
        gc.collect()
        assert gone() is None
        ends = time.monotonic() + 10
        while threading.active_count() > before and time.monotonic() < ends:
            time.sleep(0.02)
        assert threading.active_count() <= before


def test_many_clients_share_threads(recwarn: pytest.WarningsRecorder) -> None:
    """All clients of a process share their background threads."""
    with SimulatedSite(hosts=1) as site:
        before = {thread.name for thread in threading.enumerate()}
        idle = [site.client() for _ in range(50)]
        assert {thread.name for thread in threading.enumerate()} <= before, "no thread starts before it is needed"
        clients = [site.client() for _ in range(50)]
        for client in clients:
            client.hosts.get("host00000")
        names = [thread.name for thread in threading.enumerate() if thread.name not in before]
        assert len(names) <= 2 and len(set(names)) == len(names)
        for client in [*clients, *idle]:
            client.close()


def test_unclosed_clients_are_warned_about() -> None:
    with SimulatedSite(hosts=1) as site:
        client = site.client()
        client.version()
        with pytest.warns(
            ResourceWarning, match=r"unclosed client Checkmk\('http://127.0.0.1:\d+', 's', 'automation'\)"
        ):
            del client
            gc.collect()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            unused, closed = site.client(), site.client()
            closed.version()
            closed.close()
            del unused, closed
            gc.collect()
            with pytest.raises(SettingsError):
                site.client(timeouts={"read_s": -1})
            gc.collect()
