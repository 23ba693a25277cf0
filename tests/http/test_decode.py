"""Incremental decoding yields the same items as json.loads, or raises. No item is wrong, lost or duplicated."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import BrokenReplyError, ReplyTooLargeError, UnexpectedReplyError
from checkmk_sync.http.json_stream import iter_blocks, iter_items

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(['},{"value":[', "]}", '\\"', "\u2028", "😀", "ü", "value", "1e5"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "id", 'a"b', "]}"]), inner, max_size=3)
    ),
    max_leaves=6,
)
DOCUMENTS = st.fixed_dictionaries(
    {"value": st.lists(VALUES, max_size=6)},
    optional={"id": VALUES, "links": VALUES, "extensions": st.fixed_dictionaries({"value": st.lists(VALUES)})},
)


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@given(DOCUMENTS, st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]), st.randoms())
def test_documents_are_decoded_in_any_slicing(
    document: dict[str, Any], size: int, ascii_only: bool, indent: Any, shuffle: Any
) -> None:
    members = list(document.items())
    shuffle.shuffle(members)
    data = json.dumps(dict(members), ensure_ascii=ascii_only, indent=indent).encode()
    assert list(iter_items(_chunks(data, size))) == document["value"]


@given(DOCUMENTS, st.integers(1, 40), st.data())
def test_truncated_documents_raise_after_correct_items(document: dict[str, Any], size: int, draw: Any) -> None:
    data = json.dumps(document, ensure_ascii=False).encode()
    cut = draw.draw(st.integers(0, len(data) - 1))
    found: list[Any] = []
    with pytest.raises(BrokenReplyError):
        for item in iter_items(_chunks(data[:cut], size)):
            found.append(item)
    assert found == document["value"][: len(found)]


@given(DOCUMENTS, st.integers(1, 20), st.binary(min_size=1, max_size=3), st.data())
def test_damaged_documents_never_yield_invented_items(
    document: dict[str, Any], size: int, noise: bytes, draw: Any
) -> None:
    data = json.dumps(document).encode()
    at = draw.draw(st.integers(0, len(data)))
    damaged = data[:at] + noise + data[at:]
    try:
        whole = json.loads(damaged)
    except ValueError:
        whole = None
    try:
        found = list(iter_items(_chunks(damaged, size)))
    except (BrokenReplyError, UnexpectedReplyError):
        return
    assert isinstance(whole, dict)
    assert found == whole["value"]


@pytest.mark.parametrize("text", ["[]", "7", '{"id": "x"}', '{"value": {}}', '{"value": 7}', "{7: []}", "<html>"])
def test_documents_without_a_list_are_refused(text: str) -> None:
    with pytest.raises(UnexpectedReplyError):
        list(iter_items([text.encode()]))


@pytest.mark.parametrize("text", ['{"value": []} {}', '{"value": [1,]}', '{"value": [], }', '{"value": [1 2]}'])
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises((UnexpectedReplyError, BrokenReplyError)):
        list(iter_items([text.encode()]))


def test_invalid_utf_8_is_refused() -> None:
    with pytest.raises(UnexpectedReplyError, match="UTF-8"):
        list(iter_items([b'{"value": ["\xff"]}']))
    with pytest.raises(BrokenReplyError, match="character"):
        list(iter_items([b'{"value": ["\xc3']))


def test_endless_values_are_refused() -> None:
    endless = (b'{"value": ["' if n == 0 else b"x" * 100 for n in range(10**9))
    with pytest.raises(ReplyTooLargeError, match="larger than"):
        list(iter_blocks(endless, max_item_chars=1000))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises((UnexpectedReplyError, BrokenReplyError)):
        list(iter_items([b'{"value": [' + b"[" * 200_000]))


def test_items_are_yielded_while_bytes_arrive() -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        yield b'{"value": ['
        while True:
            taken += 1
            yield b'{"a": 1}, '

    items = iter_items(chunks())
    assert [next(items) for _ in range(5)] == [{"a": 1}] * 5
    assert taken <= 7
