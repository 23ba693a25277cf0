"""``inventory check`` shows the objects in files, or every mistake. All commands read files in the same way."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.cli.console import Output
from checkmk_sync.cli.lists import Layout, print_rows
from checkmk_sync.config.file import load as load_settings
from checkmk_sync.config.file import load_sync
from checkmk_sync.config.settings import SyncSettings
from checkmk_sync.errors import SettingsError
from checkmk_sync.sync import from_data, load, to_data
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run, Show

MAP = """\
name: "{Hostname|lower}"
folder: "/{Standort|slug}"
attributes: {ipaddress: "{IP-Adresse}"}
labels: {owner: "{Owner}", source: cmdb}
"""
EXPORT = Path(__file__).parent.parent / "data" / "exports" / "cmdb-windows-1252.csv"
PLAIN = """\
folders:
- {path: /a, title: "T\\tb"}
hosts:
- name: web01
  folder: /a
  attributes: {alias: "one\\nline", snmp_community: {type: v1_v2_community, community: hunter2}, site: null}
  labels: {env: prod, gone: null}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "cmdb.csv").write_bytes(EXPORT.read_bytes())
    (tmp_path / "plain.yaml").write_text(PLAIN)
    return tmp_path


def test_every_object_is_one_line_in_a_pipe(folder: Path, sync: Run) -> None:
    result = sync("inventory", "check", "plain.yaml")
    assert result.code == 0
    assert result.err == "1 host and 1 folder\n"
    assert result.out.splitlines() == [
        "folder\t/a\t\tT\\tb\t\t",
        "host\tweb01\t/a\t\talias=one\\nline, snmp_community=***, site=(removed)\tenv:prod, gone:(removed)",
    ]
    assert sync("inventory", "check", "plain.yaml", "-q").err == ""


def test_exports_are_shown_as_mapped(folder: Path, sync: Run) -> None:
    result = sync("inventory", "check", "cmdb.csv", "--map", "map.yaml", "--encoding", "windows-1252")
    assert result.out.splitlines() == [
        "host\tsrv01\t/berlin\t\tipaddress=192.0.2.11\towner:Team A, source:cmdb",
        "host\tsrv02\t/muenchen\t\tipaddress=192.0.2.12\towner:Team B, source:cmdb",
    ]


def test_a_table_on_a_terminal_has_a_header(folder: Path, show: Show) -> None:
    coloured, _ = show("inventory check plain.yaml", width=200)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured]
    assert lines[0].split() == ["kind", "name", "folder", "title", "attributes", "labels"]
    assert len(lines) == 3


def test_json_can_be_read_as_an_inventory(folder: Path, sync: Run) -> None:
    result = sync("inventory", "check", "plain.yaml", "--json")
    assert (result.code, result.err) == (0, "")
    (folder / "again.json").write_text(result.out)
    assert load(folder / "again.json") == load(folder / "plain.yaml")
    assert sync("inventory", "check", "again.json", "--json").out == result.out
    assert sorted(result.data) == ["folders", "hosts"]
    assert result.data["hosts"][0]["attributes"]["snmp_community"]["community"] == "hunter2"


