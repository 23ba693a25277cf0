"""Documents are plain data that knows its lines; what cannot be trusted is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import documents
from checkmk_sync.documents import read_json, read_yaml
from checkmk_sync.errors import SettingsError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_is_read_as_json_reads_it(value: Any) -> None:
    assert read_json(json.dumps(value), "x").data == value


def test_yaml_keeps_types_and_merges() -> None:
    text = "base: &base {a: 1, b: two}\nhosts:\n  - <<: *base\n    b: three\n    c: null\n"
    assert read_yaml(text, "x").data == {"base": {"a": 1, "b": "two"}, "hosts": [{"a": 1, "b": "three", "c": None}]}


@pytest.mark.parametrize("read", [read_json, read_yaml])
def test_lines_are_found_by_path(read: Any) -> None:
    text = '{"hosts": [\n {"name": "a",\n\t"folder": "/x"},\n {"name": "b"}\n]}'
    document = read(text if read is read_json else text.replace("\t", " "), "x")
    assert document.line(()) == 1
    assert document.line(("hosts", 0, "folder")) == 3
    assert document.line(("hosts", 1)) == 4
    assert document.line(("hosts", 1, "missing")) == 4
    assert document.line(("hosts", 9)) == 1


def test_no_line_is_better_than_a_wrong_one() -> None:
    assert read_json('{"a":\n "\\ud83d\\ude00"}', "x").line(("a",)) is None


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("? [1, 2]\n: 3\n", 1, "a key must be a plain text"),
        ("a: !!python/object/apply:os.system ['id']\n", 1, "not valid YAML"),
        ("[" * 60 + "]" * 60, 1, "nested deeper"),
    ],
)
def test_yaml_that_cannot_be_trusted_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_yaml(text, "file.yaml")
    assert (caught.value.file, caught.value.line) == ("file.yaml", line)


def test_exploding_aliases_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(SettingsError, match="aliases written out"):
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
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('{"a": NaN}', "NaN"),
        ("[" * 100_000, "nested too deeply|not valid JSON"),
    ],
)
def test_wrong_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_json(text, "x.json")
