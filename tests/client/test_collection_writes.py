"""Writes of plain nouns report only what the site proves, also with concurrent writers and lost answers."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, Password
from checkmk_sync.errors import BadRequestError, PreconditionError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


@pytest.fixture
def other(site: SimulatedSite, clock: ManualClock) -> Iterator[Checkmk]:
    """Yield a second client, which has its own claims and cache."""
    with site.client(clock=clock) as client:
        yield client


def test_an_old_etag_is_refused_even_if_the_fields_are_already_set(cmk: Checkmk, other: Checkmk) -> None:
    old = cmk.contact_groups.create("oncall", alias="On call")
    other.contact_groups.update("oncall", alias="New", inventory_paths={"type": "forbid_all"})
    with pytest.raises(PreconditionError):
        cmk.contact_groups.update("oncall", etag=old.etag, alias="New")
    with pytest.raises(PreconditionError):
        cmk.contact_groups.update("oncall", etag=old.etag, alias="Newer")
    new = cmk.contact_groups.get("oncall", fresh=True)
    assert cmk.contact_groups.update("oncall", etag=new.etag, alias="New") == new
    assert cmk.contact_groups.update("oncall", etag="*", alias="Newest").alias == "Newest"


def test_an_etag_is_refused_if_the_api_cannot_check_it(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.aux_tags.create("vlan", title="VLAN", topic="Network")
    with pytest.raises(ValueError, match="'aux_tags update' does not accept an ETag"):
        cmk.aux_tags.update("vlan", etag='"abc"', title="VLANs")
    assert cmk.aux_tags.get("vlan", fresh=True).title == "VLAN"


def test_requests_that_a_proxy_sends_twice_are_applied(site: SimulatedSite, cmk: Checkmk) -> None:
    def twice() -> None:
        site.set_faults([Fault("repeat", writes=True, times=1)])

    for plain, values in ((cmk.host_groups, {}), (cmk.time_periods, {"active_time_ranges": [{"day": "monday"}]})):
        objects: Any = plain
        twice()
        assert objects.create("one", alias="One", **values).alias == "One"
        twice()
        assert objects.update("one", alias="Eins").alias == "Eins"
        twice()
        objects.delete("one")
        assert objects.find("one", fresh=True) is None
    etag = cmk.hosts.create("h").etag  # the first copy changes it, so the answer to the second copy is 412
    twice()
    assert cmk.hosts.update("h", update_attributes={"alias": "H"}, etag=etag).attributes["alias"] == "H"
    items = [{"name": name, "alias": name} for name in ("one", "two")]
    for call in (
        lambda: cmk.host_groups.bulk_create(items),
        lambda: cmk.host_groups.bulk_update([{**item, "alias": f"New {item['name']}"} for item in items]),
        lambda: cmk.host_groups.bulk_delete(["one", "two"]),
    ):
        twice()
        assert call().ok
    assert not {"one", "two"} & set(site.state.configuration.objects["host_groups"])


def test_a_secret_is_not_proven_by_an_object_that_already_exists(site: SimulatedSite, cmk: Checkmk) -> None:
    """Another user can have created it with a different secret, just after the client found it missing."""
    site.set_faults([Fault("repeat", writes=True, times=1)])
    with pytest.raises(BadRequestError, match="already exists") as caught:
        cmk.passwords.create("snmp", title="SNMP", password="only-for-tests")
    assert caught.value.attempted.is_uncertain
    with pytest.raises(BadRequestError, match="already exists") as caught:
        cmk.passwords.create("snmp", title="SNMP", password="only-for-tests")
    assert not caught.value.attempted.is_uncertain
    site.set_faults([Fault("repeat", writes=True, times=1)])
    assert cmk.passwords.update("snmp", password="another-for-tests").title == "SNMP"
    site.set_faults([Fault("repeat", writes=True, times=1)])
    cmk.passwords.delete("snmp")


def test_values_are_compared_by_their_meaning(cmk: Checkmk) -> None:
    values: dict[str, Any] = {"alias": "Working hours", "active_time_ranges": [{}], "exclude": []}
    cmk.time_periods.create("hours", **values)
    assert not cmk.time_periods.ensure("hours", **values).changed
    values["active_time_ranges"] = [{"day": "friday", "time_ranges": [{"start": "8:00", "end": "09:30:59"}]}]
    assert cmk.time_periods.ensure("hours", **values).changed
    assert not cmk.time_periods.ensure("hours", **values).changed
    # The built-in time period has no list of excluded time periods.
    assert not cmk.time_periods.ensure("24X7", alias="Always", exclude=[]).changed


def test_a_bulk_update_repeats_the_current_title(site: SimulatedSite, cmk: Checkmk, other: Checkmk) -> None:
    """An update of a group must contain its title, which another user can change between two chunks."""
    for name in ("a", "b"):
        cmk.contact_groups.create(name, alias=f"Old {name}")

    def changes() -> Iterator[dict[str, Any]]:
        yield {"name": "a", "inventory_paths": {"type": "forbid_all"}}
        other.contact_groups.update("b", alias="New b")
        yield {"name": "b", "inventory_paths": {"type": "forbid_all"}}

    assert cmk.contact_groups.bulk_update(changes(), chunk_size=1).ok
    assert [group.alias for group in cmk.contact_groups.each() if group.name in "ab"] == ["Old a", "New b"]


def test_a_bulk_update_with_titles_reads_nothing(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.host_groups.create("a", alias="A")
    before = len(site.requests)
    assert cmk.host_groups.bulk_update([{"name": "a", "alias": "B"}]).ok
    assert [request.method for request in site.requests[before:]] == ["PUT"]


def test_a_result_contains_no_secrets(cmk: Checkmk) -> None:
    wanted = Password("snmp", title="SNMP", password="only-for-tests")
    results = [cmk.passwords.ensure(wanted, check=True), cmk.passwords.ensure(wanted)]
    results += [cmk.passwords.ensure(wanted, check=check, update_secrets=True) for check in (True, False)]
    assert [result.actions for result in results] == [("create",), ("create",), ("update",), ("update",)]
    for result in results:
        assert result.after.password is None
        assert result.diff()["password"][1] == "***"


def test_a_missing_object_is_read_once(site: SimulatedSite, cmk: Checkmk) -> None:
    assert cmk.host_groups.ensure("linux", alias="Linux").changed
    requests = [request.method for request in site.requests if request.path != "/version"]
    assert requests == ["GET", "POST"]
