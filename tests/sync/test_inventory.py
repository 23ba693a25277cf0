"""Inventories are read exactly, and all mistakes are reported at once with file and line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import Desired, from_data, load
from checkmk_sync.sync.desired import REMOVE
from checkmk_sync.sync.sources import InventoryText, csv_entries, from_text

YAML = """\
folders:
  - path: /linux/web
    title: Web servers
    attributes: {tag_criticality: prod}
    labels: {team: web}
hosts:
  - name: web01
    folder: ~linux~web
    attributes: {ipaddress: 192.0.2.1, alias: null, parents: [gw]}
    labels: {env: prod, old: null}
  - {name: top}
"""


def _write(tmp_path: Path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _properties(desired: Desired, kind: str, key: str) -> dict[str, Any]:
    return {".".join(path): value for path, value in desired.objects[kind, key].properties.items()}


def test_yaml_json_and_dicts_give_the_same_desired_state(tmp_path: Path) -> None:
    import yaml

    data = yaml.safe_load(YAML)
    by_yaml = load(_write(tmp_path, "a.yaml", YAML))
    by_json = load(_write(tmp_path, "a.json", json.dumps(data)))
    assert by_yaml == by_json == from_data(data)
    assert _properties(by_yaml, "host", "web01") == {
        "folder": "/linux/web",
        "attributes.ipaddress": "192.0.2.1",
        "attributes.alias": REMOVE,
        "attributes.parents": ["gw"],
        "labels.env": "prod",
        "labels.old": REMOVE,
    }
    assert _properties(by_yaml, "folder", "/linux/web")["title"] == "Web servers"
    assert by_yaml.objects["folder", "/linux"].implied
    assert _properties(by_yaml, "host", "top") == {}
    assert by_yaml.kinds == {"host", "folder"}


def test_csv_needs_no_mapping_file(tmp_path: Path) -> None:
    text = (
        "\ufeffname;folder;ipaddress;alias;parents;contactgroups;inventory_failed;label:env;snmp_community\r\n"
        "web01;/linux;192.0.2.1;-;gw1|gw2;all|linux;true;prod;public\r\n"
        '"web02";;192.0.2.2;"Semi;colon";;;;-;\r\n'
        "\r\n"
    )
    desired = load(_write(tmp_path, "hosts.csv", text))
    assert _properties(desired, "host", "web01") == {
        "folder": "/linux",
        "attributes.ipaddress": "192.0.2.1",
        "attributes.alias": REMOVE,
        "attributes.parents": ["gw1", "gw2"],
        "attributes.contactgroups": {"groups": ["all", "linux"]},
        "attributes.inventory_failed": True,
        "attributes.snmp_community": {"type": "v1_v2_community", "community": "public"},
        "labels.env": "prod",
    }
    assert _properties(desired, "host", "web02") == {
        "attributes.ipaddress": "192.0.2.2",
        "attributes.alias": "Semi;colon",
        "labels.env": REMOVE,
    }
    folders = load(_write(tmp_path, "folders.csv", "path,title,tag_agent\n/a/b,B,no-agent\n"))
    assert _properties(folders, "folder", "/a/b") == {"title": "B", "attributes.tag_agent": "no-agent"}
    structured = load(_write(tmp_path, "s.csv", 'name,management_ipmi_credentials\nx,"{""username"": ""u""}"\n'))
    assert _properties(structured, "host", "x")["attributes.management_ipmi_credentials"] == {"username": "u"}


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() == text and text != "-" and text[0] not in "{["
)


@given(st.dictionaries(NAMES, CELLS, min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_every_cell_is_read_unchanged(rows: dict[str, str], delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(["name", "alias"])
    writer.writerows(rows.items())
    entries = csv_entries(buffer.getvalue(), "x.csv", [])
    found = {entry.data["name"]: entry.data["attributes"]["alias"] for entry in entries}
    assert found == rows


def test_several_files_form_one_inventory(tmp_path: Path) -> None:
    desired = load([_write(tmp_path, "a.yaml", YAML), _write(tmp_path, "b.csv", "name\nmore01\n")])
    assert ("host", "more01") in desired.objects
    assert ("host", "web01") in desired.objects


def test_the_format_of_standard_input_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (YAML, '{"hosts": [{"name": "web01"}]}', "name,folder\nweb01,/\n", '[{"name": "web01"}]'):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert ("host", "web01") in load("-").objects


@pytest.mark.parametrize(
    "text",
    [
        "name,label:env\nweb01,prod\n",
        "label:env,name\nprod,web01\n",
        "label: env;name\nprod;web01\n",
        '"label:env",name\nprod,web01\n',
    ],
)
def test_the_header_of_a_csv_without_extension_may_start_with_a_label(text: str) -> None:
    assert _properties(from_text(InventoryText("export", text)), "host", "web01") == {"labels.env": "prod"}


@pytest.mark.parametrize("text", ["hosts: [{name: web01}, {name: web02}]\n", "hosts: # host, name\n- name: web01\n"])
def test_the_first_key_of_a_yaml_inventory_is_not_a_heading(text: str) -> None:
    assert ("host", "web01") in from_text(InventoryText("export", text)).objects


def _mistakes(source: Any) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        load(source) if not isinstance(source, dict) else from_data(source)
    return [str(problem) for problem in caught.value.problems]


def test_all_mistakes_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
hosts:
  - name: web01
    foldr: /x
  - name: web 02
  - folder: /x
  - name: web03
    folder: ""
    attributes:
      alias: 2024-01-01
      meta_data: {}
      "bad name": x
    labels:
      env: yes
      "a:b": c
      checkmk_sync/owner: me
  - web04
  - name: web01
folders:
  - path: /
  - path: /a
    title: 7
  - path: 0123456789abcdef0123456789abcdef
"""
    path = _write(tmp_path, "bad.yaml", text)
    found = _mistakes(path)
    expected = [
        (3, "unknown key 'foldr'; did you mean 'folder'?"),
        (4, "'web 02' is not a host name"),
        (5, "a host needs the key 'name'"),
        (7, "is not a folder"),
        (9, "alias is read as 2024-01-01, not as a string; put it in quotes"),
        (10, "only Checkmk writes 'meta_data'; leave it out"),
        (11, "'bad name' is not a valid attribute name"),
        (13, "the label env is read as true, not as a string; put it in quotes"),
        (14, "'a:b' is not a valid label key"),
        (15, "only checkmk-sync sets the label checkmk_sync/owner; leave it out"),
        (16, "a host must be a mapping"),
        (17, "the host web01 occurs twice, first at "),
        (19, "the root folder"),
        (21, "the title is read as 7, not as a string"),
        (22, "is the ID of a folder; give its path instead"),
    ]
    for line, said in expected:
        assert any(problem.startswith(f"{path}:{line}:") and said in problem for problem in found), (line, said, found)
    assert len(found) == len(expected)


