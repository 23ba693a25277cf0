"""What counts as proof that a write with a lost answer happened: only a state that this very write leaves."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk, Status
from checkmk_sync.errors import BrokenReplyError
from checkmk_sync.resources.changes import holds
from checkmk_sync.testing import Fault, SimulatedSite

LOST = [Fault("reset_before", writes=True, times=1)]
DONE = [Fault("reset_after", writes=True, times=1)]

LABELS_LESS: dict[str, Callable[[Checkmk], Any]] = {
    "merge": lambda cmk: cmk.hosts.update("h", update_attributes={"labels": {"env": "prod"}}),
    "function": lambda cmk: cmk.hosts.update("h", lambda found: {**found, "labels": {"env": "prod"}}),
    "replace": lambda cmk: cmk.hosts.update("h", attributes={"labels": {"env": "prod"}, "alias": "x"}),
    "none": lambda cmk: cmk.hosts.update("h", update_attributes={"labels": {}}),
    "folder": lambda cmk: cmk.folders.update("/f", update_attributes={"labels": {"env": "prod"}}),
}


@pytest.fixture
def labelled(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    labels = {"env": "prod", "old": "1"}
    cmk.hosts.create("h", "/", {"labels": labels, "alias": "x"})
    cmk.folders.create("/f", attributes={"labels": labels})
    return site


@pytest.mark.parametrize("name", LABELS_LESS)
def test_a_label_that_is_still_there_was_not_removed(labelled: SimulatedSite, cmk: Checkmk, name: str) -> None:
    labelled.set_faults(LOST)
    with pytest.raises(BrokenReplyError):
        LABELS_LESS[name](cmk)
    labelled.set_faults(DONE)
    LABELS_LESS[name](cmk)
    setup = labelled.world.setup
    changed = setup.folders["/f"] if name == "folder" else setup.hosts["h"]
    assert "old" not in changed.attributes["labels"]


def test_nor_was_it_in_bulk(labelled: SimulatedSite, cmk: Checkmk) -> None:
    labelled.set_faults(LOST)
    (outcome,) = cmk.hosts.bulk_update([{"host_name": "h", "update_attributes": {"labels": {"env": "prod"}}}])
    assert outcome.status is Status.UNKNOWN


def test_what_the_server_fills_in_proves_the_write_all_the_same(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults(DONE)
    host = cmk.hosts.create("h", "/", {"contactgroups": {"groups": ["all"]}})
    assert len(host.attributes["contactgroups"]) == 5


VALUES = st.recursive(
    st.sampled_from(["", "x", 1, None]), lambda inner: st.dictionaries(st.sampled_from("ab"), inner), max_leaves=4
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["alias", "labels", "parents"]), VALUES)


@given(ATTRIBUTES, ATTRIBUTES)
def test_an_update_holds_where_doing_it_again_changes_nothing(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert holds({"attributes": wanted}, found) is (found == wanted)
    assert holds({"update_attributes": wanted}, found) is ({**found, **wanted} == found)
    kept = {name: value for name, value in found.items() if name not in wanted}
    assert holds({"remove_attributes": list(wanted)}, found) is (kept == found)
