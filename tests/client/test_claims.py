"""If two calls of a client create the same object at the same time, finding it does not prove either creation."""

from __future__ import annotations

import os
import signal
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.client.claims import Claims
from checkmk_sync.errors import BrokenReplyError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


def test_a_claim_lasts_while_its_call_runs(clock: ManualClock) -> None:
    claims = Claims(clock)
    with claims.claim("hosts", ["a", "b"]) as first:
        clock.advance(60)
        with claims.claim("hosts", ["a"]) as second:
            assert ("a" in first, "b" in first, "a" in second) == (False, True, False)
        with claims.claim("folders", ["b"]) as other:
            assert "b" in other


def test_a_claim_lasts_some_seconds_after_its_call(clock: ManualClock) -> None:
    claims = Claims(clock)
    with claims.claim("hosts", ["a"]):
        clock.advance(60)
    clock.advance(Claims.KEPT_S)
    with claims.claim("hosts", ["a"]) as early:
        assert "a" not in early
    clock.advance(Claims.KEPT_S + 1)
    with claims.claim("hosts", ["a"]) as late:
        assert "a" in late


def test_failed_calls_and_deleted_objects_leave_no_claim(clock: ManualClock) -> None:
    claims = Claims(clock)
    with pytest.raises(KeyError), claims.claim("hosts", ["a"]):
        raise KeyError
    with claims.claim("hosts", ["a"]) as again:
        assert "a" in again
    claims.discard("hosts", "a")
    with claims.claim("hosts", ["a"]) as third:
        assert "a" in third


def test_the_number_of_claims_is_limited(clock: ManualClock) -> None:
    claims = Claims(clock)
    for start in range(0, 3 * Claims.KEPT, 200):
        with claims.claim("hosts", (f"h{number}" for number in range(start, start + 200))):
            pass
    assert len(claims._claims) <= Claims.KEPT + 400
    for number in range(Claims.KEPT):
        clock.advance(1)
        with claims.claim("hosts", [f"x{number}"]):
            pass
    assert len(claims._claims) < 10


def test_a_lost_bulk_call_is_not_proven_by_a_host_of_an_earlier_call(site: SimulatedSite, cmk: Checkmk) -> None:
    entry: dict[str, Any] = {"host_name": "web01", "folder": "/", "attributes": {"alias": "a"}}
    cmk.hosts.create("web01", "/", {"alias": "a"})
    site.set_faults([Fault("reset_before", path="bulk-create")])
    (outcome,) = cmk.hosts.bulk_create([entry])
    assert outcome.status is Status.UNKNOWN


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_can_claim_objects(clock: ManualClock) -> None:
    claims = Claims(clock)
    with claims._lock:  # as another thread can hold it when the process forks
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            with claims.claim("hosts", ["a"]) as claim:
                os._exit(0 if "a" in claim else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_lost_call_is_not_proven_by_another_call_during_the_search(site: SimulatedSite, cmk: Checkmk) -> None:
    reads = []

    def create_it(method: str, path: str) -> None:
        reads.append(path)
        if len(reads) == 2:  # the first read finds that the host is absent, and the second one searches for it
            cmk.hosts.create("web01", "/", {"alias": "a"})

    site.on_request(create_it)
    site.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(BrokenReplyError):
        cmk.hosts.create("web01", "/", {"alias": "a"})
    assert "web01" in site.state.configuration.hosts


DELETIONS: dict[str, Callable[[Checkmk], Any]] = {
    "host": lambda cmk: cmk.hosts.delete("web01"),
    "hosts in bulk": lambda cmk: cmk.hosts.bulk_delete(["web01"]),
    "folder": lambda cmk: cmk.folders.delete("~linux"),
}


@pytest.mark.parametrize("name", DELETIONS)
def test_a_deletion_ends_the_claim_of_a_creation(site: SimulatedSite, cmk: Checkmk, name: str) -> None:
    def create() -> Any:
        return cmk.folders.create("/linux") if name == "folder" else cmk.hosts.create("web01")

    create()
    DELETIONS[name](cmk)
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    assert create().key_value in ("web01", "/linux")
