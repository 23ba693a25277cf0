"""Hosts on which a scan found no services are not scanned again until something changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.sync import Options, Plan, apply_plan, from_data, make_plan, plan_as_text
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.conftest import Run
from tests.sync.test_apply import VERSIONS, synchronise

INVENTORY: Any = {"hosts": [{"name": "silent", "attributes": {"ipaddress": "10.0.0.1"}}, {"name": "other"}]}
BASIC = ["Check_MK", "Check_MK Discovery"]


@pytest.fixture(params=VERSIONS)
def quiet(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Iterator[tuple[SimulatedSite, Checkmk]]:
    """A site with hosts that have only the services that Checkmk adds itself."""
    with SimulatedSite(request.param, services=2, clock=clock) as site:
        yield site, connect(site)


def _plan(cmk: Checkmk, inventory: Any = None, **more: Any) -> Plan:
    return make_plan(cmk, from_data(inventory or INVENTORY), owner="cmdb", **more)


def test_hosts_without_findings_are_not_scanned_again(quiet: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = quiet
    report = synchronise(cmk, INVENTORY)
    assert report.ok
    assert report.without_services == ("other", "silent")
    used = len(site.requests)
    plan = _plan(cmk)
    assert len(site.requests) - used == 5, "one more request than for hosts with services"
    assert plan.is_empty
    assert plan.silent == ("other", "silent")
    assert "2 hosts on which a scan found no services (is the agent reachable?)" in plan_as_text(plan)
    assert plan.to_dict()["silent"] == ["other", "silent"]


def test_a_host_that_this_plan_changes_is_scanned_again(quiet: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = quiet
    synchronise(cmk, INVENTORY)
    moved = {"hosts": [{**INVENTORY["hosts"][0], "folder": "/x"}, INVENTORY["hosts"][1]]}
    plan = _plan(cmk, moved)
    assert (plan.undiscovered, plan.silent) == (("silent",), ("other",))
    assert plan.checksum != _plan(cmk, moved, discover=False).checksum
    report = apply_plan(cmk, plan)
    assert (report.ok, report.discovered) == (True, 1)
    assert _plan(cmk, moved).is_empty


def test_services_found_by_the_site_cause_a_scan(site: SimulatedSite, cmk: Checkmk) -> None:
    """Checkmk's discovery check reports new services, also after an agent has become reachable."""
    synchronise(cmk, INVENTORY, options=Options(discover=False))
    assert _plan(cmk).undiscovered == ("other", "silent")
    assert _plan(cmk).silent == ()
    assert synchronise(cmk, INVENTORY).discovered == 2
    assert _plan(cmk).is_empty


def _row(name: str, service: str, **columns: Any) -> dict[str, Any]:
    return {
        "host_name": name,
        "description": service,
        "state": 0,
        "has_been_checked": 1,
        "plugin_output": "",
        **columns,
    }


def _seed(site: SimulatedSite, agent: Any, discovery: Any, *, changed: bool = False) -> None:
    """Set the state of the host ``silent`` in the core: its agent, and the result of its last scan."""
    now = int(site.state.configuration.clock.time())
    rows = {"Check_MK": agent, "Check_MK Discovery": discovery}
    services = [
        _row("silent", name, last_check=now - 60 if changed else now + 60, **columns)
        for name, columns in rows.items()
        if columns is not None
    ]
    names = [row["description"] for row in services]
    host = {"name": "silent", "state": 0, "services": names, "num_services": len(names)}
    site.seed_monitoring({"hosts": [host], "services": services})


GOOD = {"plugin_output": "Services: all up to date, Host labels: all up to date"}
NEW = {"state": 1, "plugin_output": "Unmonitored services: 3 (cpu_loads: 1, df: 2)"}
FAILING = {"state": 2, "plugin_output": "[agent] Communication failed: timed out"}
PENDING = {"has_been_checked": 0}


