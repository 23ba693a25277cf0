"""Decode many items with one call, with msgspec (extra ``fast``) or with the standard library and shortcuts.

msgspec skips members that are not needed. json builds every member, so :mod:`.json_shortcuts` first removes most of the
unneeded members from the text.
"""

from __future__ import annotations

import functools
import operator
from typing import Any, Callable, Optional, Sequence, Union

from .json_shortcuts import SingleField, decode_block, field_of_each, shortened_decoder

# Shorter texts are decoded in full, because learning the pattern of unneeded members costs as much as decoding several
# items. This also yields the first items of a list sooner.
LEAST_CHARS = 96 * 2**10

Fields = Union[str, Sequence[str]]


def block_decoder(fields: Fields, sample: str) -> Callable[[str], list[Any]]:
    """Return a function that decodes ``"item,item,…"``; ``sample`` is the text of one item.

    If ``fields`` is one name, the function returns this field of each item. Otherwise it returns the items with at
    least these fields. Other members may be missing, and need not be valid JSON.

    The function raises ValueError for a text of another form. It may also raise ValueError if an item lacks a field.
    """
    msgspec = _msgspec_for(fields if isinstance(fields, str) else tuple(fields))
    if msgspec is not None:
        return msgspec.decode_block
    if isinstance(fields, str):
        name = fields  # the shortcut does not save time for the items of a block, which are few
        return lambda text: field_of_each(name, decode_block, text.encode())
    quick = shortened_decoder(fields, sample, decode_block)
    return lambda text: (decode_block if len(text) < LEAST_CHARS else quick)(text.encode())


def answer_decoder(field: str) -> Callable[[bytes], list[Any]]:
    """Return a function that decodes a complete answer and returns one field of each item of its list ``value``."""
    msgspec = _msgspec_for(field)
    return _cached_field(field) if msgspec is None else msgspec.decode_answer


_cached_field = functools.lru_cache(maxsize=16)(SingleField)


class _Msgspec:
    """Decoders of msgspec for items with certain fields."""

    def __init__(self, fields: Fields) -> None:
        import msgspec
        from msgspec.structs import asdict

        names = [fields] if isinstance(fields, str) else fields
        # The items live briefly, so they need no garbage collection; gc=False saves a third of the time.
        item = msgspec.defstruct("Item", [(name, Any) for name in names], gc=False)
        answer = msgspec.defstruct("Answer", [("value", list[item])], gc=False)  # type: ignore[valid-type]
        self._items = msgspec.json.Decoder(list[item]).decode  # type: ignore[valid-type]
        self._answer = msgspec.json.Decoder(answer).decode
        self._result_of = operator.attrgetter(fields) if isinstance(fields, str) else asdict
        self._error = msgspec.MsgspecError

    def decode_block(self, text: str) -> list[Any]:
        return list(map(self._result_of, self._decode(self._items, f"[{text}]")))

    def decode_answer(self, text: bytes) -> list[Any]:
        return list(map(self._result_of, self._decode(self._answer, text).value))

    def _decode(self, decode: Callable[[Any], Any], text: Union[str, bytes]) -> Any:
        try:
            return decode(text)
        except (self._error, RecursionError) as error:  # not a ValueError before msgspec 0.20
            raise ValueError(str(error)) from None


_cached_msgspec = functools.lru_cache(maxsize=16)(_Msgspec)


def _msgspec_for(fields: Union[str, tuple[str, ...]]) -> Optional[_Msgspec]:
    """Return the decoders, or None if msgspec is not installed."""
    try:
        import msgspec  # noqa: F401
    except ImportError:
        return None
    return _cached_msgspec(fields)
