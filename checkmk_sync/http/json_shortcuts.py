"""Decode a few members of many items with the standard library, without building the others.

The items of a list look alike, so a pattern learned from one item finds the same members in the others, and a mark
replaces them before the text is decoded. The pattern may also match elsewhere, so the number of marks is compared with
the number of items. The full text is decoded if the members of the sample have unusual names, if the sample is too
long, or if not every item has exactly one mark.
"""

from __future__ import annotations

import functools
import itertools
import json
import operator
import re
import secrets
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence

# In characters of the sample. A longer pattern for unneeded members would cost more than it saves.
LONGEST_PATTERN = 8192
LONGEST_SAMPLE = 2 * LONGEST_PATTERN

Decode = Callable[[bytes], list[Any]]

_DECODER = json.JSONDecoder()
_VALUE = re.compile(rb'"value"\s*:\s*\[\s*')
# The key that replaces removed members. No site can know it, so an item with this key had such members.
_MARK = secrets.token_hex(16)


def decode_block(text: bytes) -> list[Any]:
    """Return the items of ``item,item,…``. Raises ValueError for a text of another form."""
    return list(_loads(f"[{text.decode()}]"))


def decode_answer(text: bytes) -> list[Any]:
    """Return the items of the list ``value`` of an answer. Raises ValueError for a text of another form."""
    answer = _loads(text.decode())
    items = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ValueError("the answer has no list 'value'")
    return items


def first_item_of(body: bytes) -> str:
    """Return the start of the list ``value``, up to LONGEST_SAMPLE bytes of it, or "" if the answer has no list."""
    start = _VALUE.search(body)
    return body[start.end() : start.end() + LONGEST_SAMPLE].decode(errors="ignore") if start else ""


def field_of_each(field: str, decode: Decode, text: bytes) -> list[Any]:
    """Return one field of each item. Raises ValueError if an item lacks it."""
    try:
        return list(map(operator.itemgetter(field), decode(text)))
    except (KeyError, TypeError):
        raise ValueError(f"an item of the answer has no field {field!r}") from None


def shortened_decoder(fields: Sequence[str], sample: str, decode: Decode) -> Decode:
    """Return a function that decodes items without most of the members that are not in ``fields``.

    If ``sample`` yields no pattern, the function decodes the items in full.
    """
    learn = functools.lru_cache(maxsize=1)(functools.partial(_unneeded_members, fields, sample))

    def decode_shortened(text: bytes) -> list[Any]:
        unneeded = learn()
        if unneeded is None:
            return decode(text)
        pattern, replacement = unneeded
        shortened, count = pattern.subn(replacement, text)
        items = decode(shortened)
        # Other parts of an item may match as well. Then the removals outnumber the items with a mark.
        return items if not count or count == _count_marks(items) else decode(text)

    return decode_shortened


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


def _count_marks(items: list[Any]) -> int:
    """Return the number of items that have the mark."""
    try:
        return sum(map(operator.contains, items, itertools.repeat(_MARK)))
    except TypeError:  # some items are not objects
        return 0


def _unneeded_members(fields: Sequence[str], sample: str) -> Optional[tuple[re.Pattern[bytes], bytes]]:
    """Return a pattern for the longest run of members without any of ``fields``, and its replacement.

    Returns None if no such run is followed by a needed member. The pattern matches members that differ only in their
    strings.

    """
    # The pattern for a string may match only a part of a string with an escaped quote, or several strings at once. But
    # after each string, a match must continue with a key, and in valid JSON no letter follows a string directly. So
    # every match, wherever it is, covers complete members of an object, and complete items stay complete.
    runs = [list(run) for _, run in itertools.groupby(_members(sample), key=lambda member: member.name in fields)]
    followed = [(run, after[0]) for run, after in zip(runs, runs[1:]) if run[0].name not in fields]
    if not followed:
        return None
    run, after = max(followed, key=lambda pair: pair[0][-1].end - pair[0][0].start)
    pattern = _similar(sample[run[0].start : run[-1].end])
    if pattern is None:
        return None
    followed_by = re.escape(sample[run[-1].end : after.value])
    replacement = f'{sample[run[0].start]}"{_MARK}":0'
    return re.compile(f"{pattern}(?={followed_by})".encode()), replacement.encode()


class _Member(NamedTuple):
    """A member of an object, with its offsets. ``start`` is the position of the brace or comma before it."""

    name: str
    start: int
    value: int
    end: int


_KEY = re.compile(r'\s*([{,])\s*"(\w+)"\s*:\s*')
_ANY_TEXT = '"[^"]*"'
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


def _members(item: str) -> Iterator[_Member]:
    """Yield the members of an object, and stop before the first one with an unusual name."""
    decode, at = _DECODER.raw_decode, 0
    while key := _KEY.match(item, at):
        try:
            _, at = decode(item, key.end())
        except (ValueError, RecursionError):  # the sample may end in the middle of a value
            return
        yield _Member(key[2], key.start(1), key.end(), at)


def _similar(text: str) -> Optional[str]:
    """Return a pattern for members that differ from ``text`` only in their strings.

    Returns None if the text is too long, a key is unusual, or a string is in an unexpected position.
    """
    if len(text) > LONGEST_PATTERN:
        return None
    pieces: list[str] = []
    at, expects_value = 0, False
    for string in _STRING.finditer(text):
        is_key, between = bool(string[2]), text[at : string.start()]
        if not (re.fullmatch(r"\w+", string[1]) if is_key else expects_value and not between.strip()):
            return None
        pieces += (re.escape(between), re.escape(string[0]) if is_key else _ANY_TEXT)
        at, expects_value = string.end(), is_key
    return "".join((*pieces, re.escape(text[at:])))
