"""Documents are read as plain data with known lines, and unsafe documents are refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.config import documents
from checkmk_sync.config.documents import read_json, read_yaml
from checkmk_sync.errors import SettingsError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_valid_json_is_read_like_the_standard_library(value: Any) -> None:
    assert read_json(json.dumps(value), "x").data == value


def test_yaml_keeps_types_and_merges() -> None:
    text = "base: &base {a: 1, b: two}\nhosts:\n  - <<: *base\n    b: three\n    c: null\n"
    assert read_yaml(text, "x").data == {"base": {"a": 1, "b": "two"}, "hosts": [{"a": 1, "b": "three", "c": None}]}


@pytest.mark.parametrize("read", [read_json, read_yaml])
def test_lines_are_found_by_path(read: Any) -> None:
    text = '{"hosts": [\n {"name": "a",\n\t"folder": "/x"},\n {"name": "b"}\n]}'
    document = read(text if read is read_json else text.replace("\t", " "), "x")
    assert document.position(()).line == 1
    assert document.position(("hosts", 0, "folder")).line == 3
    assert document.position(("hosts", 1)).line == 4
    assert document.position(("hosts", 1, "missing")).line == 4
    assert document.position(("hosts", 9)).line == 1


@pytest.mark.parametrize("text", ["\u2028", "\x85", "\x7f", "\\ud83d\\ude00", "\\n", "k" * 2000, '\\"}', "{[,:"])
def test_lines_of_json_end_only_at_line_feeds(text: str) -> None:
    """The lines must not be counted by YAML, which treats some characters as line breaks and refuses others."""
    document = read_json(f'{{"hosts": [\n{{"a": "{text}", "{text}b": 1}},\n{{"b":\n2}}]}}', "x")
    assert document.position(("hosts", 1)).line == document.line_of_item(("hosts",), 1) == 3
    assert document.position(("hosts", 1, "b")).line == 3
    assert document.position(("hosts", 0, json.loads(f'"{text}b"'))).line == 2


@given(st.lists(JSON, max_size=4), st.integers(0, 3), st.sampled_from([None, 0, 2]))
def test_the_line_of_every_item_is_found(values: list[Any], blank_lines: int, indent: Any) -> None:
    text = "\n" * blank_lines + json.dumps({"before": [1, {"hosts": 2}], "hosts": values}, indent=indent)
    read = [read_json(text, "x")]
    with contextlib.suppress(SettingsError):  # YAML refuses some characters
        read.append(read_yaml(text, "x"))
    for document in read:
        for index in range(len(values)):
            assert document.line_of_item(("hosts",), index) == document.position(("hosts", index)).line is not None
        assert document.line_of_item(("hosts",), len(values)) is None


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{"a": 1,\n"b": {"x": 1,\n"x": 2}}', 3, "the key 'x' occurs twice"),
        ('[{"x": 1},\n{"x": 1},\n{"y": {"x": 1,\n\n "x": 1}}]', 5, "the key 'x' occurs twice"),
        ('{"a": [1,\n-Infinity], "b": NaN}', 2, "-Infinity is not a JSON value"),
        ('{"NaN": "NaN",\n"b": NaN}', 2, "NaN is not a JSON value"),
    ],
)
def test_ambiguous_json_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_json(text, "x.json")
    assert caught.value.line == line


def test_times_in_yaml_are_strings() -> None:
    text = "{start: 08:00, end: 17:00, seconds: 1:30:15.5, number: 17, fraction: 1.5}"
    assert read_yaml(text, "x").data == {
        "start": "08:00",
        "end": "17:00",
        "seconds": "1:30:15.5",
        "number": 17,
        "fraction": 1.5,
    }


def test_merged_keys_do_not_use_up_the_memory() -> None:
    """A key that is merged many times exists only once. The size is checked before aliases are expanded."""
    keys = ", ".join(f"k{n}: x" for n in range(300))
    text = f"a: &a {{{keys}}}\n" + "b: &b {<<: [" + ", ".join(["*a"] * 3000) + "]}\nc: {<<: [*b, *a]}\n"
    assert len(read_yaml(text, "x").data["c"]) == 300
    levels = "".join(f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 300)}], x{n}: 1}}\n" for n in range(1, 6))
    with pytest.raises(SettingsError, match="all aliases expanded"):
        read_yaml("l0: &l0 {k: v}\n" + levels, "bomb.yaml")


def test_merged_keys_follow_the_precedence_of_yaml() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {z: 4, <<: *b}\n"
    data = read_yaml(text, "x").data
    assert (data["c"], data["d"]) == ({"x": 1, "y": 1, "z": 3}, {"y": 2, "z": 4})
    with pytest.raises(SettingsError, match="the value of '<<' must be a mapping"):
        read_yaml("a: {<<: 7}", "x")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' occurs twice"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("? [1, 2]\n: 3\n", 1, "a key must be a single value"),
        ("a: !!python/object/apply:os.system ['id']\n", 1, "is not allowed; remove the tag"),
        ("[" * 60 + "]" * 60, 1, "nested deeper"),
        ("a: 1\nb: 2024-13-45\n", 2, "'2024-13-45' is not valid.*put it in quotes"),
        ("a:\n\tb: 1\n", 2, "indent YAML with spaces instead of tabs"),
    ],
)
def test_unsafe_yaml_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_yaml(text, "file.yaml")
    assert (caught.value.file, caught.value.line) == ("file.yaml", line)


def test_exploding_aliases_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(SettingsError, match="all aliases expanded"):
        read_yaml("\n".join(lines), "bomb.yaml")


def test_oversized_documents_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    for read in (read_json, read_yaml):
        with pytest.raises(SettingsError, match="larger than"):
            read("[1, 2, 3, 4, 5]", "x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n}', "not valid JSON"),
        ('{"a": 1, "a": 2}', "'a' occurs twice"),
        ('{"a": NaN}', "NaN"),
        ("[" * 100_000, "nested deeper than 50 levels"),
    ],
)
def test_invalid_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_json(text, "x.json")
