"""The client measures every call once, as its caller sees it, and reports it to hooks."""

from __future__ import annotations

import dataclasses
import logging
import threading
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import CheckmkError, CircuitOpenError, ConnectError, GatewayError, NotFoundError
from checkmk_sync.metrics.calls import CallEvent
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


@pytest.fixture
def events(cmk: Checkmk) -> list[CallEvent]:
    seen: list[CallEvent] = []
    cmk.add_hook(seen.append)
    return seen


def _counters(cmk: Checkmk) -> Any:
    return cmk.metrics()["counters"]


def test_calls_are_counted_by_noun_verb_and_status(cmk: Checkmk) -> None:
    cmk.hosts.create("web01")
    cmk.hosts.get("web01")
    cmk.hosts.get("web01")  # from the cache
    assert cmk.hosts.find("nope") is None
    with pytest.raises(CheckmkError):
        cmk.hosts.create("web01")
    stats = cmk.metrics()
    calls = {name: count for name, count in stats["counters"].items() if name.startswith("calls.")}
    assert calls == {
        "calls.hosts.create.200": 1,
        "calls.hosts.create.400": 1,
        "calls.hosts.get.200": 3,  # one of them by the failed create call, which found the host
        "calls.hosts.get.404": 2,  # one by find, one by the first create call
    }
    assert stats["timings"]["call.hosts.get"]["count"] == 4  # without the cache hit
    assert stats["error_rates"] == {"call.hosts.create": 0.5, "call.hosts.get": 0.0}
    assert (stats["counters"]["cache_hits"], stats["cache"]["hits"]) == (1, 1)
    assert stats["counters"]["bytes_sent"] > 20
    assert stats["breaker"] == "closed"
    assert stats["gauges"] == {"breaker_state": 0, "requests_in_flight": 0}


def test_attempts_retries_and_answers_are_counted(site: SimulatedSite, cmk: Checkmk, events: list[CallEvent]) -> None:
    site.set_faults([Fault("status", status=503, times=2)])
    cmk.version()
    assert (events[0].attempts, events[0].status, events[0].error) == (3, 200, None)
    counters = _counters(cmk)
    assert (counters["attempts"], counters["retries"]) == (3, 2)
    assert (counters["replies.503"], counters["replies.200"]) == (2, 1)
    assert "call.site.version.errors" not in counters
    assert cmk.metrics()["timings"]["retry_wait"]["count"] == 2


def test_changes_of_the_breaker_are_counted(site: SimulatedSite, connect: Any, clock: ManualClock) -> None:
    cmk = connect(site, recovery={"circuit_breaker": {"failure_threshold": 2}, "retry": {"max_retries": 0}})
    shown = [cmk.metrics()["gauges"]["breaker_state"]]
    site.set_faults([Fault("status", status=502, times=2)])
    for _ in range(2):
        with pytest.raises(GatewayError):
            cmk.version()
    with pytest.raises(CircuitOpenError):
        cmk.version()
    shown.append(cmk.metrics()["gauges"]["breaker_state"])
    clock.advance(60)
    shown.append(cmk.metrics()["gauges"]["breaker_state"])
    cmk.version()
    shown.append(cmk.metrics()["gauges"]["breaker_state"])
    assert shown == [0, 2, 1, 0]
    counters = _counters(cmk)
    assert {name: counters[f"breaker_transitions.{name}"] for name in ("open", "half_open", "closed")} == {
        "open": 1, "half_open": 1, "closed": 1,
    }  # fmt: skip
    assert counters["calls.site.version.502"] == 2
    assert counters["calls.site.version.CircuitOpenError"] == 1
    assert cmk.metrics()["error_rates"]["call.site.version"] == 0.75


