"""A write is applied, not applied or unknown: in its message, in JSON and in its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.cli.sync_commands import checks
from checkmk_sync.client.outcomes import Outcome, Status
from checkmk_sync.errors import Attempted, CheckmkError, Delivery, ReadTimeoutError
from checkmk_sync.sync import Action, Change, Report
from checkmk_sync.testing import Fault, SimulatedSite

COMMANDS = {
    "hosts create new --folder /a": ("new", "created", "hosts get new"),
    "hosts update host00001 --attribute alias=x": ("host00001", "updated", "hosts get host00001"),
    "hosts move host00001 /a": ("host00001", "moved", "hosts get host00001"),
    "hosts delete host00002 --yes": ("host00002", "deleted", "hosts get host00002"),
    "folders create /new": ("/new", "created", "folders get /new"),
    "folders update /a --title B": ("/a", "updated", "folders get /a"),
    "folders move /b /a": ("/b", "moved", "folders get /b"),
    "folders delete /c --yes": ("/c", "deleted", "folders get /c"),
    "host-groups create new --alias New": ("new", "created", "host-groups get new"),
    "host-groups update linux --alias x": ("linux", "updated", "host-groups get linux"),
    "host-groups delete linux --yes": ("linux", "deleted", "host-groups get linux"),
}


@pytest.fixture
def config(site_for_cli: SimulatedSite, tmp_path: Path) -> str:
    with site_for_cli.client() as cmk:
        for folder in ("/a", "/b", "/c"):
            cmk.folders.create(folder)
        cmk.host_groups.create("linux", alias="Linux servers")
    path = tmp_path / "config.yaml"
    path.write_text(f"checkmk:\n  server_url: {site_for_cli.url}\n  site: s\n  timeouts: {{settle_s: 0.2}}\n")
    return str(path)


def _run_as_json(sync: Any, config: str, command: str) -> tuple[int, Any]:
    result = sync("--config", config, "--json", *command.split())
    return result.code, json.loads(result.out or result.err.splitlines()[-1])


@pytest.mark.parametrize("command", COMMANDS)
def test_an_applied_write_says_so(sync: Any, config: str, command: str) -> None:
    name, done, _ = COMMANDS[command]
    result = sync("--config", config, *command.split())
    assert (result.code, result.out.splitlines()[0]) == (0, f"{name} {done}")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_check_after_a_lost_answer_is_announced(
    sync: Any, site_for_cli: SimulatedSite, config: str, command: str
) -> None:
    site_for_cli.set_faults([Fault("reset_after", writes=True, times=1)])
    result = sync("--config", config, "--json", *command.split())
    assert (result.code, result.data["outcome"]) == (0, "applied")
    assert "checking for up to 0.2 s whether it was executed" in result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_refused_write_is_not_applied(sync: Any, site_for_cli: SimulatedSite, config: str, command: str) -> None:
    name, done, _ = COMMANDS[command]
    refusal = {"title": "Bad Request", "status": 400, "detail": "no"}
    fault = Fault("answer", writes=True, status=400, body=refusal, content_type="application/problem+json")
    site_for_cli.set_faults([fault])
    result = sync("--config", config, *command.split())
    assert result.code == 2
    assert f"not {done}" in result.err
    code, facts = _run_as_json(sync, config, command)
    assert (code, facts["outcome"]) == (2, "not applied")


@pytest.mark.parametrize("kind", ["reset_before", "html"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_write_without_a_usable_answer_is_unknown(
    sync: Any, site_for_cli: SimulatedSite, config: str, command: str, kind: str
) -> None:
    name, done, check = COMMANDS[command]
    site_for_cli.set_faults([Fault(kind, writes=True)])
    result = sync("--config", config, *command.split())
    assert result.code == 5
    assert f"check with: checkmk-sync {check}" in result.err
    subject = "it" if command.startswith("hosts delete") else name
    assert f"unknown whether {subject} was {done}" in result.err
    code, facts = _run_as_json(sync, config, command)
    assert (code, facts["outcome"], facts["check"]) == (5, "unknown", f"checkmk-sync {check}")


def test_a_new_rule_has_no_name_but_its_ruleset_tells_how_to_check_it(
    sync: Any, site_for_cli: SimulatedSite, config: str
) -> None:
    words = ["--config", config, "rules", "create", "--folder", "/", "--value", "'linux'", "--ruleset"]
    assert sync(*words, "host_groups").out.startswith("rule created\n")
    refused = sync(*words, "host_gruops")
    assert (refused.code, refused.err) == (
        2,
        "Error: rule not created: unknown ruleset 'host_gruops'; did you mean 'host_groups'?\n",
    )
    site_for_cli.set_faults([Fault("reset_before", writes=True)])
    lost = sync(*words, "host_groups")
    assert lost.code == 5
    assert "unknown whether it was created" in lost.err
    assert "check with: checkmk-sync rules list --ruleset host_groups" in lost.err


def test_a_write_to_an_unreachable_site_is_not_applied(sync: Any, site_for_cli: SimulatedSite, config: str) -> None:
    site_for_cli.close()
    code, facts = _run_as_json(sync, config, "hosts create new")
    assert (code, facts["outcome"], facts["attempted"]["delivery"]) == (3, "not applied", "not sent")


def test_activations_and_scans_have_an_outcome(sync: Any, site_for_cli: SimulatedSite, config: str) -> None:
    assert sync("--config", config, "discover", "host00001").out.splitlines()[0] == "host00001 discovered"
    site_for_cli.set_faults([Fault("fail_activation")])
    code, facts = _run_as_json(sync, config, "activate")
    assert (code, facts["outcome"]) == (1, "not applied")
    site_for_cli.set_faults([Fault("status", path="objects/activation_run", status=503)])
    code, facts = _run_as_json(sync, config, "activate --timeout 1")
    assert (code, facts["outcome"], facts["check"]) == (5, "unknown", "checkmk-sync pending")
    site_for_cli.set_faults([])
    with site_for_cli.client() as cmk:
        cmk.hosts.create("another")
    code, facts = _run_as_json(sync, config, "activate")
    assert (code, facts["outcome"]) == (0, "applied")


def test_deleting_a_folder_with_contents_is_refused_with_a_hint(sync: Any, site_for_cli: SimulatedSite) -> None:
    with site_for_cli.client() as cmk:
        cmk.folders.ensure("/muc/web")
    result = sync("folders", "delete", "/muc", "--yes")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "Error: /muc not deleted: 409 Problem deleting folder: it is not empty, or another object refers to it; "
        "--recursive also deletes its contents (DELETE /objects/folder_config/muc)\n"
    )
    facts = json.loads(sync("folders", "delete", "/muc", "--yes", "--json").err)
    assert (facts["error"], facts["status"], facts["outcome"]) == ("ConflictError", 409, "not applied")
    assert sync("folders", "delete", "/muc", "--recursive", "--yes").code == 0


def test_an_activation_that_fails_on_some_sites_is_not_a_refusal(sync: Any, site_for_cli: SimulatedSite) -> None:
    """Checkmk answers 409 to it, as for a folder with contents."""
    with site_for_cli.client() as cmk:
        cmk.hosts.create("another")
    refusal = {"title": "Conflict", "status": 409, "detail": "Some sites could not be activated."}
    fault = Fault("answer", writes=True, status=409, body=refusal, content_type="application/problem+json")
    site_for_cli.set_faults([fault])
    assert sync("activate").code == 1


def test_apply_has_the_worst_outcome_of_its_changes(
    sync: Any, site_for_cli: SimulatedSite, config: str, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.csv"
    inventory.write_text("name,folder\nweb01,/a\n")
    apply = f"apply {inventory} --owner me --yes --no-discover --no-activate"
    site_for_cli.set_faults([Fault("reset_before", path="bulk-create")])
    code, facts = _run_as_json(sync, config, apply)
    assert (code, facts["outcome"]) == (5, "unknown")
    site_for_cli.set_faults([Fault("fail_host", hosts="web01")])
    code, facts = _run_as_json(sync, config, apply)
    assert (code, facts["outcome"]) == (1, "not applied")
    site_for_cli.set_faults([])
    code, facts = _run_as_json(sync, config, apply)
    assert (code, facts["outcome"]) == (0, "applied")
    code, facts = _run_as_json(sync, config, apply)
    assert (code, facts["outcome"]) == (0, "applied")


def test_apply_says_how_to_check_unknown_outcomes(
    sync: Any, site_for_cli: SimulatedSite, config: str, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.csv"
    inventory.write_text("name,folder\n" + "".join(f"web{number:02d},/a\n" for number in range(5)))
    apply = f"apply {inventory} --owner me --yes"
    site_for_cli.set_faults([Fault("reset_before", path="bulk-create")])
    result = sync("--config", config, *f"{apply} --no-discover --no-activate".split())
    checks = [line for line in result.out.splitlines() if line.startswith("Check ")]
    assert result.code == 5
    assert checks == [
        *(f"Check with: checkmk-sync hosts get web0{number}" for number in range(3)),
        "Check the others with: checkmk-sync plan, with the same inventory and options",
    ]
    site_for_cli.set_faults([])
    result = sync("--config", config, *apply.split())
    assert (result.code, "Check " in result.out) == (0, False)


def test_apply_names_the_command_that_checks_a_group() -> None:
    change, outcome = Change(Action.CREATE, "host group", "linux"), Outcome("linux", Status.UNKNOWN)
    report = Report(plan=None, results=[(change, outcome)])  # type: ignore[arg-type]
    assert list(checks(report)) == ["Check with: checkmk-sync host-groups get linux"]


def test_apply_says_how_to_check_unknown_scans_and_activations() -> None:
    lost = ReadTimeoutError("no answer", attempted=Attempted(Delivery.UNKNOWN, is_read=False))
    report = Report(plan=None, errors={"discovery": lost, "activation": lost})  # type: ignore[arg-type]
    assert list(checks(report)) == [
        "Check the scans with: checkmk-sync plan, with the same inventory and options",
        "Check with: checkmk-sync pending",
    ]
    known = dict.fromkeys(report.errors, CheckmkError("refused"))
    assert list(checks(Report(plan=None, errors=known))) == []  # type: ignore[arg-type]
