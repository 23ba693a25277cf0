"""With lost answers, late commits and crashes in a fifth of the writes, no reported outcome contradicts the site."""

from __future__ import annotations

import time
from typing import Any

import pytest

from checkmk_sync import Status
from checkmk_sync.sync import Action, apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, SimulatedSite

FAULTS = [
    Fault("reset_after", writes=True, probability=0.05),
    Fault("reset_before", writes=True, probability=0.03),
    Fault("late", writes=True, probability=0.03, seconds=0.15),
    Fault("status", status=504, writes=True, probability=0.02),
    Fault("cut", writes=True, probability=0.02),
    Fault("crash", writes=True, probability=0.01),
    Fault("crash_after", writes=True, probability=0.01),
    Fault("html", writes=True, probability=0.01),
    Fault("redirect", writes=True, probability=0.01),
    Fault("status", status=503, method="GET", probability=0.05),
]
SETTINGS: dict[str, Any] = {
    "timeouts": {"settle_s": 0.1},
    "batch_processing": {"chunk_size": 7},
    "recovery": {"retry": {"base_delay": 0.005}, "circuit_breaker": {"recovery_timeout": 0.05}},
    "caching": {"enabled": False},
}


def _inventory(generation: int) -> dict[str, Any]:
    """Return the inventory of a generation, which creates, changes, moves and deletes hosts and removes labels."""
    return {
        "hosts": [
            {
                "name": f"h{n:03d}",
                "folder": f"/f{(n + generation) % 5 if n % 9 == 0 else n % 5}",
                "attributes": {"alias": f"{n}-{generation if n % 4 == 0 else 0}"},
                "labels": {
                    **({"generation": str(generation)} if n % 7 == 0 else {}),
                    **({"even": "yes"} if n % 5 == 0 and generation % 2 == 0 else {}),
                },
            }
            for n in range(generation * 12, generation * 12 + 150)
        ]
    }


def holds(site: SimulatedSite, change: Any) -> bool:
    held = site.state.configuration.hosts if change.kind == "host" else site.state.configuration.folders
    if change.action is Action.DELETE:
        return change.key not in held
    if change.key not in held:
        return False
    if change.action is Action.MOVE:
        return bool(held[change.key].folder == change.properties[("folder",)][1])
    attributes = held[change.key].attributes
    labels = attributes.get("labels", {})
    return all(
        (labels if path[0] == "labels" else attributes).get(path[1]) == wanted
        for path, (_, wanted) in change.properties.items()
        if path[0] in ("labels", "attributes")
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_reported_outcome_contradicts_the_site(seed: int) -> None:
    with SimulatedSite(services=4, fault_seed=seed) as site, site.client(**SETTINGS) as cmk:
        for generation in range(4):
            plan = make_plan(cmk, from_data(_inventory(generation)), owner="cmdb")
            site.set_faults(FAULTS)
            report = apply_plan(cmk, plan)
            site.set_faults([])
            time.sleep(0.4)  # all late writes have been executed
            for change, outcome in report.results:
                if outcome.status is not Status.UNKNOWN:
                    assert holds(site, change) is (outcome.status is Status.APPLIED), (change, outcome)
            calm = apply_plan(cmk, make_plan(cmk, from_data(_inventory(generation)), owner="cmdb"))
            assert calm.ok
            assert make_plan(cmk, from_data(_inventory(generation)), owner="cmdb").is_empty
    struck = site.state.faults.matched
    assert struck["reset_after"] > 0
    assert struck["late"] > 0