def test_requests_in_flight_are_counted(connect: Any) -> None:
    with SimulatedSite() as site:
        cmk = connect(site, clock=None, limits={"reads_in_flight": 3})
        gauges: list[float] = []
        three = threading.Barrier(3, lambda: gauges.append(cmk.metrics()["gauges"]["requests_in_flight"]), timeout=20)
        site.on_request(lambda _method, _path: three.wait())
        threads = [threading.Thread(target=cmk.version) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert gauges == [3, 3]
        assert cmk.metrics()["gauges"]["requests_in_flight"] == 0


def test_outcomes_of_bulk_items_and_sync_changes_are_counted(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("there")
    cmk.hosts.bulk_create([{"host_name": "new"}, {"host_name": "there"}])
    counters = _counters(cmk)
    assert (counters["bulk_items.applied"], counters["bulk_items.not_applied"]) == (1, 1)
    report = apply_plan(cmk, make_plan(cmk, from_data({"hosts": [{"name": "a", "folder": "/x"}, {"name": "b"}]})))
    assert report.ok
    stats = cmk.metrics()
    found = {name: count for name, count in stats["counters"].items() if name.startswith("sync_")}
    assert found == {
        "sync_changes.create.folder.applied": 1,
        "sync_changes.create.host.applied": 2,
        "sync_runs.ok": 1,
    }
    assert stats["gauges"]["sync_changes_left"] == 0


def test_broken_streams_count_as_failures(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.bulk_create([{"host_name": f"h{number}"} for number in range(20)])
    site.set_faults([Fault("truncate", times=1)])
    with pytest.raises(CheckmkError):
        list(cmk.hosts.each())
    assert _counters(cmk)["call.hosts.list.errors"] == 1
    received = _counters(cmk)["bytes_received"]
    list(cmk.hosts.each())
    assert _counters(cmk)["bytes_received"] > received + 1000


# Hooks


def test_hooks_receive_every_call(cmk: Checkmk, events: list[CallEvent]) -> None:
    cmk.folders.ensure("/a")
    events.clear()
    cmk.folders.get("/a")
    cmk.folders.get("/a")
    with pytest.raises(NotFoundError):
        cmk.hosts.get("nope")
    first, second, third = events
    assert (first.noun, first.verb, first.method, first.path) == (
        "folders", "get", "GET", "/objects/folder_config/~a",
    )  # fmt: skip
    assert (first.status, first.attempts, first.from_cache, first.stale) == (200, 1, False, False)
    assert first.bytes_received > 100
    assert (second.from_cache, second.attempts, second.bytes_received, second.status) == (True, 0, 0, 200)
    assert (third.status, third.error, third.attempts) == (404, "NotFoundError", 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.noun = "hosts"  # type: ignore[misc]


def test_hooks_receive_calls_that_sent_nothing(site: SimulatedSite, cmk: Checkmk, events: list[CallEvent]) -> None:
    cmk.close()
    with pytest.raises(ConnectError):
        cmk.version()
    assert [(event.error, event.status, event.attempts) for event in events] == [("ConnectError", None, 0)]


def test_events_contain_no_secret_and_no_body(site: SimulatedSite, cmk: Checkmk, events: list[CallEvent]) -> None:
    cmk.hosts.create("web01", "/", {"alias": "in the body"})
    assert events[-1].bytes_sent > 20
    assert "in the body" not in repr(events)
    assert site.password not in repr(events)


def test_failing_hooks_do_not_fail_calls(
    cmk: Checkmk, events: list[CallEvent], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_event: CallEvent) -> None:
        raise ZeroDivisionError("by the hook")

    after: list[CallEvent] = []
    cmk.add_hook(broken)
    cmk.add_hook(after.append)
    with caplog.at_level(logging.ERROR, logger="checkmk_sync"):
        assert cmk.version().site == "s"
    assert events == after
    assert len(after) == 1
    assert "a hook failed after site.version" in caplog.text
    assert "by the hook" in caplog.text


def test_hooks_can_be_removed(cmk: Checkmk) -> None:
    seen: list[CallEvent] = []
    cmk.add_hook(seen.append)
    cmk.version()
    cmk.remove_hook(seen.append)
    cmk.version()
    assert len(seen) == 1
    with pytest.raises(ValueError, match="not in list"):
        cmk.remove_hook(seen.append)


def test_hooks_can_call_the_client(cmk: Checkmk) -> None:
    seen: list[str] = []

    def curious(event: CallEvent) -> None:
        seen.append(event.verb)
        cmk.hosts.find("web01")

    cmk.add_hook(curious)
    cmk.version()
    cmk.version()
    assert seen == ["version", "version"]
    assert _counters(cmk)["calls.hosts.get.404"] == 2


def test_calls_of_threads_are_measured_separately(cmk: Checkmk, events: list[CallEvent]) -> None:
    cmk.hosts.bulk_create([{"host_name": f"h{number}"} for number in range(4)])
    events.clear()

    def work(number: int) -> None:
        for _ in range(10):
            cmk.hosts.get(f"h{number}", fresh=True)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events) == 40
    assert {event.attempts for event in events} == {1}
    assert len({event.bytes_received for event in events}) == 1
    assert sum(event.path.endswith("/h2") for event in events) == 10
