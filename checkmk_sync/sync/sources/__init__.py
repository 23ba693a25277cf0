"""Read inventories from YAML, JSON and CSV files, from standard input, and from plain data."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import sys
from collections.abc import Mapping  # isinstance() is three times slower with typing.Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Iterable, Iterator, Optional, Union, cast

from ...catalogue.nouns import NOUNS
from ...config.documents import MAX_BYTES, MAX_DEPTH, Document, read_json, read_limited, read_yaml
from ...core.arguments import describe_type, require_type
from ...errors import InventoryError, SettingsError
from ...errors.base import format_location
from ..desired import Desired, Entry, Object, Problem, desired_state
from ..kinds import FOLDERS, by_section
from ..mapping import ColumnMap
from ..mapping_file import load_map
from ..words import Words
from .csv_rows import csv_entries, delimiter_of, names_hosts, section_line, separator_in
from .encodings import checked_encoding, decoded, is_probably_utf8
from .mapped import mapped_document, mapped_table
from .structured import default_words, document_entries, to_data, writes_secrets_always

__all__ = ["InventoryText", "from_data", "from_text", "load", "to_data"]

Source = Union[str, "os.PathLike[str]"]

_STDIN = "standard input"
_EMPTY = "the inventory is empty: it contains no hosts, folders or other objects"
_ENDINGS = (".csv", ".json", ".yaml", ".yml")


def load(
    sources: Union[Source, Iterable[Source]],
    *,
    mapping: Union[Source, ColumnMap, None] = None,
    encoding: Optional[str] = None,
) -> Desired:
    """Read the desired state from one or more files; ``-`` is standard input.

    The extension of a file determines its format: ``.yaml``, ``.yml``, ``.json`` or ``.csv``. The format of standard
    input and of other files is guessed from the content. A ``mapping`` file describes the columns of an export. Files
    are UTF-8 unless an ``encoding`` is given.

    Raises InventoryError with all mistakes, each with its file, line and column. An empty source is a mistake, because
    a failed export must not delete hosts. Raises SettingsError for an encoding that Python does not know, and for a
    mapping file that cannot be read.

    Values that no version of Checkmk accepts are listed with the other mistakes. If they are the only mistakes, no
    error is raised and ``Desired.refused`` lists them. A plan then refuses them, unless the site already has them.
    """
    if isinstance(sources, (Mapping, bytes)) or not isinstance(sources, (str, os.PathLike, Iterable)):
        raise TypeError(f"load needs the paths of files, not {describe_type(sources)}; from_data takes data")
    checked_encoding(encoding)
    columns = mapping if mapping is None or isinstance(mapping, ColumnMap) else load_map(mapping)
    names = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    for name in names:
        require_type(name, (str, os.PathLike), "load needs the path of each file")
    reading = _Reading(columns)
    if not names:
        reading.problems.append(Problem("no inventory was given; name at least one file"))
    if names.count("-") > 1:
        reading.problems.append(Problem("standard input '-' is given more than once, but can be read only once"))
    texts = dict.fromkeys(os.fspath(source) for source in names)
    if columns is not None and names and not any(columns.applies_to(name) for name in texts):
        message = f"the mapping file is for {', '.join(columns.files)}, but no inventory file matches"
        reading.problems.append(Problem(message, columns.file))
    for name in texts:
        reading.read(name, functools.partial(_read_text, name, encoding, reading.notes))
    return reading.desired()


@dataclass(frozen=True)
class InventoryText:
    """The name and content of an inventory file that was read. ``str()`` returns only the name."""

    name: str
    text: str = field(repr=False)

    @classmethod
    def from_bytes(cls, name: str, raw: Union[bytes, bytearray], encoding: Optional[str] = None) -> InventoryText:
        """Return ``raw`` decoded with ``encoding``, or as UTF-8. Raises SettingsError if it cannot be decoded."""
        return cls(name, decoded(raw, name, checked_encoding(encoding)))

    def __str__(self) -> str:
        return self.name


def from_text(source: InventoryText, *, mapping: Optional[ColumnMap] = None) -> Desired:
    """Read the desired state from the text of an inventory file. The file's name determines the format.

    Raises InventoryError like :func:`load`.
    """
    reading = _Reading(mapping)
    reading.read(source.name, lambda: source.text)
    return reading.desired()


def from_data(data: Mapping[str, Any]) -> Desired:
    """Read the desired state from data: ``{"hosts": [{"name": …, "folder": …, "attributes": {…}}], "folders": […]}``.

    Tuples count as lists, except in the values of rules. Raises InventoryError, which names entries by index, as in
    ``hosts[5]``.
    """
    reading = _Reading(None)
    try:
        document = Document(_tuples_as_lists(data), "the inventory")
        reading.secrets_always = writes_secrets_always(document, reading.problems)
        reading.defaults = default_words(document, reading.problems)
        entries = document_entries(document, reading.problems, reading.roots)
        reading.entries += (Entry(entry.kind, entry.data, index=entry.index) for entry in entries)
    except SettingsError as error:
        message = f"{error.reason}, not {describe_type(data)}; use load() to read files"
        raise InventoryError([Problem(message, error.file)]) from None
    return reading.desired()


_LITERALS = {field.name for noun in NOUNS.values() for field in noun.fields if field.literal}


def _tuples_as_lists(data: Any, depth: int = 0) -> Any:
    """Return plain data with lists in place of tuples."""
    if depth > MAX_DEPTH:  # too deep; refused later, with its location
        return data
    if isinstance(data, (list, tuple)):
        return [_tuples_as_lists(entry, depth + 1) for entry in data]
    if isinstance(data, Mapping):
        kept = _LITERALS if depth == 2 else ()  # an entry in the list of a section
        return {key: value if key in kept else _tuples_as_lists(value, depth + 1) for key, value in data.items()}
    return data


class _Reading:
    """Reads sources, and collects their entries, mistakes and notes."""

    def __init__(self, mapping: Optional[ColumnMap]) -> None:
        self._mapping = mapping
        self.entries: list[Entry] = []
        self.roots: list[Entry] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.secrets_always = False
        self.defaults = Words()

    @property
    def size(self) -> int:
        """The number of entries and mistakes so far."""
        return len(self.entries) + len(self.roots) + len(self.problems)

    def read(self, name: str, text: Callable[[], str]) -> None:
        """Read a source and collect its entries and mistakes. ``text`` returns its content."""
        shown = _STDIN if name == "-" else name
        mapping = self._mapping if self._mapping is not None and self._mapping.applies_to(name) else None
        size_before = self.size
        try:
            defaults_before = self.defaults
            self.entries += self._entries(text(), shown, mapping)
            if self.size == size_before and self.defaults == defaults_before:
                raise SettingsError(_EMPTY, file=shown)
        except SettingsError as error:
            self.problems.append(Problem(error.reason, error.file, error.line, error.column))

    def _entries(self, text: str, name: str, mapping: Optional[ColumnMap]) -> Iterator[Entry]:
        ending = os.path.splitext(name)[1].lower()
        if ending not in _ENDINGS:
            ending = _guess_format(text, mapping)
        if ending == ".csv":
            if mapping is None:
                return csv_entries(text, name, self.problems)
            return mapped_table(text, name, mapping, self.problems, self.notes)
        read = read_json if ending == ".json" else read_yaml
        if mapping is None:
            document = read(text, name)
            self.secrets_always |= writes_secrets_always(document, self.problems)
            self.defaults = default_words(document, self.problems).over(self.defaults)
            return document_entries(document, self.problems, self.roots)
        return mapped_document(read(text, name, as_written=True), mapping, self.problems, self.notes)

    def desired(self) -> Desired:
        """Return the desired state. Raises InventoryError with all mistakes."""
        if not self.size:
            raise InventoryError([Problem(_EMPTY)])
        try:
            desired = desired_state(self.entries)
        except InventoryError as error:
            raise InventoryError([*self.problems, *error.problems]) from None
        if self.problems:
            raise InventoryError([*self.problems, *desired.refused])
        if self.roots:
            self.notes.append("the root folder '/' is left unchanged, because inventories do not describe it")
            root = Object(FOLDERS.name, "/", {}, format_location(self.roots[0].file), implied=True)
            desired = dataclasses.replace(desired, objects={**desired.objects, (FOLDERS.name, "/"): root})
        return dataclasses.replace(
            desired, notes=tuple(self.notes), secrets_always=self.secrets_always, defaults=self.defaults
        )


def _read_text(name: str, encoding: Optional[str], notes: list[str]) -> str:
    shown = _STDIN if name == "-" else name
    try:
        if name != "-":
            with open(name, "rb", buffering=0) as source:
                raw = read_limited(cast(BinaryIO, source), MAX_BYTES)
        elif sys.stdin is None:
            raise SettingsError("the stream is closed, so no inventory can be read", file=shown)
        else:
            raw = read_limited(sys.stdin.buffer, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError for a name with NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"the inventory cannot be read: {reason}", file=shown) from error
    if len(raw) > MAX_BYTES:  # a shortened inventory would delete hosts
        raise SettingsError(f"the inventory is larger than {MAX_BYTES // 2**20} MiB; split it", file=shown)
    if encoding is not None and is_probably_utf8(raw, encoding):
        notes.append(f"{shown} was read as {encoding}, but looks like UTF-8")
    return decoded(raw, shown, encoding)


def _guess_format(text: str, mapping: Optional[ColumnMap]) -> str:
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return ".json"
    section = section_line(start)
    kind = None if section is None else by_section(section[1])
    if section is not None and kind is not None:
        start = start[section.end() :].lstrip()  # a comment in YAML, or the first line of a table
    first = re.split(r"[\r\n]", start, maxsplit=1)[0]
    header = [cell.strip().strip('"') for cell in first.split(delimiter_of(first))]
    if mapping is not None:
        names_column = any(" ".join(cell.split()) in mapping.columns for cell in header)
        return ".csv" if separator_in(first) or names_column else ".yaml"
    keys = ("path",) if kind is None else ("path", kind.keys[0])
    is_header = separator_in(first) or any(cell.lower() in keys or names_hosts(cell) for cell in header)
    # In YAML, a space or the end of the line follows the colon after a key. A heading may be spelled "label: env".
    is_key = re.match(r"(?!label\s*:).*:(\s|$)", header[0]) is not None
    return ".csv" if is_header and not is_key else ".yaml"
