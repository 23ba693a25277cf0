"""Where to cut a text that is not complete, so that many items are decoded with one call."""

from __future__ import annotations

import itertools
from typing import Any, Callable

__all__ = ["Cutter"]

LEAST_CHARS = 128 * 2**10
_TRIES = 3
_GIVE_UP_AFTER = 8


class Cutter:
    """Finds the last border between two items in a piece of a list, by how its items begin.

    That is a guess: the same text may stand inside an item or a string. But what was cut off decodes
    only if it is whole items, so a wrong guess costs time and never an item.
    """

    def __init__(self, decode: Callable[[str], list[Any]], first: str, second: str) -> None:
        self._decode = decode
        self._sign = _beginning(first, second)
        self._failures = 0

    @property
    def useless(self) -> bool:
        """True when guessing failed so often that it does not pay."""
        return not self._sign or self._failures >= _GIVE_UP_AFTER

    def cut(self, text: str, start: int, end: int) -> tuple[list[Any], int]:
        """Whole items from ``start`` on, and where the next one starts, before ``end``; none where no border is
        found."""
        border = end
        for _ in range(_TRIES):
            border = text.rfind(self._sign, start + 1, border)
            comma = text.rfind(",", start, border) if border > 0 else -1
            if comma <= start:  # without a value before it
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
