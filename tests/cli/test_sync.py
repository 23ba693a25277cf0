"""``plan`` and ``apply`` change nothing without a review, and every refusal has an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.csv"
    path.write_text("name,folder,ipaddress,label:env\nweb01,/linux,192.0.2.1,prod\nweb02,/linux,192.0.2.2,prod\n")
    return str(path)


def test_a_reviewed_plan_is_applied(site_for_cli: SimulatedSite, sync: Run, inventory: str) -> None:
    planned = sync("plan", inventory, "--owner", "me")
    assert planned.code == 0
    assert "+ host web01: ipaddress 192.0.2.1, folder /linux, label env prod" in planned.out
    assert sync("plan", inventory, "--owner", "me", "--detailed-exitcode").code == 4
    assert sync("plan", inventory, "--owner", "me", "--markdown").out.startswith("- Plan: 3 to create, ")
    checksum = sync("plan", inventory, "--owner", "me", "--json").data["checksum"]
    wrong = sync("apply", inventory, "--owner", "me", "--checksum", "0" * 16)
    assert wrong.code == 2
    assert "review the new plan" in wrong.err
    applied = sync("apply", inventory, "--owner", "me", "--checksum", checksum)
    assert applied.code == 0, applied.err
    assert "Changes: 3 applied, 0 not applied, 0 unknown" in applied.out
    assert "Verified" in applied.out
    assert sync("plan", inventory, "--owner", "me", "--detailed-exitcode").code == 0
    again = sync("apply", inventory, "--owner", "me")
    assert (again.code, again.out) == (0, "Nothing to do.\n")
    assert sync("apply", inventory, "--owner", "me", "--json").data["ok"] is True


def test_the_json_of_apply_has_one_schema(site_for_cli: SimulatedSite, sync: Run, inventory: str) -> None:
    """If there is nothing to do, the output is a report of zeros, not the plan."""
    arguments = ("apply", inventory, "--owner", "me", "--yes", "--json")
    first, again = sync(*arguments).data, sync(*arguments).data
    assert first.keys() == again.keys()
    assert (first["nothing_to_do"], again["nothing_to_do"]) == (False, True)
    assert again["counts"] == {"applied": 0, "not applied": 0, "unknown": 0}
    assert (again["outcome"], again["ok"], again["verified"], again["activated_changes"]) == ("applied", True, True, 0)
    assert (again["changes"], again["discovered"], again["errors"], again["elapsed_s"]) == ([], 0, {}, 0.0)
    kept = sync(*arguments, "--no-activate").data
    assert (kept.keys(), kept["activated_changes"]) == (first.keys(), None)


def test_undiscovered_hosts_count_as_changes_to_make(site_for_cli: SimulatedSite, sync: Run, inventory: str) -> None:
    def plan_exits() -> int:
        return sync("plan", inventory, "--owner", "me", "--detailed-exitcode").code

    assert sync("apply", inventory, "--owner", "me", "--yes", "--no-discover").code == 0
    assert plan_exits() == 4
    assert "Discovery: 2 hosts scanned" in sync("apply", inventory, "--owner", "me", "--yes").out
    assert plan_exits() == 0


def test_without_a_terminal_each_stage_is_a_line(site_for_cli: SimulatedSite, sync: Run, inventory: str) -> None:
    """The log of a cron job shows the progress of a long run."""
    first = sync("apply", inventory, "--owner", "me", "--yes")
    assert first.err.splitlines() == [
        "create folders",
        "create hosts (2)",
        "discovery (2)",
        "activation",
        "verification",
    ]
    for quiet in ("-q", "--json"):
        assert sync("apply", inventory, "--owner", "me", "--yes", quiet).err == ""


def test_apply_without_a_terminal_needs_yes(site_for_cli: SimulatedSite, sync: Run, inventory: str) -> None:
    refused = sync("apply", inventory)
    assert refused.code == 2
    assert "give --yes" in refused.err
    assert "web01" not in site_for_cli.state.configuration.hosts


def test_apply_reports_as_json(site_for_cli: SimulatedSite, sync: Run, inventory: str) -> None:
    with open(inventory, "a") as file:
        file.write("bad,/linux,192.0.2.3,pr:od\n")
    assert sync("apply", inventory, "--yes").code == 2
    with open(inventory, "w") as file:
        file.write("name,nonsense\ngood,\nbad,x\n")
    result = sync("apply", inventory, "--yes", "--json")
    assert result.code == 1
    assert result.data["counts"] == {"applied": 1, "not applied": 1, "unknown": 0}
    assert {row["key"]: row["status"] for row in result.data["changes"]} == {"good": "applied", "bad": "not applied"}


def test_conflicts_and_exceeded_limits_are_refused(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    first.write_text("name\n" + "".join(f"n{number}\n" for number in range(12)))
    assert sync("apply", str(first), "--owner", "me", "--yes").code == 0
    few = tmp_path / "few.csv"
    few.write_text("name\nn0\n")
    limited = sync("apply", str(few), "--owner", "me", "--yes")
    assert limited.code == 2
    assert "deletes 11 of 12 hosts" in limited.err
    assert sync("apply", str(few), "--owner", "me", "--yes", "--allow-changes", "11").code == 2
    assert sync("apply", str(few), "--owner", "me", "--yes", "--allow-deletions", "11").code == 0
    taken = tmp_path / "taken.csv"
    taken.write_text("name\nn0\nhost00000\n")
    assert sync("plan", str(taken), "--owner", "me").code == 2
    assert sync("apply", str(taken), "--owner", "me", "--yes").code == 2
    assert sync("apply", str(taken), "--owner", "me", "--yes", "--adopt").code == 0


def test_an_invalid_inventory_is_refused_before_any_request(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("hosts:\n- name: a b\n- nam: c\n")
    result = sync("apply", str(bad), "--yes")
    assert result.code == 2
    assert f"{bad}:2:3: " in result.err
    assert f"{bad}:3:3: " in result.err
    assert len(site_for_cli.requests) == 0


def _environment(site: SimulatedSite) -> dict[str, str]:
    return {**os.environ, "CHECKMK_SERVER_URL": site.url}


def test_an_inventory_can_come_from_a_pipe(site_for_cli: SimulatedSite) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "checkmk_sync", "apply", "-", "--yes", "--json"],
        input=json.dumps({"hosts": [{"name": "piped"}]}),
        env=_environment(site_for_cli),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True
    assert done.stderr == ""
