"""Every mistake has file, line and column. In a table, the column has a number and a heading."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import Problem
from checkmk_sync.sync.sources import InventoryText, from_text


def _problems(name: str, text: str) -> list[Problem]:
    with pytest.raises(InventoryError) as caught:
        from_text(InventoryText(name, text))
    return list(caught.value.problems)


CSV = "ipaddress;name; label:env ;folder;inventory_failed\n192.0.2.1;web 01;a:b;/a/..;maybe\n;-;x;-;-\n"


def test_problems_in_tables_have_column_number_and_name() -> None:
    assert sorted((p.line, p.column, p.column_name) for p in _problems("a.csv", CSV)) == [
        *((2, 2, "name"), (2, 4, "folder"), (2, 5, "inventory_failed")),
        *((3, 2, "name"), (3, 4, "folder")),
    ]
    assert "a.csv:2: column 5 (inventory_failed): 'maybe' is not true or false" in map(str, _problems("a.csv", CSV))


YAML = """\
hosts:
  - name: web01
    foldr: /x
  - {name: web02, attributes: {alias: 5, "bad name": x}, labels: {env: yes}}
  - folder: /x
  - name: web01
  - 7
hots: []
"""


def test_problems_in_documents_have_line_and_column_of_the_key() -> None:
    expected = [(3, 5), (4, 32), (4, 42), (4, 67), (5, 5), (6, 5), (7, None), (8, 1)]
    assert sorted((p.line, p.column or 0) for p in _problems("a.yaml", YAML)) == [(x, y or 0) for x, y in expected]


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
def test_problems_in_json_have_line_and_column(indent: Any) -> None:
    hosts = [{"name": f"web{n:02}", "attributes": {"alias": "x"}, "labels": {"k": "v"}} for n in range(3)]
    data = {"folders": [{"path": "/a", "titel": "A"}], "hosts": hosts}
    hosts[1]["attributes"] = {"parents": [], "alias": 5}
    hosts[2]["colour"] = {}
    text = json.dumps(data, indent=indent)
    problems = _problems("a.json", text)
    assert len(problems) == 3
    for problem, key in zip(sorted(problems, key=lambda p: str(p.message)), ('"titel"', '"alias": 5', '"colour"')):
        at = text.index(key)
        assert (problem.line, problem.column) == (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.yaml", "hosts:\n- name: [\n", "a.yaml:3:1: "),
        ("a.yaml", "hosts:\n- name: a\n  name: b\n", "a.yaml:3:3: "),
        ("a.yaml", "hosts:\n- name: !!bool x\n", "a.yaml:2:9: "),
        ("a.yaml", "hosts:\n- name: a\x07\n", "a.yaml:2:10: "),
        ("a.json", '[\n {"name": }]', "a.json:2:11: "),
        ("a.json", '[\n {"name": "a",\n  "name": "b"}]', "a.json:3:3: "),
        ("a.json", '[\n {"name": NaN}]', "a.json:2:11: "),
    ],
)
def test_unreadable_documents_are_reported_with_their_location(name: str, text: str, place: str) -> None:
    (problem,) = _problems(name, text)
    assert str(problem).startswith(place)


def test_problems_are_available_as_plain_data() -> None:
    with pytest.raises(InventoryError) as caught:
        from_text(InventoryText("a.csv", "name,alias\nweb01,x\nweb 02,y\n"))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    (problem,) = json.loads(json.dumps(again.to_dict()))["problems"]
    assert problem.pop("message").startswith("host web 02: ")
    assert problem == {"file": "a.csv", "line": 3, "column": 1, "column_name": "name"}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_positions_of_many_mistakes_are_found_in_seconds(ending: str) -> None:
    """Searching each position from the start of the document would take quadratic time."""
    rows = [{"name": f"h{n}", "colour": "red", "attributes": {"alias": n}} for n in range(3000)]
    text = json.dumps({"hosts": rows}, indent=1)
    found = _problems(f"a.{ending}", text)
    assert len(found) == 6000
    assert all(problem.column for problem in found)
