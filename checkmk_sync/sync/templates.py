"""Templates of mapping files: texts with fields, ``{Column|filter|filter:text}``.

A field names a column and listed filters. There are no attributes, indexes or expressions: nothing in a mapping file or
in a cell is ever run.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Callable, Mapping, Optional, Union

from ..config.documents import SHOWN
from ..core.text import suggestion

__all__ = ["FILTERS", "CellError", "Field", "Template", "TemplateError", "parse"]

Tables = Mapping[str, Mapping[str, str]]
Convert = Callable[[str], str]  # raises ValueError with the reason, without the value

_DOUBLED = re.compile(r"(?<!\{)\{\{\s*([^{}|\s][^{}|]*?)\s*[|}]")
_OTHERS = "*"  # the key of a table for values that it does not name
_SEPARATORS = re.compile(r"[/\\~]+")  # all that Checkmk takes between folders
# German first: an umlaut is two letters, not a letter without its dots.
_SPELLED = str.maketrans("øØđĐðÐłŁı‐‑–—‘’“”„", 'oOdDdDlLi----\'\'"""') | str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"}
    | {"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th"}
)


class TemplateError(ValueError):
    """A template is malformed at the character ``offset`` (from 0)."""

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)


class CellError(ValueError):
    """A cell of a ``column`` has a value that its template cannot use. The message may show the value."""

    def __init__(self, message: str, column: str) -> None:
        self.column = column
        super().__init__(message)


def _ascii(value: str) -> str:
    spelled = unicodedata.normalize("NFC", value).translate(_SPELLED)
    bare = "".join(char for char in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(char))
    odd = next((char for char in bare if not char.isascii()), None)
    if odd is not None:
        raise ValueError(f"holds {odd!r}, which has no spelling in ASCII; give it one with replace or lookup")
    return bare


def _slug(value: str) -> str:
    slug = re.sub(r"[^a-z0-9_]+", "-", _ascii(value).lower()).strip("-")
    if not slug:
        raise ValueError("holds no letter or digit of which a slug could be made")
    return slug


def _path(value: str) -> str:
    parts = [part.strip() for part in _SEPARATORS.split(value)]
    if any(part and not part.strip(".") for part in parts):
        raise ValueError("leads to another folder: a name of dots alone is not allowed")
    return "/".join(filter(None, parts))


def _lookup(table: Mapping[str, str], name: str) -> Convert:
    def convert(value: str) -> str:
        if value in table:
            return table[value]
        if _OTHERS in table:
            return table[_OTHERS]
        raise ValueError(f"is not in the table {name!r}{suggestion(value, tuple(table))}")

    return convert


# Each with the names of its texts.
FILTERS: Mapping[str, tuple[tuple[str, ...], Callable[..., Convert]]] = {
    "lower": ((), lambda: str.lower),
    "upper": ((), lambda: str.upper),
    "strip": ((), lambda: str.strip),
    "squeeze": ((), lambda: lambda value: " ".join(value.split())),
    "ascii": ((), lambda: _ascii),
    "slug": ((), lambda: _slug),
    "path": ((), lambda: _path),
    "before": (("TEXT",), lambda text: lambda value: value.partition(text)[0].strip()),
    "after": (("TEXT",), lambda text: lambda value: (value.partition(text)[2] if text in value else value).strip()),
    "replace": (("OLD", "NEW"), lambda old, new: lambda value: value.replace(old, new)),
    "lookup": (("TABLE",), _lookup),
    "default": (("DEFAULT",), lambda text: lambda value: value or text),
}
_MAY_BE_EMPTY = ("DEFAULT", "NEW")


@dataclass(frozen=True)
class Field:
    """The value of a column, converted by filters, at the character ``offset`` of a template. With ``is_path`` it may
    hold several folders. With ``has_default`` it is never missing."""

    column: str
    filters: tuple[tuple[str, Convert], ...]
    offset: int
    is_path: bool = False
    has_default: bool = False

    def value(self, cells: Mapping[str, str]) -> str:
        """The value; CellError if a filter refuses it, or it holds control characters."""
        value = cells[self.column]
        for name, convert in self.filters:
            if value or name == "default":  # nothing can be made of nothing
                try:
                    value = convert(value)
                except ValueError as error:
                    raise CellError(f"{_shown(value)} {error}", self.column) from None
        if not value.isprintable():
            odd = next((char for char in value if unicodedata.category(char) in ("Cc", "Zl", "Zp")), None)
            if odd is not None:
                what = "a line break or tab, which squeeze makes a blank" if odd.isspace() else f"U+{ord(odd):04X}"
                raise CellError(f"the value holds a control character ({what})", self.column)
        return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}…")


