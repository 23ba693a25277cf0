"""Checkmk replaces an attribute as a unit, but a sync changes only the keys that the inventory names."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.sync import apply_plan, diff, from_data, make_plan, plan_as_text
from checkmk_sync.sync.compare import matches, merge
from checkmk_sync.testing import SimulatedSite
from tests.sync.test_plan import held, holding

KEYS = st.sampled_from(["a", "b", "c"])
MAPPINGS = st.recursive(
    st.sampled_from([1, "x", False, None]),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(MAPPINGS, MAPPINGS)
def test_merged_values_keep_the_other_keys(wanted: Any, now: Any) -> None:
    value = merge(wanted, now)
    assert matches(("attributes", "custom"), wanted, value)
    assert merge(wanted, value) == value
    if isinstance(wanted, dict) and isinstance(now, dict) and wanted:
        assert {key: value[key] for key in now.keys() - wanted.keys()} == {
            key: now[key] for key in now.keys() - wanted.keys()
        }


def test_only_changed_members_are_shown() -> None:
    now = {"groups": ["all"], "use": True, "recurse_perms": False}
    desired = from_data({"hosts": [{"name": "a", "attributes": {"contactgroups": {"groups": ["web"]}}}]})
    text = plan_as_text(diff(desired, holding(held("host", "a", attributes__contactgroups=now))))
    assert text.splitlines()[0] == '~ host a: contactgroups.groups ["all"] -> ["web"]'


def test_keys_of_another_type_are_not_kept() -> None:
    now = {"type": "v3_auth_no_privacy", "security_name": "x"}
    assert merge({"type": "v1_v2_community", "community": "y"}, now) == {"type": "v1_v2_community", "community": "y"}
    assert merge({"security_name": "z"}, now) == {**now, "security_name": "z"}


def test_a_sync_leaves_unnamed_keys_of_an_attribute_unchanged(site: SimulatedSite, cmk: Checkmk) -> None:
    everything = {"groups": ["all"], "use": True, "use_for_services": True, "recurse_use": False, "recurse_perms": True}
    cmk.folders.create("/x", attributes={"contactgroups": everything})
    cmk.hosts.create("h", "/x", {"contactgroups": everything})
    wanted = {"contactgroups": {"groups": []}}
    desired = from_data(
        {
            "hosts": [{"name": "h", "attributes": wanted}],
            "folders": [{"path": "/x", "attributes": wanted}],
        }
    )
    report = apply_plan(cmk, make_plan(cmk, desired))
    assert report.ok
    for found in (cmk.hosts.get("h", fresh=True), cmk.folders.get("/x", fresh=True)):
        assert found.attributes["contactgroups"] == {**everything, "groups": []}
