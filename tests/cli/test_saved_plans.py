"""The commands ``plan --out``, ``show`` and ``apply FILE``."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.csv"
    path.write_text("name,folder,ipaddress,label:env\nweb01,/linux,192.0.2.1,prod\nweb02,/linux,192.0.2.2,prod\n")
    return str(path)


@pytest.fixture
def saved(site_for_cli: SimulatedSite, sync: Run, inventory: str, tmp_path: Path) -> str:
    path = str(tmp_path / "plan.json")
    planned = sync("plan", inventory, "--owner", "me", "--out", path)
    assert planned.code == 0
    assert planned.err == f"Saved. Apply this plan with: checkmk-sync apply {path}\n"
    return path


def test_a_plan_is_saved_shown_and_applied(sync: Run, inventory: str, saved: str) -> None:
    assert stat.S_IMODE(Path(saved).stat().st_mode) == 0o600
    planned = sync("plan", inventory, "--owner", "me")
    shown = sync("show", saved)
    assert (shown.code, shown.out, shown.err) == (0, planned.out, "")
    assert sync("show", saved, "--markdown").out == sync("plan", inventory, "--owner", "me", "--markdown").out
    assert sync("show", saved, "--json").data == sync("plan", inventory, "--owner", "me", "--json").data
    checksum = sync("show", saved, "--json").data["checksum"]
    wrong = sync("apply", saved, "--checksum", "0" * 16)
    assert (wrong.code, "review the new plan" in wrong.err) == (2, True)
    applied = sync("apply", saved, "--checksum", checksum)
    assert applied.code == 0, applied.err
    assert "+ host web01: ipaddress 192.0.2.1" in applied.out
    assert "Changes: 3 applied, 0 not applied, 0 unknown" in applied.out
    assert sync("plan", inventory, "--owner", "me", "--detailed-exitcode").code == 0
    again = sync("apply", saved, "--yes", "--json").data
    assert (again["ok"], again["changes"], again["checksum"]) == (True, [], checksum)


def test_a_plan_of_a_changed_site_is_refused(site_for_cli: SimulatedSite, sync: Run, saved: str) -> None:
    assert sync("hosts", "create", "web01").code == 0
    refused = sync("apply", saved, "--yes")
    assert refused.code == 2
    assert (
        "the site has changed since the plan was made: host web01 exists; make a new plan and review it" in refused.err
    )
    assert "web02" not in site_for_cli.state.configuration.hosts


def test_limits_are_saved_and_can_be_given_again(
    site_for_cli: SimulatedSite, sync: Run, saved: str, inventory: str, tmp_path: Path
) -> None:
    assert sync("apply", saved, "--yes").code == 0
    Path(inventory).write_text("name,folder\nweb01,/linux\n")
    strict, open_ = str(tmp_path / "strict.json"), str(tmp_path / "open.json")
    options = ("--owner", "me", "--allow-deletions")
    assert sync("plan", inventory, *options, "0", "--out", strict).code == 0
    assert sync("plan", inventory, *options, "1", "--out", open_).code == 0
    refused = sync("apply", strict, "--yes")
    assert (refused.code, "at most 0 may be deleted" in refused.err) == (2, True)
    assert sync("apply", strict, "--yes", "--allow-deletions", "1").code == 0
    assert sync("apply", open_, "--yes").code == 0
    assert "web02" not in site_for_cli.state.configuration.hosts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--owner", "x"), "--owner cannot change a saved plan; make a new plan with it"),
        (("--adopt", "--map", "m.yaml"), "--map and --adopt cannot change a saved plan; make a new plan with it"),
        (("--only", "kind:hosts"), "--only cannot change a saved plan"),
        (("--rename", "a=b"), "--rename cannot change a saved plan"),
    ],
)
def test_options_of_inventories_are_refused(sync: Run, saved: str, options: tuple[str, ...], message: str) -> None:
    refused = sync("apply", saved, *options, "--yes")
    assert refused.code == 2
    assert message in refused.err


def test_a_saved_plan_is_not_an_inventory(sync: Run, saved: str, inventory: str) -> None:
    beside = sync("apply", inventory, saved, "--yes")
    assert (beside.code, "give one saved plan, and no inventory beside it" in beside.err) == (2, True)
    planned = sync("plan", saved)
    assert (planned.code, f"is a saved plan; show it with: checkmk-sync show {saved}" in planned.err) == (2, True)


def test_mistakes_are_one_error_each(site_for_cli: SimulatedSite, sync: Run, saved: str, tmp_path: Path) -> None:
    data = json.loads(Path(saved).read_text())
    data["changes"][0]["action"] = "burn"
    Path(saved).write_text(json.dumps(data))
    for command in (("show", saved), ("apply", saved, "--yes")):
        refused = sync(*command, "--json")
        error = json.loads(refused.err)
        assert (refused.code, error["field"], error["file"]) == (2, "changes[0].action", saved)
    secret = tmp_path / "secret.yaml"
    secret.write_text("hosts: [{name: a, attributes: {wifi_psk: hunter2}}]\n")
    refused = sync("plan", str(secret), "--out", str(tmp_path / "new.json"))
    assert refused.code == 2
    assert "attributes.wifi_psk of host a contains a secret" in refused.err
    assert "hunter2" not in refused.err
    assert not (tmp_path / "new.json").exists()
    unwritable = sync("plan", str(secret).replace("secret.yaml", "hosts.csv"), "--out", str(tmp_path))
    assert (unwritable.code, "the plan cannot be written: it is not a regular file" in unwritable.err) == (2, True)
    assert sync("show", saved, "--json", "--markdown").code == 2


def test_pages_of_saved_plans_name_the_file(sync: Run, saved: str, inventory: str, tmp_path: Path) -> None:
    pages = [str(tmp_path / name) for name in ("plan.html", "show.html", "report.html")]
    assert sync("plan", inventory, "--owner", "me", "--out", saved, "--html", pages[0]).code == 0
    assert sync("show", saved, "--html", pages[1]).code == 0
    assert all(f"checkmk-sync apply {saved}" in Path(page).read_text() for page in pages[:2])
    assert sync("apply", saved, "--yes", "--html", pages[2]).code == 0
    assert "web01" in Path(pages[2]).read_text()
