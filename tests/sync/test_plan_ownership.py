"""Only our own objects are changed or deleted; all others are conflicts."""

from __future__ import annotations

import pytest

from checkmk_sync.errors import NotOwnedError
from checkmk_sync.sync import diff, from_data
from tests.sync.test_plan import ADOPTED, OWNER, held, holding, lines


def test_without_an_owner_nothing_is_deleted() -> None:
    desired = from_data({"hosts": [{"name": "a"}]})
    assert diff(desired, holding(held("host", "a"), held("host", "old"))).is_empty


def test_only_owned_objects_are_deleted_hosts_before_folders() -> None:
    desired = from_data({"hosts": [{"name": "a", "folder": "/keep"}]})
    observed = holding(
        held("folder", "/keep", "me", title="keep"),
        held("folder", "/old", "me", title="old"),
        held("folder", "/old/deep", "me", title="deep"),
        held("folder", "/used", "me", title="used"),
        held("folder", "/theirs", None, title="theirs"),
        held("host", "a", "me", folder="/keep"),
        held("host", "gone", "me", folder="/old/deep"),
        held("host", "foreign", None, folder="/used"),
        held("host", "other", "somebody", folder="/used"),
    )
    plan = diff(desired, observed, owner="me")
    assert lines(plan) == ["delete host gone", "delete folder /old/deep", "delete folder /old"]


def test_a_folder_with_objects_of_others_is_kept() -> None:
    desired = from_data({"hosts": [{"name": "a"}]})
    observed = holding(
        held("folder", "/x", "me", title="x"),
        held("folder", "/x/theirs", None, title="t"),
        held("host", "a", "me"),
    )
    assert diff(desired, observed, owner="me").is_empty


def test_a_folder_with_objects_in_conflict_is_kept() -> None:
    """The inventory wants to move the host, but the host is not ours."""
    desired = from_data({"hosts": [{"name": "a", "folder": "/new"}]})
    for owner in (None, "them"):
        observed = holding(held("folder", "/x", "me", title="x"), held("host", "a", owner, folder="/x"))
        plan = diff(desired, observed, owner="me")
        assert plan.conflicts
        assert lines(plan) == ["create folder /new"]


def test_an_inventory_of_folders_deletes_no_hosts() -> None:
    desired = from_data({"folders": [{"path": "/x"}]})
    observed = holding(held("folder", "/x", "me", title="x"), held("host", "h", "me", folder="/x"))
    assert diff(desired, observed, owner="me").is_empty


def test_an_existing_host_that_nobody_owns_is_a_conflict_unless_adopted() -> None:
    desired = from_data({"hosts": [{"name": "a"}]})
    observed = holding(held("host", "a"))
    plan = diff(desired, observed, owner="me")
    assert [str(conflict) for conflict in plan.conflicts] == ["host a already exists and belongs to no owner"]
    with pytest.raises(NotOwnedError, match="host a already exists"):
        plan.raise_if_unsafe()
    (change,) = diff(desired, observed, owner="me", adopt=True).changes
    assert change.properties == {OWNER: (None, "me"), ADOPTED: (None, "a")}


def test_objects_of_another_owner_are_always_conflicts() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"alias": "x"}}]})
    observed = holding(held("host", "a", "them"))
    for owner, adopt in (("me", False), ("me", True), (None, False)):
        with pytest.raises(NotOwnedError, match="belongs to the owner 'them'"):
            diff(desired, observed, owner=owner, adopt=adopt).raise_if_unsafe()


def test_folders_are_shared() -> None:
    desired = from_data({"folders": [{"path": "/x", "title": "X"}], "hosts": [{"name": "a", "folder": "/y"}]})
    same = holding(held("folder", "/x", title="X"), held("folder", "/y", title="whatever"))
    assert lines(diff(desired, same, owner="me")) == ["create host a"]
    other = holding(held("folder", "/x", title="other"), held("folder", "/y", title="whatever"))
    assert len(diff(desired, other, owner="me").conflicts) == 1
    assert lines(diff(desired, other, owner="me", adopt=True)) == ["update folder /x", "create host a"]
