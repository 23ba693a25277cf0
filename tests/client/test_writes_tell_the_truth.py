"""A write whose answer was lost is settled by reading: applied if the reads find its effect, otherwise unknown.

The tests count the requests at the site, because a write must never be repeated.
"""

from __future__ import annotations

import time
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.site import Settling
from checkmk_sync.errors import BrokenReplyError, GatewayError, PreconditionError, ServerError, TransportError
from checkmk_sync.testing import Fault, SimulatedSite

Write = Callable[[Checkmk], Any]

WRITES: dict[str, tuple[Write, Callable[[SimulatedSite], bool]]] = {
    "create host": (
        lambda cmk: cmk.hosts.create("new", "/a", {"alias": "x", "labels": {"a": "b"}}),
        lambda site: "new" in site.state.configuration.hosts,
    ),
    "update host": (
        lambda cmk: cmk.hosts.update("old", update_attributes={"alias": "changed"}),
        lambda site: site.state.configuration.hosts["old"].attributes.get("alias") == "changed",
    ),
    "replace host": (
        lambda cmk: cmk.hosts.update("old", attributes={"ipaddress": "10.0.0.9"}),
        lambda site: site.state.configuration.hosts["old"].attributes == {"ipaddress": "10.0.0.9"},
    ),
    "remove attribute": (
        lambda cmk: cmk.hosts.update("old", remove_attributes=["alias"]),
        lambda site: "alias" not in site.state.configuration.hosts["old"].attributes,
    ),
    "change host": (
        lambda cmk: cmk.hosts.update("old", lambda attributes: {**attributes, "alias": "changed"}),
        lambda site: site.state.configuration.hosts["old"].attributes.get("alias") == "changed",
    ),
    "move host": (
        lambda cmk: cmk.hosts.move("old", "/a"),
        lambda site: site.state.configuration.hosts["old"].folder == "/a",
    ),
    "delete host": (
        lambda cmk: cmk.hosts.delete("old"),
        lambda site: "old" not in site.state.configuration.hosts,
    ),
    "create folder": (
        lambda cmk: cmk.folders.create("/a/b", title="B", attributes={"labels": {"x": "y"}}),
        lambda site: "/a/b" in site.state.configuration.folders,
    ),
    "update folder": (
        lambda cmk: cmk.folders.update("/a", title="Changed"),
        lambda site: site.state.configuration.folders["/a"].title == "Changed",
    ),
    "move folder": (
        lambda cmk: cmk.folders.move("/a", "/c"),
        lambda site: "/c/a" in site.state.configuration.folders,
    ),
    "delete folder": (
        lambda cmk: cmk.folders.delete("/c"),
        lambda site: "/c" not in site.state.configuration.folders,
    ),
}


