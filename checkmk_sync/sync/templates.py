"""Templates of mapping files: strings with fields such as ``{Column|filter|filter:text}``.

A field consists of the name of a column and of filters from a fixed list. It cannot contain attributes, indexes or
expressions, so a mapping file or a cell can never run code.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Callable, Mapping, Optional, Union

from ..config.documents import SHOWN
from ..core.text import shorten, suggestion

Tables = Mapping[str, Mapping[str, str]]
Convert = Callable[[str], str]  # raises ValueError with the reason, without the value

_DOUBLED = re.compile(r"(?<!\{)\{\{\s*([^{}|\s][^{}|]*?)\s*[|}]")
_OTHERS = "*"  # the key in a table for all other values
_SEPARATORS = re.compile(r"[/\\~]+")  # everything that Checkmk accepts between folders
# German spelling: an umlaut becomes two letters. Removing only its dots would be wrong.
_SPELLED = str.maketrans("øØđĐðÐłŁı‐‑–—‘’“”„", 'oOdDdDlLi----\'\'"""') | str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"}
    | {"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th"}
)


class TemplateError(ValueError):
    """A template is not valid. ``offset`` is the index of the character, from 0."""

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)


class CellError(ValueError):
    """A cell has a value that the template cannot use. The message may contain the value."""

    def __init__(self, message: str, column: str) -> None:
        self.column = column
        super().__init__(message)


def _ascii(value: str) -> str:
    spelled = unicodedata.normalize("NFC", value).translate(_SPELLED)
    bare = "".join(char for char in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(char))
    odd = next((char for char in bare if not char.isascii()), None)
    if odd is not None:
        raise ValueError(
            f"contains {odd!r}, which has no ASCII equivalent; convert it with the replace or lookup filter"
        )
    return bare


def _slug(value: str) -> str:
    slug = re.sub(r"[^a-z0-9_]+", "-", _ascii(value).lower()).strip("-")
    if not slug:
        raise ValueError("contains no letters or digits for the slug filter")
    return slug


def _path(value: str) -> str:
    parts = [part.strip() for part in _SEPARATORS.split(value)]
    if any(part and not part.strip(".") for part in parts):
        raise ValueError("contains a folder name that consists only of dots, which would lead to another folder")
    return "/".join(filter(None, parts))


def _lookup(table: Mapping[str, str], name: str) -> Convert:
    def convert(value: str) -> str:
        if value in table:
            return table[value]
        if _OTHERS in table:
            return table[_OTHERS]
        raise ValueError(f"is not in the table {name!r}{suggestion(value, tuple(table))}")

    return convert


# For each filter, the names of its parameters, and a function that takes its arguments and returns the conversion.
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
    """A field of a template: a column, and the filters that convert its value.

    ``offset`` is the index of the field's first character in the template. With ``is_path`` the value may contain
    several folders. With ``has_default`` the value is never missing.
    """

    column: str
    filters: tuple[tuple[str, Convert], ...]
    offset: int
    is_path: bool = False
    has_default: bool = False

    def value(self, cells: Mapping[str, str]) -> str:
        """Return the converted value. Raises CellError if a filter refuses it, or if it contains control characters."""
        value = cells[self.column]
        for name, convert in self.filters:
            if value or name == "default":  # all other filters keep an empty value
                try:
                    value = convert(value)
                except ValueError as error:
                    raise CellError(f"{shorten(value, SHOWN)!r} {error}", self.column) from None
        if not value.isprintable():
            odd = next((char for char in value if unicodedata.category(char) in ("Cc", "Zl", "Zp")), None)
            if odd is not None:
                shown = (
                    "a line break or tab, which the squeeze filter replaces" if odd.isspace() else f"U+{ord(odd):04X}"
                )
                raise CellError(f"the value contains a control character ({shown})", self.column)
        return value


