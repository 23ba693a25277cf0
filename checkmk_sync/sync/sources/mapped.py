"""Read exports through a mapping file: CSV tables, and lists of objects in YAML and JSON."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any, Iterator, Mapping, Optional, Union

from ...core.documents import Document
from ...core.positions import Position
from ...core.text import pluralize
from ...errors import SettingsError
from ..desired import Entry, Problem
from ..mapping import ColumnMap
from .csv_rows import Table

__all__ = ["Notes", "mapped_document", "mapped_table"]

_SEEN = 100  # rows whose keys are named when a column is unknown

Path = tuple[str, ...]


class Notes(list[str]):
    """Facts about how an inventory was read that are not mistakes, but that somebody has to know."""

    def left_out(self, why: Counter[str], rows: int, source: str, mapping: ColumnMap) -> None:
        """Note the rows that a mapping file leaves out, because hosts that are not in an inventory may be deleted."""
        if why:
            reasons = ", ".join(f"{reason} ({number})" for reason, number in why.most_common())
            said = (
                f"{source}: {sum(why.values())} of {pluralize(rows, 'row')} left out, as {mapping.file} says: {reasons}"
            )
            self.append(said)


class _RowPosition:
    """Finds the places of the cells of one row of a table."""

    __slots__ = ("_line", "_mapping", "_numbers")

    def __init__(self, line: int, mapping: ColumnMap, numbers: Mapping[str, int]) -> None:
        self._line, self._mapping, self._numbers = line, mapping, numbers

    def of_column(self, column: Optional[str]) -> Position:
        number = None if column is None else self._numbers.get(column)
        return Position(self._line) if number is None else Position(self._line, number + 1, column)

    def __call__(self, *path: Any) -> Position:
        return self.of_column(self._mapping.first_column(path)) if path else Position(self._line)


def mapped_table(text: str, name: str, mapping: ColumnMap, problems: list[Problem], notes: Notes) -> Iterator[Entry]:
    """The entries that a CSV text holds."""
    table = Table(text, name)
    header = [" ".join(cell.split()) for cell in table.header]
    strange = list(mapping.strange(header, name))
    numbers = {column.name: header.index(column.name) for column in mapping.columns if column.name in header}
    for column, number in numbers.items():
        if header.count(column) > 1:
            strange.append(Problem(f"the column {column!r} stands twice", name, table.line, number + 1, column))
    problems += strange
    if strange:
        return
    is_named = [bool(cell) for cell in header]
    why: Counter[str] = Counter()
    rows = 0
    for line, row in table.rows(problems):
        rows += 1
        position = _RowPosition(line, mapping, numbers)
        cells = {column: row[number].strip() if number < len(row) else "" for column, number in numbers.items()}
        skipped = mapping.why_skipped(cells)
        if skipped is not None:
            why[skipped] += 1
            continue
        if len(row) > len(header) or not all(is_named):
            problems += table.beyond(row, line, is_named)

        yield Entry(mapping.kind, mapping.entry(cells, partial(_refuse, problems, name, position)), name, position)
    notes.left_out(why, rows, name, mapping)
    _refuse_nothing_left(why, rows, name, mapping)


def mapped_document(document: Document, mapping: ColumnMap, problems: list[Problem], notes: Notes) -> Iterator[Entry]:
    """The entries that a list of objects in a document holds."""
    name = document.source
    path, rows = _rows_in(document, mapping)
    objects = [row for row in rows if isinstance(row, dict)]
    names = [column.name for column in mapping.columns]
    found = {column for column in names if any(_steps(row, column) is not None for row in objects)}
    strange = list(mapping.strange([*found, *(key for row in objects[:_SEEN] for key in _keys(row))], name))
    if objects:
        problems += strange
    why: Counter[str] = Counter()
    for index, row in enumerate(rows):
        position = _ObjectPosition(document, path, index, mapping)
        if not isinstance(row, dict):
            problems.append(Problem("a row is an object with a value for each column", name, *position()))
        elif not strange:
            yield from _entry(row, mapping, position, why, problems, name)
    notes.left_out(why, len(rows), name, mapping)
    _refuse_nothing_left(why, len(rows), name, mapping)


def _entry(
    row: Mapping[str, Any],
    mapping: ColumnMap,
    position: _ObjectPosition,
    why: Counter[str],
    problems: list[Problem],
    name: str,
) -> Iterator[Entry]:
    """The entry of one object, unless it is left out."""
    refuse = partial(_refuse, problems, name, position)
    cells: dict[str, str] = {}
    for column in mapping.columns:
        try:
            cells[column.name] = _text(_value(row, column.name))
        except ValueError as error:
            refuse(f"{column.name} {error}", column.name)
            return
    skipped = mapping.why_skipped(cells)
    if skipped is not None:
        why[skipped] += 1
        return
    yield Entry(mapping.kind, mapping.entry(cells, refuse), name, position)


def _refuse(
    problems: list[Problem],
    name: str,
    position: Union[_RowPosition, _ObjectPosition],
    message: str,
    column: Optional[str],
) -> None:
    problems.append(Problem(message, name, *position.of_column(column)))


def _refuse_nothing_left(why: Counter[str], rows: int, name: str, mapping: ColumnMap) -> None:
    if rows and sum(why.values()) == rows:
        said = f"the inventory is empty: {mapping.file} leaves out all {pluralize(rows, 'row')}"
        raise SettingsError(said, file=name)


class _ObjectPosition:
    """Finds the places of the members of one object."""

    __slots__ = ("_document", "_index", "_mapping", "_path")

    def __init__(self, document: Document, path: Path, index: int, mapping: ColumnMap) -> None:
        self._document, self._path, self._index, self._mapping = document, path, index, mapping

    def of_column(self, column: Optional[str]) -> Position:
        row = self._document.data
        for step in (*self._path, self._index):
            row = row[step]
        steps = None if column is None else _steps(row, column)
        return self._document.position((*self._path, self._index, *(steps or ())))

    def __call__(self, *path: Any) -> Position:
        if path:
            return self.of_column(self._mapping.first_column(path))
        return Position(self._document.line_of_item(self._path, self._index))


def _rows_in(document: Document, mapping: ColumnMap) -> tuple[Path, list[Any]]:
    """Where the list of rows stands, and the list."""
    data, name = document.data, document.source
    if mapping.rows is None:
        if isinstance(data, list):
            return (), data
        keys = f"; its keys are: {', '.join(map(str, data))}" if isinstance(data, dict) else ""
        said = f"with {mapping.file} this is a list of objects, or 'rows' there says where the list is{keys}"
        raise SettingsError(said, file=name)
    steps = _steps(data, mapping.rows) if isinstance(data, dict) else None
    rows = None if steps is None else _value(data, mapping.rows)
    if steps is None or not isinstance(rows, list):
        keys = f"; its keys are: {', '.join(map(str, data))}" if isinstance(data, dict) else ""
        raise SettingsError(f"there is no list {mapping.rows!r}, which {mapping.file} names{keys}", file=name)
    _refuse_page(data if len(steps) == 1 else _value(data, ".".join(map(str, steps[:-1]))), len(rows), name)
    return steps, rows


def _refuse_page(around: Any, rows: int, name: str) -> None:
    """NetBox and others answer in pages. One of them is no inventory: all other hosts would be deleted."""
    if not isinstance(around, dict) or "next" not in around:
        return
    count = str(around.get("count"))
    if around["next"] or (count.isdecimal() and int(count) > rows):
        of = f" of {count}" if count.isdecimal() else ""
        raise SettingsError(f"this is one page of an answer, with {rows}{of} rows: export all of them", file=name)


def _steps(row: Mapping[str, Any], column: str) -> Optional[tuple[str, ...]]:
    """The keys that lead to a column: the name itself, or its parts between dots. None if there is no such column.
    The members of a null are unknown, so none of them is missing."""
    if column in row:
        return (column,)
    at = column.find(".")
    while at >= 0:
        head, rest = column[:at], column[at + 1 :]
        if head in row:
            inner = row[head]
            if inner is None:
                return (head,)
            below = _steps(inner, rest) if isinstance(inner, dict) else None
            if below is not None:
                return (head, *below)
        at = column.find(".", at + 1)
    return None


def _value(row: Mapping[str, Any], column: str) -> Any:
    value: Any = row
    for step in _steps(row, column) or ():
        value = value[step]
    return None if value is row else value


def _text(value: Any) -> str:
    """A value as a cell. ValueError for one that is no text, number or list of them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(each, (list, dict)) for each in value):
        return "|".join(map(_text, value))
    if isinstance(value, dict):
        keys = ", ".join(map(str, value))
        raise ValueError(f"is an object; name a member of it with a dot ({keys})")
    raise ValueError("is a list of objects, not of texts")


def _keys(row: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """The columns of a row; members of nested objects are named with dots."""
    for key, value in row.items():
        if isinstance(value, dict) and value and depth < 5:
            yield from (f"{key}.{inner}" for inner in _keys(value, depth + 1))
        else:
            yield str(key)
