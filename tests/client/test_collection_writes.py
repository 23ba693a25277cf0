"""Writes of plain nouns report only what the site proves, also with concurrent writers and lost answers."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, HostGroup, Status
from checkmk_sync.errors import BadRequestError, CheckmkError, PreconditionError
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


def test_an_etag_is_refused_if_the_api_cannot_check_it(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.aux_tags.create("vlan", title="VLAN", topic="Network")
    with pytest.raises(ValueError, match="'aux_tags update' does not accept an ETag"):
        cmk.aux_tags.update("vlan", etag='"abc"', title="VLANs")
    assert cmk.aux_tags.get("vlan", fresh=True).title == "VLAN"
