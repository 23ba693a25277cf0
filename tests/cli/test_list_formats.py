"""All lists have the same formats, columns, order and search."""

from __future__ import annotations

import csv
import io
import json
import shlex
from typing import Any, Iterator

import pytest
import yaml
from rich.cells import cell_len

from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.cli.console import Output
from checkmk_sync.cli.lists import Layout, print_rows, sort_rows
from checkmk_sync.cli.parameters import FORMATS, asks_for_json
from checkmk_sync.commands import COMMANDS
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run, Show

LISTS = [command for command in COMMANDS if "cli" in command.faces and command.gives_rows]


def _examples(kind: str) -> dict[str, Any]:
    return {field.name: field.example for field in NOUNS[kind].fields if field.required}


@pytest.fixture(scope="module")
def known() -> Iterator[SimulatedSite]:
    """A site with rows in all lists, which no test changes."""
    with SimulatedSite(hosts=3, services=10) as site, site.client() as cmk:
        cmk.folders.ensure("/linux/web", title="Web servers")
        attributes = {"alias": "=1+1", "snmp_community": {"type": "v1_v2_community", "community": "geheim"}}
        cmk.hosts.create("web01", "/linux/web", {**attributes, "labels": {"env": "prod", "cmk/os.family": "linux"}})
        cmk.hosts.create("web02", "/", {"alias": "Zweiter", "labels": {"env": "test"}})
        cmk.activation.activate()
        cmk.host_groups.create("linux", alias="Linux servers")
        cmk.service_groups.create("disks", alias="Disks")
        cmk.notification_rules.create(**_examples("notification_rules"))
        cmk.rules.create(**_examples("rules"))
        cmk.passwords.create("snmp", title="SNMP", password="geheim-geheim")
        down = [{"name": "web01", "state": 1, "labels": {"env": "prod"}}, {"name": "web02", "labels": {}}]
        down.append({"name": "db01", "state": 1, "labels": {}})
        services = [{"host_name": "web01", "description": "CPU load", "state": 2, "plugin_output": "@x\x1b[1m"}]
        site.seed_monitoring({"hosts": down, "services": services})
        assert cmk.downtimes.create("db01", end="2h", comment="reboot").ok
        assert cmk.acknowledgements.set("db01", comment="ticket").ok
        yield site


