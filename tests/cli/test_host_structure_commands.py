"""Renames, moves, clusters and parent scans on the command line."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.sync import load
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run, use_site

RENAME = ("hosts", "rename", "host00000", "web01.example.com", "--yes")


@pytest.fixture(params=["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSite]:
    with SimulatedSite(request.param, hosts=3, services=3) as site:
        use_site(monkeypatch, site)
        yield site


@pytest.fixture
def cmk(site_for_cli: SimulatedSite) -> Iterator[Checkmk]:
    with site_for_cli.client() as client:
        yield client


def _names(site: SimulatedSite) -> list[str]:
    return sorted(site.state.configuration.hosts)


def test_a_rename_is_awaited_and_names_the_next_step(site: SimulatedSite, sync: Run) -> None:
    done = sync(*RENAME)
    assert (done.code, done.err) == (0, "rename\n"), "the stage, because standard error is not a terminal"
    assert done.out.startswith("host00000 renamed\nname: web01.example.com\n")
    assert "advice: activate the new name: checkmk-sync activate\n" in done.out
    assert _names(site) == ["host00001", "host00002", "web01.example.com"]


def test_a_rename_with_pending_changes_is_not_applied(site: SimulatedSite, sync: Run) -> None:
    assert sync("hosts", "update", "host00001", "--attribute", "alias=x").code == 0
    refused = sync(*RENAME, "--json")
    assert refused.code == 1
    facts = json.loads(refused.err.splitlines()[-1])
    assert facts["outcome"] == "not applied"
    assert "Checkmk renames no host while changes are pending; activate them first" in facts["message"]
    assert sync("activate").code == 0
    assert sync(*RENAME).code == 0


def test_a_rename_without_an_answer_is_checked_under_its_new_name(
    site: SimulatedSite, sync: Run, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"checkmk:\n  server_url: {site.url}\n  site: {site.site}\n  timeouts: {{settle_s: 0.2}}\n")
    site.set_faults([Fault("reset_before", path="actions/rename/invoke")])
    lost = sync("--config", str(config), *RENAME)
    assert lost.code == 5
    assert "check with: checkmk-sync hosts get web01.example.com" in lost.err


def test_a_rename_needs_yes_without_a_terminal(site_for_cli: SimulatedSite, sync: Run) -> None:
    refused = sync(*RENAME[:-1])
    assert refused.code == 2
    assert "--yes" in refused.err
    assert "host00000" in _names(site_for_cli)


def test_hosts_of_a_list_are_moved_and_each_failure_is_named(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sync("folders", "create", "/archive").code == 0
    names = sync("hosts", "list", "-o", "name").out
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{names}nope\n"))
    moved = sync("hosts", "move", "-", "/archive")
    assert (moved.code, moved.err) == (1, "Error: 3 of 4 moved; the others:\nnope: no such host\n")
    assert {host.folder for host in site_for_cli.state.configuration.hosts.values()} == {"/archive"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(names))
    assert sync("hosts", "move", "-", "/archive", "--json").data == {"outcome": "applied", "moved": 3}, "a repetition"


def test_a_cluster_is_created_and_its_nodes_are_replaced(cmk: Checkmk, sync: Run, tmp_path: Path) -> None:
    created = sync("hosts", "create", "db", "--node", "host00000", "--node", "host00001", "--json")
    assert created.data["cluster_nodes"] == ["host00000", "host00001"]
    done = sync("hosts", "set-nodes", "db", "host00002")
    assert (done.code, done.out.splitlines()[0]) == (0, "db changed")
    assert cmk.hosts.get("db").cluster_nodes == ("host00002",)
    inventory = tmp_path / "hosts.json"
    for arguments in (("list",), ("get", "db")):
        inventory.write_text(sync("hosts", *arguments, "--json").out)
        assert load(inventory).objects["host", "db"].properties["nodes",] == ["host00002"]
        assert sync("plan", str(inventory)).out.startswith("Plan: 0 to create, 0 to move, 0 to update, 0 to delete, ")
    refused = sync("hosts", "set-nodes", "host00001", "host00002")
    assert (refused.code, "host00001 not changed" in refused.err) == (2, True)


def test_the_end_of_a_parent_scan_is_unknown_where_the_site_does_not_show_it(site: SimulatedSite, sync: Run) -> None:
    done = sync("hosts", "scan-parents", "host00000", "host00001")
    with site.client() as cmk:
        version = cmk.version().checkmk[:3]
    if version == "2.2":
        assert (done.code, "host00000, host00001 not scanned: " in done.err) == (1, True)
    elif version == "2.3":
        assert done.code == 5
        assert "unknown whether host00000, host00001 was scanned: the parent scan was started" in done.err
        assert "check with: checkmk-sync hosts get host00000" in done.err
    else:
        assert (done.code, done.out.splitlines()[:2]) == (0, ["host00000, host00001 scanned", "scanned: 2"])
