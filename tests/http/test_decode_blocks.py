"""Decoding in blocks gives the same items as decoding one by one, for any input."""

from __future__ import annotations

import json
import sys
from typing import Any, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import BrokenReplyError, UnexpectedReplyError
from checkmk_sync.http import json_decoders as decoders
from checkmk_sync.http import json_stream as decode
from checkmk_sync.http.json_stream import iter_items
from tests.http.test_decode import VALUES

FIELDS = ("id", "extensions")
TRICKY = st.sampled_from(['"},{"id":"', ',{"id":1},', "]}", '\\"', "😀"])
LINKS = st.recursive(
    st.fixed_dictionaries({"id": st.integers(0, 9), "href": st.sampled_from('a]"\\[')}) | TRICKY,
    lambda inner: (
        st.lists(inner, max_size=2) | st.fixed_dictionaries({"id": inner, "links": st.lists(inner, max_size=2)})
    ),
    max_leaves=4,
)
ITEMS = st.fixed_dictionaries(
    {"id": st.integers(0, 99) | TRICKY, "extensions": VALUES | TRICKY},
    optional={
        "links": st.lists(
            st.fixed_dictionaries({"id": st.integers(0, 9), "href": st.sampled_from('a]"\\[')}), max_size=3
        )
        | VALUES,
        "title": VALUES,
    },
)


@pytest.fixture(autouse=True, params=["msgspec", "json"])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make blocks so small that even short documents are cut many times."""
    monkeypatch.setattr(decode, "LEAST_CHARS", 60)
    monkeypatch.setattr(decoders, "LEAST_CHARS", 0)
    if request.param == "json":
        monkeypatch.setitem(sys.modules, "msgspec", None)
    else:
        pytest.importorskip("msgspec", reason="the extra 'fast' is not installed")


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _needed(item: Any) -> Any:
    return {name: item[name] for name in FIELDS if name in item} if isinstance(item, dict) else item


def _read(data: bytes, size: int) -> Iterator[Any]:
    return map(_needed, iter_items(_chunks(data, size), fields=FIELDS))


@given(st.lists(ITEMS, max_size=25), st.integers(1, 200), st.sampled_from([None, 1]), st.booleans())
def test_lists_are_decoded_in_any_slicing(items: list[Any], size: int, indent: Any, ascii_only: bool) -> None:
    data = json.dumps({"id": "x", "value": items}, indent=indent, ensure_ascii=ascii_only).encode()
    assert list(_read(data, size)) == list(map(_needed, items))


@given(st.lists(ITEMS | VALUES, max_size=12), st.integers(1, 200))
def test_items_of_any_type_are_decoded(items: list[Any], size: int) -> None:
    data = json.dumps({"value": items}).encode()
    assert list(_read(data, size)) == list(map(_needed, items))


@given(st.lists(ITEMS, min_size=1, max_size=25), st.integers(1, 200), st.data())
def test_truncated_lists_raise_after_correct_items(items: list[Any], size: int, draw: Any) -> None:
    data = json.dumps({"value": items}).encode()
    cut = draw.draw(st.integers(0, len(data) - 1))
    found: list[Any] = []
    with pytest.raises(BrokenReplyError):
        for item in _read(data[:cut], size):
            found.append(item)
    assert found == list(map(_needed, items[: len(found)]))


@given(st.lists(ITEMS, min_size=4, max_size=25), st.integers(1, 200), st.binary(min_size=1, max_size=3), st.data())
def test_damaged_lists_never_yield_invented_items(items: list[Any], size: int, noise: bytes, draw: Any) -> None:
    data = json.dumps({"value": items}).encode()
    at = draw.draw(st.integers(0, len(data)))
    damaged = data[:at] + noise + data[at:]
    try:
        found = list(_read(damaged, size))
    except (BrokenReplyError, UnexpectedReplyError):
        return
    try:
        whole = json.loads(damaged)["value"]
    except ValueError:  # the damage is in the links, which are not needed
        whole = items
    assert found == list(map(_needed, whole))


@pytest.mark.parametrize("key", ["links", 'a"links', "\\links"])
@pytest.mark.parametrize("inner", [[], [{"href": "x"}], [[1]], ["]"], ['"]'], "[", {"links": [1]}])
def test_needed_links_are_kept(key: str, inner: Any) -> None:
    items = [{"links": [{"rel": "self"}], "id": n, "extensions": {key: inner, "n": n}} for n in range(60)]
    del items[30]["links"]
    assert list(_read(json.dumps({"value": items}).encode(), 500)) == list(map(_needed, items))


def test_removed_links_never_complete_a_truncated_item() -> None:
    """Removing a part of a nested list would leave its closing brackets, which could complete a truncated item."""
    links = [{"a": [{"b": [{"id": 0, "extensions": {}}]}]}]
    inner = [{"id": n, "extensions": {}, "links": [[1], 2]} for n in range(4)]
    items = [{"id": n, "extensions": {"x": inner}, "links": links} for n in range(40)]
    for size in (60, 333, 1000):
        assert list(_read(json.dumps({"value": items}).encode(), size)) == list(map(_needed, items))


def test_lists_are_decoded_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[int] = []
    cut = decode.BlockCutter.cut

    def counted(self: decode.BlockCutter, text: str, start: int, end: int) -> Any:
        items, end = cut(self, text, start, end)
        cuts.append(len(items))
        return items, end

    monkeypatch.setattr(decode.BlockCutter, "cut", counted)
    items = [{"links": [{"id": 1}, {"id": 2}], "id": n, "extensions": {"a": [{"id": n}]}} for n in range(200)]
    assert len(list(_read(json.dumps({"value": items}).encode(), 500))) == 200
    assert sum(cuts) > 150


def test_guessing_boundaries_stops_after_failures() -> None:
    items = [{str(n): n, "id": n} for n in range(100)]
    assert list(_read(json.dumps({"value": items}).encode(), 64)) == [{"id": n} for n in range(100)]


def test_json_decodes_what_msgspec_refuses() -> None:
    odd = [{"id": n, "extensions": {"x": float("inf") if n == 50 else 1e400 if n == 60 else n}} for n in range(100)]
    found = list(_read(json.dumps({"value": odd}).encode(), 100))
    assert found == odd


@pytest.mark.parametrize("of_links", ["[" * 5000 + "]" * 5000, "[" * 5000])
def test_too_deep_nesting_is_reported(of_links: str) -> None:
    text = f'{{"value": [{{"id": 1, "links": {of_links}, "extensions": {{}}}}]}}'.encode()
    try:
        found = decode.all_items(text, "extensions")
    except (BrokenReplyError, UnexpectedReplyError):
        return
    assert found == [{}]


@given(st.lists(ITEMS, max_size=25), st.sampled_from([None, 1]), st.booleans())
def test_complete_answers_decode_to_the_same_items(items: list[Any], indent: Any, ascii_only: bool) -> None:
    data = json.dumps({"id": "x", "value": items}, indent=indent, ensure_ascii=ascii_only).encode()
    assert decode.all_items(data, "extensions") == [item["extensions"] for item in items]


@pytest.mark.slow
@given(st.lists(ITEMS, min_size=1, max_size=25), st.data())
def test_truncated_answers_raise(items: list[Any], draw: Any) -> None:
    data = json.dumps({"value": items}).encode()
    with pytest.raises(BrokenReplyError):
        decode.all_items(data[: draw.draw(st.integers(0, len(data) - 1))], "extensions")
