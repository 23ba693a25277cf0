"""Inventories with references are applied in one run, although Checkmk refuses references to missing objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.sync import Options, apply_plan, from_data, load, make_plan, report_as_text
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.conftest import Run
from tests.sync.test_apply import VERSIONS, is_done, synchronise


def _chains(count: int, depth: int, folders: int = 1) -> dict[str, Any]:
    """Return chains of hosts in which each host is a child of the next. Children come first."""
    return {
        "hosts": [
            {
                "name": f"h{chain:04d}-{level:03d}",
                "folder": f"/f{(chain + 7 * level) % folders:03d}",
                "attributes": {"parents": [f"h{chain:04d}-{level - 1:03d}"]} if level else {},
            }
            for level in reversed(range(depth))
            for chain in range(count)
        ]
    }


@pytest.fixture(params=VERSIONS)
def any_version(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Iterator[Any]:
    with SimulatedSite(request.param, services=4, clock=clock) as site:
        yield site, connect(site)


def test_chains_are_created_changed_and_deleted_in_one_run_each(any_version: Any) -> None:
    site, cmk = any_version
    chains = _chains(5, 6, folders=4)
    report = synchronise(cmk, chains)
    assert report.ok, report_as_text(report)
    assert report.verified
    assert is_done(cmk, chains)
    turned = {
        "hosts": [
            {**host, "attributes": {"parents": [f"{host['name'][:-3]}{int(host['name'][-3:]) + 1:03d}"]}}
            if not host["name"].endswith("005")
            else {**host, "attributes": {"parents": None}}
            for host in chains["hosts"]
        ]
    }
    assert synchronise(cmk, turned).ok
    assert is_done(cmk, turned)
    report = synchronise(cmk, {"hosts": [{"name": "last"}]})
    assert report.ok, report_as_text(report)
    assert set(site.state.configuration.hosts) == {"last"}
    assert is_done(cmk, {"hosts": [{"name": "last"}]})


def test_a_chain_of_300_parents_is_created_in_one_run(site: SimulatedSite, cmk: Checkmk) -> None:
    chain = _chains(1, 300, folders=20)
    report = synchronise(cmk, chain, options=Options(discover=False))
    assert report.ok, report_as_text(report)
    assert report.count(Status.APPLIED) == 320
    assert is_done(cmk, {"hosts": chain["hosts"]}) is False, "nothing was discovered"
    assert not make_plan(cmk, from_data(chain), owner="cmdb").changes
    assert synchronise(cmk, {"hosts": [{"name": "last"}]}, options=Options(discover=False)).ok
    assert set(site.state.configuration.hosts) == {"last"}


def test_a_folder_and_its_parent_are_created_and_deleted_in_one_run_each(any_version: Any) -> None:
    """The folder contains the host that is its parent."""
    site, cmk = any_version
    inventory = {
        "folders": [{"path": "/x", "title": "X", "attributes": {"parents": ["gw"]}}],
        "hosts": [{"name": "gw", "folder": "/x"}, {"name": "web", "folder": "/x/y"}],
    }
    report = synchronise(cmk, inventory)
    assert report.ok, report_as_text(report)
    assert site.state.configuration.folders["/x"].attributes["parents"] == ["gw"]
    assert is_done(cmk, inventory)
    report = synchronise(cmk, {"hosts": [{"name": "other"}]})
    assert report.ok, report_as_text(report)
    assert set(site.state.configuration.hosts) == {"other"}
    assert is_done(cmk, {"hosts": [{"name": "other"}]})


def test_a_second_step_is_skipped_if_the_first_failed(site: SimulatedSite, cmk: Checkmk) -> None:
    inventory = {
        "folders": [{"path": "/x", "title": "X", "attributes": {"parents": ["gw"]}}],
        "hosts": [{"name": "gw", "folder": "/x", "attributes": {"nonsense": "x"}}],
    }
    report = synchronise(cmk, inventory)
    failed = {f"{change.action.value} {change.name}": outcome.reason for change, outcome in report.failures()}
    assert set(failed) == {"create host gw", "update folder /x"}
    assert "Host not found: 'gw'" in failed["update folder /x"]
    assert "parents" not in site.state.configuration.folders["/x"].attributes


def test_a_child_of_a_refused_host_fails_with_the_reason(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("fail_host", hosts="gw")])
    inventory = {"hosts": [{"name": "web", "attributes": {"parents": ["gw"]}}, {"name": "gw"}, {"name": "db"}]}
    report = synchronise(cmk, inventory)
    reasons = {change.key: outcome.reason for change, outcome in report.failures()}
    assert set(reasons) == {"gw", "web"}
    assert "Host not found: 'gw'" in reasons["web"]
    site.set_faults([])
    assert synchronise(cmk, inventory).ok
    assert is_done(cmk, inventory)


def test_a_new_child_of_another_user_prevents_only_the_deletion_of_its_parent(
    site: SimulatedSite, cmk: Checkmk, connect: Any
) -> None:
    synchronise(cmk, {"hosts": [{"name": "gw"}, {"name": "old"}, {"name": "keep"}]})
    plan = make_plan(cmk, from_data({"hosts": [{"name": "keep"}]}), owner="cmdb")
    site.add_user("carol", "carols secret")
    connect(site, username="carol").hosts.create("hers", "/", {"parents": ["gw"]})
    report = apply_plan(cmk, plan, Options(force_foreign=True))
    ((change, outcome),) = report.failures()
    assert (change.key, outcome.status) == ("gw", Status.NOT_APPLIED)
    assert "gw is parent of hers" in outcome.reason
    assert "old" not in site.state.configuration.hosts
    (conflict,) = make_plan(cmk, from_data({"hosts": [{"name": "keep"}]}), owner="cmdb").conflicts
    assert "host hers" in conflict.why


def test_the_plan_refuses_invalid_references(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text("hosts:\n- name: web01\n  attributes:\n    parents: [nope]\n")
    for command in ("plan", "apply"):
        refused = sync(command, str(path), "--owner", "me")
        assert refused.code == 2
        assert f"{path}:4:5: host web01: parents names 'nope', but that host is neither in the inventory" in refused.err
    assert not [request for request in site_for_cli.requests if request.method != "GET"]


def test_an_inventory_may_list_children_first(site: SimulatedSite, cmk: Checkmk, tmp_path: Path) -> None:
    path = Path(__file__).parent.parent / "data" / "parents.yaml"
    desired = load(path)
    report = apply_plan(cmk, make_plan(cmk, desired, owner="cmdb"))
    assert report.ok
    assert [request.status for request in site.requests if "bulk-create" in request.path] == [200, 200, 200]
    assert make_plan(cmk, desired, owner="cmdb").is_empty


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "crash_after"])
def test_lost_responses_during_a_run_are_settled(site: SimulatedSite, cmk: Checkmk, fault: str) -> None:
    chains = _chains(20, 4, folders=3)
    site.set_faults([Fault(fault, path="bulk-create", skip=1, times=1)])
    synchronise(cmk, chains)
    site.set_faults([])
    assert synchronise(cmk, chains).ok
    assert is_done(cmk, chains)


def test_chains_of_hosts_stay_within_the_request_budget(clock: ManualClock, connect: Any) -> None:
    """A thousand hosts in chains of four take only a few more calls than hosts without parents."""
    with SimulatedSite(services=4, clock=clock) as site:
        cmk = connect(site)
        chains = _chains(250, 4, folders=10)
        assert synchronise(cmk, chains).ok
        creating = [request for request in site.requests if "bulk-create" in request.path]
        assert len(creating) == 8
        assert len(site.requests) <= 40
        used = len(site.requests)
        assert is_done(cmk, chains)
        assert len(site.requests) - used == 4


@pytest.mark.slow
def test_ten_thousand_hosts_in_chains_stay_within_the_request_budget(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(services=4, clock=clock, activation_time=20, discovery_time=20) as site:
        cmk = connect(site)
        chains = _chains(2500, 4, folders=100)
        report = synchronise(cmk, chains)
        assert report.ok
        assert report.verified
        used = len(site.requests)
        assert used <= 260
        assert is_done(cmk, chains)
        assert len(site.requests) - used <= 10


@pytest.mark.slow
def test_the_command_line_syncs_two_thousand_hosts_in_chains(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path
) -> None:
    hosts = _chains(500, 4, folders=20)["hosts"]
    path = tmp_path / "hosts.csv"
    rows = (f"{host['name']},{host['folder']},{'|'.join(host['attributes'].get('parents', []))}" for host in hosts)
    path.write_text("name,folder,parents\n" + "\n".join(rows) + "\n")
    applied = sync("apply", str(path), "--owner", "me", "--yes", "--json")
    assert applied.code == 0, applied.err
    assert applied.data["verified"] is True
    assert applied.data["counts"] == {"applied": 2020, "not applied": 0, "unknown": 0}
    assert sync("plan", str(path), "--owner", "me", "--detailed-exitcode").code == 0
