"""Helpers for messages: escaping of untrusted text, counts and lists in words, suggestions for misspelled words."""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata
from typing import Any, Collection, Iterable, Iterator, Optional

# Invisible characters that are not control characters: fillers, letters that look blank, and characters that Unicode
# allows programs to ignore. They can hide instructions to a language model.
_BLANK = re.compile(
    r"[\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180F\u2065\u2800\u3164\uFE00-\uFE0F\uFFA0\uFFF0-\uFFF8"
    r"\U00016FE4\U0001D159\U000E0000-\U000E0FFF]"
)
_AS_TEXT_OR_PICTURE = ("\ufe0e", "\ufe0f")  # select how the symbol before them is drawn


def escape_invisible(text: str, keep: str = "") -> str:
    """Return ``text`` with invisible characters escaped, except the characters in ``keep``.

    Characters that change the look of others count as invisible.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if is_invisible else char for char, is_invisible in _with_visibility(text, keep))


def first_invisible(text: str, keep: str = "") -> Optional[str]:
    """Return the first character that :func:`escape_invisible` would escape, or None."""
    return next((char for char, is_invisible in _with_visibility(text, keep) if is_invisible), None)


def escape_unprintable(text: str) -> str:
    """Return ``text`` as one line: line breaks and all other characters that are not printable are escaped."""
    return text if text.isprintable() else "".join(char if char.isprintable() else _escape(char) for char in text)


def _with_visibility(text: str, keep: str) -> Iterator[tuple[str, bool]]:
    before = ""
    for char in text:
        is_part_of_symbol = char in _AS_TEXT_OR_PICTURE and before != "" and unicodedata.category(before)[0] == "S"
        yield char, not (char in keep or is_part_of_symbol or _shows(char))
        before = char


def _shows(char: str) -> bool:
    if char < "\x7f":
        return char >= " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return False
    return _BLANK.match(char) is None


# Codecs that encode text as other text. They would change a backslash in a cell or a dot in a name.
_NOTATIONS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape")


def is_encoding(name: str) -> bool:
    """Return True if Python knows the encoding ``name``, except notations such as ``idna``."""
    try:
        "".encode(name)  # LookupError for codecs that are not for text, such as rot13
        if codecs.lookup(name).name in _NOTATIONS:
            return False
    except (LookupError, ValueError):  # ValueError for names with odd characters
        return False
    return True


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article, such as ``"an auxiliary tag"``."""
    is_vowel = noun[0].lower() in "aeiou" and not noun.lower().startswith("user")
    return f"{'an' if is_vowel else 'a'} {noun}"


def name_line(cells: Iterable[str]) -> str:
    """Return the texts that name an object as one line with tabs between them, for :func:`read_name_line`.

    A text with invisible characters, or with a quotation mark at its start, becomes a JSON string.
    """
    import json  # not at the top, because it would delay --help

    return "\t".join(json.dumps(c) if c.startswith('"') or first_invisible(c) is not None else c for c in cells)


def read_name_line(line: str) -> list[str]:
    """Return the texts in a line of :func:`name_line`. Raises ValueError if it is not valid."""
    import json

    # JSON that starts with a quotation mark is a string.
    return [json.loads(cell) if cell.startswith('"') else cell for cell in line.split("\t")]


def parse_json_container(text: str) -> Any:
    """Return the list or object in the JSON ``text``, or None if the text is anything else."""
    if text.lstrip(" \t\r\n")[:1] not in ("{", "["):
        return None
    import json  # not at the top, because it would delay --help

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def pluralize(number: int, one: str, many: str = "") -> str:
    """Return ``"1 host"`` or ``"2 hosts"``. ``many`` is the plural if it is not ``one`` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def shorten(text: str, limit: int) -> str:
    """Return the text, or its first ``limit`` characters and an ellipsis."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def summarize(items: Collection[object], limit: int, separator: str = ", ", conjunction: str = "and") -> str:
    """Return the first items as one string: ``"a, b"``, or ``"a, b and 7 more"`` if there are more than ``limit``."""
    text = separator.join(map(str, itertools.islice(items, limit)))
    return text if len(items) <= limit else f"{text} {conjunction} {len(items) - limit} more"


def close_matches(word: str, known: Iterable[str], cutoff: float = 0.8) -> list[str]:
    """Return up to two known words that ``word`` probably misspells, the closest first."""
    import difflib  # imported only when there is a mistake to report

    return difflib.get_close_matches(word, list(known), n=2, cutoff=cutoff)


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """Return a hint: ``"; did you mean …?"`` with the closest known word, or ``"; use one of: …"`` with known words.

    These are the words that contain ``word``, or else all words, but at most 25.
    """
    close = close_matches(word, known, cutoff=0.6)
    longer = [name for name in known if word.lower() in name.lower()]
    return f"; did you mean {close[0]!r}?" if close else f"; use one of: {summarize(longer or known, 25)}"
