"""A preview shows everything: every name, all changes of an activation, and limits that are lifted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

START = "/activate-changes/invoke"


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=40, services=1) as site:
        yield site


def _asked(site: SimulatedSite, tool: str, /, *, options: Any = None, **arguments: Any) -> tuple[str, Any]:
    """Return the question that a person approved, and the result of the call."""
    questions = []

    def person(message: str) -> ElicitResult:
        questions.append(message)
        return ElicitResult(action="accept", content={"approve": True})

    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    result = run_client(site, script, allow_writes=True, allow=(tool,), answer=person, **(options or {}))
    assert len(questions) <= 1
    return "".join(questions), result


def test_all_names_are_shown(live: SimulatedSite) -> None:
    names = [f"host{number:05d}" for number in range(40)]
    question, _ = _asked(live, "discover_services", hosts=names, remove_vanished=True)
    assert ", ".join(names) in question
    question, result = _asked(live, "hosts_delete", names=[*names, "nope"])
    assert f"in /: {', '.join(names)}\nno such host: nope" in question
    assert "not applied" in error_text(result)


def test_a_rename_names_everything_that_changes(live: SimulatedSite) -> None:
    configuration = live.state.configuration
    with live.client() as cmk:
        cmk.folders.create("/linux", attributes={"parents": ["host00000"]})
        cmk.hosts.create("child", "/", {"parents": ["host00001", "host00000"]})
        cmk.hosts.create_cluster("db", ["host00000"], attributes={"parents": ["host00000"]})
        question, result = _asked(live, "hosts_rename", host="host00000", new_name="gw")
        assert (question, "3 changes are pending and must be activated before a rename" in error_text(result)) == (
            "",
            True,
        )
        cmk.activation.activate()
    question, result = _asked(live, "hosts_rename", host="host00000", new_name="gw")
    assert "Rename host00000 in / to gw, everywhere in the configuration" in question
    assert "node of: db\nparent of: /linux, child, db" in question
    assert result_data(result)["done"]
    assert configuration.hosts["child"].attributes["parents"] == ["host00001", "gw"]


def test_nobody_is_asked_if_nothing_can_be_done(live: SimulatedSite) -> None:
    question, result = _asked(live, "hosts_delete", names=["nope", "none"])
    assert (question, "no such host: none, nope" in error_text(result)) == ("", True)
    with live.client() as cmk:
        cmk.folders.ensure("/a/b")
        cmk.hosts.move("host00001", "/a/b")
    question, result = _asked(live, "folders_delete", path="/a")
    assert question == ""
    assert "/a is not empty; recursive would also delete 1 folder and 1 host in it" in error_text(result)
    assert "folder /a/b; in /a/b: host00001" in error_text(result)
    question, result = _asked(live, "folders_delete", path="/nope")
    assert (question, "/nope" in error_text(result) or "parent" in error_text(result)) == ("", True)
    with live.client() as cmk:
        cmk.folders.ensure("/empty")
    question, result = _asked(live, "folders_delete", path="/empty")
    assert question.splitlines()[1:] == ["folder /empty"]
    assert result_data(result)["done"] is True


def test_all_pending_changes_are_shown(live: SimulatedSite) -> None:
    for number in range(30):
        live.state.configuration.add_change("create-host", f"Created new host new{number}.", "automation")
    live.state.configuration.add_change("delete-host", "Deleted host x.\nautomation: create-host (1)", "automation")
    question, _ = _asked(live, "activate_changes")
    lines = question.splitlines()
    assert lines[1] == "automation: create-host (30)"
    assert lines[2:32] == [f"  Created new host new{number}." for number in range(30)]
    assert lines[32:] == ["automation: delete-host (1)", "  Deleted host x.\\nautomation: create-host (1)"]


def test_a_preview_too_long_to_read_is_refused(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    names = [f"{number:03d}".ljust(200, "x") for number in range(200)]
    question, result = _asked(live, "hosts_delete", names=["host00000", *names], options={"audit": log})
    assert "Name fewer hosts per call" in error_text(result)
    assert question == ""
    assert json.loads(log.read_text())["outcome"] == "not approved"
    live.state.configuration.add_folder("/big", "Big", {}, user="automation")
    for name in names:
        live.state.configuration.add_host(f"big{name}", "/big", {}, user="automation")
    error = error_text(_asked(live, "folders_delete", folder="/big", recursive=True)[1])
    assert "A person must do this in Checkmk or on the command line" in error  # neutral: no advice to split a call
    live.state.configuration.add_change("edit", "y" * 40_000, "automation")
    assert "A person must activate them" in error_text(_asked(live, "activate_changes")[1])
    wanted = {"hosts": [{"name": name, "attributes": {"alias": "x" * 900}} for name in names[:40]]}
    assert "do not split the inventory" in error_text(_asked(live, "sync_apply", inventory=wanted, owner="me")[1])


def test_long_values_are_shown_in_full(live: SimulatedSite) -> None:
    parents = [f"host{number:05d}" for number in range(15)]
    wanted = {"hosts": [{"name": "new", "attributes": {"parents": parents}}]}
    question, _ = _asked(live, "sync_apply", inventory=wanted, discover=False, activate=False)
    assert f"+ host new: parents {json.dumps(parents)}, folder /" in question


def test_a_sync_shows_other_changes_it_would_activate(live: SimulatedSite) -> None:
    live.state.configuration.add_change("delete-host", "Deleted host precious.", "automation")
    live.state.configuration.add_change("edit-configvar", "Updated.", None)
    live.state.configuration.add_change("edit-rule", "Changed a rule.", "carol")
    wanted = {"hosts": [{"name": "new"}]}
    question, result = _asked(live, "sync_apply", inventory=wanted)
    assert question.splitlines()[-8:] == [
        "Also activated, because these changes are already pending:",
        "automation: delete-host (1)",
        "  Deleted host precious.",
        "the site itself: edit-configvar (1)",
        "  Updated.",
        "The site refuses to activate anything while these changes of other users are pending:",
        "carol: edit-rule (1)",
        "  Changed a rule.",
    ]
    assert "from carol" in result_data(result)["result"]["errors"]["activation"]
    question, result = _asked(live, "sync_apply", inventory=wanted, force_foreign=True)
    assert "FORCED: these changes of other users are activated as well:\ncarol: edit-rule (1)" in question
    assert result_data(result)["result"]["ok"] is True
    question, _ = _asked(live, "sync_apply", inventory={"hosts": [{"name": "new2"}]}, activate=False, discover=False)
    assert "then stop" in question
    assert "pending" not in question


def test_a_sync_names_the_plan_once(live: SimulatedSite) -> None:
    question, result = _asked(live, "sync_apply", inventory={"hosts": [{"name": "new"}]}, owner="me")
    assert question.count("hecksum") == 1
    assert "for the owner me (0 rename, 1 create" in question
    assert result_data(result)["result"]["checksum"] in question


def test_a_sync_activates_no_foreign_change_it_did_not_show(live: SimulatedSite) -> None:
    """A change appears while the plan is applied. The plan is applied but not activated, and the report says why."""

    def late(_method: str, path: str) -> None:
        if path.endswith(START):
            live.on_request(None)
            live.state.configuration.add_change("delete-host", "Deleted host precious.", "mallory")

    live.state.configuration.add_change("edit-rule", "Changed a rule.", "carol")
    live.on_request(late)
    _, result = _asked(live, "sync_apply", inventory={"hosts": [{"name": "new"}]}, force_foreign=True)
    report = result_data(result)["result"]
    assert (report["ok"], report["counts"]["applied"], report["activated_changes"]) == (False, 1, None)
    assert "nothing was activated: 1 pending change was not approved (mallory" in report["errors"]["activation"]
    assert "new" in live.state.configuration.hosts
    assert "new" not in live.state.monitoring.hosts


@pytest.mark.parametrize("look", [2, 3, 4])
def test_a_forced_sync_is_bound_to_the_changes_it_showed(live: SimulatedSite, look: int) -> None:
    seen = []

    def late(_method: str, path: str) -> None:
        seen.extend([path] if path.endswith("/pending_changes") else [])
        if len(seen) == look:
            live.on_request(None)
            live.state.configuration.add_change("delete-host", "Deleted host precious.", "mallory")

    live.on_request(late)
    _, result = _asked(live, "sync_apply", inventory={"hosts": [{"name": "new"}]}, force_foreign=True)
    assert "Nothing was done" in error_text(result) or "without approval" in error_text(result)
    assert "new" not in live.state.configuration.hosts


def test_a_lifted_limit_is_shown_to_the_person_but_not_suggested_to_the_model(live: SimulatedSite) -> None:
    _own(live)
    wanted = {"hosts": [{"name": "host00000"}]}
    question, result = _asked(live, "sync_apply", inventory=wanted, owner="me")
    size = "changes 0 of 40 existing objects and deletes 39 of 40 hosts"
    assert f"{size}: at most 4 of your 40 hosts may be deleted (10 %)" in error_text(result)
    assert "allow_" not in error_text(result)
    assert "allow-" not in error_text(result)
    assert question == ""
    assert "at most 4 of" in error_text(_asked(live, "sync_apply", inventory=wanted, owner="me", allow_changes=39)[1])
    question, result = _asked(live, "sync_apply", inventory=wanted, owner="me", allow_deletions=39)
    assert f"THE LIMIT IS RAISED by allow_deletions: the plan {size}, but by default at most 4" in question
    assert "allow_changes" not in question
    assert result_data(result)["result"]["counts"]["applied"] == 39


def _own(site: SimulatedSite) -> None:
    """Set our owner label on all hosts."""
    hosts = site.state.configuration.hosts
    for name, host in list(hosts.items()):
        attributes = {**host.attributes, "labels": {OWNER_LABEL: "me"}}
        hosts[name] = dataclasses.replace(host, attributes=attributes, created_by=site.username)


@pytest.mark.slow
@pytest.mark.parametrize("amount", [30, "75 %", "75%"])
def test_a_limit_is_a_number_or_a_percentage(live: SimulatedSite, amount: Any) -> None:
    wanted = {"hosts": [{"name": f"host{n:05d}", "attributes": {"alias": "x"}} for n in range(30)]}
    arguments = {"inventory": wanted, "activate": False, "discover": False}
    assert "at most 30 % of 30 existing objects" in error_text(_asked(live, "sync_apply", **arguments)[1])
    _, result = _asked(live, "sync_apply", **arguments, allow_changes=100 if amount == 30 else "100 %")
    assert result_data(result)["result"]["ok"] is True
    for wrong in (-1, "many", "101 %", 0.5, True, ["30"]):
        assert "Nothing was done" in error_text(_asked(live, "sync_apply", **arguments, allow_deletions=wrong)[1])
    question, _ = _asked(live, "sync_apply", inventory={"hosts": [{"name": "new"}]}, allow_changes=amount)
    assert "LIFTED" not in question, "no limit is lifted"


def test_a_probable_rename_is_shown_and_confirmed_by_name(live: SimulatedSite) -> None:
    _own(live)
    hosts = [{"name": f"host{n:05d}"} for n in range(1, 40)]
    arguments: Any = {"inventory": {"hosts": [*hosts, {"name": "HOST00000"}]}, "owner": "me"}
    plan = result_data(_asked(live, "sync_plan", **arguments)[1])
    assert plan["renames"] == ["host host00000 is deleted and HOST00000 is created, which differs only in case"]
    assert "probably a rename" in plan["refused"]
    assert "confirm" not in plan["refused"], "nothing to offer to a model"
    question, result = _asked(live, "sync_apply", **arguments, allow_deletions="100 %")
    assert (question, "probably a rename" in error_text(result)) == ("", True)
    misspelled = _asked(live, "sync_plan", **arguments, confirm_deletions=["host0000"])[1]
    assert "the plan does not delete 'host0000'; did you mean 'host00000'?" in error_text(misspelled)
    assert result_data(_asked(live, "sync_plan", **arguments, confirm_deletions=["host00000"])[1])["refused"] is None
    question, result = _asked(live, "sync_apply", **arguments, confirm_deletions=["host00000"])
    assert "CONFIRMED although it was probably renamed: host host00000 is deleted and HOST00000 is created" in question
    assert result_data(result)["result"]["ok"] is True


def test_clones_and_unreachable_hosts_are_in_the_plan(live: SimulatedSite) -> None:
    _own(live)
    configuration = live.state.configuration
    configuration.add_host("clone", "/", configuration.hosts["host00003"].attributes, user="carol")
    wanted = {"hosts": [{"name": f"host{n:05d}"} for n in range(40)]}
    plan = result_data(_asked(live, "sync_plan", inventory=wanted, owner="me")[1])
    assert plan["counts"]["delete"] == 0
    assert "host clone has the label of the owner 'me'" in plan["conflicts"][0]
    assert "adopt it with adopt" in plan["conflicts"][0]
    assert (plan["silent"], plan["undiscovered"]) == (40, 0), "the site finds nothing on its hosts"
    assert "clone" in plan["refused"]
