"""Arguments of the calls of plain nouns are checked before anything is sent."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, HostGroup, Status
from checkmk_sync.errors import CheckmkError, NotFoundError
from checkmk_sync.testing import ManualClock, SimulatedSite


def _writes(site: SimulatedSite) -> list[str]:
    return [request.method for request in site.requests if request.method != "GET"]


@pytest.mark.parametrize(
    "call",
    [
        lambda cmk: cmk.host_groups.create("linux", name="unix", alias="Unix"),
        lambda cmk: cmk.host_groups.ensure("linux", name="unix", alias="Unix"),
        lambda cmk: cmk.host_groups.update("linux", name="unix", alias="Unix"),
    ],
    ids=["create", "ensure", "update"],
)
def test_a_second_key_is_refused(site: SimulatedSite, cmk: Checkmk, call: Callable[[Checkmk], Any]) -> None:
    with pytest.raises(ValueError, match="'name' is the key of a host group; give it only as the first argument"):
        call(cmk)
    assert _writes(site) == []


def test_none_means_that_a_field_is_not_given(cmk: Checkmk) -> None:
    created = cmk.passwords.create("snmp", title="SNMP", password="only-for-tests", comment=None)
    assert created.comment == ""
    assert not cmk.passwords.ensure("snmp", title="SNMP", comment=None).changed
    (outcome,) = cmk.host_groups.bulk_create([{"name": "linux", "alias": "Linux", "customer": None}])
    assert outcome.error is None
    with pytest.raises(ValueError, match="a host group needs alias"):
        cmk.host_groups.create("unix", alias=None)
    with pytest.raises(ValueError, match="does not have the field 'alais'; did you mean 'alias'"):
        cmk.host_groups.create("unix", alais=None)


def test_none_cannot_be_the_new_value_of_a_field(cmk: Checkmk) -> None:
    cmk.host_groups.create(HostGroup("linux", alias="Linux"))
    with pytest.raises(ValueError, match="alias must be a string, not None"):
        cmk.host_groups.update("linux", alias=None)


def test_a_masked_secret_is_refused(site: SimulatedSite, cmk: Checkmk) -> None:
    for call in (cmk.passwords.create, cmk.passwords.ensure, cmk.passwords.update):
        with pytest.raises(ValueError, match="stands for a secret that was not shown"):
            call("snmp", title="SNMP", password="***")
    assert _writes(site) == []


def test_an_update_needs_the_key_of_an_object(cmk: Checkmk) -> None:
    with pytest.raises(TypeError, match="name must be a string, not a HostGroup"):
        cmk.host_groups.update(HostGroup("linux", alias="Linux"))  # type: ignore[arg-type]


@pytest.mark.parametrize("missing_ok", [False, True])
def test_a_built_in_object_is_not_reported_as_deleted(cmk: Checkmk, missing_ok: bool) -> None:
    with pytest.raises(NotFoundError, match="should be an existing custom aux tag") as caught:
        cmk.aux_tags.delete("snmp", missing_ok=missing_ok)
    assert caught.value.attempted is None or not caught.value.attempted.is_uncertain
    assert cmk.aux_tags.find("snmp") is not None


def test_an_unknown_filter_is_refused_by_name(site: SimulatedSite, cmk: Checkmk) -> None:
    for filters in ({"alias": "Linux"}, {"alais": "Linux"}):
        with pytest.raises(ValueError, match=f"host groups cannot be listed by '{next(iter(filters))}'"):
            cmk.host_groups.each(**filters)
    assert site.requests == []


@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update", "bulk_delete"])
def test_a_bulk_call_that_the_api_does_not_have_is_refused(site: SimulatedSite, cmk: Checkmk, verb: str) -> None:
    item: Any = "vlan" if verb == "bulk_delete" else {"name": "vlan", "title": "VLAN", "topic": "Network"}
    with pytest.raises(CheckmkError, match=f"'aux_tags {verb}' does not exist in the API"):
        getattr(cmk.aux_tags, verb)([item])
    assert site.requests == []


@pytest.mark.parametrize("verb", ["bulk_create", "bulk_update", "bulk_delete"])
@pytest.mark.parametrize("items", [{"name": "linux"}, "linux", 5, None])
def test_items_that_are_not_a_list_are_refused(site: SimulatedSite, cmk: Checkmk, verb: str, items: Any) -> None:
    with pytest.raises(TypeError, match="must be a list"):
        getattr(cmk.host_groups, verb)(items)
    assert site.requests == []


def test_an_empty_key_is_refused(site: SimulatedSite, cmk: Checkmk) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: cmk.host_groups.create("", alias="Linux"),
        lambda: cmk.host_groups.ensure("", alias="Linux"),
        lambda: cmk.host_groups.bulk_create([{"name": "", "alias": "Linux"}]),
        lambda: cmk.host_groups.bulk_update([{"name": "", "alias": "Linux"}]),
        lambda: cmk.host_groups.bulk_delete([""]),
        lambda: cmk.host_groups.delete(""),
        lambda: cmk.host_groups.get(""),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="name must not be empty"):
            call()
    assert _writes(site) == []


_RANGES = "active_time_ranges"


@pytest.mark.parametrize(
    ("noun", "values", "message"),
    [
        ("time_periods", {"alias": "x", _RANGES: [5]}, f"{_RANGES} must have the form of .*'08:00'"),
        (
            "time_periods",
            {"alias": "x", _RANGES: [{"time_ranges": None}]},
            f"{_RANGES} must have the form of .*'08:00'",
        ),
        (
            "time_periods",
            {"alias": "x", _RANGES: [{"time_ranges": [{"start": "8"}]}]},
            f"{_RANGES} must have the form of",
        ),
        ("time_periods", {"alias": "x", _RANGES: [], "exclude": ["a", 1]}, "exclude is not valid: '<' not supported"),
        (
            "contact_groups",
            {"alias": "x", "inventory_paths": {"type": {1, 2}}},
            "inventory_paths cannot be sent as JSON",
        ),
        ("contact_groups", {"alias": "x", "inventory_paths": {"a": float("nan")}}, "inventory_paths cannot be sent"),
    ],
)
def test_nested_values_are_checked_before_anything_is_sent(
    site: SimulatedSite, cmk: Checkmk, noun: str, values: dict[str, Any], message: str
) -> None:
    objects = getattr(cmk, noun)
    for call in (objects.create, objects.ensure, objects.update):
        with pytest.raises(ValueError, match=message):
            call("x", **values)
    assert [request.path for request in site.requests] in ([], ["/version"])


def test_a_field_of_another_version_fails_only_its_item(clock: ManualClock) -> None:
    items = [
        {"name": "a", "alias": "A"},
        {"name": "b", "alias": "B", "inventory_paths": {}},
        {"name": "c", "alias": "C"},
    ]
    with SimulatedSite("2.3.0p41", clock=clock) as site, site.client(clock=clock) as cmk:
        with pytest.raises(CheckmkError, match="the contact group field 'inventory_paths' does not exist"):
            cmk.contact_groups.bulk_create(items)
        assert _writes(site) == []
        outcomes = {outcome.key: outcome.status for outcome in cmk.contact_groups.bulk_create(iter(items))}
        assert outcomes == {"a": Status.APPLIED, "b": Status.NOT_APPLIED, "c": Status.APPLIED}


def test_the_edition_is_read_if_answers_do_not_name_it(clock: ManualClock) -> None:
    """A proxy can remove the header of the edition but not the header of the version."""
    with SimulatedSite("2.4.0p18", "cme", clock=clock) as site, site.client(clock=clock) as cmk:
        cmk.host_groups.create("a", alias="A")
        cmk._transport.edition = None
        assert cmk.host_groups.create("b", alias="B", customer="global").customer == "global"
