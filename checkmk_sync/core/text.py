"""Texts from elsewhere, made harmless for who shows them."""

from __future__ import annotations

import codecs
import json
import unicodedata
from typing import Any, Iterable, Iterator, Optional

__all__ = [
    "close_matches",
    "escape_invisible",
    "first_invisible",
    "is_encoding",
    "parse_json_container",
    "pluralize",
    "suggestion",
]

# What shows nothing though it is no control character: fillers, blanks that are drawn as letters, and what
# Unicode lets programs ignore. Texts for a model alone can be hidden in it.
_BLANKS = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2065, 0x2065),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x16FE4, 0x16FE4),
    (0x1D159, 0x1D159),
    (0xE0000, 0xE0FFF),
)
_AS_TEXT_OR_PICTURE = ("\ufe0e", "\ufe0f")  # how the symbol before is to be drawn


def escape_invisible(text: str, keep: str = "") -> str:
    """``text`` with all written out that does not show, or changes how the rest does, but for what to ``keep``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if is_unseen else char for char, is_unseen in _looked_at(text, keep))


def first_invisible(text: str, keep: str = "") -> Optional[str]:
    """The first character that :func:`escape_invisible` would write out."""
    return next((char for char, is_unseen in _looked_at(text, keep) if is_unseen), None)


def _looked_at(text: str, keep: str) -> Iterator[tuple[str, bool]]:
    before = ""
    for char in text:
        is_of_symbol = char in _AS_TEXT_OR_PICTURE and before != "" and unicodedata.category(before)[0] == "S"
        yield char, not (char in keep or is_of_symbol or _shows(char))
        before = char


def _shows(char: str) -> bool:
    if char < "\x7f":
        return char >= " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return False
    return not any(first <= ord(char) <= last for first, last in _BLANKS)


# Codecs that write texts in other texts: a backslash in a cell, or a dot in a name, would become something else.
_NOTATIONS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape")


def is_encoding(name: str) -> bool:
    """True for the name of an encoding of texts that Python knows."""
    try:
        "".encode(name)  # refuses codecs that are not for texts, such as rot13
        if codecs.lookup(name).name in _NOTATIONS:
            return False
    except (LookupError, ValueError):  # ValueError for names with odd characters
        return False
    return True


def parse_json_container(text: str) -> Any:
    """The list or object that a text is when it is JSON, else None."""
    if text.lstrip(" \t\r\n")[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def pluralize(number: int, one: str, many: str = "") -> str:
    """``"1 host"``, ``"2 hosts"``; ``many`` is what more than one are called, if not ``one`` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def close_matches(word: str, known: Iterable[str], cutoff: float = 0.8) -> list[str]:
    """Return up to two known words that ``word`` probably misspells, the closest first."""
    import difflib  # only a mistake pays for it

    return difflib.get_close_matches(word, list(known), n=2, cutoff=cutoff)


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """``"; did you mean …?"`` for the known word that looks like ``word``, or the list of all."""
    close = close_matches(word, known, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(known)}"
