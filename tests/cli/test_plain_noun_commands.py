"""The commands of plain nouns run on the simulated site. Secrets come from a file or stdin and are never printed."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.commands.configuration import KINDS
from checkmk_sync.commands.plain_nouns import noun_commands
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run

SECRET = "geheim-geheim"
ORDER = ("create", "list", "get", "update", "delete")


@pytest.fixture
def secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that examples name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "password.txt"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


@pytest.mark.every_case
@pytest.mark.parametrize("noun", list(KINDS.values()), ids=lambda noun: noun.name)
def test_examples_of_the_help_run(noun: Noun, site_for_cli: SimulatedSite, sync: Run, secret_file: Path) -> None:
    key = noun.key.example
    for command in sorted(noun_commands(noun), key=lambda command: ORDER.index(command.name)):
        words = shlex.split(f"{command.words} {command.example.replace(noun.key.example, key)}")
        result = sync(*words, "--json", *(["--yes"] if command.destructive else []))
        assert (result.code, result.err) == (0, ""), words
        assert SECRET not in result.out
        if command.name == "list":
            assert [row[noun.key.name] for row in result.data] == [key]
        elif command.name == "delete":
            assert result.data == {"outcome": "applied", "deleted": key}
        else:
            sent = {field.name: field.example for field in noun.fields if field.required and field.at}
            assert {name: result.data[name] for name in sent} == sent
            key = result.data[noun.key.name]  # the site may have chosen it
    assert (key in site_for_cli.state.configuration.objects[noun.name]) is not noun.supports("delete")


def test_none_is_the_value_of_a_rule(site_for_cli: SimulatedSite, sync: Run) -> None:
    words = ("rules", "create", "--ruleset", "host_groups", "--folder", "/", "--json")
    assert "value" in sync(*words).err, "a value that is not given is not None"
    rule = sync(*words, "--value", "None").data
    assert rule["value"] == "None"
    assert sync("rules", "update", rule["id"], "--comment", "x", "--json").data["value"] == "None"
    assert sync("rules", "update", rule["id"], "--value", "'linux'", "--json").data["value"] == "'linux'"
    assert sync("rules", "update", rule["id"], "--value", "None", "--json").data["value"] == "None"


def test_a_created_group_is_shown(site_for_cli: SimulatedSite, sync: Run) -> None:
    created = sync("host-groups", "create", "linux", "--alias", "Linux servers")
    assert created.out.splitlines() == ["linux created", "name: linux", "alias: Linux servers"]
    assert sync("host-groups", "list").out == "linux\tLinux servers\n"
    assert sync("host-groups", "get", "linux").out.splitlines() == ["name: linux", "alias: Linux servers"]
    assert sync("host-groups", "update", "linux", "--alias", "Linux").out.splitlines()[0] == "linux updated"
    again = sync("host-groups", "create", "linux", "--alias", "x")
    assert again.code == 2 and again.err.startswith("Error: linux not created: ")
    assert sync("host-groups", "get", "nope").code == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("host-groups create linux", "Missing option '--alias'."),
        ("host-groups create 'a b' --alias x", "name must match"),
        ("host-groups update linux", "give at least one field of the host group 'linux' to change"),
        ("aux-tags create x --topic t --title ''", "title must not be empty"),
        (
            "time-periods create x --alias x --active-time-ranges [{",
            '--active-time-ranges must be JSON, such as \'[{"day"',
        ),
        ("time-periods create x --alias x --active-time-ranges {}", "active_time_ranges must be a list, not a dict"),
        ("contact-groups update all --inventory-paths []", "inventory_paths must be a mapping, not a list"),
        ("contact-groups update all --inventory-paths x", "--inventory-paths must be JSON: Expecting value"),
        ("passwords create x --title x", "Missing option '--password-file'."),
        ("passwords create x --title x --password y", "unknown option --password; did you mean --password-file?"),
    ],
)
def test_mistakes_are_refused_before_anything_is_sent(
    site_for_cli: SimulatedSite, sync: Run, line: str, message: str
) -> None:
    result = sync(*shlex.split(line))
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not [request for request in site_for_cli.requests if request.method != "GET"]


def test_a_field_can_be_called_help(site_for_cli: SimulatedSite, sync: Run) -> None:
    result = sync("aux-tags", "create", "vlan", "--topic", "Network", "--title", "VLAN", "--set-help", "Text", "--json")
    assert result.data["help"] == "Text"
    assert "--set-help" in sync("aux-tags", "create", "--help").out


# Deleting


def test_a_delete_shows_the_object_and_asks(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync("host-groups", "create", "linux", "--alias", "Linux servers")
    assert "give --yes" in sync("host-groups", "delete", "linux").err
    for answer, is_deleted in (("n", False), ("y", True)):
        screen: Any = io.StringIO(f"{answer}\n")
        screen.isatty = lambda: True
        monkeypatch.setattr(sys, "stdin", screen)
        result = sync("host-groups", "delete", "linux")
        lines = result.err.splitlines()
        assert lines[:3] == [
            "Permanently delete the host group linux from the configuration of s.",
            "  name: linux",
            "  alias: Linux servers",
        ]
        assert (result.code == 0) is is_deleted
    assert sync("host-groups", "get", "linux").code == 2


# Secrets


def _sent_secret(site: SimulatedSite) -> Any:
    bodies = [request.body for request in site.requests if request.method in ("POST", "PUT")]
    return bodies[-1]["password"]


def test_a_secret_is_read_from_a_file(site_for_cli: SimulatedSite, sync: Run, secret_file: Path) -> None:
    created = sync("passwords", "create", "snmp", "--title", "SNMP", "--password-file", str(secret_file))
    assert created.code == 0, created.err
    assert _sent_secret(site_for_cli) == SECRET
    secret_file.write_text("another-one")
    updated = sync("passwords", "update", "snmp", "--password-file", "password.txt")
    assert _sent_secret(site_for_cli) == "another-one"
    assert SECRET not in created.out + created.err and "another-one" not in updated.out + updated.err


def test_a_secret_is_read_from_stdin(site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    created = sync("passwords", "create", "snmp", "--title", "SNMP", "--password-file", "-")
    assert created.code == 0, created.err
    assert _sent_secret(site_for_cli) == SECRET
    assert SECRET not in created.out + created.err


@pytest.mark.parametrize(
    ("text", "problem"), [("", "it is empty"), ("\n", "it is empty"), (f"{SECRET}\nx\n", "it has more than one line")]
)
def test_stdin_must_contain_one_line(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    result = sync("passwords", "create", "snmp", "--title", "SNMP", "--password-file", "-")
    assert (result.code, result.out) == (2, "")
    assert f"stdin must contain one line, the value for --password-file, but {problem}" in result.err
    assert SECRET not in result.err
    assert not site_for_cli.requests


def test_a_secret_file_that_cannot_be_read_is_named(site_for_cli: SimulatedSite, sync: Run) -> None:
    missing = sync("passwords", "create", "snmp", "--title", "SNMP", "--password-file", "nope.txt")
    assert missing.code == 2
    assert "nope.txt cannot be read: No such file" in missing.err


def test_a_secret_can_be_an_entry_of_the_configuration(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("secrets:\n  snmp: {env: SNMP_SECRET}\n")
    words = ["--config", str(config), "passwords", "create", "snmp", "--title", "SNMP", "--password-file"]
    missing = sync(*words, "secret:smnp")
    assert missing.code == 2
    assert "snmp not created: unknown secret 'smnp'; did you mean 'snmp'?" in missing.err
    empty = sync(*words, "secret:snmp")
    assert empty.code == 2
    assert "the secret 'snmp': the password from the environment variable SNMP_SECRET is empty" in empty.err
    assert not site_for_cli.requests
    monkeypatch.setenv("SNMP_SECRET", SECRET)
    created = sync(*words, "secret:snmp")
    assert created.code == 0, created.err
    assert _sent_secret(site_for_cli) == SECRET
    assert SECRET not in created.out + created.err


# Users and roles


def test_a_role_is_renamed(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("roles", "create", "oncall", "--basedon", "user").code == 0
    assert sync("users", "create", "jdoe", "--fullname", "Jane", "--roles", '["oncall"]').code == 0
    assert sync("roles", "rename", "oncall", "night", "--json").data["name"] == "night"
    assert sync("users", "get", "jdoe", "--json").data["roles"] == ["night"]
    assert sync("roles", "rename", "oncall", "day").code == 2


def test_a_login_is_removed(site_for_cli: SimulatedSite, sync: Run, secret_file: Path) -> None:
    created = sync("users", "create", "jdoe", "--fullname", "Jane", "--password-file", str(secret_file))
    assert created.code == 0
    assert "jdoe" in site_for_cli.state.configuration.users
    removed = sync("users", "remove-login", "jdoe")
    assert removed.out.splitlines()[:3] == ["jdoe changed", "name: jdoe", "fullname: Jane"]
    assert "auth_type" not in removed.out
    assert "jdoe" not in site_for_cli.state.configuration.users
    assert SECRET not in f"{created.out}{created.err}{removed.out}{removed.err}"


def test_flags_and_permissions_with_secret_names_are_shown(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert "  wato.passwords: yes" in sync("roles", "get", "user").out.splitlines()
    with site_for_cli.client() as cmk:
        cmk.users.create("jdoe", fullname="Jane", password=SECRET, enforce_password_change=True)
    shown = sync("users", "get", "jdoe")
    assert "enforce_password_change: true" in shown.out.splitlines()
    assert SECRET not in shown.out
