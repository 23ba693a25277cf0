"""Read inventories in CSV.

The header contains ``name`` (for hosts) or ``path`` (for folders), and may contain ``folder``, ``title``, ``nodes``,
``label:KEY`` and the names of attributes. A table of a plain noun has columns for its fields. Its section is the name
of its file, as in ``service_groups.csv``, or its first line is ``# service_groups``.
"""

from __future__ import annotations

import csv
import functools
import io
import re
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from ...config.positions import Position
from ...core.text import suggestion
from ...errors import SettingsError
from ..desired import Entry, Problem
from ..fields import cell_value
from ..kinds import KINDS, NODES, PREVIOUS, Property, SyncKind, by_section, kind_of_file, kind_with_key

_COLUMNS = ("name", "path", "folder", "title", *NODES, PREVIOUS)
_BREAK = re.compile(r"\r\n|\r|\n")
# A line that consists only of spaces, separators and empty quotes counts as blank.
_BLANK_LINES = re.compile(r"(?:(?:[^\S\r\n]|[,;\"])*(?:\r\n|\r|\n))*")
_LONGEST = 2**16  # characters in which the separator of a header is counted
_SECTION_LINE = re.compile(r"\s*#[^\S\r\n]*([-\w]+)[^\S\r\n]*[,;\t\"]*[^\S\r\n]*(?:\r\n|\r|\n|\Z)")
_QUOTED = re.compile(r'"[^"]*"?')
_SEPARATOR = re.compile(r"sep=([,;\t])", re.IGNORECASE)
_EMPTY = "the inventory is empty: a CSV file must start with a header such as name,folder,ipaddress"

CellPositions = Mapping[tuple[Union[str, int], ...], Position]  # by the path of a property, without lines


def separator_in(line: str) -> Optional[str]:
    """Return the separator that a line such as Excel's ``sep=;`` names; None for any other line."""
    match = _SEPARATOR.fullmatch(line.strip(" \r\n"))
    return None if match is None else match[1]


def delimiter_of(text: str, start: int = 0) -> str:
    """Return the separator of the header at ``start``, the most frequent one. Quoted text does not count."""
    header = _line_at(_QUOTED.sub("", text[start : start + _LONGEST]), 0)
    return max(",;\t", key=header.count)


