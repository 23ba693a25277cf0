"""``client.activation`` succeeds if nothing is pending, and verifies after a run that its changes are active."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import (
    ActivationError,
    BrokenReplyError,
    ForbiddenError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


@pytest.fixture(params=VERSIONS)
def prepared(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Any:
    with SimulatedSite(request.param, services=4, activation_time=3, core_delay=2, clock=clock) as site:
        yield site, connect(site)


def _posts(site: SimulatedSite) -> int:
    return sum(request.method == "POST" and "activate-changes" in request.path for request in site.requests)


def test_changes_become_active(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    (change,) = cmk.activation.pending()
    assert (change.user, change.action) == ("automation", "create-host")
    assert "web01" in change.text
    result = cmk.activation.activate(wait_for_hosts=["web01"])
    assert [done.id for done in result.activated] == [change.id]
    assert result.run is not None
    assert cmk.activation.pending() == []
    assert cmk.host_status.get("web01").name == "web01"
    if site.state.profile.status_per_site:
        assert result.run.status_per_site["s"][0] == "success"


def test_nothing_to_do_is_a_success_without_a_request(prepared: Any) -> None:
    site, cmk = prepared
    result = cmk.activation.activate()
    assert (result.activated, result.run) == ((), None)
    assert _posts(site) == 0


def test_the_core_is_awaited_only_on_request(prepared: Any) -> None:
    _, cmk = prepared
    cmk.hosts.create("web01")
    cmk.activation.activate()
    with pytest.raises(Exception, match="404"):
        cmk.host_status.get("web01")
    cmk.activation.wait_until_monitored(["web01"])
    assert cmk.host_status.get("web01", fresh=True).name == "web01"
    with pytest.raises(WaitTimeoutError, match="loading 1 host .*not loaded: never"):
        cmk.activation.wait_until_monitored(["never"], timeout_s=5)


def test_many_hosts_are_found_with_one_list(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(hosts=300, services=2, clock=clock) as site:
        cmk = connect(site)
        cmk.version()
        cmk.activation.wait_until_monitored([f"host{n:05d}" for n in range(300)])
        assert len(site.requests) == 2


def test_a_failed_activation_raises_an_error(prepared: Any) -> None:
    """Before 2.4, only changes that are still pending show the failure."""
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.set_faults([Fault("fail_activation")])
    with pytest.raises(ActivationError, match="1 change is still pending") as caught:
        cmk.activation.activate()
    assert caught.value.pending == 1
    assert bool(caught.value.status_per_site) is site.state.profile.status_per_site
    cmk.activation.activate()


def test_changes_made_during_an_activation_are_not_part_of_the_result(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    other = connect(site)

    def interfere(method: str, path: str) -> None:
        if path.startswith("/objects/activation_run/"):
            site.on_request(None)
            other.hosts.create("late")

    site.on_request(interfere)
    assert len(cmk.activation.activate().activated) == 1
    assert len(cmk.activation.pending()) == 1


def test_changes_of_other_users_are_refused_unless_forced(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    site.add_user("carol", "carols secret")
    connect(site, username="carol").hosts.create("hers")
    cmk.hosts.create("ours")
    with pytest.raises(ForbiddenError, match="1 pending change is from carol") as caught:
        cmk.activation.activate()
    assert "force_foreign_changes" in str(caught.value)
    assert len(cmk.activation.activate(force_foreign_changes=True).activated) == 2


def test_forcing_needs_the_permission(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    site.add_user("dave", "daves secret", "user")
    cmk.hosts.create("ours")
    with pytest.raises(ForbiddenError, match="Activate foreign changes") as caught:
        connect(site, username="dave").activation.activate(force_foreign_changes=True)
    assert "let them activate" not in str(caught.value)


def test_a_running_activation_is_awaited_first(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    cmk._site.perform("activation", "start", body={"redirect": False}, etag="*")
    cmk.hosts.create("web02")
    result = cmk.activation.activate()
    assert cmk.activation.pending() == []
    assert len(result.activated) == 2
    assert any(request.status == 423 for request in site.requests)


def test_changes_activated_by_another_user_are_a_success(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")

    def interfere(method: str, path: str) -> None:
        if path.endswith("/activate-changes/invoke"):
            site.state.configuration.changes.clear()

    site.on_request(interfere)
    result = cmk.activation.activate()
    assert result.run is not None
    assert not result.run.is_running


@pytest.mark.parametrize("kind", ["reset_after", "cut", "truncate"])
def test_a_lost_answer_is_settled_by_the_running_activations(prepared: Any, kind: str) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.set_faults([Fault(kind, path="activate-changes", times=1)])
    cmk.activation.activate()
    assert cmk.activation.pending() == []
    assert _posts(site) == 1


def test_a_lost_answer_of_a_short_activation_is_settled_by_the_pending_changes(
    clock: ManualClock, connect: Any
) -> None:
    with SimulatedSite(activation_time=0, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("web01")
        site.set_faults([Fault("reset_after", path="activate-changes", times=1)])
        cmk.activation.activate()
        assert _posts(site) == 1


def test_a_start_that_did_not_arrive_is_unknown(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.set_faults([Fault("reset_before", path="activate-changes", times=1)])
    with pytest.raises(TransportError) as caught:
        cmk.activation.activate()
    assert caught.value.sent is None


def test_a_locked_configuration_raises_an_error(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.set_faults([Fault("lock", path="activate-changes", times=1)])
    with pytest.raises(ServerError, match="Couldn't lock"):
        cmk.activation.activate()


def test_the_wait_ends_at_its_timeout(prepared: Any) -> None:
    _, cmk = prepared
    cmk.hosts.create("web01")
    with pytest.raises(WaitTimeoutError, match="the activation did not end within 1 s"):
        cmk.activation.activate(timeout_s=1)


def test_a_run_unknown_to_the_site_is_verified_by_the_pending_changes(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")

    def forget(method: str, path: str) -> None:
        if path.startswith("/objects/activation_run/"):
            for run in site.state.activations.runs.values():
                run.ends_at = 0
            site.state.finish_due_jobs()
            site.state.activations.runs.clear()

    site.on_request(forget)
    assert len(cmk.activation.activate().activated) == 1


def _others_keep(site: SimulatedSite) -> None:
    """Keep the first change pending, as if it also concerned a site that is not activated."""
    kept = site.state.configuration.changes[0]

    def keep(method: str, path: str) -> None:
        changes = site.state.configuration.changes
        if path.endswith("/pending_changes") and kept not in changes:
            changes.append(kept)

    site.on_request(keep)


def test_changes_pending_for_other_sites_are_not_a_failure_since_2_4(prepared: Any) -> None:
    """From 2.4 on, the status of each site shows that this is not a failure. Earlier versions do not report it."""
    site, cmk = prepared
    cmk.hosts.create("everywhere")
    cmk.hosts.create("here")
    everywhere, here = cmk.activation.pending()
    _others_keep(site)
    if site.state.profile.status_per_site:
        assert cmk.activation.activate(sites=["s"]).activated == (here,)
    else:
        with pytest.raises(ActivationError, match="1 change is still pending .for other sites or because") as caught:
            cmk.activation.activate(sites=["s"])
        assert caught.value.pending == 1


def test_changes_that_stay_pending_are_a_failure(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("everywhere")
    _others_keep(site)
    with pytest.raises(ActivationError, match="1 change is still pending"):
        cmk.activation.activate()


def test_a_failed_site_is_a_failure_if_sites_were_given(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.set_faults([Fault("fail_activation")])
    with pytest.raises(ActivationError, match="1 change is still pending"):
        cmk.activation.activate(sites=["s"])


def test_a_failed_site_is_a_failure_if_nothing_stays_pending(clock: ManualClock, connect: Any) -> None:
    """Another user may have activated the changes in between, but this run has failed."""
    with SimulatedSite(activation_time=3, clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("web01")
        site.set_faults([Fault("fail_activation")])
        site.on_request(
            lambda method, path: (
                site.state.configuration.changes.clear() if path.startswith("/objects/activation") else None
            )
        )
        with pytest.raises(ActivationError, match="Configuration error: no such service"):
            cmk.activation.activate()


def test_nothing_to_do_for_the_given_sites_is_a_success(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(clock=clock) as site:
        cmk = connect(site)
        cmk.hosts.create("elsewhere")
        kept = list(site.state.configuration.changes)

        def refuse(method: str, path: str) -> None:
            site.state.configuration.changes[:] = [] if path.endswith("/activate-changes/invoke") else kept

        site.on_request(refuse)
        assert cmk.activation.activate(sites=["s"]).activated == ()


def test_an_activation_by_another_user_does_not_prove_ours(prepared: Any) -> None:
    """It began before our change, which is still pending when it ends. So the outcome of our start is unknown."""
    site, cmk = prepared
    cmk.hosts.create("theirs")
    cmk._site.perform("activation", "start", body={"redirect": False}, etag="*")
    cmk.hosts.create("ours")
    site.set_faults([Fault("reset_before", path="activate-changes", times=1)])
    with pytest.raises(BrokenReplyError):
        cmk.activation.activate()


def test_one_timeout_covers_all_waits(clock: ManualClock, connect: Any) -> None:
    """The timeout covers a running activation, our own activation, and the core."""
    for core_delay, what in ((0, "the activation"), (40, "loading 1 host")):
        with SimulatedSite(activation_time=80 if core_delay == 0 else 35, core_delay=core_delay, clock=clock) as site:
            cmk = connect(site)
            cmk.hosts.create("web01")
            cmk._site.perform("activation", "start", body={"redirect": False}, etag="*")
            cmk.hosts.create("web02")
            started = clock.monotonic()
            with pytest.raises(WaitTimeoutError, match=f"{what}.* within 100 s"):
                cmk.activation.activate(timeout_s=100, wait_for_hosts=["web02"])
            assert clock.monotonic() - started == pytest.approx(100)


def test_a_wait_survives_an_outage(prepared: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.set_faults([Fault("status", path="objects/activation_run", times=9)])
    assert len(cmk.activation.activate(wait_for_hosts=["web01"]).activated) == 1


def test_a_missing_permission_is_not_explained_by_changes_of_others(prepared: Any, connect: Any) -> None:
    site, cmk = prepared
    cmk.hosts.create("web01")
    site.add_user("erin", "erins secret", without=["wato.activate"])
    with pytest.raises(ForbiddenError, match="Activate configuration") as caught:
        connect(site, username="erin").activation.activate()
    assert "force" not in str(caught.value)


def test_sites_are_activated_by_name(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("web01")
    assert len(cmk.activation.activate(sites=["s"]).activated) == 1
    cmk.hosts.create("web02")
    with pytest.raises(Exception, match="Unknown site"):
        cmk.activation.activate(sites=["other"])
