"""Mistakes in an inventory are reported before any request, with advice on what to write instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import diff, from_data, load, plan_as_markdown, plan_as_text, sources
from checkmk_sync.sync.kinds import KINDS
from tests.sync.test_plan import held, holding


def _mistakes(tmp_path: Path, name: str, text: str) -> list[str]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError) as caught:
        load(path)
    return [_without_column(str(problem).replace(str(tmp_path) + "/", "")) for problem in caught.value.problems]


def _without_column(problem: str) -> str:
    """Drop the column from a message; other tests check columns."""
    return re.sub(r"^([^:]+:\d+:)(\d+:| column \d+ \([^)]*\):)", r"\1", problem)


@pytest.mark.parametrize(
    "text",
    ["name\na\n-\n", "name,folder\na,/\nb,-\n", "path\n/a\n-\n", "path,title\n/a,A\n/b,-\n"],
)
def test_a_dash_cannot_remove_required_properties(tmp_path: Path, text: str) -> None:
    (problem,) = _mistakes(tmp_path, "a.csv", text)
    column = text.partition("\n")[0].rpartition(",")[2]
    if column in ("name", "path"):
        assert problem.endswith(f" needs the key {column!r}")
    else:
        assert problem.endswith(f"null and '-' remove a property, but the {column} cannot be removed")


@pytest.mark.parametrize("name", ["a.csv", "a.yaml", "a.json"])
def test_an_inventory_that_is_too_large_is_refused_and_not_truncated(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inventory truncated after a row would look complete, and the missing hosts would be deleted."""
    text = "name,alias\nh0,ä\n" if name == "a.csv" else '{"hosts": [{"name": "h0", "attributes": {"alias": "ä"}}]}'
    monkeypatch.setattr(sources, "MAX_BYTES", len(text.encode()))
    (tmp_path / name).write_text(text, "utf-8")
    assert load(tmp_path / name).objects
    (problem,) = _mistakes(tmp_path, name, text + " ")
    assert problem == f"{name}: the inventory is larger than 0 MiB; split it"


@pytest.mark.parametrize("folder", ["/.", "/x/../y", "..", "~x~."])
def test_paths_with_dots_are_refused(tmp_path: Path, folder: str) -> None:
    for name, text in (("a.csv", f"name,folder\na,{folder}\n"), ("b.csv", f"path\n{folder}\n")):
        (problem,) = _mistakes(tmp_path, name, text)
        assert problem.startswith(f"{name}:2: ")
        assert f"'{folder}' is not a folder: " in problem
        assert "dots" in problem


def test_a_folder_that_checkmk_would_not_create_is_refused_at_plan_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,folder\na,/old one\nb,/old one/new one\nc,/v1.2/x\nd,/old one/new one\n")
    there = holding(held("folder", "/old one", title="Old"))
    with pytest.raises(InventoryError) as caught:
        diff(load(path), there)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:3: the folder /old one/new one does not exist, and Checkmk cannot create a folder named 'new one'; "
        "use only letters, digits, '-' and '_'",
        f"{path}:4: the folder /v1.2 does not exist, and Checkmk cannot create a folder named 'v1.2'; "
        "use only letters, digits, '-' and '_'",
    ]
    there = holding(*(held("folder", name, title="x") for name in ("/old one", "/old one/new one", "/v1.2")))
    assert len(diff(load(path), there).changes) == 5


@pytest.mark.parametrize("folder", ["/Main", "/main", "/wato"])
def test_a_folder_named_like_the_root_causes_a_warning(folder: str) -> None:
    desired = from_data({"hosts": [{"name": "a", "folder": f"{folder}/x"}]})
    (warning,) = diff(desired, holding()).warnings
    assert f"folder {folder} will be created below the root folder" in warning
    there = holding(held("folder", folder, title="x"))
    assert diff(desired, there).warnings == ()
    assert diff(from_data({"hosts": [{"name": "a", "folder": "/x/main"}]}), holding()).warnings == ()


def test_warnings_are_shown_with_the_plan() -> None:
    plan = diff(from_data({"folders": [{"path": "/wato"}]}), holding())
    said = "folder /wato will be created below the root folder"
    assert f"\nWarning: {said}" in plan_as_text(plan)
    assert f"\n- warning: `{said}" in plan_as_markdown(plan)
    assert plan.to_dict()["warnings"][0].startswith(said)


QUOTES = [
    ("attributes: {alias: yes}", "alias is read as true, not as a string; put it in quotes"),
    ("attributes: {alias: 5}", "alias is read as 5, not as a string; put it in quotes"),
    ("attributes: {alias: 2024-01-01}", "alias is read as 2024-01-01, not as a string; put it in quotes"),
    ("attributes: {tag_agent: no}", "tag_agent is read as false, not as a string; put it in quotes"),
    ("attributes: {ipaddress: [192.0.2.1]}", "ipaddress must be a string, not a list"),
    ("attributes: {parents: gw}", "parents must be a list, not a string"),
    ("attributes: {parents: [gw, 5]}", "parents[1] is read as 5, not as a string; put it in quotes"),
    ("attributes: {snmp_community: public}", "snmp_community must be a mapping, not a string"),
    ("attributes: {contactgroups: [all]}", "contactgroups must be a mapping, not a list"),
    ("attributes: {locked_by: 7}", "locked_by must be a mapping, not a number"),
    ("attributes: {custom: 2024-01-01}", "custom is read as 2024-01-01, not as a string; put it in quotes"),
    ("attributes: {custom: [2024-01-01]}", "custom[0] is read as 2024-01-01, not as a string; put it in quotes"),
    ("attributes: {custom: .nan}", "custom is read as NaN, which is not a finite number"),
    ("attributes: {yes: x}", "true is not a valid attribute name"),
    ("labels: {env: yes}", "the label env is read as true, not as a string; put it in quotes"),
    ("labels: {t: [x]}", "the label t must be a string, not a list"),
    ("labels: {'': x}", "'' is not a valid label key: it is empty"),
    ("labels: {'a:b': x}", "'a:b' is not a valid label key: it contains a ':'"),
    ("labels: {on: x}", "true is not a valid label key: put it in quotes"),
    ("folder:", "null and '-' remove a property, but the folder cannot be removed"),
    ("folder: 10", "the folder is read as 10, not as a string; put it in quotes"),
]


