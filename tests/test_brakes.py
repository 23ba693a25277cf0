"""A plan that changes too much of what exists is stopped until its size is allowed."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import PlanChangedError, UnsafePlanError
from checkmk_sync.sync import diff, from_data, make_plan
from checkmk_sync.testing import SimulatedSite
from tests.test_plan import fleet, held, holding


@pytest.mark.parametrize(
    ("owned", "changed", "brakes"), [(9, 9, False), (10, 3, False), (10, 4, True), (100, 31, True)]
)
def test_large_changes_are_stopped(owned: int, changed: int, brakes: bool) -> None:
    plan = fleet(owned, changed)
    assert plan.owned == plan.existing == owned
    if not brakes:
        plan.raise_if_unsafe()
        return
    with pytest.raises(UnsafePlanError, match=f"{changed} of {owned} existing objects.*--allow-changes {changed} "):
        plan.raise_if_unsafe()
    with pytest.raises(UnsafePlanError):
        plan.raise_if_unsafe(allow_changes=changed - 1)
    plan.raise_if_unsafe(allow_changes=changed)


@pytest.mark.parametrize(("owner", "adopt"), [("me", True), (None, False)])
def test_what_belongs_to_nobody_counts_as_well(owner: Optional[str], adopt: bool) -> None:
    desired = from_data({"hosts": [{"name": f"h{n}", "attributes": {"alias": "new"}} for n in range(50)]})
    hosts = [held("host", f"h{n}") for n in range(50)]
    plan = diff(desired, holding(*hosts, held("host", "other")), owner=owner, adopt=adopt)
    with pytest.raises(UnsafePlanError, match="50 of 50 existing objects"):
        plan.raise_if_unsafe()
    plan.raise_if_unsafe(allow_changes=50)
    few = holding(*hosts[:9])
    diff(desired, few, owner=owner, adopt=adopt).raise_if_unsafe()


def test_what_is_named_and_stays_is_part_of_the_whole() -> None:
    desired = from_data({"hosts": [{"name": f"h{n}", "attributes": {"alias": "new"}} for n in range(10)]})
    hosts = [held("host", f"h{n}", attributes__alias="old" if n < 3 else "new") for n in range(10)]
    plan = diff(desired, holding(*hosts))
    assert (plan.risky(), plan.existing) == (3, 10)
    plan.raise_if_unsafe()


def test_deleting_most_is_stopped_and_creating_is_not() -> None:
    hosts = [held("host", f"h{n}", "me") for n in range(20)]
    gone = diff(from_data({"hosts": [{"name": "h0"}]}), holding(*hosts), owner="me")
    with pytest.raises(UnsafePlanError, match="19 of 20"):
        gone.raise_if_unsafe()
    many = from_data({"hosts": [{"name": f"h{n}"} for n in range(500)]})
    diff(many, holding(*hosts), owner="me").raise_if_unsafe()


def test_the_plan_for_another_site_is_another_plan(site: SimulatedSite, connect: Any, cmk: Checkmk) -> None:
    desired = from_data({"hosts": [{"name": "a"}]})
    with SimulatedSite() as staging:
        reviewed = make_plan(connect(staging), desired, owner="me")
    plan = make_plan(cmk, desired, owner="me")
    assert plan.changes == reviewed.changes
    assert plan.to_dict()["site"] == cmk.settings.base_url
    with pytest.raises(PlanChangedError):
        plan.raise_if_unsafe(checksum=reviewed.checksum)
    plan.raise_if_unsafe(checksum=make_plan(cmk, desired, owner="me").checksum)


def test_a_host_that_is_moved_and_changed_counts_once() -> None:
    desired = from_data({"hosts": [{"name": f"h{n}", "folder": "/x", "attributes": {"alias": "n"}} for n in range(10)]})
    plan = diff(desired, holding(*[held("host", f"h{n}", "me") for n in range(10)]), owner="me")
    assert plan.risky() == 10
