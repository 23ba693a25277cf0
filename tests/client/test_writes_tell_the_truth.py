"""A write whose answer was lost is settled by reading: applied where it is found, unknown where it is not.

Never repeated: what reaches the site is counted.
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
def test_done_but_not_answered_is_found(prepared: SimulatedSite, cmk: Checkmk, name: str, kind: str) -> None:
    write, is_done = WRITES[name]
    before = _writes(prepared)
    prepared.set_faults([Fault(kind, writes=True, times=1)])
    write(cmk)
    assert is_done(prepared)
    assert _writes(prepared) == before + 1


@pytest.mark.parametrize("name", WRITES)
def test_not_done_and_not_answered_is_unknown(prepared: SimulatedSite, cmk: Checkmk, name: str, clock: Any) -> None:
    write, is_done = WRITES[name]
    before, started = _writes(prepared), clock.monotonic()
    prepared.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(BrokenReplyError) as caught:
        write(cmk)
    assert caught.value.sent is None
    assert not is_done(prepared)
    assert _writes(prepared) == before, "nothing was sent again"
    assert clock.monotonic() - started >= cmk.settings.timeouts.settle_s, "it was looked for as long as it may come"


@pytest.mark.parametrize("status", [500, 502, 504, 508, 524])
def test_a_gateway_that_gives_up_leaves_it_unknown(prepared: SimulatedSite, cmk: Checkmk, status: int) -> None:
    prepared.set_faults([Fault("status", status=status, writes=True, times=1)])
    with pytest.raises(GatewayError) as caught:
        cmk.hosts.create("new")
    assert caught.value.sent is None


@pytest.mark.parametrize("name", ["create host", "update host", "delete host", "create folder"])
def test_a_write_that_comes_late_is_waited_for(name: str) -> None:
    """Real time: the site applies it after the connection is gone."""
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
def test_a_page_in_front_of_a_write_that_goes_on_is_waited_for(status: int) -> None:
    """Real time: whatever the web server in front of the site says, behind it the site may still be at work."""
    with SimulatedSite() as site, site.client(timeouts={"settle_s": 10}) as cmk:
        site.set_faults([Fault("late_page", writes=True, status=status, seconds=0.4, times=2)])
        assert cmk.hosts.create("one").name == "one"
        assert cmk.hosts.bulk_create([{"host_name": "two"}]).ok


def test_a_write_that_comes_too_late_was_called_unknown(connect: Any) -> None:
    with SimulatedSite(faults=[Fault("late", writes=True, seconds=1.0, times=1)]) as site:
        with site.client(timeouts={"settle_s": 0.05}) as cmk:
            with pytest.raises(TransportError) as caught:
                cmk.hosts.create("new")
            assert caught.value.sent is None
            assert "new" not in site.state.configuration.hosts
            time.sleep(1.2)
            assert "new" in site.state.configuration.hosts


def test_another_host_of_that_name_proves_nothing(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.set_faults([Fault("reset_before", writes=True, times=1)])
    with pytest.raises(BrokenReplyError):
        cmk.hosts.create("old", "/", {"alias": "mine"})


def test_a_crash_is_looked_at_once(prepared: SimulatedSite, cmk: Checkmk, clock: Any) -> None:
    started = clock.monotonic()
    prepared.set_faults([Fault("crash", writes=True, times=1)])
    with pytest.raises(ServerError, match="KeyError"):
        cmk.hosts.create("new")
    assert clock.monotonic() == started, "the site has answered: nothing comes late"


def test_a_site_that_is_away_while_settling_may_come_back(prepared: SimulatedSite, cmk: Checkmk) -> None:
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


def test_what_was_never_sent_is_not_looked_for(clock: Any) -> None:
    with SimulatedSite() as site:
        cmk = site.client(clock=clock)
    with cmk, pytest.raises(TransportError) as caught:
        cmk.hosts.create("new")
    assert caught.value.sent is False


# Somebody else changes the host at the same time.


def test_412_leads_to_a_new_reading_and_the_change_is_made_to_that(
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


def test_a_change_that_loses_every_time_gives_up(prepared: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
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


def test_a_change_for_a_given_state_is_for_that_state_only(prepared: SimulatedSite, cmk: Checkmk) -> None:
    before = cmk.hosts.get("old")
    cmk.hosts.update("old", update_attributes={"alias": "newer"})
    with pytest.raises(PreconditionError):
        cmk.hosts.update("old", update_attributes={"alias": "older"}, etag=before.etag)
    assert cmk.hosts.get("old").attributes["alias"] == "newer"


def test_a_move_is_for_the_state_that_was_read(prepared: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    """When somebody else is faster it is decided again: moved there already, there is nothing to do."""
    other = connect(prepared)

    def interfere(method: str, path: str) -> None:
        if path.endswith("/actions/move/invoke"):
            prepared.on_request(None)
            other.hosts.update("old", update_attributes={"alias": "theirs"})
            other.hosts.move("old", "/a")

    prepared.on_request(interfere)
    assert cmk.hosts.move("old", "/a").folder == "/a"
    moves = [request.status for request in prepared.requests if request.path.endswith("/move/invoke")]
    assert moves == [200, 412], "theirs, and ours too late"


def test_a_change_that_changes_nothing_sends_nothing(prepared: SimulatedSite, cmk: Checkmk) -> None:
    before = _writes(prepared)
    cmk.hosts.update("old", lambda attributes: attributes)
    cmk.hosts.move("old", "/")
    cmk.folders.move("/a", "/")
    assert _writes(prepared) == before


def test_only_what_differs_is_sent(prepared: SimulatedSite, cmk: Checkmk) -> None:
    def body() -> Any:
        return prepared.requests[-1].body

    cmk.hosts.update("old", lambda attributes: {**attributes, "alias": "x"})
    assert body() == {"update_attributes": {"alias": "x"}}
    cmk.hosts.update("old", lambda attributes: {"ipaddress": attributes["ipaddress"]})
    assert body() == {"remove_attributes": ["alias"]}
    cmk.hosts.update("old", lambda _: {"alias": "y"})
    assert body() == {"attributes": {"alias": "y"}}


def test_compressed_answers_do_not_spoil_etags(prepared: SimulatedSite, cmk: Checkmk) -> None:
    prepared.set_faults([Fault("gzip")])
    assert cmk.hosts.update("old", update_attributes={"alias": "x"}).attributes["alias"] == "x"
    assert cmk.hosts.move("old", "/a").folder == "/a"
