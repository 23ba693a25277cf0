"""Decoding many items with one call, and where to cut a text that is not complete for that.

msgspec (extra ``fast``) steps over what nobody needs. json builds everything, so links, which are most of an
item, are taken out of the text before.
"""

from __future__ import annotations

import itertools
import json
import secrets
from typing import Any, Callable, Optional, Sequence

__all__ = ["Cutter", "block_decoder"]

Decode = Callable[[str], list[Any]]

LEAST_CHARS = 128 * 2**10
_TRIES = 3
_GIVE_UP_AFTER = 8


def block_decoder(fields: Sequence[str]) -> Decode:
    """A function from ``"item,item,…"`` to the items, with at least these members of each.

    What else an item holds may be left out. Raises ValueError for what is no such text, and may do so where
    an item lacks one of these.
    """
    return _of_msgspec(fields) or (_whole if "links" in fields else _of_json)


def _of_msgspec(fields: Sequence[str]) -> Optional[Decode]:
    """None where it is not installed."""
    try:
        import msgspec
        from msgspec.structs import asdict
    except ImportError:
        return None
    # gc=False: these live for an instant, and tracking them is a third of the cost.
    item = msgspec.defstruct("Item", [(name, Any) for name in fields], gc=False)
    decode = msgspec.json.Decoder(list[item]).decode  # type: ignore[valid-type]

    def items(text: str) -> list[Any]:
        try:
            return list(map(asdict, decode(f"[{text}]")))
        except msgspec.MsgspecError as error:  # no ValueError before 0.20
            raise ValueError(str(error)) from None

    return items


_LINKS = ('"links": [', '"links":[')
# Stands for links that were taken out; nobody outside can write it, so what has it had links.
_TAKEN = secrets.token_hex(16)


def _whole(text: str) -> list[Any]:
    try:
        return list(json.loads(f"[{text}]"))
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None


def _of_json(text: str) -> list[Any]:
    short, taken = _without_links(text)
    items = _whole(short)
    # Other parts of an item may have links too: then there are more than items that lost theirs.
    if taken and taken != sum(isinstance(item, dict) and item.pop("links", None) == _TAKEN for item in items):
        return _whole(text)
    return items


def _without_links(text: str) -> tuple[str, int]:
    """The text with a mark instead of each list of ``"links"``, and how many there were; or as it is, and 0.

    That changes nothing else: each list holds no other one, and ends with a bracket outside of all texts in it. So
    what is left is whole items where the text was, and only there.
    """
    sign = next((sign for sign in _LINKS if sign in text), "")
    pieces: list[str] = []
    find, count, may_escape = text.find, text.count, '\\"' in text
    at = 0
    while sign and (start := find(sign, at)) >= 0:
        inside, end = start + len(sign), find("]", start)
        if end < 0 or count('"', start, end) % 2 or find("[", inside, end) >= 0:
            return text, 0
        if may_escape and find('\\"', max(0, start - 1), end) >= 0:
            return text, 0
        pieces.append(text[at:start])
        at = end + 1
    pieces.append(text[at:])
    return f'"links":"{_TAKEN}"'.join(pieces), len(pieces) - 1


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