@dataclass(frozen=True)
class Template:
    """A string with fields. A template without fields is a constant.

    ``double_braced`` are the names in double braces. Other template languages read them as fields, but here they are
    literal text in single braces.
    """

    parts: tuple[Union[str, Field], ...]
    double_braced: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(part for part in self.parts if isinstance(part, Field))

    def render(self, cells: Mapping[str, str], *, is_folder: bool = False) -> Optional[str]:
        """Return the text for one row; None if the text is empty, or all fields are.

        Raises CellError if only some fields are empty. With ``is_folder``, also raises CellError for a value with a
        separator, because it would add a folder, unless the field has the path filter.
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
                hint = "use the path filter if that is intended, or the slug filter to avoid it"
                raise CellError(f"{shorten(value, SHOWN)!r} would add a folder; {hint}", part.column)
            if value or part.has_default:
                filled_count += 1
            else:
                missing.append(part)
            texts.append(value)
        if missing and filled_count:
            hint = f'give it a default, such as {{{missing[0].column}|default:unknown}} or default:""'
            message = f"the value is missing, but other fields of the template have a value; {hint}"
            raise CellError(message, missing[0].column)
        return None if missing else "".join(texts).strip() or None


def parse(text: str, tables: Optional[Tables] = None) -> Template:
    """Parse a template. Raises TemplateError, with the offset, if the template is not valid."""
    parts: list[Union[str, Field]] = []
    literal, offset = "", 0
    while offset < len(text):
        if text.startswith(("{{", "}}"), offset):
            literal, offset = literal + text[offset], offset + 2
        elif text[offset] == "}":
            raise TemplateError("'}' has no matching '{'; write '}}' for a literal brace", offset)
        elif text[offset] == "{":
            field, end = _FieldParser(text, offset, tables or {}).parse()
            parts += [literal, field] if literal else [field]
            literal, offset = "", end
        else:
            literal, offset = literal + text[offset], offset + 1
    return Template((*parts, literal) if literal else tuple(parts), tuple(_DOUBLED.findall(text)))


class _FieldParser:
    """Parses one field, from its ``{`` to its ``}``."""

    def __init__(self, text: str, start: int, tables: Tables) -> None:
        self._text, self._start, self._at = text, start, start + 1
        self._tables = tables

    def parse(self) -> tuple[Field, int]:
        """Return the field, and the offset of the character after it."""
        column, _ = self._word("|}")
        if not column:
            message = "a field must name a column, as in {Column}; write '{{' for a literal brace"
            raise TemplateError(message, self._start)
        filters: list[tuple[str, Convert]] = []
        names: set[str] = set()
        while self._text[self._at] == "|":
            self._at += 1
            name, convert = self._filter(is_path="path" in names)
            filters.append((name, convert))
            names.add(name)
        return Field(column, tuple(filters), self._start, "path" in names, "default" in names), self._at + 1

    def _filter(self, is_path: bool) -> tuple[str, Convert]:
        start = self._at
        name, _ = self._word(":|}")
        if name not in FILTERS:
            unknown = f"unknown filter {name!r}{suggestion(name, tuple(FILTERS))}"
            raise TemplateError(unknown if name else "the name of the filter is missing", start)
        parameters, make = FILTERS[name]
        usage = f"write the filter {name} as {':'.join((name, *parameters))}"
        if not parameters:
            usage = f"the filter {name} takes no argument"
        texts: list[str] = []
        while self._text[self._at] == ":":
            self._at += 1
            text, is_quoted = self._word(":|}")
            if not (text or is_quoted):
                raise TemplateError(f'{usage}; write "" for an empty argument', start)
            texts.append(text)
        if len(texts) != len(parameters):
            raise TemplateError(f"{usage}; the number of arguments here is {len(texts)}", start)
        if any(not text and parameter not in _MAY_BE_EMPTY for parameter, text in zip(parameters, texts)):
            raise TemplateError(f"{usage}; the argument must not be empty", start)
        if name == "lookup":
            if texts[0] not in self._tables:
                missing = "; the mapping file has no section 'tables'"
                hint = suggestion(texts[0], tuple(self._tables)) if self._tables else missing
                raise TemplateError(f"unknown table {texts[0]!r}{hint}", start)
            return name, _lookup(self._tables[texts[0]], texts[0])
        if name == "slug" and is_path:
            return name, lambda value: "/".join(map(_slug, value.split("/")))
        return name, make(*texts)

    def _word(self, ends: str) -> tuple[str, bool]:
        """Return the text up to one of the characters in ``ends``, and True if it was quoted.

        Text that contains one of these characters must be quoted.
        """
        text = self._text
        while text.startswith(" ", self._at):
            self._at += 1
        match = re.compile(rf"""(["'])(.*?)\1 *|(?!["'])([^{{{ends}]*)""", re.DOTALL).match(text, self._at)
        if match is None:
            raise TemplateError("the closing quote is missing", self._at)
        self._at = match.end()
        if self._at >= len(text) or text[self._at] == "{":
            raise TemplateError("the field has no closing '}'", self._start)
        if text[self._at] not in ends:
            raise TemplateError(f"unexpected {text[self._at]!r} after the closing quote", self._at)
        is_quoted = match[1] is not None
        return match[2] if is_quoted else " ".join(match[3].split()), is_quoted
