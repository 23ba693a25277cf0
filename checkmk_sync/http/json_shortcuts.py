"""Decode a few members of many items with the standard library, without building the others.

Items of one list look alike, so a pattern that is learned from one of them finds the same members in the others. Two
shortcuts use that. :func:`shortened_decoder` replaces the longest run of members that are not needed by a mark, and
:class:`SingleField` splits a text at everything between the needed values. A pattern may match where it should not, so
the number of marks is compared with the number of items. A shortcut gives up, and everything is decoded, if

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

__all__ = ["SingleField", "decode_answer", "decode_block", "field_of_each", "first_item_of", "shortened_decoder"]

# For members that are not needed: a longer pattern would cost more than it saves.
LONGEST_PATTERN = 8192
LONGEST_SAMPLE = 2 * LONGEST_PATTERN

Decode = Callable[[bytes], list[Any]]

_DECODER = json.JSONDecoder()
_BLANKS = r"[ \t\n\r]*"
_END = re.compile(rf"{_BLANKS}\}}")
_VALUE = re.compile(rb'"value"\s*:\s*\[\s*')
# Replaces members that were taken out. No site can know it, so an item with the mark had such members.
_MARK = secrets.token_hex(16)


def decode_block(text: bytes) -> list[Any]:
    """Return the items of ``item,item,…``. ValueError for a text of another form."""
    return list(_loads(f"[{text.decode()}]"))


def decode_answer(text: bytes) -> list[Any]:
    """Return the items of the list ``value`` of an answer. ValueError for a text of another form."""
    answer = _loads(text.decode())
    items = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ValueError("no list 'value'")
    return items


def first_item_of(body: bytes) -> str:
    """Return the first item of an answer, and the rest; empty without one."""
    start = _VALUE.search(body)
    return body[start.end() : start.end() + LONGEST_SAMPLE].decode(errors="ignore") if start else ""


def field_of_each(field: str, decode: Decode, text: bytes) -> list[Any]:
    """Return one field of each item. ValueError if an item lacks it."""
    try:
        return list(map(operator.itemgetter(field), decode(text)))
    except (KeyError, TypeError):
        raise ValueError(f"an item without {field!r}") from None


class SingleField:
    """Returns one field of each of the items that ``decode`` would return; ``sample_of(text)`` is one of the items.

    Most texts look alike, so the pattern of one is tried with the next.
    """

    def __init__(self, field: str, decode: Decode, sample_of: Callable[[bytes], str]) -> None:
        self._field, self._decode, self._sample_of = field, decode, sample_of
        self._separator: Optional[re.Pattern[bytes]] = None

    def __call__(self, text: bytes) -> list[Any]:
        for separator in self._separators(text):
            with contextlib.suppress(ValueError):
                values = self._split(separator, text)
                self._separator = separator
                return values
        return field_of_each(self._field, self._decode, text)

    def _separators(self, text: bytes) -> Iterator[re.Pattern[bytes]]:
        known = self._separator
        if known is not None:
            yield known
        sample = self._sample_of(text)
        for any_text in (_ANY_TEXT, _ANY_ESCAPED_TEXT):
            separator = _separator(self._field, sample, any_text)
            if separator is not None and separator != known:
                yield separator

    def _split(self, separator: re.Pattern[bytes], text: bytes) -> list[Any]:
        """Return the values between the separators. ValueError unless one is between each item and the next.

        The first item is decoded in a text without the others, and the values of the others as one list. A separator
        ends an object and begins another one in the same list. If that is another list of the text, the first item does
        not get the mark; if there is more in an item, the rest is not a list of values.
        """
        first, *others = separator.split(text)
        if not others:
            raise ValueError("nothing to split")
        last, rest = _first_value(others.pop().decode())
        if not _END.match(rest):
            raise ValueError("the last item has more members")
        items = self._decode(f'{first.decode()}, "{_MARK}": 0{rest}'.encode())
        values = _loads(f"[{b','.join(others).decode()}]")
        if len(items) != 1 or _count_marks(items) != 1 or self._field not in items[0] or len(values) != len(others):
            raise ValueError("other objects look like these items")
        return [items[0][self._field], *values, last]


def shortened_decoder(fields: Sequence[str], sample: str, decode: Decode) -> Decode:
    """Return a function that decodes items without most members that are not ``fields``, if that can be done."""
    learn = functools.lru_cache(maxsize=1)(functools.partial(_unneeded_members, fields, sample))

    def decode_shortened(text: bytes) -> list[Any]:
        unneeded = learn()
        if unneeded is None:
            return decode(text)
        shortened, count = unneeded.pattern.subn(unneeded.replacement, text)
        items = decode(shortened)
        # Other parts of an item may look the same: then more was taken out than items lost something.
        return items if not count or count == _count_marks(items) else decode(text)

    return decode_shortened


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


def _first_value(text: str) -> tuple[Any, str]:
    """Return the value that a text begins with, and the rest."""
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None
    return value, text[end:]


def _count_marks(items: list[Any]) -> int:
    """Return the number of items that have the mark."""
    try:
        return sum(map(operator.contains, items, itertools.repeat(_MARK)))
    except TypeError:  # not all of them are objects
        return 0


def _separator(field: str, sample: str, any_text: str) -> Optional[re.Pattern[bytes]]:
    """Return a pattern of the text between the ``field`` of one item and that of the next, if it is the last member."""
    needed = next((member for member in _members(sample) if member.name == field), None)
    if needed is None or not _END.match(sample, needed.end):
        return None
    start_of_item = _similar(sample[: needed.value], any_text)
    return None if start_of_item is None else re.compile(rf"\}}{_BLANKS},{_BLANKS}{start_of_item}".encode())


class _Unneeded(NamedTuple):
    pattern: re.Pattern[bytes]
    replacement: bytes


def _unneeded_members(fields: Sequence[str], sample: str) -> Optional[_Unneeded]:
    """Return a pattern of the longest run of members without one of ``fields``, and its replacement; None without one.

    In other items the texts of these members may differ, and nothing else. The pattern of a text may read one with an
    escaped quote as two, or more than a text as one. But each text in a match is followed by a key, and no JSON has a
    text that is followed by a letter. So a match always covers whole members of an object, wherever that is, and whole
    items remain whole items.
    """
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
    return _Unneeded(re.compile(f"{pattern}(?={followed_by})".encode()), replacement.encode())


class _Member(NamedTuple):
    """The offsets of a member of an object, from the bracket or the comma before it."""

    name: str
    start: int
    value: int
    end: int


_KEY = re.compile(r'\s*([{,])\s*"(\w+)"\s*:\s*')
# The second is slower, but matches texts with escaped quotes as well.
_ANY_TEXT, _ANY_ESCAPED_TEXT = '"[^"]*"', r'"[^"]*(?:(?<=\\)"[^"]*)*"'
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


def _members(item: str) -> Iterator[_Member]:
    """Yield the members of an object, up to one with an unusual name."""
    decode, at = _DECODER.raw_decode, 0
    while key := _KEY.match(item, at):
        try:
            _, at = decode(item, key.end())
        except (ValueError, RecursionError):  # a sample need not be complete
            return
        yield _Member(key[2], key.start(1), key.end(), at)


def _similar(text: str, any_text: str) -> Optional[str]:
    """Return a pattern of members that differ from these only in their texts; None if it may not find borders."""
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
