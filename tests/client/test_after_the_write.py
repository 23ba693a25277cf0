"""If a write is answered but cannot be confirmed, its outcome is unknown, because it may have been applied."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.client.records import Host
from checkmk_sync.errors import BadRequestError, CheckmkError, DiscoveryError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

AWAY = ["html", "crash", "status", "redirect", "truncate"]


@pytest.fixture(params=["2.2.0p44", "2.4.0p18"])
def prepared(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Any:
    # With ETag locking, a host that has changed after it was read is refused as a whole.
    with SimulatedSite(request.param, activation_time=3, discovery_time=3, clock=clock, etag_locking=False) as site:
        cmk = connect(site, recovery={"retry": {"max_retries": 0}})
        cmk.hosts.create("h", "/", {"alias": "x", "ipaddress": "192.0.2.1"})
        yield site, cmk


# Checkmk refuses to remove an absent attribute, but removes the other attributes anyway.


def remove_alias(site: SimulatedSite, cmk: Checkmk) -> Host:
    """Remove the alias and another attribute, which somebody else removes after the host has been read."""
    attributes = site.state.configuration.hosts["h"].attributes
    attributes["ipv6address"] = "2001:db8::1"

    def change(found: dict[str, Any]) -> dict[str, Any]:
        attributes.pop("ipv6address")
        return {"ipaddress": found["ipaddress"]}

    return cmk.hosts.update("h", change)


@pytest.mark.parametrize("kind", AWAY)
def test_a_partial_removal_is_confirmed_once_the_site_can_be_read(prepared: Any, kind: str) -> None:
    site, cmk = prepared
    gone = ["alias", "ipv6address"]
    site.set_faults([Fault(kind, method="GET", skip=1, times=1)])
    assert "alias" not in remove_alias(site, cmk).attributes
    cmk.hosts.update("h", update_attributes={"alias": "x"})
    site.set_faults([Fault(kind, method="GET", times=1)])
    (outcome,) = cmk.hosts.bulk_update([{"host_name": "h", "remove_attributes": gone}])
    assert (outcome.status, outcome.note) == (Status.APPLIED, "was already in this state")


@pytest.mark.parametrize("kind", AWAY)
def test_a_refusal_that_cannot_be_verified_is_unknown(prepared: Any, kind: str) -> None:
    site, cmk = prepared
    gone = ["alias", "ipv6address"]
    site.set_faults([Fault(kind, method="GET", skip=1)])
    with pytest.raises(CheckmkError) as caught:
        remove_alias(site, cmk)
    assert Outcome.failed("h", caught.value).status is Status.UNKNOWN
    assert "alias" not in site.state.configuration.hosts["h"].attributes
    site.set_faults([])
    cmk.hosts.update("h", update_attributes={"alias": "x"})
    site.set_faults([Fault(kind, method="GET")])
    (outcome,) = cmk.hosts.bulk_update([{"host_name": "h", "remove_attributes": gone}])
    assert outcome.status is Status.UNKNOWN
    assert "alias" not in site.state.configuration.hosts["h"].attributes


def test_a_refusal_for_another_reason_is_not_settled(prepared: Any) -> None:
    site, cmk = prepared
    site.set_faults([Fault("fail_host", hosts="h")])
    with pytest.raises(BadRequestError):
        cmk.hosts.update("h", update_attributes={"nonsense": 1})
    (outcome,) = cmk.hosts.bulk_update([{"host_name": "h", "remove_attributes": ["alias"]}])
    assert outcome.status is Status.NOT_APPLIED


# Polling


@pytest.mark.parametrize("kind", AWAY)
def test_a_failed_poll_is_repeated(prepared: Any, kind: str) -> None:
    site, cmk = prepared
    site.set_faults([Fault(kind, path="objects/activation_run", times=2)])
    assert cmk.activation.activate().activated
    site.set_faults([Fault(kind, path="background_job|discovery_run/bulk_discovery", times=2)])
    assert cmk.discovery.bulk(["h"]).ok


@pytest.mark.parametrize("kind", AWAY)
def test_an_error_after_the_start_is_not_reported_as_not_applied(prepared: Any, kind: str) -> None:
    site, cmk = prepared
    site.set_faults([Fault(kind, method="GET", path="pending_changes", skip=1)])
    with pytest.raises(CheckmkError) as caught:
        cmk.activation.activate()
    assert Outcome.failed("activation", caught.value).status is Status.UNKNOWN
    assert site.state.configuration.changes == [], "the changes are active"


def test_a_failed_scan_raises_an_error(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("h")
    site.set_faults([Fault("fail_discovery", times=2)])
    with pytest.raises(DiscoveryError, match="the discovery of h ended as exception") as caught:
        cmk.discovery.discover("h")
    assert caught.value.state == "exception"
    with pytest.raises(DiscoveryError, match="the discovery of 1 host ended as exception; "):
        cmk.discovery.bulk(["h"]).raise_for_failure()


def test_bulk_create_refuses_clusters(cmk: Checkmk) -> None:
    cluster = Host("c", "/", {}, is_cluster=True)
    with pytest.raises(ValueError, match="'c' is a cluster"):
        cmk.hosts.bulk_create([cluster])
    (outcome,) = cmk.hosts.bulk_create(iter([cluster]))
    assert outcome.status is Status.NOT_APPLIED
