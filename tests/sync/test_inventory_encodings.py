"""Inventories can be read in any encoding that Python knows."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import load
from checkmk_sync.sync.sources import InventoryText

TEXT = "name;alias\nweb01;München\n"
YAML = "hosts:\n- {name: web01, attributes: {alias: München}}\n"
JSON = '[{"name": "web01", "attributes": {"alias": "München"}}]'


def _alias(path: Path, **options: Any) -> Any:
    return load(path, **options).objects["host", "web01"].properties["attributes", "alias"]


@pytest.mark.parametrize(
    "encoding",
    [
        *("windows-1252", "latin-1", "ISO_8859-15", "cp850", "mac-roman", "utf-8", "UTF8", "utf-8-sig", "utf-7"),
        *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "gb18030"),
    ],
)
@pytest.mark.parametrize(("name", "text"), [("a.csv", TEXT), ("a.yaml", YAML), ("a.json", JSON), ("export", TEXT)])
def test_a_named_encoding_is_read(tmp_path: Path, encoding: str, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert _alias(tmp_path / name, encoding=encoding) == "München"


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_takes_precedence(tmp_path: Path, mark: str) -> None:
    """The encoding is given for all files, but only some of them may have a mark."""
    (tmp_path / "a.csv").write_bytes(TEXT.encode(mark))
    assert _alias(tmp_path / "a.csv", encoding="windows-1252") == "München"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_not_part_of_the_first_heading(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(("\ufeff" + TEXT).encode(encoding))
    assert _alias(tmp_path / "a.csv", encoding=encoding) == "München"


@pytest.mark.parametrize(
    "encoding",
    [
        *("nonsense", "", "windows-1525", "rot13", "idna", "unicode_escape", "base64", "zip", "hex", "undefined"),
        *("a\0b", "ü" * 300, "../x"),
    ],
)
def test_an_unknown_encoding_is_one_clear_error(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    with pytest.raises(SettingsError, match="^unknown encoding .*; use one such as utf-8, windows-1252, ") as caught:
        load(tmp_path / "a.csv", encoding=encoding)
    assert caught.value.field == "encoding"


@pytest.mark.parametrize(
    ("encoding", "raw", "place", "said"),
    [
        ("windows-1252", b"name\nweb01\nweb\x81\n", ":3: ", "not windows-1252 text (byte 0x81)"),
        ("ascii", TEXT.encode(), ":2: ", "not ascii text (byte 0xc3)"),
        ("utf-8", TEXT.encode("latin-1"), ":2: ", "not utf-8 text (byte 0xfc)"),
        ("utf-16", TEXT.encode("utf-16-le")[:-1], ":2: ", "not utf-16 text"),
        ("utf-7", b"name,alias\nweb01,+2AA-\n", ":2: ", "not utf-7 text"),
        (None, TEXT.encode("latin-1"), ":2: ", "give its encoding, such as encoding='windows-1252'"),
        (None, b"\xef\xbb\xbf" + TEXT.encode("latin-1"), ":2: ", "not UTF-8 text"),
        (None, b"name\nweb01\n" + b"x" * 200 + b"\n\0\n", ":4: ", "contains the character NUL"),
        ("latin-1", b"name\nweb01\0\n", ":2: ", "contains the character NUL"),
    ],
)
def test_bytes_that_are_invalid_in_the_encoding_are_reported_with_their_line(
    tmp_path: Path, encoding: Any, raw: bytes, place: str, said: str
) -> None:
    (tmp_path / "a.csv").write_bytes(raw)
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "a.csv", encoding=encoding)
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{tmp_path}/a.csv{place}")
    assert said in str(problem)


def test_utf8_text_read_in_another_encoding_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT, "utf-8")
    found = load(tmp_path / "a.csv", encoding="windows-1252")
    assert found.notes == (f"{tmp_path}/a.csv was read as windows-1252, but looks like UTF-8",)
    for raw, encoding in (
        (TEXT.encode("latin-1"), "latin-1"),
        (b"name\nweb01\n", "latin-1"),
        (TEXT.encode(), "utf8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "latin-1"),
    ):
        (tmp_path / "a.csv").write_bytes(raw)
        assert load(tmp_path / "a.csv", encoding=encoding).notes == ()


def test_the_encoding_applies_to_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode("cp850")), encoding="utf-8"))
    assert load("-", encoding="cp850").objects["host", "web01"].properties["attributes", "alias"] == "München"


def test_from_bytes_accepts_an_encoding() -> None:
    assert "München" in InventoryText.from_bytes("a.csv", TEXT.encode("cp1252"), "cp1252").text
    with pytest.raises(SettingsError, match="not UTF-8 text"):
        InventoryText.from_bytes("a.csv", TEXT.encode("cp1252"))
