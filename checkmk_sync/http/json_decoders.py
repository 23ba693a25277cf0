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
    plainly: Callable[[bytes], list[Any]]
    quickly: Callable[[bytes], list[Any]]
    if isinstance(fields, str):
        plainly, quickly = functools.partial(_plainly, fields, _block), _Alone(fields, _block, lambda _text: sample)
    else:
        learnt = functools.lru_cache(functools.partial(_needless, fields, sample))
        plainly, quickly = functools.partial(_plainly, None, _block), functools.partial(_shortened, learnt, _block)
    return lambda text: (plainly if len(text) < LEAST_CHARS else quickly)(text.encode())


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


class _Alone:
    """One field of each of the items that ``decode`` gives; ``sample_of(text)`` is one of them.

    Most texts look alike, so what one has taught is tried with the next.
    """

    def __init__(self, field: str, decode: Decode, sample_of: Callable[[bytes], str]) -> None:
        self._field, self._decode, self._sample_of = field, decode, sample_of
        self._between: Optional[re.Pattern[bytes]] = None

    def __call__(self, text: bytes) -> list[Any]:
        for between in self._patterns(text):
            with contextlib.suppress(ValueError):
                found = _cut_out(self._field, between, self._decode, text)
                self._between = between
                return found
        return _plainly(self._field, self._decode, text)

    def _patterns(self, text: bytes) -> Iterator[re.Pattern[bytes]]:
        known = self._between
        if known is not None:
            yield known
        sample = self._sample_of(text)
        for any_text in (_ANY_TEXT, _ANY_ESCAPED_TEXT):
            between = _between(self._field, sample, any_text)
            if between is not None and between != known:
                yield between


@functools.lru_cache(maxsize=16)
def _answers_of_json(field: str) -> _Alone:
    return _Alone(field, _answer, _first_of_answer)


def _first_of_answer(body: bytes) -> str:
    """The first item, and what follows; "" without one."""
    start = _VALUE.search(body)
    return body[start.end() : start.end() + LONGEST_SAMPLE].decode(errors="ignore") if start else ""


def _plainly(field: Optional[str], decode: Decode, text: bytes) -> list[Any]:
    items = decode(text.decode())
    try:
        return items if field is None else list(map(operator.itemgetter(field), items))
    except (KeyError, TypeError):
        raise ValueError(f"an item without {field!r}") from None


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


def _between(field: str, sample: str, any_text: str) -> Optional[re.Pattern[bytes]]:
    """A pattern of all that stands between the ``field`` of one item and that of the next, where it is the last."""
    wanted = next((member for member in _members(sample) if member.name == field), None)
    if wanted is None or not _END.match(sample, wanted.end):
        return None
    beginning = _alike(sample[: wanted.value], any_text)
    return None if beginning is None else re.compile(rf"\}}{_BLANKS},{_BLANKS}{beginning}".encode())


def _shortened(learnt: Callable[[], Optional[_Needless]], decode: Decode, text: bytes) -> list[Any]:
    """What ``decode`` gives, of a text without what nobody needs if that can be."""
    needless = learnt()
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

    In other items the texts in it may be others, and no more. What stands for any text may take one with an escaped
    quote for two, or more than a text for one; but each in a match is followed by a key, and nobody writes JSON in
    which a text is followed by a letter. So whole members of an object are taken out, wherever that is, and what is
    left is whole items where the text was.
    """
    runs = [list(run) for _, run in itertools.groupby(_members(sample), key=lambda member: member.name in fields)]
    followed = [(run, after[0]) for run, after in zip(runs, runs[1:]) if run[0].name not in fields]
    if not followed:
        return None
    run, after = max(followed, key=lambda found: found[0][-1].end - found[0][0].start)
    pattern = _alike(sample[run[0].start : run[-1].end], _ANY_TEXT)
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
# The second is slower, but knows texts with escaped quotes as well.
_ANY_TEXT, _ANY_ESCAPED_TEXT = '"[^"]*"', r'"[^"]*(?:(?<=\\)"[^"]*)*"'
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


def _alike(text: str, any_text: str) -> Optional[str]:
    """A pattern of members that differ from these in their texts only; None where that is not sure to find borders."""
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
