"""Commands print results on stdout and messages on stderr, and exit with the documented codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.cli.app import cli
from checkmk_sync.cli.console import safe
from checkmk_sync.commands import COMMANDS
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run

CLI_COMMANDS = [command for command in COMMANDS if "cli" in command.faces]

# Every command


def test_every_row_of_the_table_has_help_and_an_example() -> None:
    for command in CLI_COMMANDS:
        entry: Any = cli
        for word in filter(None, (command.noun, command.name)):
            entry = entry.commands[word]
        text = entry.get_help(click.Context(entry, info_name=command.name))
        assert command.help.split(",")[0].split(".")[0][:40] in " ".join(text.split())
        assert f"Example: checkmk-sync {command.words} {command.example}".rstrip() in " ".join(text.split())
        for argument in command.arguments:
            assert argument.required or argument.help.split(",")[0][:30] in " ".join(text.split())


def test_examples_of_the_help_run(site_for_cli: SimulatedSite, sync: Run) -> None:
    """The examples run in the order of the table, on a site with the hosts that they name."""
    with site_for_cli.client() as cmk:
        cmk.folders.ensure("/linux/old")
        cmk.folders.ensure("/linux/web")
        cmk.folders.ensure("/gateways")
        cmk.hosts.bulk_create([{"host_name": "web01", "attributes": {"ipv6address": "::1"}}, {"host_name": "web02"}])
        rule = cmk.rules.create(ruleset="checkgroup_parameters:filesystem", folder="/", value={"levels": (80.0, 90.0)})
    import shlex

    skipped = {"hosts create"}  # the host of its example exists
    for command in (command for command in CLI_COMMANDS if command.own_tools):  # the others have a test of their own
        words = shlex.split(f"{command.words} {command.example}".replace(NOUNS["rules"].key.example, str(rule.id)))
        if " ".join(words[:2]) in skipped:
            words[2] = "web03"
        if command.words == "rules effective":  # the host of its example is gone by now
            words[2] = "host00000"
        if command.name.endswith("acknowledge"):  # no host has a problem; test_downtime_commands.py runs them
            continue
        if any(argument.kind == "names" for argument in command.arguments):  # only these are monitored
            words = [{"web01": "host00000", "web02": "host00001"}.get(word, word) for word in words]
        if command.destructive:
            words.append("--yes")
        if command.words == "hosts diagnose":
            words[2] = "host00000"
        if command.name == "discover":
            words[1:] = ["host00000", "web03"]
        if command.words in ("hosts rename", "hosts set-nodes"):
            with site_for_cli.client() as cmk:
                if command.name == "set-nodes":
                    cmk.hosts.bulk_create([{"host_name": name} for name in ("db01", "db02")])
                    cmk.hosts.create_cluster("db", ["db01"])
                    cmk.hosts.ensure("web01", "/")
                cmk.activation.activate()
        result = sync(*words)
        assert result.code == 0, (words, result.err)


def test_hosts_are_created_changed_moved_and_deleted(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("hosts", "list").out.splitlines()[0] == "host00000\t/\t10.0.0.0\t\t"
    assert [row["name"] for row in sync("hosts", "list", "--limit", "2", "--json").data] == ["host00000", "host00001"]
    created = sync(
        "hosts", "create", "new", "--attribute", "alias=Über", "--label", "env=prod", "--label", "a=b", "--json"
    )
    assert created.data["attributes"] == {"alias": "Über"}
    assert created.data["labels"] == {"env": "prod", "a": "b"}
    updated = sync("--json", "hosts", "update", "new", "--label", "env=test", "--remove", "alias")
    assert (updated.data["attributes"], updated.data["labels"]) == ({}, {"env": "test", "a": "b"})
    assert "labels" in sync("hosts", "get", "new").out
    assert sync("hosts", "get", "new", "--effective", "--json").data["effective_attributes"]["tag_agent"] == "cmk-agent"
    assert sync("folders", "create", "/x/y").code == 0
    assert sync("hosts", "move", "new", "/x/y", "--json").data["folder"] == "/x/y"
    partly = sync("hosts", "delete", "new", "nope", "--yes")
    assert partly.code == 1
    assert partly.err == "Error: 1 of 2 deleted; the others:\nnope: no such host\n"
    assert sync("hosts", "delete", "nope", "--yes").code == 2, "the same code as for hosts get"
    assert sync("hosts", "get", "new").code == 2
    assert sync("hosts", "update", "host00000").code == 2
    assert sync("hosts", "create", "x", "--attribute", "oops").code == 2


def test_hosts_and_services_are_filtered(site_for_cli: SimulatedSite, sync: Run) -> None:
    rows = sync("services", "list", "--host", "host0000*", "--json").data
    assert len(rows) == 30
    assert len(sync("services", "list", "--search", "CPU*", "--json").data) == 6
    problems = sync("problems", "--json").data
    assert all(row["state"] != "OK" for row in problems)
    assert sync("services", "list", "--state", "nonsense").code == 2
    assert sync("hosts", "status", "--search", "*2", "--json").data[0]["name"] == "host00002"
    assert sync("version", "--json").data["checkmk"] == "2.4.0p18.cre"


def test_changes_are_listed_discovered_and_activated(site_for_cli: SimulatedSite, sync: Run) -> None:
    sync("hosts", "create", "new")
    (pending,) = sync("pending", "--json").data
    assert pending["action"] == "create-host"
    counts = {"hosts": 1, "state": "finished", "new": 8, "vanished": 0, "unchanged": 0}
    assert sync("discover", "new", "--json").data == {"outcome": "applied", **counts}
    assert sync("activate", "--json").data["activated"] == 2
    assert sync("pending", "--json").data == []
    site_for_cli.set_faults([Fault("fail_discovery")])
    failed = sync("discover", "new")
    assert failed.code == 1
    assert "exception" in failed.err


# Options, output, exit codes


def test_shared_options_are_accepted_before_or_after_the_command(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("checkmk: {nonsense: 1}\n")
    for arguments in (
        ["--config", str(config), "version"],
        ["version", "--config", str(config)],
        ["hosts", "--config", str(config), "list"],
    ):
        result = sync(*arguments)
        assert result.code == 2
        assert f"{config}:1: unknown setting checkmk.nonsense" in result.err
    for arguments in (["--json", "hosts", "list"], ["hosts", "--json", "list"], ["hosts", "list", "--json"]):
        assert len(sync(*arguments).data) == 3


def test_a_variable_can_name_the_configuration_file(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("checkmk: {site: other}\n")
    monkeypatch.setenv("CHECKMK_SYNC_CONFIG", str(config))
    assert sync("version").code == 3


def test_exit_codes_are_as_documented(site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sync("version").code == 0
    assert sync("hosts", "get", "nope").code == 2
    assert sync("hosts", "list", "--nope").code == 2
    assert sync("nonsense").code == 2
    monkeypatch.setenv("CHECKMK_PASSWORD", "wrong-one")
    assert sync("version").code == 2
    health = sync("health", "--json")
    assert (health.code, health.data["ok"]) == (2, False), "health prints the failure, and exits with its code"
    monkeypatch.delenv("CHECKMK_PASSWORD")
    missing = sync("version")
    assert missing.code == 2
    assert "the password is missing" in missing.err
    monkeypatch.setenv("CHECKMK_PASSWORD", "x" * 9)
    monkeypatch.setenv("CHECKMK_SERVER_URL", "http://127.0.0.1:1")
    away = sync("version")
    assert away.code == 3
    assert away.err.startswith("Error: cannot connect for GET /version")
    assert "Traceback" not in away.err
    health = sync("health")
    assert (health.code, health.out.splitlines()[0]) == (3, "ok: false")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["hosts", "list", "--folder", "/a*b"], "'/a*b' is not a folder"),
        (["hosts", "list", "--limit", "-1"], "'--limit': must be a whole number from 0 to 1000000000, not '-1'"),
        (["hosts", "list", "--limit", "x"], "'--limit': must be a whole number from 0 to 1000000000, not 'x'"),
        (["mcp", "--http", "--port", "70000"], "'--port': must be a whole number from 0 to 65535, not '70000'"),
        (["simulate", "--latency", "x"], "'--latency': must be a number of at least 0, not 'x'"),
        (["simulate", "--latency", "inf"], "'--latency': must be a number of at least 0, not 'inf'"),
        (["hosts", "get", ""], "'' is not a host name"),
        (["hosts", "move", "x", "/a:b"], "'/a:b' is not a folder"),
        (["hosts", "create", "a b"], "'a b' is not a host name"),
        (["hosts", "delete", "good", "a b", "--yes"], "'a b' is not a host name"),
        (["hosts", "status", "--search", "a\nb"], "a pattern must be one line of text"),
        (["folders", "list", "--parent", " "], "is not a folder"),
        (["folders", "delete", "a|b", "--yes"], "is not a folder"),
        (["services", "list", "--host", ""], "a pattern must be one line of text"),
        (["problems", "--limit", "1.5"], "must be a whole number from 0 to 1000000000, not '1.5'"),
        (["discover", "a/b"], "'a/b' is not a host name"),
    ],
)
def test_invalid_values_are_refused_before_anything_is_sent(
    site_for_cli: SimulatedSite, sync: Run, line: list[str], message: str
) -> None:
    result = sync(*line)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not site_for_cli.requests


def test_errors_are_one_sentence_or_json(site_for_cli: SimulatedSite, sync: Run) -> None:
    plain = sync("hosts", "get", "nope")
    assert plain.out == ""
    assert plain.err.count("\n") == 1
    facts = json.loads(sync("--json", "hosts", "get", "nope").err)
    assert (facts["error"], facts["status"]) == ("NotFoundError", 404)


def test_every_command_has_help(sync: Run) -> None:
    top = sync("--help")
    assert top.code == 0
    assert "checkmk-sync demo" in top.out
    for command in (
        "demo",
        "doctor",
        "plan",
        "apply",
        "hosts",
        "folders",
        "services",
        "discover",
        "activate",
        "simulate",
    ):
        assert command in top.out
        assert sync(command, "--help").code == 0
    assert "0.1.0" in sync("--version").out


@pytest.mark.parametrize("line", ["discover", "hosts delete", "plan", "apply", "inventory check"])
def test_the_usage_shows_that_a_command_takes_several_names(sync: Run, line: str) -> None:
    usage = sync(*line.split(), "--help").out.splitlines()[0]
    assert re.search(r" \[OPTIONS\] [A-Z]+\.\.\.$", usage)


def test_the_help_says_in_plain_words_that_an_option_takes_a_number(sync: Run) -> None:
    metavars = {
        "hosts list": ["--limit NUMBER"],
        "activate": ["--timeout SECONDS"],
        "mcp": ["--max-batch NUMBER", "--port PORT"],
        "simulate": ["--port PORT", "--services NUMBER", "--latency SECONDS", "--lock-hold SECONDS"],
    }
    for command, options in metavars.items():
        text = sync(*command.split(), "--help").out
        assert "RANGE" not in text and "x>=" not in text
        for option in options:
            assert option in text


def test_deleting_without_a_terminal_needs_yes(site_for_cli: SimulatedSite, sync: Run) -> None:
    refused = sync("hosts", "delete", "host00000")
    assert refused.code == 2
    assert "give --yes" in refused.err
    assert len(site_for_cli.state.configuration.hosts) == 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 😀", "plain ü 😀"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b31m", "\\x9b31m"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        (None, ""),
        ({"a": ["\x1b"]}, '{"a": ["\\u001b"]}'),
    ],
)
def test_control_characters_are_escaped(text: Any, shown: str) -> None:
    assert safe(text) == shown


def test_texts_of_the_site_cannot_control_a_terminal(site_for_cli: SimulatedSite, sync: Run) -> None:
    evil = "\x1b]0;owned\x07 [red]markup[/red] \u202e"
    site_for_cli.seed_monitoring(
        {
            "hosts": [{"name": "h"}],
            "services": [{"host_name": "h", "description": "x", "state": 2, "plugin_output": evil}],
        }
    )
    for arguments in (["problems"], ["problems", "--json"]):
        out = sync(*arguments).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "[red]markup[/red]" in out


def test_requests_are_logged_only_with_v(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("version").err == ""
    assert "GET /version -> 200" in sync("-vv", "version").err


def test_the_library_prints_nothing(site_for_cli: SimulatedSite, capsys: pytest.CaptureFixture[str]) -> None:
    with site_for_cli.client() as cmk:
        assert isinstance(cmk, Checkmk)
        list(cmk.hosts.each())
        cmk.health()
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_leaves_is_not_an_error(site_for_cli: SimulatedSite) -> None:
    site_for_cli.seed_monitoring({"hosts": [{"name": f"h{n:06d}"} for n in range(20_000)], "services": []})
    process = subprocess.Popen(
        [sys.executable, "-m", "checkmk_sync", "hosts", "status"],
        env={**os.environ, "CHECKMK_SERVER_URL": site_for_cli.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("h000000")
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(timeout=30) == 0
