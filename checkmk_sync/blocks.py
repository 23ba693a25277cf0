"""Decoding many items with one call, and where to cut a text that is not complete for that.

msgspec (extra ``fast``) steps over what nobody needs. json builds everything, so what nobody needs, which is most of
an item, is taken out of the text before.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import secrets
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence

__all__ = ["Cutter", "block_decoder"]

Decode = Callable[[str], list[Any]]

LEAST_CHARS = 128 * 2**10
# Of what nobody needs in an item: a longer pattern would cost more than it saves.
LONGEST_PATTERN = 8192
_TRIES = 3
_GIVE_UP_AFTER = 8


def block_decoder(fields: Sequence[str], sample: str) -> Decode:
    """A function from ``"item,item,…"`` to the items, of which ``sample`` is one; ``item[name]`` is there for
    each of these fields.

    What else an item holds may be left out. Raises ValueError for what is no such text, and may do so where
    an item lacks one of these.
    """
    return _of_msgspec(tuple(fields)) or _of_json(fields, sample)


@functools.lru_cache(maxsize=16)
def _of_msgspec(fields: tuple[str, ...]) -> Optional[Decode]:
    """None where it is not installed."""
    try:
        import msgspec
    except ImportError:
        return None
    # gc=False: these live for an instant, and tracking them is a third of the cost.
    members = [(name, Any) for name in fields]
    item = msgspec.defstruct("Item", members, namespace={"__getitem__": object.__getattribute__}, gc=False)
    decode = msgspec.json.Decoder(list[item]).decode  # type: ignore[valid-type]

    def items(text: str) -> list[Any]:
        try:
            return decode(f"[{text}]")
        except msgspec.MsgspecError as error:  # no ValueError before 0.20
            raise ValueError(str(error)) from None

    return items


def _of_json(fields: Sequence[str], sample: str) -> Decode:
    needless = _needless(fields, sample)
    return _whole if needless is None else functools.partial(_shortened, *needless)


def _whole(text: str) -> list[Any]:
    try:
        return list(json.loads(f"[{text}]"))
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


# Stands for what was taken out; nobody outside can write it, so what has it had that.
_TAKEN = secrets.token_hex(16)


def _shortened(needless: re.Pattern[str], instead: str, text: str) -> list[Any]:
    short, taken = needless.subn(instead, text)
    items = _whole(short)
    # Other parts of an item may look the same: then more was taken out than items lost something.
    if taken and taken != sum(isinstance(item, dict) and item.pop(_TAKEN, None) == 0 for item in items):
        return _whole(text)
    return items


def _needless(fields: Sequence[str], sample: str) -> Optional[tuple[re.Pattern[str], str]]:
    """A pattern of the most that stands together in an item without one of ``fields``, and what to put there instead;
    None where there is nothing, or nothing that is surely found again.

    In other items the texts in it may be others, and no more. ``"[^"]*"`` takes a text with an escaped quote for
    two; but each text in a match is followed by a key, and nobody writes JSON in which a text is followed by a letter.
    So whole members of an object are taken out, wherever that is, and what is left is whole items where the text was.
    """
    members = list(_members(sample))
    runs = [list(run) for _, run in itertools.groupby(members, key=lambda member: member.name in fields)]
    followed = [(run, after[0]) for run, after in zip(runs, runs[1:]) if run[0].name not in fields]
    if not followed:
        return None
    run, after = max(followed, key=lambda found: found[0][-1].end - found[0][0].start)
    pattern = _alike(sample[run[0].start : run[-1].end])
    if pattern is None:
        return None
    needless = re.compile(f"{pattern}(?={re.escape(sample[after.start : after.value])})")
    return needless, f'{sample[run[0].start]}"{_TAKEN}":0'


class _Member(NamedTuple):
    """Where a member of an object stands, from the bracket or the comma before it."""

    name: str
    start: int
    value: int
    end: int


_KEY = re.compile(r'[{,]\s*"(\w+)"\s*:\s*')
_SPACE = re.compile(r"\s*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


def _members(item: str) -> Iterator[_Member]:
    """The members of an object, up to one with an unusual name."""
    decode, at = json.JSONDecoder().raw_decode, 0
    while key := _KEY.match(item, at):
        _, end = decode(item, key.end())
        yield _Member(key[1], at, key.end(), end)
        space = _SPACE.match(item, end)
        at = space.end() if space else end


def _alike(text: str) -> Optional[str]:
    """A pattern of members that differ from these in their texts only; None where that is not sure to find borders."""
    if len(text) > LONGEST_PATTERN:
        return None
    pieces: list[str] = []
    at, expects_value = 0, False
    for string in _STRING.finditer(text):
        is_key, between = bool(string[2]), text[at : string.start()]
        if not (re.fullmatch(r"\w+", string[1]) if is_key else expects_value and not between.strip()):
            return None
        pieces += (re.escape(between), re.escape(string[0]) if is_key else '"[^"]*"')
        at, expects_value = string.end(), is_key
    return "".join((*pieces, re.escape(text[at:])))


class Cutter:
    """Finds the last border between two items in a piece of a list, by how its items begin.

    That is a guess: the same text may stand inside an item or a string. But what was cut off decodes
    only if it is whole items, so a wrong guess costs time and never an item.
    """

    def __init__(self, decode: Decode, first: str, second: str) -> None:
        self._decode = decode
        self._sign = _beginning(first, second)
        self._failures = 0

    @property
    def useless(self) -> bool:
        """True when guessing failed so often that it does not pay."""
        return not self._sign or self._failures >= _GIVE_UP_AFTER

    def cut(self, text: str, start: int) -> tuple[list[Any], int]:
        """Whole items from ``start`` on, and where the next one starts; none where no border is found."""
        border = len(text)
        for _ in range(_TRIES):
            border = text.rfind(self._sign, start + 1, border)
            comma = text.rfind(",", start, border) if border > 0 else -1
            if comma < 0:
                break
            if not text[comma + 1 : border].strip(" \t\n\r"):
                try:
                    items = self._decode(text[start:comma])
                except ValueError:
                    continue
                self._failures = 0
                return items, border
        self._failures += 1
        return [], start


def _beginning(first: str, second: str) -> str:
    """What two items start with, up to the end of a member: more may be chance (``"host00…``)."""
    common = "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first[:200], second)))
    end = common.rfind(",")
    return common[:end] if end > 0 else common[: common.rfind(":") + 1]
