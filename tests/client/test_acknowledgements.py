"""Problems are acknowledged, and comments are added and deleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from checkmk_sync import Acknowledgement, Checkmk, CheckmkError, MonitoredObject, Target
from checkmk_sync.errors import NotFoundError
from checkmk_sync.testing import ManualClock, SimulatedSite


@pytest.fixture
def seeded(site: SimulatedSite) -> SimulatedSite:
    _set_states(site, 1)
    return site


def _set_states(site: SimulatedSite, state: int) -> None:
    services = [{"host_name": "up", "description": "CPU", "state": state}]
    site.seed_monitoring({"hosts": [{"name": "down", "state": min(state, 2)}, {"name": "up"}], "services": services})


def test_a_problem_is_acknowledged_with_all_options(seeded: SimulatedSite, cmk: Checkmk, clock: ManualClock) -> None:
    (outcome,) = cmk.acknowledgements.set(
        "down", comment="ticket 4711", sticky=False, notify=False, persistent=True, expires="1h"
    )
    assert outcome.note == "comment 1"
    body = seeded.requests[-2].body
    assert (body["sticky"], body["notify"], body["persistent"]) == (False, False, True)
    time = dt.datetime.fromtimestamp(int(clock.time()), dt.timezone.utc)
    expected = Acknowledgement(MonitoredObject("down"), False, "ticket 4711", "automation", time)
    assert list(cmk.acknowledgements.each()) == [expected]
    assert list(cmk.acknowledgements.each("up")) == []
    clock.advance(3601)
    assert list(cmk.acknowledgements.each()) == []
    assert [comment.persistent for comment in cmk.comments.each("down")] == [True]


def test_objects_without_a_problem_are_not_acknowledged(seeded: SimulatedSite, cmk: Checkmk) -> None:
    outcomes = cmk.acknowledgements.set(Target.host("up", "down"), comment="c")
    assert [(o.key, o.status.value, o.reason) for o in outcomes] == [
        ("up", "not applied", "up has no problem"),
        ("down", "applied", "comment 1"),
    ]
    assert [o.note for o in cmk.acknowledgements.remove(Target.host("up", "down"))] == ["was not acknowledged", ""]
    assert not list(cmk.comments.each())


@pytest.mark.parametrize(("sticky", "kept"), [(True, 1), (False, 0)])
def test_a_sticky_acknowledgement_survives_a_change_of_the_state(
    seeded: SimulatedSite, cmk: Checkmk, sticky: bool, kept: int
) -> None:
    cmk.acknowledgements.set(Target.services("up", "CPU"), comment="c", sticky=sticky)
    _set_states(seeded, 2)
    assert len(list(cmk.acknowledgements.each())) == kept
    _set_states(seeded, 0)
    assert not list(cmk.acknowledgements.each())


def test_old_sites_refuse_what_they_do_not_have(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite("2.3.0p41", clock=clock) as old:
        old.seed_monitoring({"hosts": [{"name": "down", "state": 1}]})
        cmk: Checkmk = connect(old)
        with pytest.raises(CheckmkError, match="does not support expire_on"):
            cmk.acknowledgements.set("down", comment="c", expires="1h")
        with pytest.raises(CheckmkError, match="does not support 'acknowledgements remove'"):
            cmk.acknowledgements.remove("down")


def test_an_end_in_the_past_is_refused(cmk: Checkmk) -> None:
    with pytest.raises(ValueError, match="expires must be later than now"):
        cmk.acknowledgements.set("down", comment="c", expires="2020-01-01T00:00Z")


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def test_comments_are_added_listed_and_deleted(clock: ManualClock, connect: Any, version: str) -> None:
    with SimulatedSite(version, clock=clock) as site:
        _set_states(site, 1)
        cmk: Checkmk = connect(site)
        assert cmk.comments.create(Target.host("up", "down"), "first", persistent=True).ok
        assert cmk.comments.create(Target.services("up"), "second").ok
        found = {(c.id, c.host, c.service, c.comment, c.persistent, c.author) for c in cmk.comments.each()}
        assert found == {
            ("1", "down", None, "first", True, "automation"),
            ("2", "up", None, "first", True, "automation"),
            ("3", "up", "CPU", "second", False, "automation"),
        }
        assert [c.comment for c in cmk.comments.each("up")] == ["first"]
        assert cmk.comments.get(3).service == "CPU"
        assert len(cmk.comments.delete(Target.host("up", "down"))) == 2
        assert cmk.comments.delete(id=3).ok
        assert not list(cmk.comments.each())
        with pytest.raises(NotFoundError):
            cmk.comments.get(3)
        for text in ("", "two\nlines"):
            with pytest.raises(ValueError, match="comment must be one line of text"):
                cmk.comments.create("up", text)
