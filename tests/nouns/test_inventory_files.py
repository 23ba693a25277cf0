"""Inventory files of plain nouns: sections, tables named after a section, exports, and ``inventory check``."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import Desired, from_data, load, load_map
from checkmk_sync.sync.desired import REMOVE
from checkmk_sync.sync.kinds import KINDS
from tests.conftest import ROOT, Run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _load(name: str, text: str, **more: Any) -> Desired:
    Path(name).write_text(text, "utf-8")
    return load(name, **more)


def _entries(desired: Desired) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: {path[0]: value for path, value in found.properties.items()} for key, found in desired.objects.items()}


def _mistakes(name: str, text: str, **more: Any) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        _load(name, text, **more)
    return [str(problem) for problem in caught.value.problems]


def test_a_table_is_named_after_its_section() -> None:
    desired = _load("host_groups.csv", "name;alias\nlinux;Linux servers\n\ndb;\n")
    assert _entries(desired) == {("host group", "linux"): {"alias": "Linux servers"}, ("host group", "db"): {}}
    assert desired.objects["host group", "db"].location == "host_groups.csv:4"


@pytest.mark.parametrize(
    "first", ["# host_groups", "#host_groups;;", "\ufeff# host_groups \t", '"# host_groups"'[1:-1]]
)
@pytest.mark.parametrize("name", ["export.csv", "hosts.csv", "passwords.csv"])
def test_the_first_line_of_a_table_names_its_section(name: str, first: str) -> None:
    desired = _load(name, f"{first}\nsep=;\nname;alias\nlinux;Linux\n")
    assert _entries(desired) == {("host group", "linux"): {"alias": "Linux"}}
    assert desired.objects["host group", "linux"].location == f"{name}:4"


@pytest.mark.parametrize("name", ["host-groups.csv", "HostGroup.csv", "Host Groups.csv"])
def test_groups_in_a_file_with_a_similar_name_do_not_become_hosts(name: str) -> None:
    assert set(_load(name, "name,alias\nlinux,Linux servers\n").objects) == {("host group", "linux")}


def test_hosts_and_folders_need_no_section() -> None:
    assert ("folder", "/a") in _load("hosts.csv", "path,title\n/a,A\n").objects
    assert ("host", "a") in _load("any.csv", "# hosts\nname\na\n").objects


def test_standard_input_with_a_section_line_is_a_table_or_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(text: str) -> Desired:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
        return load("-")

    table = read("# host_groups\nname,alias\na,A\n")
    assert table == read("# host_groups\nhost_groups:\n- name: a\n  alias: A\n")
    assert _entries(table) == {("host group", "a"): {"alias": "A"}}


def test_cells_are_converted_by_the_type_of_the_field() -> None:
    desired = _load("passwords.csv", "name,title,shared,comment,absent\na,007,all|linux,-,\nb,B,,,true\nc,C,,,no\n")
    assert _entries(desired) == {
        ("password", "a"): {"title": "007", "shared": ["all", "linux"], "comment": REMOVE},
        ("password", "b"): {},
        ("password", "c"): {"title": "C"},
    }
    assert [found.absent for found in desired.objects.values()] == [False, True, False]
    day = '[{""day"": ""monday"", ""time_ranges"": []}]'
    periods = _load("time_periods.csv", f'name,active_time_ranges,exclude\na,"{day}",b\n')
    assert _entries(periods)["time period", "a"] == {
        "active_time_ranges": [{"day": "monday", "time_ranges": []}],
        "exclude": ["b"],
    }


def test_mistakes_in_tables_name_line_and_column() -> None:
    assert _mistakes("host_groups.csv", "nmae,alias,alias\na,A,A\n") == [
        "host_groups.csv:1: column 1 (nmae): unknown column 'nmae'; did you mean 'name'?",
        "host_groups.csv:1: column 3 (alias): the column 'alias' occurs twice",
    ]
    assert _mistakes("host_groups.csv", "alias\nA\n") == [
        "host_groups.csv:1: a table of host_groups needs the column 'name'"
    ]
    assert _mistakes("x.csv", "\n# host_grops\nname\n") == [
        "x.csv:2: unknown section 'host_grops'; did you mean 'host_groups'?"
    ]
    assert _mistakes("time_periods.csv", "name,active_time_ranges,absent,\nt,{,ja,x\n-,,,\n") == [
        "time_periods.csv:2: column 4: this column has no heading, but the row has a value in it",
        "time_periods.csv:2: column 2 (active_time_ranges): the active_time_ranges must be JSON, such as "
        '[{"day": "monday", "time_ranges": [{"start": "08:00", "end": "17:00"}]}]',
        "time_periods.csv:2: column 3 (absent): 'ja' is not true or false",
        "time_periods.csv:3: column 1 (name): a time period needs the key 'name'",
    ]
    assert _mistakes("service_groups.csv", "name,alias\na,-\n") == [
        "service_groups.csv:2: column 2 (alias): service group a: alias must have a value; leave it out to keep the "
        "value of the site"
    ]


def test_a_list_in_a_file_named_after_a_section_needs_no_section() -> None:
    text = '[{"name": "a", "alias": "A"}]'
    assert _entries(_load("contact_groups.json", text)) == {("contact group", "a"): {"alias": "A"}}
    assert _entries(_load("contact_groups.yaml", "name: a\nalias: A\n")) == {("contact group", "a"): {"alias": "A"}}
    assert ("host", "a") in _load("groups.json", '[{"name": "a"}]').objects


def test_a_mapping_file_describes_the_columns_of_an_export() -> None:
    Path("map.yaml").write_text(
        "kind: time period\n"
        "name: '{Id|lower}'\n"
        "alias: '{Title}'\n"
        "exclude: '{Not}'\n"
        "active_time_ranges:\n"
        "- {day: '{Day}', time_ranges: [{start: '{From}', end: '24:00'}]}\n"
    )
    desired = _load("cmdb.csv", "Id,Title,Not,Day,From\nWork,Working hours,a|b,monday,08:00\n", mapping="map.yaml")
    assert _entries(desired) == {
        ("time period", "work"): {
            "alias": "Working hours",
            "exclude": ["a", "b"],
            "active_time_ranges": [{"day": "monday", "time_ranges": [{"start": "08:00", "end": "24:00"}]}],
        }
    }


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("kind: host_groups\nname: '{A}'", "map.yaml:1:1: unknown kind 'host_groups'; did you mean 'host group'?"),
        ("kind: host group\nname: x", "map.yaml:2:1: the name would be the same for every row"),
        ("kind: host group\nname: '{A}'\nalais: x", "map.yaml:3:1: unknown key 'alais'; did you mean 'alias'?"),
        ("kind: host group\nname: '{A}'\nalias: 3", "map.yaml:3:1: alias is read as 3, not as a string"),
        ("kind: host group\nalias: x", "map.yaml:1:1: a mapping file for host_groups needs the key 'name'"),
        ("kind: password\nname: '{A}'\npassword: '***'", "map.yaml:3:1: *** stands for a secret"),
    ],
)
def test_mistakes_in_mapping_files_are_found(text: str, mistake: str) -> None:
    Path("map.yaml").write_text(text)
    with pytest.raises(InventoryError) as caught:
        load_map("map.yaml")
    assert mistake in str(caught.value)


def test_the_page_lists_every_kind_with_its_keys() -> None:
    words = ("absent", "only_at_creation", "ignore", "keep")
    rows = [
        f"| `{kind.section}` | {kind.name} | {', '.join(f'`{key}`' for key in kind.keys if key not in words)} | "
        f"{'no' if kind.mark is None else 'with an owner'} |"
        for kind in sorted(KINDS.values(), key=lambda kind: kind.section)
    ]
    page = (ROOT / "docs" / "inventory.md").read_text("utf-8")
    assert "\n".join(rows) in page, "the table in docs/inventory.md should be:\n" + "\n".join(rows)


def test_inventory_check_hides_secrets(sync: Run) -> None:
    Path("passwords.csv").write_text("name;title;password;shared;absent\nsnmp;SNMP;geheim;all|b;\nold;;;;true\n")
    result = sync("inventory", "check", "passwords.csv")
    assert result.out.splitlines() == [
        'password\tsnmp\t\tSNMP\tpassword=***, shared=["all", "b"]\t',
        "password\told\t\t\t(absent)\t",
    ]
    assert result.err == "2 passwords\n"
    checked = sync("inventory", "check", "passwords.csv", "--json")
    assert from_data(checked.data) == load("passwords.csv")
    Path("all.yaml").write_text("hosts: [{name: a}]\nhost_groups: [{name: b}]\naux_tags: [{name: c}, {name: d}]\n")
    assert sync("inventory", "check", "all.yaml").err == "1 host, 1 host group and 2 auxiliary tags\n"
