"""Where inventories come from: YAML, JSON and CSV files, standard input, and plain data."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from ..configuration import nearest
from ..credentials import HIDDEN, is_secret_name
from ..documents import MAX_BYTES, Document, read_json, read_yaml
from ..errors import InventoryError, SettingsError
from .attributes import FLAGS, LISTS, as_read
from .desired import Desired, Entry, Problem, desired_state
from .kinds import KINDS, by_section

__all__ = ["attribute_value", "from_data", "load"]

Source = Union[str, "os.PathLike[str]"]

_COLUMNS = ("name", "path", "folder", "title")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def load(sources: Union[Source, Iterable[Source]]) -> Desired:
    """The desired state in one or several files; ``-`` is standard input.

    The ending tells the format (``.yaml``, ``.yml``, ``.json``, ``.csv``); standard input and other
    endings are looked into. InventoryError lists every mistake with file and line, also that a source
    is empty: an export that failed must not delete hosts.
    """
    names = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    if not names:
        raise InventoryError([Problem("no inventory is given")])
    problems: list[Problem] = []
    entries: list[Entry] = []
    for name in (os.fspath(source) for source in names):
        try:
            found = list(_entries(_read(name), "standard input" if name == "-" else name))
            if not found:
                raise SettingsError("the inventory is empty: it names no host and no folder", file=name)
            entries += found
        except SettingsError as error:
            problems.append(Problem(str(error)))
        except InventoryError as error:
            problems += error.problems
    try:
        desired = desired_state(entries)
    except InventoryError as error:
        raise InventoryError([*problems, *error.problems]) from None
    if problems:
        raise InventoryError(problems)
    return desired


def from_data(data: Mapping[str, Any]) -> Desired:
    """The desired state in plain data: ``{"hosts": [{"name": …, "folder": …, "attributes": {…}}], "folders": […]}``."""
    document = Document(data, "the inventory", "")
    entries = [Entry(entry.kind, entry.data) for entry in _of_document(document)]
    if not entries:
        raise InventoryError([Problem("the inventory is empty: it names no host and no folder")])
    return desired_state(entries)


def _read(name: str) -> str:
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(name, "rb") as source:
                raw = source.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:  # here, where it is cut: what is left out of an inventory is to be deleted
            raise SettingsError(f"the inventory is larger than {MAX_BYTES // 2**20} MiB; split it", file=name)
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:100]:
            raise SettingsError(f"the inventory is UTF-16, {_recode('UTF-16')}", file=name, line=1)
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"the inventory cannot be read: {error.strerror}", file=name) from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(f"the inventory is {_recode('WINDOWS-1252')}", file=name, line=line) from error


def _recode(encoding: str) -> str:
    return f"not UTF-8 text: save it in Excel as 'CSV UTF-8', or use iconv -f {encoding} -t UTF-8"


def _entries(text: str, name: str) -> Iterator[Entry]:
    ending = os.path.splitext(name)[1].lower()
    if ending not in (".csv", ".json", ".yaml", ".yml"):
        ending = _guessed(text)
    if ending == ".csv":
        return _of_csv(text, name)
    return _of_document(read_json(text, name) if ending == ".json" else read_yaml(text, name))


def _guessed(text: str) -> str:
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return ".json"
    first = start.partition("\n")[0]
    header = [cell.strip().strip('"') for cell in first.split(_delimiter(first))]
    is_header = any(cell.lower() == "path" or _names_hosts(cell) for cell in header)
    return ".csv" if len(header) > 1 and is_header else ".yaml"


def _of_document(document: Document) -> Iterator[Entry]:
    data = document.data
    if data is None:
        return
    sections = {"hosts": data} if isinstance(data, list) else data
    if not isinstance(sections, Mapping):
        raise SettingsError(
            "an inventory is a mapping with 'hosts' and 'folders', or a list of hosts", file=document.source
        )
    prefix: tuple[str, ...] = () if isinstance(data, list) else ("",)
    for section, found in sections.items():
        kind = by_section(str(section))
        if kind is None:
            known = tuple(each.section for each in KINDS.values())
            said = f"unknown section {as_read(section)}{nearest(str(section), known)}"
            raise SettingsError(said, file=document.source, line=document.line((section,)))
        if found is None:
            continue
        if not isinstance(found, list):
            said = f"{section!r} must be a list"
            raise SettingsError(said, file=document.source, line=document.line((section,)))
        for index, entry in enumerate(found):
            yield Entry(kind.name, entry, document.source, _finder(document, section if prefix else None, index))


def _finder(document: Document, section: Optional[str], index: int) -> Any:
    start = (index,) if section is None else (section, index)
    return lambda *path: document.line((*start, *path))


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _of_csv(text: str, name: str) -> Iterator[Entry]:
    """A header with ``name`` (hosts) or ``path`` (folders), ``folder``, ``title``, ``label:KEY`` and attributes."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text.partition("\n")[0]), strict=True)
    problems: list[Problem] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        kind = _kind_of(header, name)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            line = reader.line_num
            if len(row) != len(header):
                said = f"the row has {len(row)} cells, the header {len(header)}"
                problems.append(Problem(said, name, line))
                continue
            data = _row(dict(zip(header, row)), problems, name, line)
            yield Entry(kind, data, name, lambda *_path, line=line: line)
    except csv.Error as error:
        problems.append(Problem(f"this is not valid CSV: {error}", name, reader.line_num))
    if problems:
        raise InventoryError(problems)


def _kind_of(header: list[str], name: str) -> str:
    if not any(header):
        raise SettingsError(
            "the inventory is empty: a CSV starts with a header such as name,folder,ipaddress", file=name
        )
    twice = next((cell for cell in header if header.count(cell) > 1), None)
    if twice is not None or "" in header:
        said = f"the column {twice!r} stands twice" if twice else "a column has no name"
        raise SettingsError(said, file=name, line=1)
    wrong = _misspelt(header)
    if wrong is not None:
        raise SettingsError(wrong, file=name, line=1)
    return "host" if "name" in header else "folder"


def _misspelt(header: list[str]) -> Optional[str]:
    """Why it is not clear from a header what the rows are, and what was probably meant."""
    for cell in header:
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
            entry["labels"][column[len("label:") :].strip()] = None if cell == "-" else cell
        else:
            try:
                entry["attributes"][column] = None if cell == "-" else attribute_value(column, cell)
            except ValueError as error:
                problems.append(Problem(f"{column}: {error}", name, line))
    return entry


def attribute_value(attribute: str, cell: str) -> Any:
    """The value of an attribute that a text means: JSON, a list ``a|b``, or the text. ValueError for broken JSON."""
    if cell[:1] in ("{", "["):
        try:
            return json.loads(cell)
        except ValueError:
            shown = HIDDEN if is_secret_name(attribute) else repr(cell)
            raise ValueError(f"{shown} starts like JSON but is none") from None
    if attribute in LISTS:
        return [part.strip() for part in cell.split("|") if part.strip()]
    if attribute in FLAGS:
        if cell.lower() not in _WORDS:
            raise ValueError(f"{cell!r} is not true or false")
        return _WORDS[cell.lower()]
    if attribute == "contactgroups":
        return {"groups": [part.strip() for part in cell.split("|") if part.strip()]}
    if attribute == "snmp_community":
        return {"type": "v1_v2_community", "community": cell}
    return cell
