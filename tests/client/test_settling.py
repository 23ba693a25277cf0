"""Looking for a write whose answer says nothing: long enough, in time, and stopped by nothing of our own."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.errors import (
    Attempted,
    AuthError,
    BadRequestError,
    BrokenReplyError,
    CheckmkError,
    CircuitOpenError,
    Delivery,
    ForbiddenError,
    GatewayError,
    NotFoundError,
    ServerError,
    TransportError,
    UnexpectedReplyError,
)
from checkmk_sync.recovery import BreakerState
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.client.test_writes_tell_the_truth import WRITES


@pytest.fixture
def prepared(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    cmk.folders.create("/a", attributes={"tag_criticality": "test"})
    cmk.folders.create("/c")
    cmk.hosts.create("old", "/", {"alias": "before", "ipaddress": "10.0.0.1"})
    return site


@pytest.mark.parametrize("times", [1, 4, 5, 9])
def test_the_breaker_does_not_keep_from_looking(site: SimulatedSite, cmk: Checkmk, clock: Any, times: int) -> None:
    site.set_faults(
        [
            Fault("reset_after", writes=True, times=1),
            Fault("status", status=503, method="GET", skip=1, times=times),  # the first reading is before the write
        ]
    )
    started = clock.monotonic()
    assert cmk.hosts.create("h").name == "h"
    assert clock.monotonic() - started < 10
    assert cmk._transport.breaker.state is BreakerState.CLOSED


def test_an_open_breaker_does_not_either(site: SimulatedSite, connect: Any) -> None:
    cmk = connect(site, recovery={"circuit_breaker": {"failure_threshold": 1}})
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    assert cmk.hosts.create("h").name == "h"
    site.set_faults([Fault("reset_after", path="bulk", times=1)])
    cmk.clock.advance(100)
    assert cmk.hosts.bulk_create([{"host_name": f"h{n}"} for n in range(3)]).ok


@pytest.mark.parametrize("kind", ["drip", "slow"], ids=["drips", "waits"])
def test_looking_ends_in_time(kind: str) -> None:
    """Real time: neither retries nor the limits of a single call prolong it, but by a second."""
    options = {"timeouts": {"settle_s": 0.3, "read_s": 20}}
    with SimulatedSite() as site, site.client(**options) as cmk:
        for write in (lambda: cmk.hosts.create("h"), lambda: cmk.folders.create("/f")):
            site.set_faults([Fault("reset_before", writes=True), Fault(kind, method="GET", skip=1, seconds=3)])
            started = time.monotonic()
            with pytest.raises(BrokenReplyError):
                write()
            assert time.monotonic() - started < 2.5


def test_a_look_that_hangs_is_not_the_only_one() -> None:
    """Real time."""
    with SimulatedSite() as site, site.client(timeouts={"settle_s": 1.2, "read_s": 20}) as cmk:
        site.set_faults(
            [Fault("reset_after", writes=True, times=1), Fault("slow", method="GET", seconds=3, skip=1, times=1)]
        )
        assert cmk.hosts.create("h").name == "h"


def test_closing_the_client_ends_it() -> None:
    """Real time."""
    with SimulatedSite() as site, site.client(timeouts={"settle_s": 20}) as cmk:
        site.set_faults([Fault("reset_before", writes=True)])
        errors: list[Exception] = []

        def create() -> None:
            try:
                cmk.hosts.create("h")
            except TransportError as error:
                errors.append(error)

        thread = threading.Thread(target=create)
        thread.start()
        time.sleep(0.2)
        asked = len(site.requests)
        started, spent = time.monotonic(), time.process_time()
        cmk.close()
        thread.join(5)
        assert time.monotonic() - started < 3
        assert time.process_time() - spent < 1, "nor does it spin"
        assert len(site.requests) <= asked + 1
        assert isinstance(errors[0], BrokenReplyError)


def test_what_may_not_be_looked_for_is_not_looked_for_again(prepared: SimulatedSite, cmk: Checkmk, clock: Any) -> None:
    """Wrong credentials above all: each further look brings the account nearer to being locked."""
    for refuse, statuses in (("secret", [404, 0, 401]), ("rights", [404, 0, 401])):
        name = f"robot-{refuse}"
        prepared.add_user(name, "old secret", lock_after=3)
        user = prepared.state.configuration.users[name]

        def lose(method: str, path: str, refuse: str = refuse, user: Any = user) -> None:
            if method == "POST" and refuse == "secret":
                user.password = "new secret"
            elif method == "POST":
                user.permissions = frozenset()

        prepared.on_request(lose)
        with prepared.client(username=name, clock=clock) as robot:
            prepared.set_faults([Fault("reset_after", writes=True, times=1)])
            started, asked = clock.monotonic(), len(prepared.requests)
            with pytest.raises(BrokenReplyError):
                robot.hosts.create(f"new-{refuse}")
            assert clock.monotonic() == started
            assert [request.status for request in prepared.requests[asked:]] == statuses


@pytest.mark.parametrize("kind", ["html", "redirect"])
@pytest.mark.parametrize("name", WRITES)
def test_a_page_in_place_of_an_answer_says_nothing(
    prepared: SimulatedSite, cmk: Checkmk, clock: Any, name: str, kind: str
) -> None:
    write, is_done = WRITES[name]
    prepared.set_faults([Fault(kind, writes=True, times=1)])
    started = clock.monotonic()
    with pytest.raises(UnexpectedReplyError) as caught:
        write(cmk)
    assert not is_done(prepared)
    assert clock.monotonic() - started >= cmk.settings.timeouts.settle_s
    assert Outcome.failed("x", caught.value).status is Status.UNKNOWN


@pytest.mark.parametrize("name", WRITES)
def test_a_crash_after_the_work_is_found_out(prepared: SimulatedSite, cmk: Checkmk, name: str) -> None:
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("crash_after", writes=True, times=1)])
    write(cmk)
    assert is_done(prepared)


@pytest.mark.parametrize("name", WRITES)
def test_a_crash_is_unknown_where_nobody_could_look(prepared: SimulatedSite, cmk: Checkmk, name: str) -> None:
    """One successful look tells after a crash; none at all tells nothing."""
    write, is_done = WRITES[name]
    for silent in (False, True):
        away = [Fault("status", method="GET", skip=1)] if silent else []
        prepared.set_faults([Fault("crash", writes=True, times=1), *away])
        with pytest.raises(ServerError) as caught:
            write(cmk)
        assert not is_done(prepared)
        assert (caught.value.attempted.delivery is Delivery.NOTHING_DONE) is not silent
        assert Outcome.failed("x", caught.value).status is (Status.UNKNOWN if silent else Status.NOT_APPLIED)


def test_no_site_at_all_needs_no_looking(clock: ManualClock, connect: Any) -> None:
    with (
        SimulatedSite(clock=clock) as site,
        Checkmk(site.url, "other", site.username, site.password, clock=clock) as cmk,
    ):
        started = clock.monotonic()
        with pytest.raises(UnexpectedReplyError, match="no Checkmk site answers") as caught:
            cmk.folders.create_absent("/f")
        assert clock.monotonic() == started
        assert Outcome.failed("h", caught.value).status is Status.UNKNOWN, "nothing has shown that it was not done"
        with pytest.raises(UnexpectedReplyError, match="no Checkmk site answers") as caught:
            cmk.folders.create("/f")
        assert Outcome.failed("h", caught.value).status is Status.NOT_APPLIED, "the reading before it has failed"


def test_a_redirected_reading_says_that_there_is_a_login_page(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("redirect")])
    with pytest.raises(UnexpectedReplyError, match="login page in front of the site") as caught:
        cmk.hosts.get("h")
    assert not caught.value.attempted.is_uncertain


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BrokenReplyError("x"), Status.UNKNOWN),
        (GatewayError("x", status=504), Status.UNKNOWN),
        (BrokenReplyError("x", sent=False), Status.NOT_APPLIED),
        (CircuitOpenError("x"), Status.NOT_APPLIED),
        (ServerError(500, "x"), Status.UNKNOWN),
        (UnexpectedReplyError("x"), Status.UNKNOWN),
        (UnexpectedReplyError("x", attempted=Attempted(Delivery.NOTHING_DONE)), Status.NOT_APPLIED),
        (BadRequestError(400, "x"), Status.NOT_APPLIED),
        (AuthError(401, "x"), Status.NOT_APPLIED),
        (ForbiddenError(403, "x"), Status.NOT_APPLIED),
        (NotFoundError(404, "x"), Status.NOT_APPLIED),
        (CheckmkError("x"), Status.NOT_APPLIED),
    ],
)
def test_what_an_error_says_of_a_write(error: CheckmkError, status: Status) -> None:
    assert Outcome.failed("key", error) == Outcome("key", status, error)


def test_what_a_reading_before_the_write_met_changed_nothing(prepared: SimulatedSite, cmk: Checkmk) -> None:
    """A move reads first: when that fails, nothing was moved, and that is sure."""
    for fault in (Fault("cut", method="GET"), Fault("crash", method="GET"), Fault("html", method="GET")):
        prepared.set_faults([fault])
        with pytest.raises(CheckmkError) as caught:
            cmk.hosts.move("old", "/a")
        assert Outcome.failed("old", caught.value).status is Status.NOT_APPLIED


@pytest.mark.parametrize("path", ["bulk-create", "folder_config"])
@pytest.mark.parametrize("kind", ["html", "redirect", "crash"])
def test_a_sync_reports_what_is_unknown(site: SimulatedSite, cmk: Checkmk, path: str, kind: str) -> None:
    """No error of the engine hides what was done before it, and single calls are judged as bulk calls are."""
    plan = make_plan(cmk, from_data({"hosts": [{"name": f"h{n}", "folder": f"/f{n}"} for n in range(4)]}), owner="me")
    away = [Fault("status", method="GET")] if kind == "crash" else []
    site.set_faults([Fault(kind, path=path, writes=True, times=1), *away])
    report = apply_plan(cmk, plan)
    statuses = [outcome.status for change, outcome in report.results if (change.kind == "host") is ("bulk" in path)]
    assert statuses.count(Status.UNKNOWN) == (4 if "bulk" in path else 1), report.results
