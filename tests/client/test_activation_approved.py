"""An activation with ``approved`` activates only approved changes, or nothing."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns.activation import PendingChange
from checkmk_sync.errors import ActivationError, ForbiddenError, PlanChangedError, PreconditionError
from checkmk_sync.testing import ManualClock, SimulatedSite

START = "/activate-changes/invoke"


@pytest.fixture(params=["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def prepared(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Any:
    with SimulatedSite(request.param, activation_time=3, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("known")
        yield site, cmk


def _starts(site: SimulatedSite) -> list[int]:
    return [request.status for request in site.requests if request.path.endswith(START)]


def _approving(cmk: Checkmk) -> Callable[[PendingChange], bool]:
    return set(cmk.activation.pending()).__contains__


def _at_the_start(site: SimulatedSite, do: Callable[[], object], *, times: int = 1) -> None:
    """Call a function right before the site gets the request that starts the activation."""
    left = [None] * times

    def interfere(_method: str, path: str) -> None:
        if path.endswith(START) and left:
            left.pop()
            do()

    site.on_request(interfere)


def test_approved_changes_become_active(prepared: Any) -> None:
    site, cmk = prepared
    assert len(cmk.activation.activate(approved=_approving(cmk)).activated) == 1
    assert cmk.activation.pending() == []
    assert _starts(site) == [200]


def test_nothing_is_activated_if_a_change_is_not_approved(prepared: Any) -> None:
    site, cmk = prepared
    approved = _approving(cmk)
    cmk.hosts.create("late")
    with pytest.raises(PlanChangedError, match=r"1 pending change was not approved \(automation: create-host: .*late"):
        cmk.activation.activate(approved=approved)
    assert _starts(site) == []
    assert len(cmk.activation.pending()) == 2


def test_a_change_made_between_check_and_start_is_not_activated(prepared: Any) -> None:
    """The start sends the ETag of the checked list, so the site itself refuses another list."""
    site, cmk = prepared
    approved = _approving(cmk)
    _at_the_start(
        site, lambda: site.state.configuration.add_change("create-host", "Created new host late.", "automation")
    )
    with pytest.raises(PlanChangedError, match="late"):
        cmk.activation.activate(approved=approved)
    assert _starts(site) == [412]
    assert len(cmk.activation.pending()) == 2


def test_unapproved_changes_activated_without_etag_locking_raise_an_error(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(activation_time=3, clock=clock, etag_locking=False) as site:
        cmk = connect(site)
        cmk.hosts.create("known")
        approved = _approving(cmk)
        _at_the_start(
            site, lambda: site.state.configuration.add_change("create-host", "Created new host late.", "automation")
        )
        with pytest.raises(ActivationError, match=r"also activated changes that were not approved: automation.*late"):
            cmk.activation.activate(approved=approved)
        assert cmk.activation.pending() == []


def test_a_new_change_that_is_approved_is_activated_too(prepared: Any) -> None:
    site, cmk = prepared
    _at_the_start(
        site,
        lambda: site.state.configuration.add_change("create-host", "Created new host late.", "automation"),
        times=3,
    )
    assert len(cmk.activation.activate(approved=lambda change: change.user == "automation").activated) == 4
    assert _starts(site) == [412, 412, 412, 200]


def test_pending_changes_that_keep_changing_raise_an_error(prepared: Any) -> None:
    site, cmk = prepared
    _at_the_start(site, lambda: site.state.configuration.add_change("edit", "again", "automation"), times=100)
    with pytest.raises(PlanChangedError, match="changed each time") as caught:
        cmk.activation.activate(approved=lambda _change: True)
    assert isinstance(caught.value.__cause__, PreconditionError)
    assert len(_starts(site)) == 5


def test_nothing_pending_is_a_success_without_approval(prepared: Any) -> None:
    _, cmk = prepared
    cmk.activation.activate()
    assert cmk.activation.activate(approved=lambda _change: False).activated == ()


def test_changes_of_other_users_are_refused_by_the_site_unless_forced(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    approved = _approving(cmk)
    site.add_user("carol", "carols secret")
    connect(site, username="carol").hosts.create("hers")
    with pytest.raises(ForbiddenError, match="from carol"):
        cmk.activation.activate(approved=approved)
    with pytest.raises(PlanChangedError, match="carol: create-host"):
        cmk.activation.activate(approved=approved, force_foreign_changes=True)
    assert len(cmk.activation.activate(approved=_approving(cmk), force_foreign_changes=True).activated) == 2


def test_changes_of_the_site_itself_need_approval_but_no_force(prepared: Any) -> None:
    """Checkmk activates them together with the changes of any user."""
    site, cmk = prepared
    approved = _approving(cmk)
    site.state.configuration.add_change("edit-configvar", "Updated.", None)
    with pytest.raises(PlanChangedError, match="the site itself: edit-configvar: Updated"):
        cmk.activation.activate(approved=approved)
    assert len(cmk.activation.activate(approved=_approving(cmk)).activated) == 2


def test_pending_changes_are_read_again_after_another_activation(prepared: Any) -> None:
    site, cmk = prepared
    cmk._site.perform("activation", "start", body={"redirect": False}, etag="*")
    cmk.hosts.create("mine")
    result = cmk.activation.activate(approved=_approving(cmk))
    assert cmk.activation.pending() == []
    assert [change.text for change in result.activated] == ["Created new host mine."]
    assert 423 in _starts(site)


def test_changes_without_an_id_differ_by_their_other_members() -> None:
    entry = {
        "user_id": "a",
        "action_name": "edit-host",
        "text": "Modified host x.",
        "time": "2026-01-01T00:00:00+00:00",
    }
    first = PendingChange.parse(entry)
    assert PendingChange.parse(entry).id == first.id
    for part in entry:
        assert PendingChange.parse({**entry, part: "other"}).id != first.id
    assert PendingChange.parse({**entry, "id": "77"}).id == "77"
