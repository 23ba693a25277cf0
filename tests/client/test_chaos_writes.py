"""Outcomes of single writes amid random faults agree with the state of the site."""

from __future__ import annotations

import random
import time
from typing import Any, Callable, Optional

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault, SimulatedSite

SETTINGS: dict[str, Any] = {
    "timeouts": {"settle_s": 0.03},
    "recovery": {"retry": {"base_delay": 0.005}, "circuit_breaker": {"recovery_timeout": 0.05}},
    "caching": {"enabled": False},
}
KINDS = (
    "reset_after",
    "reset_before",
    "late",
    "late_page",
    "status",
    "cut",
    "crash",
    "crash_after",
    "html",
    "redirect",
)
State = Optional[tuple[str, dict[str, Any]]]  # folder and attributes of a host, or None if it does not exist
Write = Callable[[Checkmk, str], Any]


def _operations(number: int, draw: random.Random) -> list[tuple[Write, Callable[[State], State]]]:
    """Return the possible writes to a host, each with the resulting state. States of different numbers differ."""
    labels = {key: str(number) for key in draw.sample("abc", draw.randint(0, 2))}
    folder, alias = draw.choice(["/", "/f", "/g"]), {"alias": str(number)}

    def changed(**more: Any) -> Callable[[State], State]:
        return lambda state: None if state is None else (state[0], {**state[1], **more})

    def alone(outcomes: Any) -> None:
        (outcome,) = outcomes
        if outcome.status is not Status.APPLIED:
            raise _Failed(outcome.status)

    return [
        (lambda cmk, name: cmk.hosts.create(name, folder, alias), lambda state: state or (folder, alias)),
        (lambda cmk, name: alone(cmk.hosts.bulk_create([{"host_name": name, "folder": folder, "attributes": alias}])),
         lambda state: state or (folder, alias)),
        (lambda cmk, name: cmk.hosts.update(name, update_attributes={"labels": labels}), changed(labels=labels)),
        (lambda cmk, name: cmk.hosts.update(name, lambda found: {**found, "labels": labels}), changed(labels=labels)),
        (lambda cmk, name: alone(cmk.hosts.bulk_update([{"host_name": name, "update_attributes": {"labels": labels}}])),
         changed(labels=labels)),
        (lambda cmk, name: cmk.hosts.update(name, attributes=alias), lambda state: state and (state[0], alias)),
        (lambda cmk, name: cmk.hosts.move(name, folder), lambda state: state and (folder, state[1])),
        (lambda cmk, name: cmk.hosts.delete(name), lambda _: None),
        (lambda cmk, name: alone(cmk.hosts.bulk_delete([name])), lambda _: None),
    ]  # fmt: skip


class _Failed(Exception):
    """An error with the status of the only host of a bulk call."""


def _status(write: Write, cmk: Checkmk, name: str) -> Status:
    try:
        write(cmk, name)
    except CheckmkError as error:
        return Outcome.failed(name, error).status
    except _Failed as failed:
        status: Status = failed.args[0]
        return status
    return Status.APPLIED


def _state(site: SimulatedSite, name: str) -> State:
    host = site.state.configuration.hosts.get(name)
    return None if host is None else (host.folder, dict(host.attributes))


def _late(site: SimulatedSite) -> int:
    struck = site.state.faults.matched
    return struck.get("late", 0) + struck.get("late_page", 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("version", ["2.3.0p41", "2.4.0p18"])
def test_no_outcome_contradicts_the_site(version: str, seed: int) -> None:
    draw = random.Random(seed)
    faults = [Fault(kind, writes=True, probability=0.04, status=504, seconds=0.06) for kind in KINDS]
    counts = dict.fromkeys(Status, 0)
    with SimulatedSite(version, fault_seed=seed) as site, site.client(**SETTINGS) as cmk:
        for folder in ("/f", "/g"):
            cmk.folders.create(folder)
        for number in range(250):
            name = draw.choice(["a", "b", "c"])
            before, operations = _state(site, name), _operations(number, draw)
            creates = before is None and draw.random() < 0.8
            write, left_by = draw.choice(operations[:2] if creates else operations)
            site.set_faults([*faults, Fault("status", method="GET", probability=0.1)])
            late = _late(site)
            status = _status(write, cmk, name)
            site.set_faults([])
            if _late(site) > late:
                time.sleep(0.15)
            counts[status] += 1
            if status is Status.APPLIED:
                assert _state(site, name) == left_by(before), number
            elif status is Status.NOT_APPLIED:
                assert _state(site, name) == before, number
    assert min(counts.values()) > 20, counts