@pytest.fixture
def online(known: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> SimulatedSite:
    for name, value in (("SERVER_URL", known.url), ("SITE", known.site), ("USERNAME", known.username)):
        monkeypatch.setenv(f"CHECKMK_{name}", value)
    monkeypatch.setenv("CHECKMK_PASSWORD", known.password)
    return known


@pytest.mark.parametrize("command", LISTS, ids=lambda command: command.words)
def test_every_list_has_all_formats(online: SimulatedSite, sync: Run, show: Show, command: Any) -> None:
    words = command.words.split()
    for argument in command.arguments:
        if argument.required:
            words += [argument.option_name, argument.example] if argument.is_option else [argument.example]
    line = shlex.join(words)
    rows = sync(*words, "--json").data
    assert rows, "the site has a row for each list"
    assert sync(*words, "-o", "json").data == rows
    lines = sync(*words, "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert yaml.safe_load(sync(*words, "-o", "yaml").out) == rows
    table = list(csv.reader(io.StringIO(sync(*words, "-o", "csv").out)))
    assert tuple(table[0]) == command.columns
    assert len(table) == len(rows) + 1
    names = sync(*words, "-o", "name")
    if command.naming_columns:
        assert names.out.splitlines() == ["\t".join(row[name] for name in command.naming_columns) for row in rows]
    else:
        assert (names.code, names.out) == (2, "")
    wide = sync(*words, "-o", "wide").out.splitlines()
    assert wide[0].split() == list(command.all_columns)
    if not command.is_prose:
        assert show(f"{line} -o table", 60)[0] == show(line, 60)[0]
    assert max(map(cell_len, show(f"{line} -o table", 60, NO_COLOR="1", TERM="dumb")[0])) <= 60


def test_a_terminal_shows_findings_and_advice_in_full(online: SimulatedSite, show: Show) -> None:
    lines = show("hosts diagnose unknown", 20)[0]
    assert lines == ["unknown is not configured", "  create it: checkmk-sync hosts create unknown"]


# The findings about one host are few, so there is nothing to search for.
SEARCHED = [command for command in LISTS if command.words != "hosts diagnose"]


@pytest.mark.parametrize("command", SEARCHED, ids=lambda command: command.words)
def test_every_list_has_the_same_options(command: Any) -> None:
    names = [argument.name for argument in command.arguments]
    assert "search" in names
    search = next(argument for argument in command.arguments if argument.name == "search")
    assert "case is ignored. A text with * or ? is a pattern for the entire value." in search.help
    assert FORMATS == ("table", "wide", "json", "jsonl", "yaml", "csv", "name")


# Columns


def test_columns_are_shown_in_the_given_order(online: SimulatedSite, sync: Run) -> None:
    lines = sync("hosts", "list", "--search", "web", "--columns", "labels.env, name,attributes.alias,owner").out
    assert lines.splitlines() == ["prod\tweb01\t=1+1\t", "test\tweb02\tZweiter\t"]
    rows = sync("hosts", "list", "--search", "web", "--columns", "name,labels.cmk/os.family,labels", "--json").data
    labels = {"env": "prod", "cmk/os.family": "linux"}
    assert rows[0] == {"name": "web01", "labels.cmk/os.family": "linux", "labels": labels}
    shown = sync("services", "list", "--host", "web01", "--columns", "service,last_check", "-o", "csv").out
    assert shown.splitlines()[0] == "service,last_check"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hosts list --columns nmae", "unknown column 'nmae'; did you mean 'name'?"),
        ("hosts list --columns nmae.x", "unknown column 'nmae.x'; did you mean"),
        ("hosts list --columns ,", "--columns must be names of columns, separated by commas"),
        ("host-groups list --sort -aliass", "unknown column 'aliass'; did you mean 'alias'?"),
        ("hosts list --json -o csv", "give --json or -o csv, not both"),
        ("hosts list -o xml", "'xml' is not one of 'table', 'wide',"),
        ("hosts list --label env", "--label must be KEY=VALUE, not 'env'"),
    ],
)
def test_mistakes_are_refused_before_anything_is_read(
    online: SimulatedSite, sync: Run, line: str, message: str
) -> None:
    before = len(online.requests)
    result = sync(*line.split())
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len(online.requests) == before


def test_errors_are_json_if_the_list_is(online: SimulatedSite, sync: Run) -> None:
    for words in (["-o", "json"], ["--output=json"], ["-ojson"], ["--json"]):
        for mistake in (["--folder", "/nope"], ["--nope"]):
            result = sync("hosts", "list", *words, *mistake)
            assert json.loads(result.err)["message"], (words, mistake)
    assert not asks_for_json(["hosts", "list", "-o", "yaml", "json"])


# Order


def test_rows_are_sorted_by_any_column(online: SimulatedSite, sync: Run) -> None:
    def names(*words: str) -> list[str]:
        return [row["name"] for row in sync("hosts", "list", *words, "--json").data]

    assert names("--sort", "-name")[:2] == ["web02", "web01"]
    assert names("--sort", "attributes.alias") == ["web01", "web02", "host00000", "host00001", "host00002"]
    assert names("--sort", "-attributes.alias") == ["web02", "web01", "host00000", "host00001", "host00002"]
    assert names("--sort", "-name", "--limit", "1") == ["web02"], "the limit applies to the sorted list"


def test_numbers_are_sorted_by_value_and_texts_without_case() -> None:
    values: list[Any] = [10, None, "b", 9, "A", True, ["x"]]
    rows = [{"a": value} for value in values]
    assert [row["a"] for row in sort_rows(rows, "a", Layout(("a",)))] == [True, 9, 10, ["x"], "A", "b", None]
    assert [row["a"] for row in sort_rows(rows, "-a", Layout(("a",)))] == ["b", "A", ["x"], 10, 9, True, None]