def test_every_mistake_is_a_line_with_file_line_and_column(folder: Path, sync: Run) -> None:
    (folder / "bad.csv").write_text("name;alias;inventory_failed;\nweb 01;x;maybe;y\n" + "b d;;;\n" * 100)
    (folder / "bad.yaml").write_text("hosts:\n- {name: a, colour: red}\n")
    result = sync("inventory", "check", "bad.csv", "bad.yaml")
    assert (result.code, result.out) == (2, "")
    lines = result.err.splitlines()
    assert len(lines) == 101 + 2 + 1, "names, two other cells, the other file"
    for start in (
        "bad.csv:2: column 3 (inventory_failed): 'maybe' is not true or false",
        "bad.csv:2: column 4: this column has no heading",
        "bad.csv:2: column 1 (name): host web 01: ",
        "bad.csv:102: column 1 (name): host b d: ",
        "bad.yaml:2:13: host a: unknown key 'colour'",
    ):
        assert any(line.startswith(start) for line in lines), start
    result = sync("inventory", "check", "bad.yaml", "--json")
    assert (result.code, result.out) == (2, "")
    (problem,) = json.loads(result.err)["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("bad.yaml", 2, 13)


def test_a_check_needs_neither_site_nor_credentials(folder: Path, sync: Run) -> None:
    """A fixture of all tests removes the variables that configure a site, so ``plan`` fails."""
    assert sync("plan", "plain.yaml").code == 2
    assert sync("inventory", "check", "plain.yaml").code == 0
    (folder / "config.yaml").write_text("sync: {map: map.yaml, encoding: cp1252}\n")
    assert sync("inventory", "check", "cmdb.csv", "--config", "config.yaml").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "cmdb.csv",
            "cmdb.csv:3: the inventory is not UTF-8 text; give its encoding, such as --encoding windows-1252,",
        ),
        ("cmdb.csv --encoding cp1252", "give a mapping file (--map)"),
        ("cmdb.csv --encoding nonsense", "unknown encoding 'nonsense'"),
        ("cmdb.csv --encoding cp1252 --map nowhere.yaml", "nowhere.yaml: the mapping file cannot be read"),
        ("cmdb.csv --encoding cp1252 --map plain.yaml", "plain.yaml:1:1: unknown key 'folders'"),
        ("nowhere.csv", "nowhere.csv: the inventory cannot be read"),
        ("", "Missing argument 'FILES...'"),
    ],
)
@pytest.mark.parametrize("command", ["inventory check", "plan", "apply --yes"])
def test_all_commands_refuse_unreadable_inventories_in_the_same_way(
    folder: Path, sync: Run, site_for_cli: SimulatedSite, command: str, arguments: str, message: str
) -> None:
    result = sync(*command.split(), *arguments.split())
    assert result.code == 2
    assert message.replace("FILES", "INVENTORY" if "check" not in command else "FILES") in result.err
    assert len(site_for_cli.requests) == 0


def test_plan_and_apply_read_the_same_inventory(folder: Path, sync: Run, site_for_cli: SimulatedSite) -> None:
    options = ("cmdb.csv", "--map", "map.yaml", "--encoding", "windows-1252", "--owner", "cmdb")
    assert "+ host srv02: ipaddress 192.0.2.12, folder /muenchen, label owner Team B" in sync("plan", *options).out
    assert sync("apply", *options, "--yes").code == 0
    assert site_for_cli.state.configuration.hosts["srv02"].attributes["labels"]["owner"] == "Team B"
    assert sync("plan", *options, "--detailed-exitcode").code == 0


def test_skipped_rows_are_reported(folder: Path, sync: Run, site_for_cli: SimulatedSite) -> None:
    (folder / "map.yaml").write_text(MAP + "skip: {Owner: Team B}\n")
    options = ("cmdb.csv", "--map", "map.yaml", "--encoding", "windows-1252")
    message = "Warning: cmdb.csv: 1 of 2 rows left out by map.yaml: Owner is 'Team B' (1)"
    assert message in sync("inventory", "check", *options).err.splitlines()
    assert message in sync("inventory", "check", *options, "--json").err.splitlines()
    assert message in sync("plan", *options).out.splitlines()
    assert message.removeprefix("Warning: ") in sync("plan", *options, "--json").data["warnings"]
    assert sync("apply", *options, "--yes").out.splitlines().count(message) == 1
    for form in ((), ("--json",)):
        assert sync("apply", *options, "--yes", *form).err.splitlines().count(message) == 1, (
            "the warning appears even if there is nothing to do"
        )


