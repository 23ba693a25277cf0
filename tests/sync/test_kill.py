"""A sync that is killed at any moment and started again loses nothing, repeats nothing and changes no other objects."""

from __future__ import annotations

import collections
import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.testing import SimulatedSite
from tests.conftest import variables_of

HOSTS = 2000
KILLS = 20


def _inventory(path: Path) -> list[str]:
    names = [f"h{number:04d}" for number in range(HOSTS)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "folder", "ipaddress", "label:env"])
        writer.writerows(
            [name, f"/f{n % 7}/g{n % 21}", f"10.0.{n // 250}.{n % 250}", "prod"] for n, name in enumerate(names)
        )
    return names


def _start(site: SimulatedSite, inventory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "checkmk_sync", "apply", str(inventory), "--owner", "cmdb", "--yes", "-q"]
    return subprocess.Popen(
        command, env={**os.environ, **variables_of(site)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_twenty_killed_runs_converge(tmp_path: Path) -> None:
    names = _inventory(tmp_path / "hosts.csv")
    created: collections.Counter[str] = collections.Counter()
    draw = random.Random(7)
    with SimulatedSite(services=6, lock_hold=0.02, host_cost=0.0003, activation_time=0.3, discovery_time=0.3) as site:
        site.add_user("carol", "carols-secret")
        with site.client() as mine, site.client("carol") as hers:
            hers.folders.create("/f0")
            hers.hosts.create("foreign", "/f0", {"alias": "hers"})
            mine.hosts.create("unowned", "/")
            mine.activation.activate(force_foreign_changes=True)
        before = {name: site.state.configuration.hosts[name] for name in ("foreign", "unowned")}
        _count_creations(site, created)
        process = _start(site, tmp_path / "hosts.csv")
        _wait_for_first_request(site, process)
        started = time.monotonic()
        process.communicate()
        took = time.monotonic() - started  # of a complete run, which depends on the load of this computer
        _check(site, names, before, created)
        _forget(site, names, created)
        stages: list[str] = []
        while len(stages) < KILLS:
            process = _start(site, tmp_path / "hosts.csv")
            _wait_for_first_request(site, process)
            time.sleep(draw.uniform(0, took))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                stages.append(_stage(site))
            else:  # it finished before the kill: delete its hosts and start again
                assert process.returncode == 0
                _check(site, names, before, created)
                _forget(site, names, created)
            process.communicate()
        process = _start(site, tmp_path / "hosts.csv")
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        _check(site, names, before, created)

        assert len(set(stages)) >= 3, f"the kills hit different moments: {stages}"


def _count_creations(site: SimulatedSite, created: collections.Counter[str]) -> None:
    """Count every creation on the simulated site."""
    add_host = site.state.configuration.add_host

    def counted(name: str, *args: Any, **kwargs: Any) -> Any:
        created[name] += 1
        return add_host(name, *args, **kwargs)

    site.state.configuration.add_host = counted  # type: ignore[method-assign]


def _wait_for_first_request(site: SimulatedSite, process: subprocess.Popen[str]) -> None:
    before = site.counts()["requests"]
    while site.counts()["requests"] == before and process.poll() is None:
        time.sleep(0.01)


def _stage(site: SimulatedSite) -> str:
    """Return the stage that the site has reached when the client is killed."""
    state = site.state
    mine = sum(OWNER_LABEL in host.attributes.get("labels", {}) for host in state.configuration.hosts.values())
    if mine < HOSTS:
        return "creating" if mine else "before the first host"
    if len(state.configuration.service_phases) < HOSTS:
        return "discovering"
    return "activating" if state.configuration.changes else "verifying"


def _check(site: SimulatedSite, names: list[str], before: Any, created: collections.Counter[str]) -> None:
    state = site.state
    configuration = state.configuration
    assert set(configuration.hosts) == {*names, *before}
    for n, name in enumerate(names):
        host = configuration.hosts[name]
        assert host.folder == f"/f{n % 7}/g{n % 21}"
        assert host.attributes["labels"] == {"env": "prod", OWNER_LABEL: "cmdb"}
        assert len(configuration.service_phases[name]) == 4, "discovered"
        assert len(state.monitoring.hosts[name].services) == 6, "and active"
    assert {name: configuration.hosts[name] for name in before} == before
    assert configuration.changes == []
    assert set(created.values()) == {1}


def _forget(site: SimulatedSite, names: list[str], created: collections.Counter[str]) -> None:
    with site.client() as cmk:
        assert cmk.hosts.bulk_delete(names).ok
        cmk.activation.activate()
    created.clear()
