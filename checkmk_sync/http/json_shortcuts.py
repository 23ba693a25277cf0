"""Decode a few members of many items with the standard library, without building the others.

The items of a list look alike, so a pattern learned from one item finds the same members in the others. Two shortcuts
use such patterns. :func:`shortened_decoder` replaces the longest run of unneeded members with a mark.
:class:`SingleField` splits the text at everything between the needed values. A pattern may also match elsewhere, so the
number of marks is compared with the number of items. A shortcut gives up, and the full text is decoded, if

- the members of the sample have unusual names, or the sample is too long,
- the needed field is not the last of its item (:class:`SingleField`),
- not every item has exactly one mark.
"""

from __future__ import annotations

import contextlib
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
_BLANKS = r"[ \t\n\r]*"
_END = re.compile(rf"{_BLANKS}\}}")
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


def _first_item_of(body: bytes) -> str:
    """Return the start of the list ``value``, up to LONGEST_SAMPLE bytes of it, or "" if the answer has no list."""
    start = _VALUE.search(body)
    return body[start.end() : start.end() + LONGEST_SAMPLE].decode(errors="ignore") if start else ""


def field_of_each(field: str, decode: Decode, text: bytes) -> list[Any]:
    """Return one field of each item. Raises ValueError if an item lacks it."""
    try:
        return list(map(operator.itemgetter(field), decode(text)))
    except (KeyError, TypeError):
        raise ValueError(f"an item of the answer has no field {field!r}") from None


class SingleField:
    """A decoder of answers that returns one field of each item.

    Successive answers look alike, so the pattern learned from one is tried first with the next.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        self._separator: Optional[re.Pattern[bytes]] = None

    def __call__(self, text: bytes) -> list[Any]:
        for separator in self._separators(text):
            with contextlib.suppress(ValueError):
                values = self._split(separator, text)
                self._separator = separator
                return values
        return field_of_each(self._field, decode_answer, text)

    def _separators(self, text: bytes) -> Iterator[re.Pattern[bytes]]:
        known = self._separator
        if known is not None:
            yield known
        sample = _first_item_of(text)
        for any_text in (_ANY_TEXT, _ANY_ESCAPED_TEXT):
            separator = _separator(self._field, sample, any_text)
            if separator is not None and separator != known:
                yield separator

    def _split(self, separator: re.Pattern[bytes], text: bytes) -> list[Any]:
        """Return the values between the separators. Raises ValueError if the separator also matched elsewhere.

        A separator ends one object and starts the next object of the same list. The first item is decoded from the
        text without the others, and the values of the others are decoded as one list.
        """
        first, *others = separator.split(text)
        if not others:
            raise ValueError("nothing to split")
        last, rest = _first_value(others.pop().decode())
        if not _END.match(rest):
            raise ValueError("the last item has more members")
        # If the separator matched in another list of the text, the first item does not get the mark.
        items = decode_answer(f'{first.decode()}, "{_MARK}": 0{rest}'.encode())
        # If an item has further members, this is not a list of values.
        values = _loads(f"[{b','.join(others).decode()}]")
        if len(items) != 1 or _count_marks(items) != 1 or self._field not in items[0] or len(values) != len(others):
            raise ValueError("other objects look like these items")
        return [items[0][self._field], *values, last]


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


def _first_value(text: str) -> tuple[Any, str]:
    """Return the JSON value at the start of a text, and the rest of the text."""
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None
    return value, text[end:]


def _count_marks(items: list[Any]) -> int:
    """Return the number of items that have the mark."""
    try:
        return sum(map(operator.contains, items, itertools.repeat(_MARK)))
    except TypeError:  # some items are not objects
        return 0


def _separator(field: str, sample: str, any_text: str) -> Optional[re.Pattern[bytes]]:
    """Return a pattern for the text from the value of ``field`` in one item to its value in the next.

    Returns None if the field is not the last member of the sample, or the sample is not usable.
    """
    needed = next((member for member in _members(sample) if member.name == field), None)
    if needed is None or not _END.match(sample, needed.end):
        return None
    start_of_item = _similar(sample[: needed.value], any_text)
    return None if start_of_item is None else re.compile(rf"\}}{_BLANKS},{_BLANKS}{start_of_item}".encode())


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
    pattern = _similar(sample[run[0].start : run[-1].end], _ANY_TEXT)
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
# The second pattern is slower, but also matches strings with escaped quotes.
_ANY_TEXT, _ANY_ESCAPED_TEXT = '"[^"]*"', r'"[^"]*(?:(?<=\\)"[^"]*)*"'
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


def _similar(text: str, any_text: str) -> Optional[str]:
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
        pieces += (re.escape(between), re.escape(string[0]) if is_key else any_text)
        at, expects_value = string.end(), is_key
    return "".join((*pieces, re.escape(text[at:])))