@pytest.mark.parametrize(("named", "said"), QUOTES)
def test_values_of_the_wrong_type_are_reported(tmp_path: Path, named: str, said: str) -> None:
    assert _mistakes(tmp_path, "a.yaml", f"hosts:\n- name: a\n  {named}\n") == [f"a.yaml:3: host a: {said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hosts: [{name: 0123}]", "the name is read as 83, not as a string; put it in quotes"),
        ("hosts: [{name: on}]", "the name is read as true, not as a string; put it in quotes"),
        ("hosts: [{name: [a]}]", "the name must be a string, not a list"),
        ("folders: [{path: 2024}]", "the path is read as 2024, not as a string; put it in quotes"),
        ("folders: [{path: /a, title: 7}]", "folder /a: the title is read as 7, not as a string; put it in quotes"),
        ("folders: [{path: /a, title: ''}]", "folder /a: the title must not be empty"),
        (
            "hosts: [{name: a, no: 1}]",
            "host a: unknown key false; use one of: name, folder, attributes, labels, nodes, previous_name, "
            "absent, only_at_creation, ignore, keep",
        ),
        ("no: []", f"unknown section false; use one of: {', '.join(kind.section for kind in KINDS.values())}"),
    ],
)
def test_names_of_the_wrong_type_are_reported(tmp_path: Path, text: str, said: str) -> None:
    assert _mistakes(tmp_path, "a.yaml", text) == [f"a.yaml:1: {said}"]


def test_values_of_the_right_type_are_accepted() -> None:
    attributes: dict[str, Any] = {
        "alias": "",
        "parents": [],
        "contactgroups": {},
        "inventory_failed": False,
        "custom": 7,
        "tag_agent": None,
        "parents_of_mine": "gw",
    }
    assert len(from_data({"hosts": [{"name": "a", "attributes": attributes}]}).objects["host", "a"].properties) == 7


NEEDED = "a CSV file needs the column 'name' (for hosts) or 'path' (for folders)"
WAY_OUT = "; for an export with other columns, give a mapping file"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("path,name", "the columns 'name' (for hosts) and 'path' (for folders) must be in separate files"),
        ("Name,ipaddress", "the column 'Name' must be spelled 'name'"),
        ("name,Folder", "the column 'Folder' must be spelled 'folder'"),
        ("name,Label:env", "the column 'Label:env' must be spelled 'label:env'"),
        ("hostname,folder", f"{NEEDED}, not 'hostname'{WAY_OUT}"),
        ("Host Name,folder", f"{NEEDED}, not 'Host Name'{WAY_OUT}"),
        ("alias,folder", f"{NEEDED}; its columns are: alias, folder{WAY_OUT}"),
        (
            "name|folder",
            f"{NEEDED}; its columns are: name|folder; separate columns with commas, semicolons or tabs",
        ),
    ],
)
def test_misnamed_headers_are_explained(tmp_path: Path, header: str, said: str) -> None:
    row = ",".join("x" for _ in header.split(","))
    assert _mistakes(tmp_path, "a.csv", f"{header}\n{row}\n") == [f"a.csv:1: {said}"]


@pytest.mark.parametrize("header", ["Name;Folder", "hostname,folder"])
def test_a_misnamed_header_is_recognized_as_csv_without_an_extension(header: str, tmp_path: Path) -> None:
    problem, *_ = _mistakes(tmp_path, "a.export", f"{header}\n")
    assert problem.startswith("a.export:1: ")
    assert "the column" in problem


@pytest.mark.parametrize(
    ("encoding", "line", "said"),
    [
        ("latin-1", 2, "is not UTF-8 text"),
        ("utf-16", 1, "is UTF-16, not UTF-8 text"),
        ("utf-16-le", 1, "is UTF-16, not UTF-8 text"),
        ("utf-16-be", 1, "is UTF-16, not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("name", ["München", "Munich"])
def test_other_encodings_are_reported_with_advice(
    tmp_path: Path, encoding: str, line: int, said: str, name: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"name,alias\nweb01,{name}\n".encode(encoding))
    if encoding == "latin-1" and name == "Munich":
        assert load(path).objects
        return
    with pytest.raises(InventoryError) as caught:
        load(path)
    source = "utf-16" if encoding.startswith("utf-16") else "windows-1252"
    assert str(caught.value) == (
        f"{path}:{line}: the inventory {said}; give its encoding, such as encoding='{source}', save it in Excel as "
        f"'CSV UTF-8', or use iconv -f {source.upper()} -t UTF-8"
    )
