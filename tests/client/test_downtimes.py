"""Downtimes are scheduled, ensured, changed, listed and deleted."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, CheckmkError, MonitoredObject, Outcome, Outcomes, Status, Target, column
from checkmk_sync.errors import NotFoundError, UnexpectedReplyError, WaitTimeoutError
from checkmk_sync.testing import ManualClock, SimulatedSite

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def site(clock: ManualClock) -> Any:
    with SimulatedSite(edition="cee", clock=clock, hosts=3, services=6) as running:
        yield running


def _delay(site: SimulatedSite, seconds: float) -> None:
    site.state.monitoring.commands.delay_s = seconds


def _count(site: SimulatedSite, host: str = "host00000") -> int:
    return len(site.state.monitoring.commands.downtimes.get((host, ""), []))


def test_a_downtime_has_the_given_times_and_texts(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    (outcome,) = cmk.downtimes.create("host00000", start="1h", end="2h", comment=" reboot; é ")
    (found,) = cmk.downtimes.each()
    assert outcome == Outcome("host00000", Status.APPLIED, note=f"downtime {found.id}")
    assert found.start == dt.datetime.fromtimestamp(clock.time(), dt.timezone.utc) + HOUR
    assert (found.end - found.start, found.comment, found.author) == (2 * HOUR, "reboot; é", "automation")
    assert (found.site, found.host, found.service) == ("s", "host00000", None)
    assert (found.recurring, found.flexible) == (False, None)
    assert cmk.downtimes.get(found.id) == found
    with pytest.raises(NotFoundError):
        cmk.downtimes.get("777")


def test_flexible_and_recurring_downtimes(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    target = Target.services("host00000", "CPU load", "Check_MK")
    assert cmk.downtimes.create(target, end="2h", comment="f", flexible="30m", recur="week").ok
    expected = [("Check_MK", HOUR / 2, True), ("CPU load", HOUR / 2, True)]
    assert sorted((d.service, d.flexible, d.recurring) for d in cmk.downtimes.each()) == sorted(expected)
    assert cmk.downtimes.ensure(target, end="2h", comment="f", flexible="30m", recur="week").ok
    assert cmk.downtimes.ensure(target, end="2h", comment="f").ok
    assert len(list(cmk.downtimes.each())) == 4, "a fixed downtime is not the same as a flexible one"
    clock.advance(86_400)
    assert cmk.downtimes.ensure(target, end="3h", comment="f", flexible="30m", recur="week").ok
    assert len(list(cmk.downtimes.each())) == 2, "the recurring ones, which were not scheduled again"


def test_the_raw_edition_does_not_repeat_downtimes(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(clock=clock, hosts=1) as raw:
        with pytest.raises(CheckmkError, match="the raw edition cannot repeat downtimes"):
            connect(raw).downtimes.create("host00000", end="2h", comment="c", recur="day")
        assert all(request.method == "GET" for request in raw.requests)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"end": "2h", "start": "yesterday"}, "is not a time"),
        ({"end": "2020-01-01T00:00Z"}, "must end after its start and after now"),
        ({"end": "2020-01-02T00:00Z", "start": "2020-01-01T00:00Z"}, "must end after its start and after now"),
        ({"end": "2h", "comment": "two\nlines"}, "comment must be one line of text"),
        ({"end": "2h", "comment": "  "}, "comment must be one line of text"),
        ({"end": "2h", "flexible": "30s"}, "flexible must be whole minutes"),
        ({"end": "2h", "recur": "yearly"}, "recur must be one of hour, day"),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_sent(
    site: SimulatedSite, cmk: Checkmk, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cmk.downtimes.create("host00000", **{"comment": "c", **arguments})
    assert not site.requests


def test_without_waiting_the_outcome_is_unknown(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    (outcome,) = cmk.downtimes.create("host00000", end="2h", comment="c", wait=False)
    assert (outcome.status, outcome.error) == (Status.UNKNOWN, None)
    assert outcome.reason.startswith("handed over to the monitoring core, but not confirmed")
    assert not clock.slept


def test_a_core_that_is_too_slow_leaves_the_outcome_unknown(site: SimulatedSite, cmk: Checkmk) -> None:
    _delay(site, 60)
    reported: list[Outcome] = []
    outcomes = cmk.downtimes.create("host00000", end="2h", comment="c", timeout_s=7, progress=reported.append)
    assert outcomes == tuple(reported)
    assert outcomes[0].status is Status.UNKNOWN
    assert isinstance(outcomes[0].error, WaitTimeoutError)
    assert str(outcomes[0].error) == "the monitoring core has not executed the command within 7 s; it may still do so"


def test_ensure_never_makes_a_second_downtime(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    arguments: Any = {"end": "2040-01-01T00:00Z", "comment": "c"}
    target = Target.host("host00000", "host00001")
    assert cmk.downtimes.create("host00000", **arguments).ok
    would = cmk.downtimes.ensure(target, check=True, **arguments)
    assert [(o.key, o.note) for o in would] == [("host00000", "already there"), ("host00001", "would be created")]
    assert [o.note for o in cmk.downtimes.ensure(target, **arguments)] == ["already there", "downtime 2"]
    sent = len([request for request in site.requests if request.method != "GET"])
    assert cmk.downtimes.ensure(target, **arguments).ok
    assert len([request for request in site.requests if request.method != "GET"]) == sent
    clock.advance(600)
    assert cmk.downtimes.ensure(target, end="2h", comment="c").ok
    assert (_count(site), _count(site, "host00001")) == (1, 1)
    assert len({d.end for d in cmk.downtimes.each()}) == 1, "the ends were changed"
    assert cmk.downtimes.ensure("host00000", end="2h", comment="another").ok
    assert _count(site) == 2


def test_a_downtime_on_its_way_is_awaited_and_not_sent_again(site: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    _delay(site, 20)
    cmk.downtimes.create("host00000", end="2h", comment="c", wait=False)
    assert cmk.downtimes.ensure("host00000", end="2h", comment="c", timeout_s=5)[0].status is Status.UNKNOWN
    assert cmk.downtimes.ensure("host00000", end="2h", comment="c").ok
    assert _count(site) == 1
    # The client has read the downtime, so it is no longer on its way: once deleted, it is scheduled again.
    assert cmk.downtimes.delete("host00000").ok
    assert cmk.downtimes.ensure("host00000", end="2h", comment="c").ok
    # Another process names the objects.
    cmk.downtimes.create("host00001", end="2h", comment="c", wait=False)
    other = connect(site)
    on_its_way = [MonitoredObject("host00001")]
    assert other.downtimes.ensure("host00001", end="2h", comment="c", unconfirmed=on_its_way).ok
    assert _count(site, "host00001") == 1


def test_downtimes_are_changed(site: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    cmk.downtimes.create("host00000", end="2h", comment="a")
    cmk.downtimes.create("host00000", end="3h", comment="b")
    first, second = cmk.downtimes.each()
    assert cmk.downtimes.modify("host00000", extend="30m").ok
    assert [d.end for d in cmk.downtimes.each()] == [first.end + HOUR / 2, second.end + HOUR / 2]
    assert [o.key for o in cmk.downtimes.modify(id=first.id, comment="x", end="4h")] == [f"host00000 #{first.id}"]
    assert [o.key for o in cmk.downtimes.modify(second, comment="y")] == [f"host00000 #{second.id}"]
    assert [d.comment for d in cmk.downtimes.each()] == ["x", "y"]
    assert cmk.downtimes.modify(column("comment") == "nothing", comment="z") == Outcomes()
    for arguments in ({}, {"end": "1h", "extend": "1h"}):
        with pytest.raises(ValueError, match="give end or extend, or a comment"):
            cmk.downtimes.modify("host00000", **arguments)


def test_downtimes_of_old_sites_cannot_be_changed(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.2.0p20", clock=clock, hosts=1) as old:
        with pytest.raises(CheckmkError, match="does not support 'downtimes modify'"):
            connect(old).downtimes.modify("host00000", comment="c")


def test_downtimes_are_deleted_by_id_target_query_and_record(site: SimulatedSite, cmk: Checkmk) -> None:
    for number in range(5):
        cmk.downtimes.create(Target.host("host00000", "host00001"), end="2h", comment=f"c{number}")
    assert len(cmk.downtimes.delete(id=1)) == 1
    assert len(cmk.downtimes.delete(column("comment") == "c1")) == 2
    assert len(cmk.downtimes.delete(list(cmk.downtimes.each(column("comment") == "c2")))) == 2
    assert len(cmk.downtimes.delete("host00001")) == 3
    assert [d.comment for d in cmk.downtimes.each()] == ["c3", "c4"]
    assert cmk.downtimes.delete("host00001") == Outcomes()
    with pytest.raises(NotFoundError):
        cmk.downtimes.delete(id=1)
    for arguments in ({}, {"which": "host00000", "id": 1}):
        with pytest.raises(ValueError, match="give "):
            cmk.downtimes.delete(**arguments)


def test_ids_of_remote_sites_are_kept_apart(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(clock=clock, remote_sites=["r1"]) as site:
        site.seed_monitoring({"hosts": [{"name": "near"}, {"name": "far", "site": "r1"}]})
        cmk: Checkmk = connect(site)
        assert cmk.downtimes.create(Target.host("near", "far"), end="2h", comment="c").ok
        assert [(d.id, d.site, d.host) for d in cmk.downtimes.each()] == [("1", "r1", "far"), ("1", "s", "near")]
        assert [d.host for d in cmk.downtimes.each(site="r1")] == ["far"]
        assert cmk.downtimes.get(1, site="r1").host == "far"
        assert cmk.downtimes.delete(id=1, site="r1").ok
        assert [d.host for d in cmk.downtimes.each()] == ["near"]
        for number in range(3):
            assert cmk.downtimes.create(Target.host("near", "far"), end="2h", comment=f"c{number}").ok
        assert len(cmk.downtimes.delete("far")) == 3
        assert [d.host for d in cmk.downtimes.each()] == ["near"] * 4, (
            "their IDs are the same as those of the other site"
        )


def test_many_downtimes_need_few_requests(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(clock=clock, hosts=1000, services=0) as site:
        cmk: Checkmk = connect(site)
        everything = Target.host(*(f"host{number:05d}" for number in range(1000)))
        for call in (
            lambda: cmk.downtimes.create(everything, end="2h", comment="c"),
            lambda: cmk.downtimes.modify(everything, extend="1h"),
            lambda: cmk.downtimes.delete(everything),
        ):
            before = len(site.requests)
            outcomes = call()
            assert (len(outcomes), outcomes.ok) == (1000, True)
            assert len(site.requests) - before <= 10
        assert not list(cmk.downtimes.each())


def test_a_malformed_column_is_an_error_of_the_answer(site: SimulatedSite, cmk: Checkmk) -> None:
    row: Any = {"name": "x", "downtimes_with_extra_info": [[1, "a"]]}
    site.seed_monitoring({"hosts": [row]})
    with pytest.raises(UnexpectedReplyError, match="must contain lists with 11 members"):
        cmk.downtimes.create("x", end="2h", comment="c")


def test_a_downtime_lasts_across_a_change_of_clocks(cmk: Checkmk) -> None:
    when: Any = {"start": "2030-10-27 01:50 Europe/Berlin", "end": "80m"}
    assert cmk.downtimes.create("host00000", comment="c", **when).ok
    (found,) = cmk.downtimes.each()
    assert found.end - found.start == dt.timedelta(minutes=80)


@pytest.mark.parametrize("others", [lambda cmk: cmk.comments.each("host00000"), lambda _: ["host00000"]])
def test_only_records_of_downtimes_are_deleted(site: SimulatedSite, cmk: Checkmk, others: Any) -> None:
    assert cmk.downtimes.create("host00000", end="2h", comment="c").ok
    assert cmk.comments.create("host00000", "c").ok
    with pytest.raises(TypeError, match="which must be a target, a query, or downtimes as each"):
        cmk.downtimes.delete(others(cmk))
    assert _count(site) == 1


def _in_threads(calls: list[Callable[[], Outcomes]]) -> list[Outcomes]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_threads_that_ensure_the_same_downtime_schedule_one(site: SimulatedSite, cmk: Checkmk) -> None:
    _delay(site, 3)
    target = Target.host("host00000", "host00001")
    calls = [partial(cmk.downtimes.ensure, target, end="2040-01-01T00:00Z", comment="c")] * 8
    assert all(outcomes.ok for outcomes in _in_threads(calls))
    assert (_count(site), _count(site, "host00001")) == (1, 1)


def test_ensure_changes_the_end_of_a_downtime_that_was_on_its_way(site: SimulatedSite, cmk: Checkmk) -> None:
    _delay(site, 3)
    cmk.downtimes.create("host00000", end="2h", comment="c", wait=False)
    (outcome,) = cmk.downtimes.ensure("host00000", end="2040-01-01T00:00Z", comment="c")
    assert (outcome.status, outcome.note) == (Status.APPLIED, "changed")
    assert [entry.end.isoformat() for entry in cmk.downtimes.each()] == ["2040-01-01T00:00:00+00:00"]


def test_a_downtime_for_another_time_that_is_on_its_way_is_another_one(site: SimulatedSite, cmk: Checkmk) -> None:
    _delay(site, 3)
    cmk.downtimes.create("host00000", start="5h", end="1h", comment="c", wait=False)
    assert cmk.downtimes.ensure("host00000", end="1h", comment="c").ok
    assert _count(site) == 2
