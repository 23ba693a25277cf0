"""CSV files from spreadsheets and other exports are read correctly. Empty cells leave properties unchanged."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import Desired, load
from checkmk_sync.sync.sources import InventoryText, from_text

DATA = Path(__file__).parent.parent / "data" / "csv"


def _read(text: str) -> dict[str, dict[str, Any]]:
    return _hosts(from_text(InventoryText("a.csv", text)))


def _hosts(desired: Desired) -> dict[str, dict[str, Any]]:
    return {
        host.key: {".".join(path): value for path, value in host.properties.items()} for host in desired.of_kind("host")
    }


def _mistakes(text: str, name: str = "a.csv") -> list[str]:
    with pytest.raises(InventoryError) as caught:
        from_text(InventoryText(name, text))
    return [str(problem) for problem in caught.value.problems]


PLAIN = {
    "web01": {"folder": "/linux", "attributes.ipaddress": "192.0.2.7"},
    "web02": {"folder": "/linux", "attributes.ipaddress": "192.0.2.8"},
}


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("trailing-separators.csv", PLAIN),
        ("short-rows.csv", {"web01": PLAIN["web01"], "web02": {"folder": "/linux"}}),
        ("blank-line-first.csv", {"web01": PLAIN["web01"]}),
        ("excel-export.csv", {"web01": PLAIN["web01"], "web02": {"folder": "/linux", "labels.site": "HQ"}}),
        ("old-mac.csv", {"web01": {"folder": "/linux", "attributes.alias": "Web 1"}, "web02": {"folder": "/linux"}}),
    ],
)
def test_exports_of_spreadsheets_are_read_correctly(name: str, hosts: dict[str, Any]) -> None:
    assert _hosts(load(DATA / name)) == hosts


def test_a_value_without_a_heading_is_a_mistake_with_line_and_column() -> None:
    with pytest.raises(InventoryError) as caught:
        load(DATA / "values-without-name.csv")
    said = "this column has no heading, but the row has a value in it"
    assert [str(problem) for problem in caught.value.problems] == [
        f"{DATA}/values-without-name.csv:3: column 3: {said}",
        f"{DATA}/values-without-name.csv:4: column 6: {said}",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("before", ["", "\ufeff", "sep=X|", "\ufeffsep=X|", "\ufeff|sep=X||", "| |XX|\t|"])
def test_blank_lines_and_empty_columns_are_ignored(delimiter: str, ending: str, before: str) -> None:
    lines = [
        *("nameXfolderXaliasXX", "web01X/linuxXXX", "XXXX", "", "  ", ' X"  "X', "web02X/linux", "web03XXThreeXXXXX"),
        *("XX", "", ""),
    ]
    text = (before.replace("|", "\n") + "\n".join(lines)).replace("X", delimiter).replace("\n", ending)
    assert _hosts(from_text(InventoryText("a.csv", text.removeprefix("\ufeff")))) == {
        "web01": {"folder": "/linux"},
        "web02": {"folder": "/linux"},
        "web03": {"attributes.alias": "Three"},
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\nname,alias\n\nweb 01,x\n", 5),
        ("sep=,\r\n\r\nname,alias\r\n,,\r\nweb 01,x\r\n", 5),
        ("\n\nsep=;\n\nname;alias\nweb 01;x", 6),
        (" \r,,\rname,alias\rweb 01,x", 4),
        ('name,alias\nweb01,"a\n\nb"\n\nweb 01,x\n', 6),
    ],
)
def test_line_numbers_agree_with_editors(text: str, line: int) -> None:
    assert [problem.split(": ")[0] for problem in _mistakes(text)] == [f"a.csv:{line}"]


@pytest.mark.parametrize(
    "text", ["name,folder\n", "name;folder;;\n\n;;;\n  \n", "\n \n", "sep=;\n", "sep=;\n\n;;\n", ",\n"]
)
def test_a_table_without_values_is_an_empty_inventory(text: str) -> None:
    (problem,) = _mistakes(text)
    assert problem.startswith("a.csv: the inventory is empty")


def test_a_row_with_values_needs_a_name() -> None:
    assert _mistakes("folder,name,alias\n/a,,x\n,,y\n") == [
        "a.csv:2: column 2 (name): a host needs the key 'name'",
        "a.csv:3: column 2 (name): a host needs the key 'name'",
    ]


def test_csv_has_no_comments() -> None:
    assert "'#web01' is not a host name" in _mistakes("name\n#web01\n")[0]


def test_separators_in_quoted_headings_do_not_separate() -> None:
    assert _read('"name";"label:a,b,c,d"\nweb01;x\n') == {"web01": {"labels.a,b,c,d": "x"}}


def test_broken_quotes_are_reported_with_their_line() -> None:
    (problem,) = _mistakes('\n\nname,alias\nweb01,x\n"web02"x,y\n')
    assert problem.startswith("a.csv:5: this is not valid CSV")
    (problem,) = _mistakes('\nname,"alias"x\nweb01,y\n')
    assert problem.startswith("a.csv:2: this is not valid CSV")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ('name;folder;alias;ip\nw1;/;a;1\nw2;/x;"b;2\nw3;/x;c;3\nw4;/x;d";4\n', 3, 5),
        ('name;folder;alias;ip\nw2;/x;"b;2\nw3;/x;c";3\n', 2, 3),
        ('name,alias\nw1,"a\nw2,b"\n', 2, 3),
        ('name\talias\tx\nw1\t"a\t\nw2\tb\t\nw3\tc\t"\nw4\td\t\n', 2, 4),
        ('sep=;\r\nname;alias;x\r\nw1;"a;\r\nw2;b";\r\n', 3, 4),
    ],
)
def test_a_stray_quote_never_hides_rows(text: str, first: int, last: int) -> None:
    problem = _mistakes(text)[0]
    assert problem.startswith(f"a.csv:{first}: a quote joins lines {first} to {last} into one row")


@pytest.mark.parametrize(
    "text",
    [
        'name;alias;ipaddress\nw1;"a\nb";1.1.1.1\n',
        'alias;name;ipaddress\n"a\nb";w1;1.1.1.1\n',
        'alias;name;ipaddress\n"a;x\nb;y";w1;1.1.1.1\n',
        'name,folder,alias\nw1,/,"a, b, c\nd, e"\n',
        'name,alias\nw1,"a\nb\n"\n',
        'name\n"w1"\n',
    ],
)
def test_line_breaks_in_quotes_belong_to_the_value(text: str) -> None:
    assert list(_read(text)) == ["w1"]


def test_a_quote_that_is_never_closed_is_reported_where_it_was_opened() -> None:
    (problem,) = _mistakes('name,alias\na,b\nc,"d\n' + "e,f\n" * 50)
    assert problem.startswith("a.csv:53: this is not valid CSV: unexpected end of data; the quote was opened in line 3")


def test_duplicate_columns_are_refused_but_empty_headings_allowed() -> None:
    assert _read("name,,alias,,\nweb01,,x,,\n") == {"web01": {"attributes.alias": "x"}}
    assert _mistakes("name,alias,,alias\nweb01,x,,y\n") == [
        "a.csv:1: column 4 (alias): the column 'alias' occurs twice"
    ]


CELLS = st.sampled_from(["", " ", "\t", "x", '"', "a b", "ü", "-", "x\ny"])


@given(st.lists(st.lists(CELLS, max_size=4), max_size=6), st.sampled_from(["\r\n", "\n"]), st.integers(0, 2))
def test_whitespace_around_a_table_is_ignored(rows: list[list[str]], ending: str, more: int) -> None:
    """Whitespace means empty columns at the end, blank lines anywhere, and spaces around the cells."""

    def text(width: int, blank: list[list[str]]) -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=";", lineterminator=ending)
        for row in (*blank, ["name", "alias", "tag_a", "label:b"]):
            writer.writerow([*row, *[""] * width] if row else row)
        for number, row in enumerate(rows):
            writer.writerows([*blank, [f" h{number} ", *row[:3], *[" "] * width], *blank])
        return buffer.getvalue()

    if rows:
        assert _read(text(0, [])) == _read(text(more, [[], [" "], ["", "", ""]]))


def test_tens_of_thousands_of_mistakes_are_reported_in_seconds() -> None:
    assert len(_mistakes("name,,x\n" + "h 1,y,z\n" * 20_000)) == 40_000
