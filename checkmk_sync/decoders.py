"""Decoding many items with one call.

msgspec (extra ``fast``) steps over what nobody needs. json builds everything, so what nobody needs, which is most of
an item, is taken out of the text before.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import secrets
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Optional, Sequence, Union

__all__ = ["answer_decoder", "block_decoder"]

# Of what nobody needs in an item: a longer pattern would cost more than it saves.
LONGEST_PATTERN = 8192
LONGEST_SAMPLE = 2 * LONGEST_PATTERN


def block_decoder(fields: Sequence[str], sample: str) -> Callable[[str], list[Any]]:
    """A function from ``"item,item,…"`` to the items, of which ``sample`` is one, with at least these fields of each.

    What else an item holds may be left out, and need not even be right. Raises ValueError for what is no such text,
    and may do so where an item lacks one of these.
    """
    msgspec = _of_msgspec(tuple(fields))
    return functools.partial(_shortened, _needless(fields, sample), _block) if msgspec is None else msgspec.items


def answer_decoder(fields: Sequence[str]) -> Callable[[bytes], Iterable[Any]]:
    """A function from a whole answer to the items of its list ``value``, which raises as that of
    :func:`block_decoder` does."""
    msgspec = _of_msgspec(tuple(fields))
    return functools.partial(_answer_of_json, fields) if msgspec is None else msgspec.answer


class _Msgspec:
    """Its items live for an instant, so the garbage collector is not told: that would be a third of the cost."""

    def __init__(self, fields: Sequence[str]) -> None:
        import msgspec
        from msgspec.structs import asdict

        item = msgspec.defstruct("Item", [(name, Any) for name in fields], gc=False)
        answer = msgspec.defstruct("Answer", [("value", list[item])], gc=False)  # type: ignore[valid-type]
        self._items = msgspec.json.Decoder(list[item]).decode  # type: ignore[valid-type]
        self._answer = msgspec.json.Decoder(answer).decode
        self._error, self._asdict = msgspec.MsgspecError, asdict

    def items(self, text: str) -> list[Any]:
        return list(map(self._asdict, self._decoded(self._items, f"[{text}]")))

    def answer(self, text: bytes) -> Iterable[Any]:
        return map(self._asdict, self._decoded(self._answer, text).value)

    def _decoded(self, decode: Callable[[Any], Any], text: Union[str, bytes]) -> Any:
        try:
            return decode(text)
        except (self._error, RecursionError) as error:  # no ValueError before 0.20
            raise ValueError(str(error)) from None


_msgspec = functools.lru_cache(maxsize=16)(_Msgspec)


def _of_msgspec(fields: tuple[str, ...]) -> Optional[_Msgspec]:
    """None where it is not installed."""
    try:
        import msgspec  # noqa: F401
    except ImportError:
        return None
    return _msgspec(fields)


_VALUE = re.compile(r'"value"\s*:\s*\[\s*')
# Stands for what was taken out; nobody outside can write it, so what has it had that.
_TAKEN = secrets.token_hex(16)


def _answer_of_json(fields: Sequence[str], body: bytes) -> list[Any]:
    text = body.decode()
    start = _VALUE.search(text)
    sample = text[start.end() : start.end() + LONGEST_SAMPLE] if start else ""
    return _shortened(_needless(fields, sample), _answer, text)


def _block(text: str) -> list[Any]:
    return list(_loaded(f"[{text}]"))


def _answer(text: str) -> list[Any]:
    answer = _loaded(text)
    items = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ValueError("no list 'value'")
    return items


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


def _shortened(needless: Optional[_Needless], decode: Callable[[str], list[Any]], text: str) -> list[Any]:
    """What ``decode`` gives, of a text without what nobody needs if that can be."""
    if needless is None:
        return decode(text)
    short, taken = needless.pattern.subn(needless.instead, text)
    items = decode(short)
    # Other parts of an item may look the same: then more was taken out than items lost something.
    return items if not taken or taken == _shorter(items) else decode(text)


def _shorter(items: list[Any]) -> int:
    """How many items lost something, and have its sign no more."""
    try:
        return [item.pop(_TAKEN, None) for item in items].count(0)
    except (AttributeError, TypeError):  # not all of them are objects
        return 0


class _Needless(NamedTuple):
    pattern: re.Pattern[str]
    instead: str


def _needless(fields: Sequence[str], sample: str) -> Optional[_Needless]:
    """A pattern of the most that stands together in an item without one of ``fields``, and what to put there instead;
    None where there is nothing, or nothing that is surely found again.

    In other items the texts in it may be others, and no more. ``"[^"]*"`` takes a text with an escaped quote for
    two; but each text in a match is followed by a key, and nobody writes JSON in which a text is followed by a letter.
    So whole members of an object are taken out, wherever that is, and what is left is whole items where the text was.
    """
    runs = [list(run) for _, run in itertools.groupby(_members(sample), key=lambda member: member.name in fields)]
    followed = [(run, after[0]) for run, after in zip(runs, runs[1:]) if run[0].name not in fields]
    if not followed:
        return None
    run, after = max(followed, key=lambda found: found[0][-1].end - found[0][0].start)
    pattern = _alike(sample[run[0].start : run[-1].end])
    if pattern is None:
        return None
    followed_by = re.escape(sample[run[-1].end : after.value])
    return _Needless(re.compile(f"{pattern}(?={followed_by})"), f'{sample[run[0].start]}"{_TAKEN}":0')


class _Member(NamedTuple):
    """Where a member of an object stands, from the bracket or the comma before it."""

    name: str
    start: int
    value: int
    end: int


_KEY = re.compile(r'\s*([{,])\s*"(\w+)"\s*:\s*')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


def _members(item: str) -> Iterator[_Member]:
    """The members of an object, up to one with an unusual name."""
    decode, at = json.JSONDecoder().raw_decode, 0
    while key := _KEY.match(item, at):
        try:
            _, at = decode(item, key.end())
        except (ValueError, RecursionError):  # a sample need not be complete, nor of use
            return
        yield _Member(key[2], key.start(1), key.end(), at)


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