@dataclass(frozen=True)
class Template:
    """A text with fields; without any it is a constant.

    ``double_braced`` are names in double braces, which mean a field elsewhere, but here a text in braces.
    """

    parts: tuple[Union[str, Field], ...]
    double_braced: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(part for part in self.parts if isinstance(part, Field))

    def render(self, cells: Mapping[str, str], *, is_folder: bool = False) -> Optional[str]:
        """The text for one row; None if all its fields are empty.

        CellError when only some are empty, and with ``is_folder`` for a value that would add a folder unasked.
        """
        texts: list[str] = []
        missing: list[Field] = []
        filled_count = 0
        for part in self.parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            value = part.value(cells)
            if is_folder and not part.is_path and _SEPARATORS.search(value):
                message = (
                    f"{_shown(value)} would add a folder; give the field the filter path if that is meant, or slug"
                )
                raise CellError(message, part.column)
            if value or part.has_default:
                filled_count += 1
            else:
                missing.append(part)
            texts.append(value)
        if missing and filled_count:
            hint = f'give it a default, such as {{{missing[0].column}|default:unknown}} or default:""'
            raise CellError(
                f"the value is missing, but other fields of the template have one; {hint}", missing[0].column
            )
        return None if missing else "".join(texts).strip() or None


def parse(text: str, tables: Optional[Tables] = None) -> Template:
    """Parse a template. TemplateError, with the offset, if it is malformed."""
    parts: list[Union[str, Field]] = []
    literal = ""
    at = 0
    while at < len(text):
        if text.startswith(("{{", "}}"), at):
            literal, at = literal + text[at], at + 2
        elif text[at] == "}":
            raise TemplateError("a '}' without '{'; a brace itself is written '}}'", at)
        elif text[at] == "{":
            if literal:
                parts.append(literal)
            literal = ""
            field, at = _FieldParser(text, at, tables or {}).parse()
            parts.append(field)
        else:
            literal, at = literal + text[at], at + 1
    return Template((*parts, literal) if literal else tuple(parts), tuple(_DOUBLED.findall(text)))


class _FieldParser:
    """Reads one field, from its ``{`` to its ``}``."""

    def __init__(self, text: str, start: int, tables: Tables) -> None:
        self._text, self._start, self._at = text, start, start + 1
        self._tables = tables

    def parse(self) -> tuple[Field, int]:
        """The field, and the position behind it."""
        name, _ = self._word("|}")
        if not name:
            raise TemplateError(
                "a field needs the name of a column: {Column}; a brace itself is written '{{'", self._start
            )
        filters: list[tuple[str, Convert]] = []
        while self._text[self._at] == "|":
            filters.append(self._filter({known for known, _ in filters}))
        names = {known for known, _ in filters}
        return Field(name, tuple(filters), self._start, "path" in names, "default" in names), self._at + 1

    def _filter(self, before: set[str]) -> tuple[str, Convert]:
        self._at += 1
        at = self._at
        name, _ = self._word(":|}")
        if name not in FILTERS:
            message = f"unknown filter {name!r}{suggestion(name, tuple(FILTERS))}" if name else "a filter has no name"
            raise TemplateError(message, at)
        wanted, make = FILTERS[name]
        texts: list[str] = []
        while self._text[self._at] == ":":
            self._at += 1
            text, is_quoted = self._word(":|}")
            if not (text or is_quoted):
                raise TemplateError(f'{_usage(name)}, and an empty text is written ""', at)
            texts.append(text)
        if len(texts) != len(wanted):
            raise TemplateError(f"{_usage(name)}, here with {len(texts)} texts", at)
        if any(not text and what not in _MAY_BE_EMPTY for what, text in zip(wanted, texts)):
            raise TemplateError(f"{_usage(name)}, and the text may not be empty", at)
        if name == "lookup":
            return name, make(self._table(texts[0], at), texts[0])
        if name == "slug" and "path" in before:
            return name, lambda value: "/".join(map(_slug, value.split("/")))
        return name, make(*texts)

    def _table(self, name: str, at: int) -> Mapping[str, str]:
        if name not in self._tables:
            known = suggestion(name, tuple(self._tables)) if self._tables else "; there is no section 'tables'"
            raise TemplateError(f"unknown table {name!r}{known}", at)
        return self._tables[name]

    def _word(self, ends: str) -> tuple[str, bool]:
        """A text up to one of these characters, in quotes if it holds them; and whether it stood in quotes."""
        text = self._text
        while self._at < len(text) and text[self._at] == " ":
            self._at += 1
        start = self._at
        quote = text[start : start + 1]
        if quote and quote in "\"'":
            end = text.find(quote, start + 1)
            if end < 0:
                raise TemplateError("the quotes are not closed", start)
            self._at = end + 1
            while self._at < len(text) and text[self._at] == " ":
                self._at += 1
            word, is_quoted = text[start + 1 : end], True
        else:
            while self._at < len(text) and text[self._at] not in ends + "{":
                self._at += 1
            word, is_quoted = " ".join(text[start : self._at].split()), False
        if self._at >= len(text) or text[self._at] == "{":
            raise TemplateError("the field is not closed: '}' is missing", self._start)
        if text[self._at] not in ends:
            raise TemplateError(f"{text[self._at]!r} is not expected after quotes", self._at)
        return word, is_quoted


def _usage(name: str) -> str:
    texts = FILTERS[name][0]
    form = ":".join((name, *texts))
    return f"the filter {name} takes no text" if not texts else f"the filter {name} is written {form}"