class Table:
    """The header and the rows of a CSV text, from the index ``start`` on.

    ``header`` contains the headings without surrounding spaces, and ``line`` is the line of the header. Raises
    SettingsError if the text has no header.
    """

    def __init__(self, text: str, name: str, start: int = 0) -> None:
        self._name = name
        start = _after_blank_lines(text, start)
        separator = separator_in(_line_at(text, start))
        if separator is not None:
            rest = _BREAK.search(text, start)
            start = len(text) if rest is None else _after_blank_lines(text, rest.end())
        self.line = len(_BREAK.findall(text, 0, start)) + 1
        self._delimiter = separator or delimiter_of(text, start)
        self._row_lines: list[str] = []  # the lines of the row that was read last
        buffer = io.StringIO(text, newline="")
        buffer.seek(start)
        self._reader = csv.reader(self._lines(buffer), delimiter=self._delimiter, strict=True)
        try:
            self.header = [cell.strip() for cell in next(self._reader, [])]
        except csv.Error as error:
            raise SettingsError(f"this is not valid CSV: {error}", file=name, line=self.line) from None
        self._is_complete = all(self.header)
        if not any(self.header):
            raise SettingsError(_EMPTY, file=name)

    def rows(self, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
        """Yield each row as a pair: the line on which it starts, and its cells. Empty rows are skipped."""
        before, reader = self.line, self._reader
        self._row_lines.clear()  # drop the lines of the header
        line = before + reader.line_num
        try:
            for row in reader:
                if len(self._row_lines) > 1 and self._has_swallowed_rows():
                    lines = f"lines {line} to {line + len(self._row_lines) - 1}"
                    message = f"a quote joins {lines} into one row, but they look like separate rows"
                    hint = "remove the quote, or double it inside a quoted cell"
                    problems.append(Problem(f"{message}; {hint}", self._name, line))
                elif any(map(str.strip, row)):
                    yield line, row
                line = before + reader.line_num
                self._row_lines.clear()
        except csv.Error as error:
            opened = f"; the quote was opened in line {line} or later" if len(self._row_lines) > 1 else ""
            last = before + reader.line_num - 1
            problems.append(Problem(f"this is not valid CSV: {error}{opened}", self._name, last))

    def _lines(self, buffer: io.StringIO) -> Iterator[str]:
        for line in buffer:
            self._row_lines.append(line)
            yield line

    def _has_swallowed_rows(self) -> bool:
        """Return True if a row that spans several lines looks like several complete rows."""
        # A stray quote joins rows, and a host that disappears from an inventory may be deleted.
        separators = len(self.header) - 1
        whole = [line.count(self._delimiter) == separators for line in self._row_lines]
        return separators > 0 and whole[0] and any(whole[1:])

    def unnamed_values(self, row: list[str], line: int) -> Iterator[Problem]:
        """Yield a mistake for each value in a column without a heading."""
        if self._is_complete and len(row) <= len(self.header):
            return
        for number, cell in enumerate(row):
            if cell.strip() and not (number < len(self.header) and self.header[number]):
                message = "this column has no heading, but the row has a value in it"
                yield Problem(message, self._name, line, number + 1, "")


def _after_blank_lines(text: str, start: int) -> int:
    match = _BLANK_LINES.match(text, start)
    return start if match is None else match.end()


def _line_at(text: str, start: int) -> str:
    end = _BREAK.search(text, start)
    return text[start : None if end is None else end.start()]


def cell_position(cells: CellPositions, line: int, *path: Union[str, int]) -> Position:
    """Return the position of the cell for a property in the row on a line."""
    return cells.get(path, Position())._replace(line=line)


def csv_entries(text: str, name: str, problems: list[Problem]) -> Iterator[Entry]:
    """Yield the entries of a CSV text. An empty cell leaves its property unchanged; ``-`` removes it."""
    named_kind, start = _kind_of_table(text, name)
    table = Table(text, name, start)
    header = [_normalize_label(cell) for cell in table.header]
    header_problems = [*_header_problems(named_kind, header, name, table.line)]
    problems += header_problems
    kind = named_kind or kind_with_key(header)
    if header_problems or kind is None:
        return
    columns = [_property(kind, cell) for cell in header]
    cells: CellPositions = {
        path: Position(None, number, table.header[number - 1]) for number, path in enumerate(columns, 1) if path
    }
    for line, row in table.rows(problems):
        position = functools.partial(cell_position, cells, line)
        problems += table.unnamed_values(row, line)
        data: dict[str, Any] = {}
        for path, raw in zip(columns, row):
            cell = raw.strip()
            if cell and path:
                try:
                    value = None if cell == "-" else cell_value(kind, path, cell)
                except ValueError as error:
                    problems.append(Problem(str(error), name, *position(*path)))
                else:
                    inner = data if len(path) == 1 else data.setdefault(path[0], {})
                    inner[path[-1]] = value
        yield Entry(kind.name, data, name, position)


def section_line(text: str) -> Optional[re.Match[str]]:
    """Return the match of a first line such as ``# service_groups``, with the section as its first group."""
    return _SECTION_LINE.match(text)


def _kind_of_table(text: str, name: str) -> tuple[Optional[SyncKind], int]:
    """Return the kind of a CSV text, and the index of its header. The kind is None for hosts and folders.

    Raises SettingsError for the name of an unknown section.
    """
    match = section_line(text)
    if match is None:
        return kind_of_file(name), 0
    kind = by_section(match[1])
    if kind is None:
        sections = tuple(kind.section for kind in KINDS.values())
        line = len(_BREAK.findall(text, 0, match.start(1))) + 1
        raise SettingsError(f"unknown section {match[1]!r}{suggestion(match[1], sections)}", file=name, line=line)
    return (None if kind.noun is None else kind), match.end()


def _normalize_label(cell: str) -> str:
    start, colon, key = cell.partition(":")
    return f"label:{key.strip()}" if colon and start.strip() == "label" else cell


def _property(kind: SyncKind, heading: str) -> Property:
    """Return the property with this heading, or an empty tuple for a column without a heading."""
    if not heading or kind.noun is not None or heading in _COLUMNS:
        return (heading,) if heading else ()
    is_label = heading.startswith("label:")
    return ("labels", heading[len("label:") :]) if is_label else ("attributes", heading)


def _header_problems(kind: Optional[SyncKind], header: Sequence[str], name: str, line: int) -> Iterator[Problem]:
    """Yield the mistakes in the columns of a header. If the columns are valid, yield why they do not fit the kind.

    ``kind`` is None for hosts and folders.
    """
    is_valid = True
    for number, cell in enumerate(header, 1):
        problem = f"the column {cell!r} occurs twice" if cell in header[: number - 1] else _column_problem(kind, cell)
        if cell and problem:
            is_valid = False
            yield Problem(problem, name, line, number, cell)
    if is_valid and (problem := _key_problem(kind, [*filter(None, header)])):
        yield Problem(problem, name, line)


def _column_problem(kind: Optional[SyncKind], heading: str) -> Optional[str]:
    if kind is not None:
        return None if heading in kind.keys else f"unknown column {heading!r}{suggestion(heading, kind.keys)}"
    if heading.lower() in ("labels", "attributes"):
        needed = "label, named label:KEY" if heading.lower() == "labels" else "attribute, named like the attribute"
        return f"the column {heading!r} is not supported; use one column for each {needed}"
    start, colon, key = heading.partition(":")
    correct = start.lower() + colon + key
    if correct != heading and (correct in _COLUMNS or correct.startswith("label:")):
        return f"the column {heading!r} must be spelled {correct!r}"
    return None


def _key_problem(kind: Optional[SyncKind], header: Sequence[str]) -> Optional[str]:
    """Return why a header does not identify the objects of its rows, with a hint; None if it does."""
    if kind is not None:
        key = kind.keys[0]
        return None if key in header else f"a table of {kind.section} needs the column {key!r}"
    if "name" in header and "path" in header:
        return "the columns 'name' (for hosts) and 'path' (for folders) must be in separate files"
    if "name" in header or "path" in header:
        return None
    message = "a CSV file needs the column 'name' (for hosts) or 'path' (for folders)"
    hint = "; for an export with other columns, give a mapping file"
    meant = next((cell for cell in header if names_hosts(cell)), None)
    if meant is not None:
        return f"{message}, not {meant!r}{hint}"
    separators = "; separate columns with commas, semicolons or tabs" if len(header) == 1 else ""
    return f"{message}; its columns are: {', '.join(header)}{separators or hint}"


def names_hosts(column: str) -> bool:
    """Return True for a heading such as ``Host name``."""
    return re.sub(r"[^a-z]", "", column.lower()) in ("host", "hostname", "name")
