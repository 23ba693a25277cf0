"""Decoding many items with one call.

msgspec (extra ``fast``) steps over what nobody needs. json builds everything, so what nobody needs, which is most of
an item, is taken out of the text before.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import operator
import re
import secrets
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence, Union

__all__ = ["Fields", "answer_decoder", "block_decoder"]

# Of what nobody needs in an item: a longer pattern would cost more than it saves.
LONGEST_PATTERN = 8192
LONGEST_SAMPLE = 2 * LONGEST_PATTERN
# Learning what nobody needs costs as much as decoding some items, and the first blocks of a list shall leave soon.
LEAST_CHARS = 96 * 2**10


Fields = Union[str, Sequence[str]]
Decode = Callable[[str], list[Any]]


def block_decoder(fields: Fields, sample: str) -> Callable[[str], list[Any]]:
    """A function from ``"item,item,…"`` to the items, of which ``sample`` is one, with at least these fields of each;
    or, for the name of one field, to that of each.

    What else an item holds may be left out, and need not even be right. Raises ValueError for what is no such text,
    and may do so where an item lacks one of these.
    """
    msgspec = _of_msgspec(fields if isinstance(fields, str) else tuple(fields))
    if msgspec is not None:
        return msgspec.items
    plainly, learnt = _of_json(fields, _block, ""), functools.lru_cache(lambda: _of_json(fields, _block, sample))
    return lambda text: (plainly if len(text) < LEAST_CHARS else learnt())(text.encode())


def answer_decoder(field: str) -> Callable[[bytes], list[Any]]:
    """A function from a whole answer to what :func:`block_decoder` gives of the items of its list ``value``."""
    msgspec = _of_msgspec(field)
    return _answers_of_json(field) if msgspec is None else msgspec.answer


class _Msgspec:
    """Its items live for an instant, so the garbage collector is not told: that would be a third of the cost."""

    def __init__(self, fields: Fields) -> None:
        import msgspec
        from msgspec.structs import asdict

        names = [fields] if isinstance(fields, str) else fields
        item = msgspec.defstruct("Item", [(name, Any) for name in names], gc=False)
        answer = msgspec.defstruct("Answer", [("value", list[item])], gc=False)  # type: ignore[valid-type]
        self._items = msgspec.json.Decoder(list[item]).decode  # type: ignore[valid-type]
        self._answer = msgspec.json.Decoder(answer).decode
        self._wanted = operator.attrgetter(fields) if isinstance(fields, str) else asdict
        self._error = msgspec.MsgspecError

    def items(self, text: str) -> list[Any]:
        return list(map(self._wanted, self._decoded(self._items, f"[{text}]")))

    def answer(self, text: bytes) -> list[Any]:
        return list(map(self._wanted, self._decoded(self._answer, text).value))

    def _decoded(self, decode: Callable[[Any], Any], text: Union[str, bytes]) -> Any:
        try:
            return decode(text)
        except (self._error, RecursionError) as error:  # no ValueError before 0.20
            raise ValueError(str(error)) from None


_msgspec = functools.lru_cache(maxsize=16)(_Msgspec)


def _of_msgspec(fields: Union[str, tuple[str, ...]]) -> Optional[_Msgspec]:
    """None where it is not installed."""
    try:
        import msgspec  # noqa: F401
    except ImportError:
        return None
    return _msgspec(fields)


_DECODER = json.JSONDecoder()
_BLANKS = r"[ \t\n\r]*"
_END = re.compile(rf"{_BLANKS}\}}")
_VALUE = re.compile(rb'"value"\s*:\s*\[\s*')
# Stands for what was taken out; nobody outside can write it, so what has it had that.
_TAKEN = secrets.token_hex(16)


class _AnswersOfJson:
    """Most of them look alike, so what one has taught is tried with the next."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._between: Optional[re.Pattern[bytes]] = None

    def __call__(self, body: bytes) -> list[Any]:
        tried = self._between
        if tried is not None:
            with contextlib.suppress(ValueError):
                return _cut_out(self._field, tried, _answer, body)
        start = _VALUE.search(body)
        sample = body[start.end() : start.end() + LONGEST_SAMPLE].decode(errors="ignore") if start else ""
        between = self._between = _between(self._field, sample)
        return _alone(self._field, None if between is tried else between, _answer, body)


_answers_of_json = functools.lru_cache(maxsize=16)(_AnswersOfJson)


def _of_json(fields: Fields, decode: Decode, sample: str) -> Callable[[bytes], list[Any]]:
    if isinstance(fields, str):
        return functools.partial(_alone, fields, _between(fields, sample), decode)
    return functools.partial(_shortened, _needless(fields, sample), decode)


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


def _first_value(text: str) -> tuple[Any, str]:
    """The value that a text begins with, and what follows."""
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None
    return value, text[end:]


def _alone(field: str, between: Optional[re.Pattern[bytes]], decode: Decode, text: bytes) -> list[Any]:
    """One field of each of the items that ``decode`` gives."""
    if between is not None:
        with contextlib.suppress(ValueError):
            return _cut_out(field, between, decode, text)
    try:
        return list(map(operator.itemgetter(field), decode(text.decode())))
    except (KeyError, TypeError):
        raise ValueError(f"an item without {field!r}") from None


def _cut_out(field: str, between: re.Pattern[bytes], decode: Decode, text: bytes) -> list[Any]:
    """That of the first item from a text without the others, the rest as a list. ValueError where that cannot be.

    What stands between two of these ends an object and begins another, in one list. It may be another list of the text,
    but then the first item does not get our sign; or there may be more in an item, but that is no list of values.
    """
    first, *others = between.split(text)
    if not others:
        raise ValueError("nothing to cut")
    last, rest = _first_value(others.pop().decode())
    if not _END.match(rest):
        raise ValueError("more than that in the last item")
    found = decode(f'{first.decode()}, "{_TAKEN}": 0{rest}')
    values = _loaded(f"[{b','.join(others).decode()}]")
    if len(found) != 1 or _marked(found) != 1 or field not in found[0] or len(values) != len(others):
        raise ValueError("other objects look like these items")
    return [found[0][field], *values, last]


def _between(field: str, sample: str) -> Optional[re.Pattern[bytes]]:
    """A pattern of all that stands between the ``field`` of one item and that of the next, where it is the last."""
    wanted = next((member for member in _members(sample) if member.name == field), None)
    if wanted is None or not _END.match(sample, wanted.end):
        return None
    beginning = _alike(sample[: wanted.value])
    return None if beginning is None else re.compile(rf"\}}{_BLANKS},{_BLANKS}{beginning}".encode())


def _shortened(needless: Optional[_Needless], decode: Decode, text: bytes) -> list[Any]:
    """What ``decode`` gives, of a text without what nobody needs if that can be."""
    if needless is None:
        return decode(text.decode())
    short, taken = needless.pattern.subn(needless.instead, text)
    items = decode(short.decode())
    # Other parts of an item may look the same: then more was taken out than items lost something.
    return items if not taken or taken == _marked(items) else decode(text.decode())


def _marked(items: list[Any]) -> int:
    """How many of the items have our sign."""
    try:
        return sum(map(operator.contains, items, itertools.repeat(_TAKEN)))
    except TypeError:  # not all of them are objects
        return 0


class _Needless(NamedTuple):
    pattern: re.Pattern[bytes]
    instead: bytes


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
    instead = f'{sample[run[0].start]}"{_TAKEN}":0'
    return _Needless(re.compile(f"{pattern}(?={followed_by})".encode()), instead.encode())


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
    decode, at = _DECODER.raw_decode, 0
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
