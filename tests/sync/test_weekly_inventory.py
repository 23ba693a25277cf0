"""Inventories of the configuration that people change every week, with objects of many kinds that name each other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Optional

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.sync import (
    Action,
    Plan,
    Report,
    apply_plan,
    from_data,
    make_plan,
    plan_as_markdown,
    plan_as_text,
    report_as_text,
)
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.official_documents import EDITIONS
from tests.sync.weekly import LARGE, PASSWORDS, RULESETS, SECRETS, SMALL, Sizes, state_of, weekly_inventory

# The requests during which the runs are killed, as the start of their paths and a number. Each run continues where the
# one before was killed.
MOMENTS = (
    ("POST /domain-types/aux_tag/", 2),
    ("POST /domain-types/host_tag_group/", 7),
    ("POST /domain-types/user_config/", 20),
    ("POST /domain-types/folder_config/", 11),
    ("POST /domain-types/host_config/actions/bulk-create/", 1),
    ("POST /domain-types/host_config/actions/bulk-create/", 2),
    ("POST /domain-types/rule/", 5),
    ("POST /domain-types/rule/", 150),
    ("POST /domain-types/discovery_run/", 1),
    ("POST /domain-types/activation_run/", 1),
)
OWNER = "cmdb"
REQUESTS_OF_A_PLAN = len(RULESETS) + 15
ORDER = ("auxiliary tag", "contact group", "user role", "host tag group", "user", "folder", "host", "rule")


def _plan(cmk: Checkmk, inventory: Any) -> Plan:
    return make_plan(cmk, from_data(inventory), owner=OWNER)


def _apply(cmk: Checkmk, inventory: Any) -> Report:
    """Apply an inventory. Check that the site is as wanted, and that no text shows a secret."""
    plan = _plan(cmk, inventory)
    plan.raise_if_unsafe()
    report = apply_plan(cmk, plan)
    assert (report.ok, report.verified) == (True, True), report_as_text(report)
    again = _plan(cmk, inventory)
    assert again.is_empty, plan_as_text(again)
    texts = [plan_as_text(plan), plan_as_markdown(plan), report_as_text(report), repr(plan), repr(report)]
    shown = "\n".join([*texts, json.dumps([plan.to_dict(), report.to_dict()])])
    assert not [secret for secret in PASSWORDS.values() if secret in shown]
    return report


@contextlib.contextmanager
def _site(version: str, clock: Optional[ManualClock] = None) -> Iterator[SimulatedSite]:
    with SimulatedSite(version, EDITIONS[version], services=3, clock=clock) as site:
        site.add_user("carol", "carols-secret")
        yield site


def _live(version: str, sizes: Sizes) -> None:
    inventory, clock = weekly_inventory(sizes), ManualClock()
    with _site(version, clock) as site, site.client(secrets=SECRETS, clock=clock) as cmk:
        plan = _plan(cmk, inventory)
        assert tuple(dict.fromkeys(change.kind for change in plan.changes)) == ORDER
        assert plan.warnings == ()
        assert site.counts()["requests"] <= REQUESTS_OF_A_PLAN
        report = _apply(cmk, inventory)
        assert len(report.results) == len(plan.changes)
        # Two requests for each object that the API cannot create in bulk. The site is read completely five times.
        single = sum(change.kind not in ("contact group", "host") for change in plan.changes)
        assert site.counts()["requests"] <= 2 * single + 5 * REQUESTS_OF_A_PLAN
        assert site.state.configuration.changes == []
        assert site.state.configuration.users["user00"].password == PASSWORDS["robots"]
        _disturb_and_repair(site, cmk, inventory)


def _disturb_and_repair(site: SimulatedSite, cmk: Checkmk, inventory: Any) -> None:
    """Insert a rule of another user between ours, and move and change ours by hand. Only ours are repaired."""
    wanted, ruleset, folder = state_of(site), "checkgroup_parameters:cpu_load", "/"
    before = [rule for rule in cmk.rules.each(ruleset=ruleset) if rule.folder == folder]
    first, *others = (str(rule.id) for rule in before)
    with site.client("carol", clock=cmk.clock) as hers:
        foreign = hers.rules.create(ruleset=ruleset, folder=folder, value={"levels": (1.0, 2.0)}, comment="Mine")
        hers.rules.move(str(foreign.id), after=first)
        hers.activation.activate()
    stored = site.state.configuration.objects["rules"][str(foreign.id)]
    cmk.rules.move(others[-1], top_of=folder)
    cmk.rules.update(others[-1], value={"levels": (3.0, 4.0)})
    changes = [change for change, _ in _apply(cmk, inventory).results]
    assert [change.action for change in changes] == [Action.MOVE, Action.UPDATE]
    assert {change.id for change in changes} == {others[-1]}
    rules = site.state.configuration.objects["rules"]
    assert rules[str(foreign.id)] == stored
    after = [rule.id for rule in cmk.rules.each(ruleset=ruleset) if rule.folder == folder]
    assert after == [first, foreign.id, *others]
    del rules[str(foreign.id)]
    assert state_of(site) == wanted


def test_a_small_inventory_is_planned_applied_verified_and_then_unchanged() -> None:
    _live("2.4.0p18", SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("version", EDITIONS)
def test_a_large_inventory_is_planned_applied_verified_and_then_unchanged(version: str) -> None:
    _live(version, LARGE)


def _start(site: SimulatedSite, folder: Path) -> subprocess.Popen[str]:
    """Write a configuration and an inventory, and start to apply it."""
    secrets = {name: {"value": password} for name, password in PASSWORDS.items()}
    login = {"server_url": site.url, "site": site.site, "username": site.username, "password": site.password}
    (folder / "config.json").write_text(json.dumps({"checkmk": login, "secrets": secrets}), "utf-8")
    (folder / "config.json").chmod(0o600)
    (folder / "weekly.json").write_text(json.dumps(weekly_inventory(LARGE)), "utf-8")
    options = ["--config", str(folder / "config.json"), "--owner", OWNER, "--yes"]
    command = [sys.executable, "-m", "checkmk_sync", "apply", str(folder / "weekly.json"), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "+ user user00: " in output or "Nothing to do" in output
    assert not [secret for secret in PASSWORDS.values() if secret in output]


@pytest.mark.slow
@pytest.mark.parametrize("version", EDITIONS)
def test_a_run_that_is_killed_ten_times_ends_like_an_undisturbed_one(version: str, tmp_path: Path) -> None:
    with _site(version) as undisturbed:
        _finish(_start(undisturbed, tmp_path))
        wanted = state_of(undisturbed)
    with _site(version) as site:
        for path, number in MOMENTS:
            process = _start(site, tmp_path)
            _kill_at_request(site, process, path, number)
            output, _ = process.communicate(timeout=120)
            assert process.returncode == -signal.SIGKILL, f"the run has not reached {path}: {output}"
        site.on_request(None)
        _finish(_start(site, tmp_path))
        assert state_of(site) == wanted
        assert site.state.configuration.changes == []


def _kill_at_request(site: SimulatedSite, process: subprocess.Popen[str], path: str, number: int) -> None:
    """Kill the process when its request with this number and path arrives. The site executes that request."""
    arrived = iter(range(1, sys.maxsize))

    def kill(method: str, found: str) -> None:
        if f"{method} {found}".startswith(path) and next(arrived) == number:
            os.kill(process.pid, signal.SIGKILL)

    site.on_request(kill)
