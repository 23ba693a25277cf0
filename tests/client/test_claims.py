"""An object that two calls of a client create at the same time proves the creation of neither."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.client.claims import Claims
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


def test_a_claim_holds_as_long_as_its_call_runs(clock: ManualClock) -> None:
    claims = Claims(clock)
    with claims.claim("hosts", ["a", "b"]) as first:
        clock.advance(60)
        with claims.claim("hosts", ["a"]) as second:
            assert ("a" in first, "b" in first, "a" in second) == (False, True, False)
        with claims.claim("folders", ["b"]) as other:
            assert "b" in other


def test_after_its_end_a_claim_holds_for_seconds(clock: ManualClock) -> None:
    claims = Claims(clock)
    with claims.claim("hosts", ["a"]):
        clock.advance(60)
    clock.advance(Claims.KEPT_S)
    with claims.claim("hosts", ["a"]) as early:
        assert "a" not in early
    clock.advance(Claims.KEPT_S + 1)
    with claims.claim("hosts", ["a"]) as late:
        assert "a" in late


def test_a_call_that_failed_and_an_object_that_is_gone_leave_no_claim(clock: ManualClock) -> None:
    claims = Claims(clock)
    with pytest.raises(KeyError), claims.claim("hosts", ["a"]):
        raise KeyError
    with claims.claim("hosts", ["a"]) as again:
        assert "a" in again
    claims.discard("hosts", "a")
    with claims.claim("hosts", ["a"]) as third:
        assert "a" in third


def test_claims_do_not_grow_for_ever(clock: ManualClock) -> None:
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


def test_a_bulk_call_whose_answer_was_lost_did_not_create_what_was_there(site: SimulatedSite, cmk: Checkmk) -> None:
    entry: dict[str, Any] = {"host_name": "web01", "folder": "/", "attributes": {"alias": "a"}}
    cmk.hosts.create("web01", "/", {"alias": "a"})
    site.set_faults([Fault("reset_before", path="bulk-create")])
    (outcome,) = cmk.hosts.bulk_create([entry])
    assert outcome.status is Status.UNKNOWN