def test_numbers_that_json_cannot_represent_are_mistakes(tmp_path: Path) -> None:
    """Sending such a number would stop the run midway."""
    yaml = _write(tmp_path, "a.yaml", "hosts:\n- name: a\n  attributes:\n    x: .nan\n    y: {deep: [-.inf]}\n")
    assert [problem.partition(" which ")[0] for problem in _mistakes(yaml)] == [
        f"{yaml}:4:5: host a: x is read as NaN,",
        f"{yaml}:5:5: host a: y.deep[0] is read as -Infinity,",
    ]
    large = _write(tmp_path, "a.json", '[{"name": "a", "attributes": {"x": 1e999}}]')
    assert _mistakes(large)[0].startswith(f"{large}:1:31: host a: x is read as Infinity,")
    cell = _write(tmp_path, "a.csv", 'name,x\na,"{""y"": NaN}"\n')
    assert _mistakes(cell)[0].startswith(f"{cell}:2: column 2 (x): ")
    for value in (float("nan"), float("inf")):
        assert "finite" in _mistakes({"hosts": [{"name": "a", "attributes": {"x": value}}]})[0]


def test_a_duplicate_host_is_reported_with_both_locations(tmp_path: Path) -> None:
    first = _write(tmp_path, "a.csv", "name\nweb01\nweb01\n")
    second = _write(tmp_path, "b.yaml", "hosts:\n- name: web01\n")
    assert _mistakes([first, second]) == [
        f"{first}:3: column 1 (name): host web01: the host web01 occurs twice, first at {first}:2",
        f"{second}:2:3: host web01: the host web01 occurs twice, first at {first}:2",
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "name,folder\n", "the inventory is empty"),
        ("a.csv", "\n\n", "empty"),
        ("a.csv", "alias,folder\nx,/\n", ":1: a CSV file needs the column 'name'"),
        ("a.csv", "name,name\nx,y\n", ":1: column 2 (name): the column 'name' occurs twice"),
        ("a.csv", "name,,x\na,b,c\n", ":2: column 2: this column has no heading"),
        ("a.csv", 'name,folder\n"x,/\n', "not valid CSV"),
        ("a.csv", "name,inventory_failed\nx,maybe\n", ":2: column 2 (inventory_failed): 'maybe' is not true or false"),
        ("a.csv", "name,locked_by\nx,{oops\n", ":2: column 2 (locked_by): '{oops' starts like JSON"),
        ("a.csv", "name,locked_by\nx,{oops\n", " but is not valid JSON (character 2: Expecting property name"),
        ("a.yaml", "", "the inventory is empty"),
        ("a.yaml", "hosts: []\n", "the inventory is empty"),
        ("a.yaml", "hosts:\nfolders:\n", "the inventory is empty"),
        ("a.yaml", "hsots: []\n", ":1:1: unknown section 'hsots'; did you mean 'hosts'?"),
        ("a.yaml", "hosts: {a: b}\n", ":1:1: 'hosts' must be a list"),
        ("a.yaml", "7\n", "an inventory must be a mapping"),
        ("a.yaml", "hosts: [\n", "not valid YAML"),
        ("a.json", '{"hosts": [}', ":1:12: this is not valid JSON"),
        ("a.json", '[\n{"name": "a",\n "folder": 7}\n]', ":3:2: host a: the folder is read as 7, not as a string"),
    ],
)
def test_unusable_sources_are_reported(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = _write(tmp_path, name, text)
    (problem,) = _mistakes(path)
    assert problem.startswith(path)
    assert said in problem


def test_mistakes_in_one_file_do_not_hide_mistakes_in_another(tmp_path: Path) -> None:
    files = [
        _write(tmp_path, "a.yaml", "hosts: [{name: a b}]"),
        _write(tmp_path, "b.csv", "name\n"),
        str(tmp_path / "missing.yaml"),
    ]
    found = _mistakes(files)
    assert len(found) == 3
    assert any("No such file" in problem for problem in found)


def test_bytes_that_are_not_text_are_reported_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"name,alias\nweb01,M\xfcnchen\n")
    (problem,) = _mistakes(str(tmp_path / "latin.csv"))
    assert problem.startswith(f"{tmp_path}/latin.csv:2: the inventory is not UTF-8 text")


