"""One run turns the site from any inventory into any other, and after faults further runs reach the same state."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.sync import apply_plan, from_data, make_plan, plan_as_text, report_as_text
from checkmk_sync.testing import SimulatedSite
from tests.official_documents import EDITIONS
from tests.sync.random_inventory import Inventory, comparable_state, following, random_inventory
from tests.sync.test_chaos import FAULTS, SETTINGS
from tests.sync.weekly import SECRETS

SEEDS, RUNS = range(12), 15


@contextlib.contextmanager
def _client(version: str, **options: Any) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    with SimulatedSite(version, EDITIONS[version], services=3, **options) as site:
        with site.client(secrets=SECRETS, **SETTINGS) as cmk:
            yield site, cmk


def _apply(cmk: Checkmk, inventory: Inventory) -> None:
    plan = make_plan(cmk, from_data(inventory), owner="cmdb")
    assert plan.conflicts == ()
    report = apply_plan(cmk, plan)
    assert (report.ok, report.verified) == (True, True), f"{plan_as_text(plan)}\n{report_as_text(report)}"
    again = make_plan(cmk, from_data(inventory), owner="cmdb")
    assert again.is_empty, plan_as_text(again)


def _wanted(version: str, inventory: Inventory) -> Any:
    """Return the state of a new site after the inventory was applied."""
    with _client(version) as (site, cmk):
        _apply(cmk, inventory)
        return comparable_state(site)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("version", EDITIONS)
def test_one_run_turns_an_inventory_into_another(version: str, seed: int) -> None:
    before, after = random_inventory(2 * seed), random_inventory(2 * seed + 1)
    with _client(version) as (site, cmk):
        _apply(cmk, before)
        _apply(cmk, following(after, before))
        assert comparable_state(site) == _wanted(version, after)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS[:6])
@pytest.mark.parametrize("version", EDITIONS)
def test_after_faults_further_runs_reach_the_same_state(version: str, seed: int) -> None:
    before, after = random_inventory(2 * seed), random_inventory(2 * seed + 1)
    with _client(version, faults=FAULTS, fault_seed=seed) as (site, cmk):
        for inventory in (before, following(after, before)):
            _apply_until_unchanged(cmk, inventory)
        site.set_faults([])
        assert comparable_state(site) == _wanted(version, after)


def _apply_until_unchanged(cmk: Checkmk, inventory: Inventory) -> None:
    desired = from_data(inventory)
    for _ in range(RUNS):
        plan = make_plan(cmk, desired, owner="cmdb")
        assert plan.conflicts == ()
        if plan.is_empty:
            return
        apply_plan(cmk, plan)
    raise AssertionError(f"after {RUNS} runs changes are left:\n{plan_as_text(plan)}")
