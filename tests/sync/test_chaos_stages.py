"""During faults, the outcomes of each stage agree with the site, even before the verification."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from checkmk_sync import Status
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.sync.executors import EXECUTORS
from checkmk_sync.testing import SimulatedSite
from tests.sync.test_chaos import FAULTS, _inventory, holds

SETTINGS: dict[str, Any] = {
    "timeouts": {"settle_s": 0.1},
    "batch_processing": {"chunk_size": 7},
    "recovery": {"retry": {"base_delay": 0.005}, "circuit_breaker": {"recovery_timeout": 0.05}},
    "caching": {"enabled": False},
}


def _labelled(generation: int) -> dict[str, Any]:
    """Return the inventory of a generation, with labels that are added and removed again."""
    inventory = _inventory(generation)
    for number, host in enumerate(inventory["hosts"]):
        labels = {"odd": "yes" if generation % 2 else None} if number % 3 == 0 else {}
        host["labels"] = {**host["labels"], **labels}
    return inventory


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_stage_contradicts_the_site(seed: int) -> None:
    counts = dict.fromkeys(Status, 0)
    with SimulatedSite(services=4, fault_seed=seed) as site, site.client(**SETTINGS) as cmk:
        for generation in range(4):
            desired = from_data(_labelled(generation))
            plan = make_plan(cmk, desired, owner="cmdb")
            for stage, group in itertools.groupby(plan.changes, key=lambda change: (change.action, change.kind)):
                site.set_faults(FAULTS)
                results = list(EXECUTORS[stage](cmk, list(group)))
                site.set_faults([])
                time.sleep(0.2)  # all late writes have been executed
                for change, outcome in results:
                    counts[outcome.status] += 1
                    if outcome.status is not Status.UNKNOWN:
                        assert holds(site, change) is (outcome.status is Status.APPLIED), (change, outcome)
            assert apply_plan(cmk, make_plan(cmk, desired, owner="cmdb")).ok
            assert make_plan(cmk, desired, owner="cmdb").is_empty
    assert counts[Status.APPLIED] > 100
    assert counts[Status.UNKNOWN] > 0