@pytest.fixture
def prepared(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    cmk.folders.create("/a", attributes={"tag_criticality": "test"})
    cmk.folders.create("/c")
    cmk.hosts.create("old", "/", {"alias": "before", "ipaddress": "10.0.0.1"})
    return site


def _writes(site: SimulatedSite) -> int:
    return sum(request.method != "GET" for request in site.requests)


@pytest.mark.parametrize("kind", ["reset_after", "cut", "truncate"])
@pytest.mark.parametrize("name", WRITES)
def test_an_applied_write_without_an_answer_is_found(
    prepared: SimulatedSite, cmk: Checkmk, name: str, kind: str
) -> None:
    write, is_done = WRITES[name]
    before = _writes(prepared)
    prepared.set_faults([Fault(kind, writes=True, times=1)])
    write(cmk)
    assert is_done(prepared)
    assert _writes(prepared) == before + 1


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_not_found_is_unknown(prepared: SimulatedSite, cmk: Checkmk, name: str, clock: Any) -> None:
    write, is_done = WRITES[name]
    before, started = _writes(prepared), clock.monotonic()
    prepared.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(BrokenReplyError) as caught:
        write(cmk)
    assert caught.value.sent is None
    assert not is_done(prepared)
    assert _writes(prepared) == before, "nothing was sent again"
    assert clock.monotonic() - started >= cmk.settings.timeouts.settle_s, (
        "the site is read for as long as the write may still arrive"
    )


@pytest.mark.parametrize("status", [500, 502, 504, 508, 524])
def test_a_gateway_error_leaves_the_write_unknown(prepared: SimulatedSite, cmk: Checkmk, status: int) -> None:
    prepared.set_faults([Fault("status", status=status, writes=True, times=1)])
    with pytest.raises(GatewayError) as caught:
        cmk.hosts.create("new")
    assert caught.value.sent is None


@pytest.mark.parametrize("name", ["create host", "update host", "delete host", "create folder"])
def test_a_late_write_is_awaited(name: str) -> None:
    """Runs in real time. The site applies the write after the connection has broken."""
    write, is_done = WRITES[name]
    with SimulatedSite() as site, site.client(timeouts={"settle_s": 10}) as cmk:
        cmk.folders.create("/a")
        cmk.hosts.create("old", "/", {"alias": "before"})
        site.set_faults([Fault("late", writes=True, seconds=0.4, times=1)])
        started = time.monotonic()
        write(cmk)
        assert 0.3 < time.monotonic() - started < 8
        assert is_done(site)


@pytest.mark.parametrize("status", [500, 504, 520, 524])
def test_a_write_still_running_behind_an_error_page_is_awaited(status: int) -> None:
    """Runs in real time. The site may still be working although the web server in front of it has answered."""
    with SimulatedSite() as site, site.client(timeouts={"settle_s": 10}) as cmk:
        site.set_faults([Fault("late_page", writes=True, status=status, seconds=0.4, times=2)])
        assert cmk.hosts.create("one").name == "one"
        assert cmk.hosts.bulk_create([{"host_name": "two"}]).ok


def test_a_write_later_than_settle_s_is_unknown(connect: Any) -> None:
    with SimulatedSite(faults=[Fault("late", writes=True, seconds=1.0, times=1)]) as site:
        with site.client(timeouts={"settle_s": 0.05}) as cmk:
            with pytest.raises(TransportError) as caught:
                cmk.hosts.create("new")
            assert caught.value.sent is None
            assert "new" not in site.state.configuration.hosts
            time.sleep(1.2)
            assert "new" in site.state.configuration.hosts


def test_an_existing_host_of_that_name_proves_nothing(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(BrokenReplyError):
        cmk.hosts.create("old", "/", {"alias": "mine"})


def test_one_read_settles_a_crash(prepared: SimulatedSite, cmk: Checkmk, clock: Any) -> None:
    started = clock.monotonic()
    prepared.set_faults([Fault("crash", writes=True, times=1)])
    with pytest.raises(ServerError, match="KeyError"):
        cmk.hosts.create("new")
    assert clock.monotonic() == started, "the site has answered, so nothing can arrive late"


def test_settling_continues_during_an_outage(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.set_faults(
        [Fault("reset_after", writes=True, times=1), Fault("status", status=503, method="GET", times=3)]
    )
    assert cmk.hosts.create("new", "/a", {"alias": "x"}).name == "new"


def test_settling_hooks_are_called_for_each_lost_answer_until_they_are_removed(
    prepared: SimulatedSite, cmk: Checkmk
) -> None:
    lost: list[Settling] = []
    cmk.add_settling_hook(lost.append)
    cmk.hosts.create("answered")
    assert not lost
    prepared.set_faults([Fault("reset_after", writes=True, times=1)])
    cmk.hosts.create("new")
    assert [(type(each.error), each.limit_s) for each in lost] == [(BrokenReplyError, cmk.settings.timeouts.settle_s)]
    cmk.remove_settling_hook(lost.append)
    prepared.set_faults([Fault("reset_after", writes=True, times=1)])
    cmk.hosts.create("newer")
    assert len(lost) == 1
    with pytest.raises(ValueError):
        cmk.remove_settling_hook(lost.append)


def test_a_write_that_was_not_sent_is_not_settled(clock: Any) -> None:
    with SimulatedSite() as site:
        cmk = site.client(clock=clock)
    with cmk, pytest.raises(TransportError) as caught:
        cmk.hosts.create("new")
    assert caught.value.sent is False


# In the next tests, another user changes the host at the same time.


def test_a_change_is_applied_again_to_the_new_state_after_412(
    prepared: SimulatedSite, cmk: Checkmk, connect: Any
) -> None:
    other = connect(prepared)
    seen: list[dict[str, Any]] = []

    def change(attributes: dict[str, Any]) -> dict[str, Any]:
        seen.append(attributes)
        if len(seen) == 1:
            other.hosts.update("old", update_attributes={"labels": {"theirs": "1"}})
        labels = {**attributes.get("labels", {}), "ours": "2"}
        return {**attributes, "labels": labels}

    host = cmk.hosts.update("old", change)
    assert host.labels == {"theirs": "1", "ours": "2"}
    assert len(seen) == 2
    assert "meta_data" not in seen[0]


def test_a_change_is_applied_at_most_five_times(prepared: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    other = connect(prepared)
    calls = 0

    def change(attributes: dict[str, Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        other.hosts.update("old", update_attributes={"alias": f"theirs {calls}"})
        return {**attributes, "ipaddress": "10.9.9.9"}

    with pytest.raises(PreconditionError):
        cmk.hosts.update("old", change)
    assert calls == 5


def test_a_change_with_an_etag_applies_to_that_state_only(prepared: SimulatedSite, cmk: Checkmk) -> None:
    before = cmk.hosts.get("old")
    cmk.hosts.update("old", update_attributes={"alias": "newer"})
    with pytest.raises(PreconditionError):
        cmk.hosts.update("old", update_attributes={"alias": "older"}, etag=before.etag)
    assert cmk.hosts.get("old").attributes["alias"] == "newer"


def test_a_move_is_decided_again_after_412(prepared: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    """If another user was faster, the host is read again. Nothing is left to do if it was moved already."""
    other = connect(prepared)

    def interfere(method: str, path: str) -> None:
        if path.endswith("/actions/move/invoke"):
            prepared.on_request(None)
            other.hosts.update("old", update_attributes={"alias": "theirs"})
            other.hosts.move("old", "/a")

    prepared.on_request(interfere)
    assert cmk.hosts.move("old", "/a").folder == "/a"
    moves = [request.status for request in prepared.requests if request.path.endswith("/move/invoke")]
    assert moves == [200, 412], "the other move succeeds, and ours comes too late"


def test_a_change_that_changes_nothing_sends_nothing(prepared: SimulatedSite, cmk: Checkmk) -> None:
    before = _writes(prepared)
    cmk.hosts.update("old", lambda attributes: attributes)
    cmk.hosts.move("old", "/")
    cmk.folders.move("/a", "/")
    assert _writes(prepared) == before


def test_only_the_difference_is_sent(prepared: SimulatedSite, cmk: Checkmk) -> None:
    def body() -> Any:
        return prepared.requests[-1].body

    cmk.hosts.update("old", lambda attributes: {**attributes, "alias": "x"})
    assert body() == {"update_attributes": {"alias": "x"}}
    cmk.hosts.update("old", lambda attributes: {"ipaddress": attributes["ipaddress"]})
    assert body() == {"remove_attributes": ["alias"]}
    cmk.hosts.update("old", lambda _: {"alias": "y"})
    assert body() == {"attributes": {"alias": "y"}}


def test_etags_of_compressed_answers_are_accepted(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.set_faults([Fault("gzip")])
    assert cmk.hosts.update("old", update_attributes={"alias": "x"}).attributes["alias"] == "x"
    assert cmk.hosts.move("old", "/a").folder == "/a"
