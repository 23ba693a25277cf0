"""Decoding one field of each item gives the same values as decoding complete items."""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any, Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkmk_sync.errors import BrokenReplyError, UnexpectedReplyError
from checkmk_sync.http import json_shortcuts
from checkmk_sync.http.json_stream import all_items, iter_items
from tests.http.test_decode import VALUES
from tests.http.test_decode_blocks import small_blocks  # noqa: F401

FIELD = "extensions"


def _item(extensions: Any, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": name, "links": [{"rel": "x"}], FIELD: extensions, **more}


NAMES = st.sampled_from(["a", "b", 'q"', "c\\", '"}, {"id": "'])
# Items nested in items, so that the text between two nested items looks like the text between two items of the list.
INNER = st.recursive(
    VALUES,
    lambda inner: st.lists(st.builds(_item, inner, NAMES) | inner, max_size=3) | st.fixed_dictionaries({"x": inner}),
    max_leaves=6,
)
ITEMS = (
    st.builds(_item, INNER, NAMES)
    | st.builds(_item, INNER, title=INNER)
    | st.fixed_dictionaries({FIELD: INNER, "id": NAMES})
)
AROUND = st.dictionaries(st.sampled_from(["id", "links", "members", "a"]), st.lists(ITEMS, max_size=3), max_size=2)


def _in_chunks(data: bytes, size: int) -> Iterator[Any]:
    return iter_items((data[start : start + size] for start in range(0, len(data), size)), fields=FIELD)


def _as_a_whole(data: bytes, _size: int) -> Iterator[Any]:
    return iter(all_items(data, FIELD))


both = pytest.mark.parametrize("read", [_in_chunks, _as_a_whole])
Read = Callable[[bytes, int], Iterator[Any]]


@both
@given(AROUND, st.lists(ITEMS, max_size=12), AROUND, st.integers(1, 300), st.sampled_from([None, 1]))
@example({}, [_item({"x": [_item(1), _item(5), _item(6)]})], {}, 50, None)
@example({}, [_item({"x": [{"a": 1}, _item(5), _item(6)]})], {}, 50, None)
@example({"a": [_item(1), _item(2)]}, [_item(3)], {}, 50, None)
@example({}, [_item(3)], {"a": [_item(1), _item(2), _item(3)]}, 50, None)
@example({}, [_item(1), _item(2), _item(3, title=4)], {}, 50, None)
@example({}, [_item(1), _item(2, title=4), _item(3)], {}, 50, None)
def test_one_field_of_every_item_is_decoded(
    read: Read, before: Any, items: list[Any], after: Any, size: int, indent: Any
) -> None:
    data = json.dumps({**before, "value": items, **{f"{name}_": found for name, found in after.items()}}, indent=indent)
    assert list(read(data.encode(), size)) == [item[FIELD] for item in items]


@pytest.mark.slow
@both
@given(st.lists(ITEMS, min_size=1, max_size=12), st.integers(1, 300), st.data())
def test_truncated_lists_raise_after_correct_values(read: Read, items: list[Any], size: int, draw: Any) -> None:
    data = json.dumps({"value": items}).encode()
    found: list[Any] = []
    with pytest.raises(BrokenReplyError):
        for value in read(data[: draw.draw(st.integers(0, len(data) - 1))], size):
            found.append(value)
    assert found == [item[FIELD] for item in items[: len(found)]]


@pytest.mark.slow
@both
@given(st.lists(ITEMS, min_size=3, max_size=12), st.binary(min_size=1, max_size=3), st.integers(1, 300), st.data())
def test_damaged_lists_never_yield_invented_values(
    read: Read, items: list[Any], noise: bytes, size: int, draw: Any
) -> None:
    data = json.dumps({"value": items}).encode()
    at = draw.draw(st.integers(0, len(data)))
    damaged = data[:at] + noise + data[at:]
    try:
        found = list(read(damaged, size))
    except (BrokenReplyError, UnexpectedReplyError):
        return
    try:
        whole = json.loads(damaged)["value"]
    except ValueError:  # the damage is in a member that is not needed
        whole = items
    assert found == [item[FIELD] for item in whole]


@both
@pytest.mark.parametrize("wrong", [5, "text", None, [1], {"id": 1}])
@pytest.mark.parametrize("at", [0, 1, 4, 9])
def test_items_without_the_field_are_reported(read: Read, wrong: Any, at: int) -> None:
    items: list[Any] = [_item(number) for number in range(10)]
    items[at] = wrong
    with pytest.raises(UnexpectedReplyError, match="'extensions'"):
        list(read(json.dumps({"value": items}).encode(), 100))


@both
def test_the_last_of_duplicate_names_counts(read: Read) -> None:
    items = [
        '{"id": "a", "extensions": 1}',
        '{"id": "a", "extensions": 2}',
        '{"id": "a", "extensions": 3, "extensions": 4}',
    ]
    for order in itertools.permutations(items):
        text = f'{{"value": [{", ".join(order)}]}}'
        assert list(read(text.encode(), 20)) == [item["extensions"] for item in json.loads(text)["value"]]


@both
@pytest.mark.parametrize("wrong", ["1, 2", "", "1}, {", '"a": 1', "]"])
def test_unexpected_tokens_are_refused(read: Read, wrong: str) -> None:
    items = [f'{{"id": "a", "extensions": {value}}}' for value in ("1", wrong, "3", "4")]
    with pytest.raises((BrokenReplyError, UnexpectedReplyError)):
        list(read(f'{{"value": [{", ".join(items)}]}}'.encode(), 20))


@both
@pytest.mark.parametrize("between", [",,", ", ,", ",\n,", ""])
def test_stray_commas_are_refused(read: Read, between: str) -> None:
    items = [json.dumps(_item("x" * size)) for size in (1, 1, 300, 300, 300)]
    for at in range(1, 5):
        text = between.join((",".join(items[:at]), ",".join(items[at:])))
        with pytest.raises((BrokenReplyError, UnexpectedReplyError)):
            list(read(f'{{"value": [{text}]}}'.encode(), 50))


@pytest.mark.parametrize("name", ["n", 'n"', "n\\", '\\"'])
def test_json_builds_only_the_field(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    texts: list[str] = []
    loads = json.loads
    monkeypatch.setattr(json_shortcuts.json, "loads", lambda text: texts.append(text) or loads(text))
    items = [_item({"n": number}, name=(name if number % 7 == 6 else "n") * 300) for number in range(50)]
    data = json.dumps({"value": items}).encode()
    assert all_items(data, FIELD) == [{"n": number} for number in range(50)]
    texts.clear()
    assert all_items(data, FIELD) == [{"n": number} for number in range(50)]
    assert sum(map(len, texts)) < len(data) / 5, "names with quotes cost time only in the first answer"
