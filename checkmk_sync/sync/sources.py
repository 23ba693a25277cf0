"""Where inventories come from: YAML, JSON and CSV files, standard input, and plain data."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from ..configuration import nearest
from ..documents import MAX_BYTES, Document, read_json, read_yaml
from ..errors import InventoryError, SettingsError
from ..resources.attributes import attribute_value
from .attributes import as_read
from .desired import Desired, Entry, Problem, desired_state
from .kinds import KINDS, by_section

__all__ = ["InventoryText", "from_data", "from_text", "load"]

Source = Union[str, "os.PathLike[str]"]

_COLUMNS = ("name", "path", "folder", "title")
_STDIN = "standard input"
_SEPARATOR = re.compile(r"sep=([,;\t])", re.IGNORECASE)


def load(sources: Union[Source, Iterable[Source]]) -> Desired:
    """The desired state in one or several files; ``-`` is standard input.

    The ending tells the format (``.yaml``, ``.yml``, ``.json``, ``.csv``); standard input and other
    endings are looked into. InventoryError lists every mistake with file and line, also that a source
    is empty: an export that failed must not delete hosts.
    """
    names = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    problems = [] if names else [Problem("no inventory is given")]
    if names.count("-") > 1:
        problems.append(Problem("standard input can be read once only"))
    entries: list[Entry] = []
    for name in dict.fromkeys(os.fspath(source) for source in names):
        try:
            entries += _found_in(_STDIN if name == "-" else name, _text_of(name), problems)
        except SettingsError as error:
            problems.append(Problem(str(error)))
    return _desired(entries, problems)


@dataclass(frozen=True)
class InventoryText:
    """What stood in an inventory file when somebody read it. As a text it is the name alone."""

    name: str
    text: str = field(repr=False)

    @classmethod
    def from_bytes(cls, name: str, raw: bytes) -> InventoryText:
        """SettingsError for what is no UTF-8 text."""
        return cls(name, _decoded(raw, name))

    def __str__(self) -> str:
        return self.name


def from_text(source: InventoryText) -> Desired:
    """The desired state in a text, of the format that the ending of its name tells; InventoryError as for
    :func:`load`."""
    problems: list[Problem] = []
    entries: list[Entry] = []
    try:
        entries = _found_in(source.name, source.text, problems)
    except SettingsError as error:
        problems.append(Problem(str(error)))
    return _desired(entries, problems)


def from_data(data: Mapping[str, Any]) -> Desired:
    """The desired state in plain data: ``{"hosts": [{"name": …, "folder": …, "attributes": {…}}], "folders": […]}``.

    InventoryError names the entries that are wrong as ``hosts[5]``.
    """
    problems: list[Problem] = []
    found = _of_document(Document(data, "the inventory"), problems)
    entries = [Entry(entry.kind, entry.data, index=entry.index) for entry in found]
    if not (entries or problems):
        problems.append(Problem("the inventory is empty: it names no host and no folder"))
    return _desired(entries, problems)


def _desired(entries: Iterable[Entry], problems: list[Problem]) -> Desired:
    """The desired state; InventoryError with these and all other mistakes."""
    try:
        desired = desired_state(entries)
    except InventoryError as error:
        raise InventoryError([*problems, *error.problems]) from None
    if problems:
        raise InventoryError(problems)
    return desired


def _found_in(name: str, text: str, problems: list[Problem]) -> list[Entry]:
    known = len(problems)
    entries = list(_entries(text, name, problems))
    if not entries and len(problems) == known:
        raise SettingsError("the inventory is empty: it names no host and no folder", file=name)
    return entries


def _text_of(name: str) -> str:
    shown = _STDIN if name == "-" else name
    try:
        if name != "-":
            with open(name, "rb") as source:
                raw = source.read(MAX_BYTES + 1)
        elif sys.stdin is None:
            raise SettingsError("it is closed, so there is no inventory", file=shown)
        else:
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:  # here, where it is cut: what is left out of an inventory is to be deleted
            raise SettingsError(f"the inventory is larger than {MAX_BYTES // 2**20} MiB; split it", file=shown)
    except OSError as error:
        raise SettingsError(f"the inventory cannot be read: {error.strerror}", file=shown) from error
    return _decoded(raw, shown)


def _decoded(raw: bytes, shown: str) -> str:
    wrong = _no_text(raw)
    if wrong is not None:
        raise SettingsError(wrong, file=shown, line=1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(f"the inventory is {_recode('WINDOWS-1252')}", file=shown, line=line) from error


def _no_text(raw: bytes) -> Optional[str]:
    """What a file is that is no text at all, and what to do with it."""
    if raw.startswith(b"PK\x03\x04"):
        return "this is an Excel workbook or a zip file, not a text: save the sheet as 'CSV UTF-8'"
    if raw.startswith(b"\x1f\x8b"):
        return "this is compressed: unpack it, or pipe it in with gzip -dc FILE | checkmk-sync plan -"
    head = raw[:100]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\0" in head and (not any(head[::2]) or not any(head[1::2]))):
        return f"the inventory is UTF-16, {_recode('UTF-16')}"
    return "this is a binary file, not a text" if b"\0" in head else None


def _recode(encoding: str) -> str:
    return f"not UTF-8 text: save it in Excel as 'CSV UTF-8', or use iconv -f {encoding} -t UTF-8"


def _entries(text: str, name: str, problems: list[Problem]) -> Iterator[Entry]:
    ending = os.path.splitext(name)[1].lower()
    if ending not in (".csv", ".json", ".yaml", ".yml"):
        ending = _guessed(text)
    if ending == ".csv":
        return _of_csv(text, name, problems)
    return _of_document(read_json(text, name) if ending == ".json" else read_yaml(text, name), problems)


def _guessed(text: str) -> str:
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return ".json"
    first = start.partition("\n")[0]
    header = [cell.strip().strip('"') for cell in first.split(_delimiter(first))]
    is_header = any(cell.lower() == "path" or _names_hosts(cell) for cell in header) or _SEPARATOR.fullmatch(first)
    return ".csv" if is_header and ":" not in header[0] else ".yaml"


def _of_document(document: Document, problems: list[Problem]) -> Iterator[Entry]:
    data = document.data
    if data is None:
        return
    sections = {"hosts": data} if isinstance(data, list) else data
    if not isinstance(sections, Mapping):
        raise SettingsError(
            "an inventory is a mapping with 'hosts' and 'folders', or a list of hosts", file=document.source
        )
    for section, found in sections.items():
        path = () if isinstance(data, list) else (section,)
        kind = by_section(str(section))
        if kind is None or not (found is None or isinstance(found, list)):
            known = tuple(each.section for each in KINDS.values())
            unknown = f"unknown section {as_read(section)}{nearest(str(section), known)}"
            said = unknown if kind is None else f"{section!r} must be a list"
            problems.append(Problem(said, document.source, document.line(path)))
            continue
        for index, entry in enumerate(found or ()):
            yield Entry(kind.name, entry, document.source, _finder(document, path, index), index)


def _finder(document: Document, section: tuple[str, ...], index: int) -> Any:
    def line(*path: Union[str, int]) -> Optional[int]:
        return document.line((*section, index, *path)) if path else document.line_of_item(section, index)

    return line


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _of_csv(text: str, name: str, problems: list[Problem]) -> Iterator[Entry]:
    """A header with ``name`` (hosts) or ``path`` (folders), ``folder``, ``title``, ``label:KEY`` and attributes."""
    first, _, rest = text.partition("\n")
    separator = _SEPARATOR.fullmatch(first.strip("\r"))  # Excel's own way to name it
    text, before = (rest, 1) if separator else (text, 0)
    delimiter = separator[1] if separator else _delimiter(first)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [_column(cell) for cell in next(reader, [])]
        kind = _kind_of(header, name, before + 1)
        while True:
            line = before + reader.line_num + 1  # where the row starts: it may have several
            row = next(reader, None)
            if row is None:
                return
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                said = f"the row has {len(row)} cells, the header {len(header)}"
                problems.append(Problem(said, name, line))
                continue
            data = _row(dict(zip(header, row)), problems, name, line)
            yield Entry(kind, data, name, lambda *_path, line=line: line)
    except csv.Error as error:
        problems.append(Problem(f"this is not valid CSV: {error}", name, before + reader.line_num))


def _column(cell: str) -> str:
    start, colon, key = cell.strip().partition(":")
    return f"label:{key.strip()}" if colon and start.strip() == "label" else cell.strip()


def _kind_of(header: list[str], name: str, line: int) -> str:
    if not any(header):
        raise SettingsError(
            "the inventory is empty: a CSV starts with a header such as name,folder,ipaddress", file=name
        )
    twice = next((cell for cell in header if header.count(cell) > 1), None)
    if twice is not None or "" in header:
        said = f"the column {twice!r} stands twice" if twice else "a column has no name"
        raise SettingsError(said, file=name, line=line)
    wrong = _misspelt(header)
    if wrong is not None:
        raise SettingsError(wrong, file=name, line=line)
    return "host" if "name" in header else "folder"


def _misspelt(header: list[str]) -> Optional[str]:
    """Why it is not clear from a header what the rows are, and what was probably meant."""
    for cell in header:
        if cell.lower() in ("labels", "attributes"):
            each = "label:KEY" if cell.lower() == "labels" else "the name of the attribute"
            return f"there is no column {cell!r}: give each of them a column of its own, called {each}"
        start, colon, key = cell.partition(":")
        right = start.lower() + colon + key
        if right != cell and (right in _COLUMNS or right.startswith("label:")):
            return f"the column {cell!r} is spelled {right!r}"
    if "name" in header and "path" in header:
        return "the columns 'name' (for hosts) and 'path' (for folders) belong in two files"
    if "name" in header or "path" in header:
        return None
    said = "a CSV needs the column 'name' (for hosts) or 'path' (for folders)"
    meant = next((cell for cell in header if _names_hosts(cell)), None)
    if meant is not None:
        return f"{said}, not {meant!r}"
    separators = "; comma, semicolon or tab separate them" if len(header) == 1 else ""
    return f"{said}; its columns are: {', '.join(header)}{separators}"


def _names_hosts(column: str) -> bool:
    return re.sub(r"[^a-z]", "", column.lower()) in ("host", "hostname", "name")


def _row(cells: Mapping[str, str], problems: list[Problem], name: str, line: int) -> dict[str, Any]:
    """An entry from a row: an empty cell is not named, ``-`` removes."""
    entry: dict[str, Any] = {"attributes": {}, "labels": {}}
    for column, raw in cells.items():
        cell = raw.strip()
        if not cell:
            continue
        if column in _COLUMNS:
            if cell == "-":
                problems.append(Problem(f"{column}: '-' removes, and the {column} cannot be removed", name, line))
            entry[column] = cell
        elif column.startswith("label:"):
            entry["labels"][column[len("label:") :]] = None if cell == "-" else cell
        else:
            try:
                entry["attributes"][column] = None if cell == "-" else attribute_value(column, cell)
            except ValueError as error:
                problems.append(Problem(f"{column}: {error}", name, line))
    return entry