def test_the_configuration_names_the_map_and_the_encoding(folder: Path, sync: Run, site_for_cli: SimulatedSite) -> None:
    """``sync.map`` is relative to the configuration file, and options take precedence."""
    (folder / "etc").mkdir()
    (folder / "etc" / "map.yaml").write_text(MAP.replace("|slug", "|lower|ascii"))
    (folder / "etc" / "config.yaml").write_text("sync:\n  map: map.yaml\n  encoding: windows-1252\n")
    config = ("--config", "etc/config.yaml")
    assert "\t/muenchen\t" in sync("inventory", "check", "cmdb.csv", *config).out
    assert "folder /muenchen" in sync("plan", "cmdb.csv", *config).out
    other = sync("inventory", "check", "cmdb.csv", *config, "--encoding", "mac-roman", "--map", "map.yaml").out
    assert "\t/muenchen\t" not in other
    (folder / "etc" / "config.yaml").write_text("sync:\n  encoding: windows-1252\n")
    assert sync("inventory", "check", "cmdb.csv", *config).code == 2
    assert "Team" in sync("inventory", "check", "cmdb.csv", *config, "--map", "map.yaml").out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sync: {mpa: x}", "config.yaml:1: unknown setting sync.mpa; did you mean 'map'?"),
        ("sync: 7", "config.yaml:1: sync: must be a mapping"),
        ("sync: {map: 7}", "config.yaml:1: sync.map: must be a string, not 7"),
        ("sync: {map: ''}", "config.yaml:1: sync.map: must not be empty"),
        ("sync:\n  encoding: nonsense", "config.yaml:2: sync.encoding: 'nonsense' is unknown; use one such as"),
        ("snyc: {}", "config.yaml:1: unknown setting snyc; did you mean 'sync'?"),
    ],
)
def test_errors_in_the_sync_section_name_their_line(folder: Path, text: str, message: str) -> None:
    base = "checkmk: {server_url: 'https://mon.example.com', site: s, username: u, password_env: X}\n"
    (folder / "config.yaml").write_text(text + "\n" + base)
    for read in (load_settings, load_sync):
        with pytest.raises(SettingsError) as caught:
            read(folder / "config.yaml")
        assert message in str(caught.value)


def test_the_sync_section_is_part_of_the_settings(folder: Path) -> None:
    base = "checkmk: {server_url: 'https://mon.example.com', site: s, username: u, password_env: X}\n"
    (folder / "config.yaml").write_text(base + "sync: {map: ~/map.yaml}\n")
    settings = load_settings(folder / "config.yaml")
    assert settings.sync == load_sync(folder / "config.yaml") == SyncSettings(map=str(Path("~/map.yaml").expanduser()))
    assert settings.to_dict()["sync"]["map"].endswith("/map.yaml")
    (folder / "config.yaml").write_text(base)
    assert load_settings(folder / "config.yaml").sync == SyncSettings()


def test_an_inventory_is_read_from_standard_input(folder: Path, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(EXPORT.read_bytes())))
    assert "srv02" in sync("inventory", "check", "-", "--map", "map.yaml", "--encoding", "cp1252").out


def test_the_output_of_a_check_can_be_checked_again(folder: Path) -> None:
    command = [sys.executable, "-m", "checkmk_sync", "inventory", "check"]
    first = subprocess.run([*command, "plain.yaml", "--json"], capture_output=True, check=True)
    again = subprocess.run([*command, "-", "--json"], input=first.stdout, capture_output=True, check=True)
    assert again.stdout == first.stdout


@given(st.text() | st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2))
def test_no_value_adds_a_column_or_a_line(value: Any) -> None:
    """In a pipe, each row is a line, and tabs separate the columns."""
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        print_rows(Output(), [{"a": value, "b": value}, {"a": "x"}], Layout(("a", "b")))
    assert [line.count("\t") for line in stdout.getvalue().split("\n")] == [1, 1, 0]
    assert len(stdout.getvalue().splitlines()) == 2


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
VALUES = st.text(max_size=5) | st.none()
HOSTS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "folder": NAMES.map("/{}".format),
            "attributes": st.dictionaries(NAMES.map("x_{}".format), VALUES, max_size=3),
            "labels": st.dictionaries(NAMES, st.text(st.characters(exclude_characters=":"), max_size=5) | st.none()),
        },
    ),
    unique_by=lambda host: host["name"],
    min_size=1,
    max_size=4,
)
FOLDERS = st.lists(
    st.fixed_dictionaries({"path": NAMES.map("/{}".format)}, optional={"title": st.text(min_size=1, max_size=5)}),
    unique_by=lambda folder: folder["path"],
    max_size=3,
)


@given(HOSTS, FOLDERS)
def test_data_survives_a_round_trip(hosts: list[dict[str, Any]], folders: list[dict[str, Any]]) -> None:
    desired = from_data({"hosts": hosts, "folders": folders})
    again = from_data(json.loads(json.dumps(to_data(desired))))
    assert again == desired