def test_plain_data_is_checked_the_same_way() -> None:
    assert _mistakes({"hosts": [{"name": "a", "colour": 1}]})[0].startswith("hosts[0]: host a: unknown key 'colour'")
    assert _mistakes({"hosts": [{"name": "a"}, {"nme": "b"}], "folders": [{"path": "/"}]})[0].startswith("hosts[1]: ")
    assert _mistakes({"hosts": []}) == ["the inventory is empty: it contains no hosts, folders or other objects"]
    assert "not in both" in _mistakes({"hosts": [{"name": "a", "labels": {}, "attributes": {"labels": {}}}]})[0]
    labels = from_data({"hosts": [{"name": "a", "attributes": {"labels": {"x": "y"}}}]})
    assert _properties(labels, "host", "a")["labels.x"] == "y"
    with pytest.raises(InventoryError, match="no inventory was given; name at least one file"):
        load([])


def test_names_of_tag_groups_may_contain_a_dash() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"tag_my-group": "x", "tag_2nd": "y"}}]})
    assert _properties(desired, "host", "a")["attributes.tag_my-group"] == "x"
    for wrong in ("tag my-group", "", "a.b", "a/b", "-a"):
        assert "is not a valid attribute name" in _mistakes({"hosts": [{"name": "a", "attributes": {wrong: "x"}}]})[0]


def test_fifty_thousand_rows_are_read_in_seconds() -> None:
    text = "name,folder,ipaddress,label:env\n" + "".join(f"h{n},/f{n % 9},10.0.0.1,prod\n" for n in range(50_000))
    assert sum(1 for _ in csv_entries(text, "x.csv", [])) == 50_000
