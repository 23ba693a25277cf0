"""All mistakes in a mapping file are reported with their location before any row is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import load, load_map


def _mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "map.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((InventoryError, SettingsError)) as caught:
        load_map(path)
    found = getattr(caught.value, "problems", [caught.value])
    return [str(problem).replace(f"{tmp_path}/", "") for problem in found]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "map.yaml: a mapping file must be a mapping with keys such as kind, name"),
        ("- name", "map.yaml: a mapping file must be a mapping with keys such as kind, name"),
        ("nmae: x", "map.yaml:1:1: unknown key 'nmae'; did you mean 'name'?"),
        ("kind: hosts\nname: '{A}'", "map.yaml:1:1: unknown kind 'hosts'; did you mean 'host'?"),
        ("kind: [host]\nname: '{A}'", "map.yaml:1:1: unknown kind ['host']"),
        ("kind: folder\nname: '{A}'", "map.yaml:2:1: unknown key 'name'"),
        ("folder: /a", "map.yaml:1:1: a mapping file for hosts needs the key 'name'"),
        ("name: web01", "map.yaml:1:1: the name would be the same for every row; use a column"),
        ("name:", "map.yaml:1:1: the name would be the same for every row"),
        ("name: {Hostname}", 'map.yaml:1:7: put a template that starts with a brace in quotes: "{Hostname}"'),
        ("name: {Host|lower}", 'map.yaml:1:7: put a template that starts with a brace in quotes: "{Host|lower}"'),
        ("name: {A}.{B}", "map.yaml:1:10: this is not valid YAML: "),
        ("name: {A}.{B}", "put a template that starts with '{' in quotes"),
        ("name: [a, '{A}']", "map.yaml:1:1: name must be a string, not a list or mapping"),
        ("name: '{A|lowr}'", "map.yaml:1:11: name: unknown filter 'lowr'; did you mean 'lower'?"),
        ("name: a{A|lowr}", "map.yaml:1:11: name: unknown filter 'lowr'"),
        ('name: "a\\t{A|lowr}"', "map.yaml:1:7: name: unknown filter 'lowr'"),
        ("name: >\n  {A|lowr}", "map.yaml:1:7: name: unknown filter 'lowr'"),
        ("name: '{A'", "map.yaml:1:8: name: the field has no closing '}'"),
        ("attributes:\n  alias: {B}\nname: '{A}'", "map.yaml:2:10: put a template that starts with a brace in quotes"),
        ("attributes:\n  x: ['{B', y]\nname: '{A}'", "map.yaml:2:8: 0: the field has no closing '}'"),
        ("attributes: [a]\nname: '{A}'", "map.yaml:1:1: 'attributes' must be a mapping of names to values"),
        (
            "attributes: {labels: {a: b}}\nname: '{A}'",
            "map.yaml:1:14: put labels in the section 'labels', not in 'attributes'",
        ),
        ("attributes: {bad name: '{B}'}\nname: '{A}'", "map.yaml:1:14: 'bad name' is not a valid attribute name"),
        ("attributes: {alias: 5}\nname: '{A}'", "map.yaml:1:14: alias is read as 5, not as a string; put it in quotes"),
        ("attributes: {parents: 5}\nname: '{A}'", "map.yaml:1:14: parents must be a list, not a number"),
        ("attributes: {inventory_failed: maybe}\nname: '{A}'", "map.yaml:1:14: inventory_failed: 'maybe' is not true"),
        (
            "attributes: {x: '{{\"a\"'}\nname: '{A}'",
            "map.yaml:1:14: x: '{\"a\"' starts like JSON but is not valid JSON",
        ),
        ("attributes: {snmp_community: {community: '***'}}\nname: '{A}'", "map.yaml:1:14: *** stands for a secret"),
        ("labels: {owner: yes}\nname: '{A}'", "map.yaml:1:10: the label owner is read as true"),
        ("labels: {yes: x}\nname: '{A}'", "map.yaml:1:10: true is not a valid label key"),
        ("labels: {a: ['{B}']}\nname: '{A}'", "map.yaml:1:10: a must be a string, not a list or mapping"),
        (
            "labels: {checkmk_sync/owner: x}\nname: '{A}'",
            "map.yaml:1:10: only checkmk-sync sets the label checkmk_sync/owner",
        ),
        ("folder: /a/../b\nname: '{A}'", "map.yaml:1:1: '/a/../b' is not a folder"),
        ("folder:\nname: '{A}'", "map.yaml:1:1: null and '-' remove a property, but the folder cannot be removed"),
        ("rows: [a]\nname: '{A}'", "map.yaml:1:1: 'rows' must be the name of a list"),
        ("files: [1]\nname: '{A}'", "map.yaml:1:1: files: 1 is not a string"),
        ("tables: x\nname: '{A}'", "map.yaml:1:1: 'tables' must be a mapping"),
        (
            "tables: {a: x}\nname: '{A}'",
            "map.yaml:1:10: the table 'a' must be a mapping of strings to strings, and must not be empty",
        ),
        (
            "tables: {a: {NO: oslo}}\nname: '{A}'",
            "map.yaml:1:14: the table a: false is not a string; put it in",
        ),
        ("tables: {a: {x: 5}}\nname: '{A}'", "map.yaml:1:14: the table a: 5 is not a string"),
        (
            "name: '{A|lookup:sites}'",
            "map.yaml:1:11: name: unknown table 'sites'; the mapping file has no section 'tables'",
        ),
        ("skip: Status\nname: '{A}'", "map.yaml:1:1: 'skip' must be a mapping of columns"),
        ("skip: {Status: [1]}\nname: '{A}'", "map.yaml:1:8: Status: 1 is not a string"),
        ("skip: {Status: }\nname: '{A}'", "map.yaml:1:8: Status: list the values of rows to leave out"),
        ("skip: {Status: []}\nname: '{A}'", "map.yaml:1:8: Status: list the values of rows to leave out"),
        ("skip: {1: x}\nname: '{A}'", "map.yaml:1:8: 1 is not a string; put the name of a column in quotes"),
        ("name: '{A}'\nname: '{B}'", "map.yaml:2:1: the key 'name' occurs twice"),
        ("name: !!python/name:os.system ''", "map.yaml:1:7: this is not valid YAML"),
        ("name: &a ['{A}', *a]", "map.yaml:1:7: an alias contains itself"),
        ("name: " + "[" * 100_000, "map.yaml:1:"),
        (f"name: '{{A}}'\nattributes: {{x: {'7' * 5000}}}", "map.yaml:2:17: a number has more than 400 digits"),
    ],
)
def test_a_mistake_in_a_mapping_file_has_its_location(tmp_path: Path, text: str, said: str) -> None:
    found = _mistakes(tmp_path, text)
    assert any(said in problem for problem in found), found
    assert all(problem.startswith("map.yaml") for problem in found)
    assert len("".join(found)) < 1000


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = "nam: x\nfolder: '/{A|lowr}'\nattributes:\n  alias: 5\n  ipaddress: '{B'\nlabels: {x: yes}\n"
    assert [problem.split(": ")[0] for problem in _mistakes(tmp_path, text)] == [
        *("map.yaml:1:1", "map.yaml:1:1", "map.yaml:2:14", "map.yaml:5:15", "map.yaml:4:3", "map.yaml:6:10"),
    ]


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("map.yaml", b"name: '{M\xfcnchen}'", "it is not UTF-8 text"),
        ("map.yaml", b"x" * (2**20 + 1), "larger than 1024 KiB"),
        ("nowhere.yaml", b"", "No such file"),
        (".", b"", "Is a directory"),
        ("a\0b", b"", "null byte"),
    ],
)
def test_an_unreadable_mapping_file_is_reported(tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    (tmp_path / "map.yaml").write_bytes(raw)
    with pytest.raises(SettingsError, match=said) as caught:
        load_map(f"{tmp_path}/{name}")
    assert caught.value.field == "map"


def test_mistakes_in_the_mapping_file_are_reported_before_mistakes_in_rows(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("name: '{Host'")
    (tmp_path / "a.csv").write_text("Host\nbad name\n")
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "a.csv", mapping=tmp_path / "map.yaml")
    assert [problem.file for problem in caught.value.problems] == [str(tmp_path / "map.yaml")]


def test_mistakes_in_a_mapping_file_show_no_secrets(tmp_path: Path) -> None:
    text = "name: '{Host}'\nattributes: {snmp_community: '{Key|lookup:keys}'}\ntables: {keys: {a: hunter2}}\n"
    (tmp_path / "map.yaml").write_text(text)
    found: Any = load_map(tmp_path / "map.yaml")
    assert "hunter2" not in repr(found)
    (tmp_path / "a.csv").write_text("Host,Key\nweb01,hunter3\n")
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "a.csv", mapping=found)
    assert str(caught.value).endswith(
        "column 2 (Key): snmp_community: the value is not usable; it may be a secret, so it is not shown"
    )
