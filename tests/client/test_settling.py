"""A write without a usable answer is settled by reading for long enough, but not longer than ``settle_s``."""

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
    BatchError,
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
def test_settling_reads_ignore_failures_counted_by_the_breaker(
    site: SimulatedSite, cmk: Checkmk, clock: Any, times: int
) -> None:
    site.set_faults(
        [
            Fault("reset_after", writes=True, times=1),
            Fault("status", status=503, method="GET", skip=1, times=times),  # the first read happens before the write
        ]
    )
    started = clock.monotonic()
    assert cmk.hosts.create("h").name == "h"
    assert clock.monotonic() - started < 10
    assert cmk._transport.breaker.state is BreakerState.CLOSED


def test_settling_reads_ignore_an_open_breaker(site: SimulatedSite, connect: Any) -> None:
    cmk = connect(site, recovery={"circuit_breaker": {"failure_threshold": 1}})
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    assert cmk.hosts.create("h").name == "h"
    site.set_faults([Fault("reset_after", path="bulk", times=1)])
    cmk.clock.advance(100)
    assert cmk.hosts.bulk_create([{"host_name": f"h{n}"} for n in range(3)]).ok


@pytest.mark.parametrize("kind", ["drip", "slow"], ids=["drips", "waits"])
def test_settling_ends_in_time(kind: str) -> None:
    """Runs in real time. Neither retries nor the timeouts of a call extend it by more than a second."""
    options = {"timeouts": {"settle_s": 0.3, "read_s": 20}}
    with SimulatedSite() as site, site.client(**options) as cmk:
        for write in (lambda: cmk.hosts.create("h"), lambda: cmk.folders.create("/f")):
            site.set_faults([Fault("reset_before", writes=True), Fault(kind, method="GET", skip=1, seconds=3)])
            started = time.monotonic()
            with pytest.raises(BrokenReplyError):
                write()
            assert time.monotonic() - started < 2.5


def test_a_read_that_hangs_is_followed_by_another() -> None:
    """Runs in real time."""
    with SimulatedSite() as site, site.client(timeouts={"settle_s": 1.2, "read_s": 20}) as cmk:
        site.set_faults(
            [Fault("reset_after", writes=True, times=1), Fault("slow", method="GET", seconds=3, skip=1, times=1)]
        )
        assert cmk.hosts.create("h").name == "h"


def test_closing_the_client_ends_settling() -> None:
    """Runs in real time."""
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
        assert time.process_time() - spent < 1, "it must not spin"
        assert len(site.requests) <= asked + 1
        assert isinstance(errors[0], BrokenReplyError)


def test_a_refused_read_is_not_repeated(prepared: SimulatedSite, cmk: Checkmk, clock: Any) -> None:
    """This matters most for wrong credentials, because each further read could lock the account."""
    # Without rights, only the list of a bulk call is refused. The site says 404 for a single host that does not exist.
    for refuse, statuses in (("secret", [404, 0, 401]), ("rights", [0, 401])):
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
            with pytest.raises((BrokenReplyError, BatchError)):
                if refuse == "secret":
                    robot.hosts.create(f"new-{refuse}")
                robot.hosts.bulk_create([{"host_name": f"new-{refuse}"}]).raise_for_failures()
            assert clock.monotonic() == started
            assert [request.status for request in prepared.requests[asked:]] == statuses


@pytest.mark.parametrize("kind", ["html", "redirect"])
@pytest.mark.parametrize("name", WRITES)
def test_a_page_in_place_of_an_answer_leaves_the_write_unknown(
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
def test_a_write_applied_before_a_crash_is_found(prepared: SimulatedSite, cmk: Checkmk, name: str) -> None:
    write, is_done = WRITES[name]
    prepared.set_faults([Fault("crash_after", writes=True, times=1)])
    write(cmk)
    assert is_done(prepared)


@pytest.mark.parametrize("name", WRITES)
def test_a_crash_is_unknown_if_the_site_cannot_be_read(prepared: SimulatedSite, cmk: Checkmk, name: str) -> None:
    """One successful read settles a crash. Without one, nothing is proven."""
    write, is_done = WRITES[name]
    for silent in (False, True):
        away = [Fault("status", method="GET", skip=1)] if silent else []
        prepared.set_faults([Fault("crash", writes=True, times=1), *away])
        with pytest.raises(ServerError) as caught:
            write(cmk)
        assert not is_done(prepared)
        assert (caught.value.attempted.delivery is Delivery.NOTHING_DONE) is not silent
        assert Outcome.failed("x", caught.value).status is (Status.UNKNOWN if silent else Status.NOT_APPLIED)


def test_an_address_without_a_site_is_not_read_again(clock: ManualClock, connect: Any) -> None:
    with (
        SimulatedSite(clock=clock) as site,
        Checkmk(site.url, "other", site.username, site.password, clock=clock) as cmk,
    ):
        started = clock.monotonic()
        with pytest.raises(UnexpectedReplyError, match="no Checkmk site answers") as caught:
            cmk.folders.create_absent("/f")
        assert clock.monotonic() == started
        assert Outcome.failed("h", caught.value).status is Status.UNKNOWN, "nothing proves that it was not applied"
        with pytest.raises(UnexpectedReplyError, match="no Checkmk site answers") as caught:
            cmk.folders.create("/f")
        assert Outcome.failed("h", caught.value).status is Status.NOT_APPLIED, "the read before the write has failed"


def test_a_redirected_read_reports_a_login_page(site: SimulatedSite, cmk: Checkmk) -> None:
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
def test_an_error_determines_the_outcome_of_a_write(error: CheckmkError, status: Status) -> None:
    assert Outcome.failed("key", error) == Outcome("key", status, error)


def test_an_error_of_the_read_before_a_write_means_not_applied(prepared: SimulatedSite, cmk: Checkmk) -> None:
    """A move reads the host first. If that fails, nothing was sent."""
    for fault in (Fault("cut", method="GET"), Fault("crash", method="GET"), Fault("html", method="GET")):
        prepared.set_faults([fault])
        with pytest.raises(CheckmkError) as caught:
            cmk.hosts.move("old", "/a")
        assert Outcome.failed("old", caught.value).status is Status.NOT_APPLIED


@pytest.mark.parametrize("path", ["bulk-create", "folder_config"])
@pytest.mark.parametrize("kind", ["html", "redirect", "crash"])
def test_a_sync_reports_unknown_outcomes(site: SimulatedSite, cmk: Checkmk, path: str, kind: str) -> None:
    """An error does not hide earlier outcomes, and single calls are reported like bulk calls."""
    plan = make_plan(cmk, from_data({"hosts": [{"name": f"h{n}", "folder": f"/f{n}"} for n in range(4)]}), owner="me")
    away = [Fault("status", method="GET")] if kind == "crash" else []
    site.set_faults([Fault(kind, path=path, writes=True, times=1), *away])
    report = apply_plan(cmk, plan)
    statuses = [outcome.status for change, outcome in report.results if (change.kind == "host") is ("bulk" in path)]
    assert statuses.count(Status.UNKNOWN) == (4 if "bulk" in path else 1), report.results
