"""Arguments of the calls of plain nouns are checked before anything is sent."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, HostGroup
from checkmk_sync.testing import SimulatedSite


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
