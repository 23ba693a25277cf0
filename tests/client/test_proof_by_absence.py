"""The absence of an object proves its deletion only if the object was seen before."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from checkmk_sync import Checkmk, HostGroup, Status
from checkmk_sync.client.records import Host
from checkmk_sync.errors import BrokenReplyError, ForbiddenError, NotFoundError
from checkmk_sync.testing import Fault, SimulatedSite


@pytest.fixture(params=["2.3.0p41", "2.4.0p18"])
def blinkered(request: pytest.FixtureRequest, clock: Any, connect: Any) -> Any:
    """Return a site with the hosts ``seen`` and ``secret``, and a client that can see only the first."""
    with SimulatedSite(request.param, clock=clock) as site, site.client(clock=clock) as everybody:
        for name in ("seen", "secret"):
            everybody.folders.create(f"/{name}")
            everybody.hosts.create(name, f"/{name}")
        site.add_user("half", "a-secret-of-half", sees=["/seen"])
        yield site, connect(site, username="half")


def test_lists_omit_hosts_hidden_from_the_user(blinkered: Any) -> None:
    _, cmk = blinkered
    assert [host.name for host in cmk.hosts.each()] == ["seen"]
    with pytest.raises(ForbiddenError):
        cmk.hosts.get("secret")


def test_a_refused_deletion_deletes_nothing(blinkered: Any) -> None:
    site, cmk = blinkered
    outcomes = {outcome.key: outcome for outcome in cmk.hosts.bulk_delete(["seen", "secret"])}
    assert outcomes["seen"].status is Status.APPLIED
    assert outcomes["secret"].status is Status.NOT_APPLIED
    assert isinstance(outcomes["secret"].error, ForbiddenError)
    assert set(site.state.configuration.hosts) == {"secret"}


def test_a_lost_answer_is_unknown_for_a_hidden_host(blinkered: Any) -> None:
    site, cmk = blinkered
    site.set_faults([Fault("reset_before", writes=True)])
    assert {outcome.status for outcome in cmk.hosts.bulk_delete(["seen", "secret"])} == {Status.UNKNOWN}
    with pytest.raises(ForbiddenError):
        cmk.hosts.delete("secret")
    assert set(site.state.configuration.hosts) == {"seen", "secret"}


@pytest.mark.parametrize("given", ["seen", Host("seen", "/seen", {})], ids=["name", "record"])
def test_the_absence_of_a_host_seen_before_proves_its_deletion(blinkered: Any, given: Any) -> None:
    site, cmk = blinkered
    site.set_faults([Fault("reset_after", path="bulk-delete", times=1)])
    (outcome,) = cmk.hosts.bulk_delete([given])
    assert (outcome.status, outcome.note) == (Status.APPLIED, "found by reading after a lost answer")


def test_a_host_that_never_existed_is_not_reported_as_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("reset_before", method="DELETE", times=2)])
    with pytest.raises(BrokenReplyError):
        cmk.hosts.delete("nobody", missing_ok=True)
    with pytest.raises(BrokenReplyError):
        cmk.folders.delete("/nowhere", missing_ok=True)


def test_a_record_that_the_site_did_not_return_proves_nothing(blinkered: Any) -> None:
    site, cmk = blinkered
    site.set_faults([Fault("reset_before", writes=True)])
    (outcome,) = cmk.hosts.bulk_delete([Host("secret", "/secret", {})])
    assert outcome.status is Status.UNKNOWN
    (outcome,) = cmk.host_groups.bulk_delete([HostGroup("never", alias="Never")])
    assert outcome.status is Status.UNKNOWN


def test_a_deletion_that_a_web_server_sends_twice_succeeds(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("h")
    cmk.folders.create("/f")
    for delete in (partial(cmk.hosts.delete, "h"), partial(cmk.folders.delete, "/f")):
        site.set_faults([Fault("repeat", writes=True, times=1)])
        delete()
        assert site.requests[-1].status == 404
        with pytest.raises(NotFoundError):
            delete()
