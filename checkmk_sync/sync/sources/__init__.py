"""Where inventories come from: YAML, JSON and CSV files, standard input, and plain data."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Iterable, Iterator, Mapping, Optional, Union, cast

from ...documents import MAX_BYTES, Document, read_json, read_limited, read_yaml
from ...errors import InventoryError, SettingsError
from ..desired import Desired, Entry, Problem, desired_state
from .cells import attribute_value
from .csv_rows import csv_entries as _of_csv
from .csv_rows import delimiter_of, names_hosts, separator_in
from .encodings import checked_encoding, decoded
from .structured import document_entries

__all__ = ["InventoryText", "attribute_value", "from_data", "from_text", "load"]

Source = Union[str, "os.PathLike[str]"]

_STDIN = "standard input"
_EMPTY = "the inventory is empty: it names no host and no folder"
_ENDINGS = (".csv", ".json", ".yaml", ".yml")


def load(sources: Union[Source, Iterable[Source]], *, encoding: Optional[str] = None) -> Desired:
    """The desired state in one or several files; ``-`` is standard input.

    The ending tells the format (``.yaml``, ``.yml``, ``.json``, ``.csv``); standard input and other
    endings are looked into. Files are UTF-8 unless an ``encoding`` is given.

    InventoryError lists every mistake with file, line and column, also that a source
    is empty: an export that failed must not delete hosts. SettingsError for an encoding that Python does not know.
    """
    checked_encoding(encoding)
    names = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    problems = [] if names else [Problem("no inventory is given")]
    if names.count("-") > 1:
        problems.append(Problem("standard input can be read once only"))
    entries: list[Entry] = []
    for name in dict.fromkeys(os.fspath(source) for source in names):
        try:
            entries += _found_in(_STDIN if name == "-" else name, _text_of(name, encoding), problems)
        except SettingsError as error:
            problems.append(_problem_of(error))
    return _desired(entries, problems)


@dataclass(frozen=True)
class InventoryText:
    """What stood in an inventory file when somebody read it. As a text it is the name alone."""

    name: str
    text: str = field(repr=False)

    @classmethod
    def from_bytes(cls, name: str, raw: bytes, encoding: Optional[str] = None) -> InventoryText:
        """SettingsError for what is no text of that encoding, UTF-8 if none is given."""
        return cls(name, decoded(raw, name, checked_encoding(encoding)))

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
        problems.append(_problem_of(error))
    return _desired(entries, problems)


def from_data(data: Mapping[str, Any]) -> Desired:
    """The desired state in plain data: ``{"hosts": [{"name": …, "folder": …, "attributes": {…}}], "folders": […]}``.

    InventoryError names the entries that are wrong as ``hosts[5]``.
    """
    problems: list[Problem] = []
    found = document_entries(Document(data, "the inventory"), problems)
    entries = [Entry(entry.kind, entry.data, index=entry.index) for entry in found]
    if not (entries or problems):
        problems.append(Problem(_EMPTY))
    return _desired(entries, problems)


def _problem_of(error: SettingsError) -> Problem:
    return Problem(error.reason, error.file, error.line, error.column)


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
        raise SettingsError(_EMPTY, file=name)
    return entries


def _text_of(name: str, encoding: Optional[str]) -> str:
    shown = _STDIN if name == "-" else name
    try:
        if name != "-":
            with open(name, "rb", buffering=0) as source:
                raw = read_limited(cast(BinaryIO, source), MAX_BYTES)
        elif sys.stdin is None:
            raise SettingsError("it is closed, so there is no inventory", file=shown)
        else:
            raw = read_limited(sys.stdin.buffer, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError for a name with NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"the inventory cannot be read: {reason}", file=shown) from error
    if len(raw) > MAX_BYTES:  # here, where it is cut: what is left out of an inventory is to be deleted
        raise SettingsError(f"the inventory is larger than {MAX_BYTES // 2**20} MiB; split it", file=shown)
    return decoded(raw, shown, encoding)


def _entries(text: str, name: str, problems: list[Problem]) -> Iterator[Entry]:
    ending = os.path.splitext(name)[1].lower()
    if ending not in _ENDINGS:
        ending = _guessed(text)
    if ending == ".csv":
        return _of_csv(text, name, problems)
    return document_entries(read_json(text, name) if ending == ".json" else read_yaml(text, name), problems)


def _guessed(text: str) -> str:
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return ".json"
    first = re.split(r"[\r\n]", start, maxsplit=1)[0]
    header = [cell.strip().strip('"') for cell in first.split(delimiter_of(first))]
    is_header = separator_in(first) or any(cell.lower() == "path" or names_hosts(cell) for cell in header)
    return ".csv" if is_header and ":" not in header[0] else ".yaml"
