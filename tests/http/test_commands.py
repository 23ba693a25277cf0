"""A command, such as an acknowledgement, is never repeated, and does not wait for the configuration lock."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple, Optional

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.settling import settle
from checkmk_sync.client.site import Site
from checkmk_sync.config.settings import LimitSettings
from checkmk_sync.core import cancellation
from checkmk_sync.core.call import Call, CallKind, ExpectedReply
from checkmk_sync.core.clock import Deadline
from checkmk_sync.errors import BrokenReplyError, ConnectError, DeadlineError, ReadTimeoutError, UnexpectedReplyError
from checkmk_sync.metrics import MetricsCollector
from checkmk_sync.recovery import RequestLimits
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.conftest import MakeClient

# An operation of the simulated site that is answered with 204, in place of an acknowledgement.
COMMAND = Call(
    method="POST",
    path="/domain-types/host_config/actions/bulk-delete/invoke",
    kind=CallKind.COMMAND,
    noun="services",
    verb="acknowledge",
    body={"entries": ["web01"]},
    touches=("host_status",),
    expected=(ExpectedReply(204),),
)


@pytest.fixture
def with_host(site: SimulatedSite, cmk: Checkmk) -> Checkmk:
    cmk.hosts.create("web01")
    return cmk


def test_a_command_is_a_write_without_the_configuration_lock() -> None:
    assert (COMMAND.is_read, COMMAND.is_repeatable, COMMAND.is_exclusive) == (False, False, False)


def test_a_command_is_not_sent_again_after_a_lost_answer(with_host: Checkmk, site: SimulatedSite) -> None:
    for kind in ("reset_before", "reset_after"):
        site.set_faults([Fault(kind, writes=True)])
        with pytest.raises(BrokenReplyError) as caught:
            with_host._transport.perform(COMMAND)
        assert (caught.value.attempts, caught.value.attempted.is_uncertain) == (1, True)


def test_a_command_that_never_left_is_sent_again(connect: MakeClient) -> None:
    with SimulatedSite() as site:
        cmk = connect(site)
    with pytest.raises(ConnectError) as caught:
        cmk._transport.perform(COMMAND)
    assert caught.value.attempts > 1
    assert not caught.value.attempted.is_uncertain


def test_a_command_has_the_timeout_of_short_calls(connect: MakeClient) -> None:
    with SimulatedSite() as site:
        cmk = connect(site, timeouts={"read_s": 0.1, "bulk_s": 30})
        site.set_faults([Fault("slow", seconds=0.3, writes=True)])
        with pytest.raises(ReadTimeoutError) as caught:
            cmk._transport.perform(COMMAND)
        assert caught.value.attempted.is_uncertain


class _Request(NamedTuple):
    is_exclusive: bool
    deadline: Deadline


def test_a_command_does_not_wait_for_a_write_but_for_a_slot_of_reads(clock: ManualClock) -> None:
    limits = RequestLimits(LimitSettings(reads_in_flight=1), metrics=MetricsCollector(), clock=clock)
    send = limits.guard(lambda _request: "sent")
    command, write = (_Request(call.is_exclusive, Deadline(clock, 0.01)) for call in (COMMAND, _write()))
    with limits.writes.slot():
        assert send(command) == "sent"
        with pytest.raises(DeadlineError):
            send(write)
    with limits.reading(None):
        assert send(write) == "sent"
        with pytest.raises(DeadlineError):
            send(command)


def _write() -> Call:
    return Call("POST", "/x", CallKind.WRITE, "hosts", "create")


def test_a_command_invalidates_the_status_and_is_not_cached(connect: MakeClient) -> None:
    with SimulatedSite(hosts=3) as site:
        cmk = connect(site)
        cmk.host_status.get("host00000")
        cmk.hosts.get("host00000")
        before = len(site.requests)
        for name in ("host00001", "host00002"):
            cmk._transport.perform(dataclasses.replace(COMMAND, body={"entries": [name]}))
        cmk.host_status.get("host00000")
        cmk.hosts.get("host00000")  # a command leaves the configuration as it is
        assert len(site.requests) == before + 3


def test_a_lost_command_is_settled_by_reading(with_host: Checkmk, site: SimulatedSite) -> None:
    site.set_faults([Fault("reset_after", writes=True)])
    with pytest.raises(BrokenReplyError) as caught:
        with_host._transport.perform(COMMAND)
    looks = 0

    def find_applied(there: Site) -> Optional[str]:
        nonlocal looks
        looks += 1
        return "acknowledged" if looks == 3 else None  # the core executes a command after its answer

    assert settle(with_host._site, caught.value, find_applied) == "acknowledged"


def test_a_page_of_another_server_proves_no_command(with_host: Checkmk, site: SimulatedSite) -> None:
    site.set_faults([Fault("html", writes=True)])
    with pytest.raises(UnexpectedReplyError) as caught:
        with_host._transport.perform(COMMAND)
    assert caught.value.attempted is not None and caught.value.attempted.is_uncertain


def test_a_command_is_measured_under_its_own_name(with_host: Checkmk) -> None:
    with_host._transport.perform(COMMAND)
    metrics = with_host.metrics()
    assert metrics["timings"]["call.services.acknowledge"]["count"] == 1
    assert metrics["counters"]["calls.services.acknowledge.204"] == 1


def test_stopped_work_counts_a_command_as_a_write(with_host: Checkmk) -> None:
    work: Any = cancellation.Cancellation()
    token = cancellation.current.set(work)
    try:
        with_host._transport.perform(COMMAND)
    finally:
        cancellation.current.reset(token)
    assert work.writes == 1
