"""All mistakes of all files are reported at once with their location."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import load


def _told(tmp_path: Path, name: str, text: Any) -> list[str]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InventoryError) as caught:
        load(path)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_a_row_of_several_lines_is_reported_at_its_first_line(tmp_path: Path) -> None:
    text = 'name,folder,alias\nweb01,/a,"line one\nline two\nline three"\nbad name,/a,"x\ny\nz"\n'
    said = "a.csv:5: column 1 (name): host bad name: 'bad name' is not a host name; "
    assert _told(tmp_path, "a.csv", text) == [said + HOST_NAME]


HOST_NAME = "use only letters, digits, '-', '_' and '.'"


def test_an_unreadable_row_does_not_hide_other_mistakes(tmp_path: Path) -> None:
    text = "name,folder,snmp_community\nweb01,/a,,x\nweb02,/a,{bad\nbad name,/a,\nweb03,/a/..,\n"
    assert [problem.split(": ")[0] for problem in _told(tmp_path, "a.csv", text)] == [
        f"a.csv:{n}" for n in (2, 3, 4, 5)
    ]


def test_an_unknown_section_does_not_hide_other_mistakes(tmp_path: Path) -> None:
    text = "hots:\n- name: a\nfolders: 7\nhosts:\n- nam: x\n- name: 5\n- name: w1\n  foldr: /x\n- name: w1\n"
    told = _told(tmp_path, "a.yaml", text)
    lines = sorted(int(problem.split(":")[1]) for problem in told)
    assert lines == [1, 3, 5, 5, 6, 8, 9], told


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name,label:env,label: env", "the column 'label:env' occurs twice"),
        (
            "name,labels",
            "the column 'labels' is not supported; use one column for each label, named label:KEY",
        ),
        ("name,Attributes", "the column 'Attributes'"),
    ],
)
def test_mistakes_in_headers_are_reported(tmp_path: Path, header: str, said: str) -> None:
    (problem,) = _told(tmp_path, "a.csv", f"{header}\nw1,a,b\n")
    assert problem.startswith("a.csv:1: column ")
    assert said in problem


def _workbook() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return whole.getvalue()


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.xlsx", _workbook(), "this is an Excel workbook or a zip file"),
        ("a.csv.gz", gzip.compress(b"name\nw1\n"), "this file is compressed; unpack it"),
        ("a.bin", b"\x7fELF\0\0\x01\x02" * 9, "this is a binary file"),
        ("a.csv", "name\nw1\n".encode("utf-16"), "the inventory is UTF-16"),
        ("a.csv", "name\nw1\n".encode("utf-16-le"), "the inventory is UTF-16"),
        ("a.csv", "name\nw1\n".encode("utf-16-be"), "the inventory is UTF-16"),
    ],
    ids=["excel", "gzip", "binary", "utf-16", "utf-16-le", "utf-16-be"],
)
def test_files_of_other_formats_are_named_by_their_format(tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    (problem,) = _told(tmp_path, name, raw)
    assert problem.startswith(f"{name}:1: {said}")


def test_the_separator_line_of_excel_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\r\nname;alias\r\nw1;a,b,c\r\n")
    assert load(tmp_path / "a.csv").objects["host", "w1"].properties["attributes", "alias"] == "a,b,c"
    assert _told(tmp_path, "b.csv", "sep=;\nname;alias\nw1;x\nw 2;y\n")[0].startswith("b.csv:4: ")


@pytest.mark.parametrize("text", ["name\nw1\n", "sep=,\nname\nw1\n", "name,alias\nw1,x\n"])
def test_standard_input_may_be_csv_with_one_column(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert ("host", "w1") in load("-").objects


def test_standard_input_is_named_in_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InventoryError, match="^standard input: the inventory is empty"):
        load("-")
    with pytest.raises(InventoryError, match="can be read only once"):
        load(["-", "-"])
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InventoryError, match="standard input: the stream is closed"):
        load("-")


def test_text_cells_that_look_like_json_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,alias,tag_x,parents\nweb01,[old] web,{y},\n")
    properties = load(tmp_path / "a.csv").objects["host", "web01"].properties
    assert (properties["attributes", "alias"], properties["attributes", "tag_x"]) == ("[old] web", "{y}")


def test_a_space_around_a_folder_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = _told(tmp_path, "a.yaml", "hosts:\n- name: a\n  folder: ' /dc'\n")
    assert problem == "a.yaml:3:3: host a: ' /dc' must not start or end with a space"


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_deeply_nested_values_are_refused(tmp_path: Path, name: str) -> None:
    deep = "[" * 400 + "]" * 400
    text = f'[{{"name": "a", "attributes": {{"x": {deep}}}}}]' if name == "a.json" else f"name,x\na,{deep}\n"
    (problem,) = _told(tmp_path, name, text)
    assert "nested deeper than 50 levels" in problem