# Search and labels


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("hosts list --search EB0", ["web01", "web02"]),
        ("hosts list --search web?1", ["web01"]),
        ("hosts list --search eb*", []),
        ("hosts list --search '[a-z]'", []),
        ("hosts list --search .", []),
        ("hosts list --folder /linux/web --search WEB", ["web01"]),
        ("hosts status --search EB0", ["web01", "web02"]),
        ("hosts status --search eb*", []),
        ("problems --search WEB*", ["web01"]),
        ("services list --search pu", ["web01"]),
        ("services list --search cpu*", ["web01"]),
        ("services list --search pu*", []),
        ("folders list --search web", ["/linux/web"]),
        ("folders list --search 'WEB servers'", ["/linux/web"]),
        ("host-groups list --search SERVERS", ["linux"]),
        ("time-periods list --search ALWAYS", ["24X7"]),
        ("passwords list --search geheim", []),
        ("hosts list --label env=prod", ["web01"]),
        ("hosts list --label env=prod --label cmk/os.family=linux", ["web01"]),
        ("hosts list --label env=prod --label cmk/os.family=x", []),
        ("hosts status --label env=prod", ["web01"]),
        ("problems --label env=test", []),
        ("services list --label env=prod", []),
        ("folders list --label env=prod", []),
    ],
)
def test_search_and_labels_have_one_meaning(online: SimulatedSite, sync: Run, line: str, found: list[str]) -> None:
    result = sync(*shlex.split(line), "-o", "name")
    assert result.code == 0, result.err
    assert [text.split("\t")[0] for text in result.out.splitlines()] == found


# Safety


def test_secrets_are_hidden_except_in_json_and_yaml(online: SimulatedSite, sync: Run) -> None:
    for form in FORMATS:
        text = sync("hosts", "list", "-o", form, "--columns", "name,attributes,attributes.snmp_community").out
        assert ("geheim" in text) is (form in ("json", "jsonl", "yaml")), form
    assert "geheim" not in sync("hosts", "list", "-o", "wide").out


def test_a_csv_cell_is_never_a_formula(online: SimulatedSite, sync: Run) -> None:
    assert list(csv.reader(io.StringIO(sync("hosts", "list", "--search", "web01", "-o", "csv").out)))[1][3] == "'=1+1"
    output = sync("services", "list", "-o", "csv").out
    assert list(csv.reader(io.StringIO(output)))[1][3] == "'@x\\x1b[1m"
    layout = Layout(("a", "b", "c", "d"), "csv")
    stdout = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", stdout)
        print_rows(
            Output(), [{"a": -1, "b": "\tx", "c": "x\ny", "d": ["=1"]}, {"a": "+x", "b": "-x", "c": None}], layout
        )
    rows = list(csv.reader(io.StringIO(stdout.getvalue())))
    assert rows[1:] == [["-1", "'\tx", "x\ny", '["=1"]'], ["'+x", "'-x", "", ""]]


@pytest.mark.parametrize("form", ["jsonl", "csv", "name", "json", "yaml", None])
def test_rows_are_printed_as_they_arrive(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr("sys.stdout", stdout)

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(5):
            assert stdout.getvalue().count("host") == number, "the rows before this one are printed"
            yield {"name": f"host{number}"}

    print_rows(Output(), rows(), Layout(("name",), form, names=("name",)))
    assert stdout.getvalue().count("host") == 5


def test_an_empty_list_is_valid_in_every_format(online: SimulatedSite, sync: Run) -> None:
    texts = {form: sync("hosts", "list", "--search", "nope", "-o", form).out for form in FORMATS}
    assert texts == {
        "table": "",
        "wide": "",
        "json": "[]\n",
        "jsonl": "",
        "yaml": "[]\n",
        "csv": "name,folder,ipaddress,alias,labels\n",
        "name": "",
    }