@pytest.mark.parametrize(
    ("failed", "agent", "discovery", "is_silent"),
    [
        (False, GOOD, GOOD, True),
        (False, GOOD, NEW, False),
        (False, GOOD, {**NEW, "state": 0}, False),  # a rule may set this state to OK
        (False, GOOD, PENDING, False),
        (False, FAILING, FAILING, False),  # it was never scanned
        (False, FAILING, None, False),
        (True, FAILING, FAILING, True),
        (True, {**FAILING, "state": 3}, None, True),
        (True, PENDING, PENDING, True),
        (True, GOOD, PENDING, False),  # the agent answers again
        (True, {**GOOD, "state": 1}, FAILING, False),
        (True, GOOD, NEW, False),
    ],
)
def test_services_determine_if_a_host_is_undiscovered(
    site: SimulatedSite, cmk: Checkmk, failed: bool, agent: Any, discovery: Any, is_silent: bool
) -> None:
    """Checkmk marks a host after a failed scan. Its checks show the state of the agent since then."""
    inventory = {"hosts": [{"name": "silent"}]}
    synchronise(cmk, inventory, options=Options(discover=False))
    if failed:
        cmk.hosts.update("silent", update_attributes={"inventory_failed": True})
        cmk.activation.activate()
    _seed(site, agent, discovery)
    plan = _plan(cmk, inventory)
    assert (plan.silent, plan.undiscovered) == ((("silent",), ()) if is_silent else ((), ("silent",)))


@pytest.mark.parametrize(("agent", "discovery"), [(GOOD, GOOD), (FAILING, FAILING), (FAILING, None)])
def test_checks_before_the_last_change_do_not_count(
    site: SimulatedSite, cmk: Checkmk, clock: ManualClock, agent: Any, discovery: Any
) -> None:
    inventory = {"hosts": [{"name": "silent"}]}
    synchronise(cmk, inventory, options=Options(discover=False))
    cmk.hosts.update("silent", update_attributes={"inventory_failed": True, "ipaddress": "10.0.0.9"})
    cmk.activation.activate()
    _seed(site, agent, discovery, changed=True)
    assert _plan(cmk, inventory).undiscovered == ("silent",)
    _seed(site, agent, discovery)
    assert _plan(cmk, inventory).silent == ("silent",)


def test_hosts_in_conflict_are_not_scanned(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("theirs")
    cmk.activation.activate()
    inventory = from_data({"hosts": [{"name": "theirs"}]})
    assert make_plan(cmk, inventory, owner="me", adopt=True).undiscovered == ("theirs",)
    plan = make_plan(cmk, inventory, owner="me")
    assert ([conflict.key for conflict in plan.conflicts], plan.undiscovered) == (["theirs"], ())


def test_a_plan_without_discovery_reads_no_services(quiet: tuple[SimulatedSite, Checkmk]) -> None:
    site, cmk = quiet
    synchronise(cmk, INVENTORY, options=Options(discover=False))
    used = len(site.requests)
    plan = _plan(cmk, discover=False)
    assert plan.is_empty
    assert (plan.undiscovered, plan.silent) == ((), ())
    assert len(site.requests) - used == 3


def test_the_plan_of_an_unchanged_inventory_takes_four_requests(
    site: SimulatedSite, cmk: Checkmk, connect: Any
) -> None:
    synchronise(cmk, INVENTORY)
    fresh = connect(site)
    for client, limit in ((cmk, 4), (fresh, 4)):
        used = len(site.requests)
        assert _plan(client).is_empty
        assert len(site.requests) - used <= limit


def test_hosts_without_findings_do_not_affect_the_exit_code_of_plan(
    sync: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "hosts.csv"
    path.write_text("name,ipaddress\nsilent,10.0.0.1\n")
    with SimulatedSite(services=2) as site:
        for name, value in (
            ("SERVER_URL", site.url),
            ("SITE", "s"),
            ("USERNAME", site.username),
            ("PASSWORD", site.password),
        ):
            monkeypatch.setenv(f"CHECKMK_{name}", value)
        plan = ("plan", str(path), "--owner", "me", "--detailed-exitcode")
        assert sync("apply", str(path), "--owner", "me", "--yes", "--no-discover").code == 0
        assert sync(*plan, "--no-discover").code == 0
        assert sync(*plan).code == 0
        assert "1 host on which a scan found no services" in sync(*plan).out
        assert sync("apply", str(path), "--owner", "me", "--yes").out == "Nothing to do.\n"
        path.write_text("name,ipaddress\nsilent,10.0.0.2\n")
        assert sync(*plan).code == 4
        assert "Discovery: 1 host scanned" in sync("apply", str(path), "--owner", "me", "--yes").out
        assert sync(*plan).code == 0
