"""Read exports with a mapping file: CSV tables, and lists of objects in YAML and JSON."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from typing import Any, Callable, Iterator, Mapping, Optional

from ...config.documents import Document
from ...config.positions import Position
from ...core.text import pluralize
from ...errors import SettingsError
from ..desired import Entry, Problem
from ..mapping import ColumnMap
from .csv_rows import CellPositions, Table, cell_position

_SEEN = 100  # rows whose columns are suggested for an unknown column

Path = tuple[str, ...]


class _Rows:
    """Converts the rows of one source into entries, and counts the rows that the mapping file leaves out."""

    def __init__(self, name: str, mapping: ColumnMap, problems: list[Problem]) -> None:
        self._name, self._mapping, self._problems = name, mapping, problems
        self._skipped: Counter[str] = Counter()  # rows by reason

    def is_skipped(self, cells: Mapping[str, str]) -> bool:
        """Return True if the mapping file leaves the row out, and count it."""
        reason = self._mapping.skip_reason(cells)
        if reason is not None:
            self._skipped[reason] += 1
        return reason is not None

    def entry(
        self, cells: Mapping[str, str], position: Callable[..., Position], cell_position: Callable[[str], Position]
    ) -> Entry:
        """Return the entry for a row, and collect the mistakes in its cells."""
        data = self._mapping.entry(cells, lambda message, column: self.refuse(message, cell_position(column)))
        return Entry(self._mapping.kind, data, self._name, position)

    def refuse(self, message: str, position: Position) -> None:
        self._problems.append(Problem(message, self._name, *position))

    def finish(self, total: int, notes: list[str]) -> None:
        """Add a note on the rows that were left out. Raises SettingsError if no row remains."""
        # Hosts that are not in an inventory may be deleted, so rows must not disappear silently.
        skipped, file = sum(self._skipped.values()), self._mapping.file
        if skipped:
            reasons = ", ".join(f"{reason} ({number})" for reason, number in self._skipped.most_common())
            notes.append(f"{self._name}: {skipped} of {pluralize(total, 'row')} left out by {file}: {reasons}")
        if total and skipped == total:
            message = f"the inventory is empty: {file} leaves out all {pluralize(total, 'row')}"
            raise SettingsError(message, file=self._name)


def mapped_table(
    text: str, name: str, mapping: ColumnMap, problems: list[Problem], notes: list[str]
) -> Iterator[Entry]:
    """Yield the entries of a CSV text. Mistakes are added to ``problems``, remarks to ``notes``."""
    table = Table(text, name)
    header = [" ".join(cell.split()) for cell in table.header]
    column_problems = list(mapping.column_problems(header, name))
    numbers = {column: header.index(column) for column in mapping.columns if column in header}
    for column, number in numbers.items():
        if header.count(column) > 1:
            column_problems.append(Problem(f"the column {column!r} occurs twice", name, table.line, number + 1, column))
    problems += column_problems
    if column_problems:
        return
    by_column: CellPositions = {(column,): Position(None, numbers[column] + 1, column) for column in numbers}
    by_property: CellPositions = {rule.path: by_column[rule.columns[:1]] for rule in mapping.rules if rule.columns}
    rows, total = _Rows(name, mapping, problems), 0
    for line, row in table.rows(problems):
        total += 1
        cells = {column: row[number].strip() if number < len(row) else "" for column, number in numbers.items()}
        if rows.is_skipped(cells):
            continue
        problems += table.unnamed_values(row, line)
        positions = (functools.partial(cell_position, places, line) for places in (by_property, by_column))
        yield rows.entry(cells, *positions)
    rows.finish(total, notes)


def mapped_document(
    document: Document, mapping: ColumnMap, problems: list[Problem], notes: list[str]
) -> Iterator[Entry]:
    """Yield the entries of the rows in a document. Mistakes are added to ``problems``, remarks to ``notes``."""
    path, data = _rows_in(document, mapping)
    objects = [row for row in data if isinstance(row, dict)]
    present = {column for column in mapping.columns if any(_path_of(row, column) is not None for row in objects)}
    columns = [*present, *(key for row in objects[:_SEEN] for key in _keys(row))]
    column_problems = list(mapping.column_problems(columns, document.source))
    if objects:
        problems += column_problems
    rows = _Rows(document.source, mapping, problems)
    for index, row in enumerate(data):
        position = functools.partial(_object_position, document, path, index, mapping)
        column_position = functools.partial(_column_position, document, path, index)
        if not isinstance(row, dict):
            rows.refuse("a row must be an object with a value for each column", position())
            continue
        if column_problems:
            continue
        cells: dict[str, str] = {}
        for column in mapping.columns:
            try:
                cells[column] = _text(_value(row, column))
            except ValueError as error:
                rows.refuse(f"{column} {error}", column_position(column))
                break
        else:
            if not rows.is_skipped(cells):
                yield rows.entry(cells, position, column_position)
    rows.finish(len(data), notes)


def _column_position(document: Document, path: Path, index: int, column: str) -> Position:
    """Return the position of a column in the object at an index of the list at ``path``."""
    row = functools.reduce(operator.getitem, (*path, index), document.data)
    return document.position((*path, index, *(_path_of(row, column) or ())))


def _object_position(document: Document, path: Path, index: int, mapping: ColumnMap, *below: Any) -> Position:
    """Return the position of an object, or of the first column of the property at ``below``."""
    if not below:
        return Position(document.line_of_item(path, index))
    column = next((rule.columns[0] for rule in mapping.rules if rule.path == below and rule.columns), "")
    return _column_position(document, path, index, column)


def _rows_in(document: Document, mapping: ColumnMap) -> tuple[Path, list[Any]]:
    """Return the path of the list of rows in a document, and the list."""
    data, name = document.data, document.source
    keys = f"; the keys of the document are: {', '.join(map(str, data))}" if isinstance(data, dict) else ""
    if mapping.rows is None:
        if isinstance(data, list):
            return (), data
        message = f"with {mapping.file}, the document must be a list of objects, or 'rows' must name the list{keys}"
        raise SettingsError(message, file=name)
    steps = _path_of(data, mapping.rows) if isinstance(data, dict) else None
    rows = None if steps is None else _value(data, mapping.rows)
    if steps is None or not isinstance(rows, list):
        raise SettingsError(f"the list {mapping.rows!r}, which {mapping.file} names, does not exist{keys}", file=name)
    _refuse_page(data if len(steps) == 1 else _value(data, ".".join(map(str, steps[:-1]))), len(rows), name)
    return steps, rows


def _refuse_page(around: Any, rows: int, name: str) -> None:
    # NetBox and other tools return pages. Reading one page as an inventory would delete the hosts of the other pages.
    if not isinstance(around, dict) or "next" not in around:
        return
    count = str(around.get("count"))
    if around["next"] or (count.isdecimal() and int(count) > rows):
        size = f"{rows} of {count} rows" if count.isdecimal() else pluralize(rows, "row")
        raise SettingsError(f"this is only one page of a response, with {size}; export all rows", file=name)


def _path_of(row: Mapping[str, Any], column: str) -> Optional[tuple[str, ...]]:
    """Return the keys that lead to a column: its name, or the parts of its name between dots.

    Return None if the column does not exist. A column below a null counts as existing, because the members
    of the null are unknown.
    """
    if column in row:
        return (column,)
    parts = column.split(".")
    for number in range(1, len(parts)):
        head = ".".join(parts[:number])
        if head in row and row[head] is None:
            return (head,)
        if isinstance(row.get(head), dict):
            steps = _path_of(row[head], ".".join(parts[number:]))
            if steps is not None:
                return (head, *steps)
    return None


def _value(row: Mapping[str, Any], column: str) -> Any:
    steps = _path_of(row, column)
    return functools.reduce(operator.getitem, steps, row) if steps else None


def _text(value: Any) -> str:
    """Return a value as the text of a cell. Raises ValueError for objects, and for lists of objects or lists."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(entry, (list, dict)) for entry in value):
        return "|".join(map(_text, value))
    if isinstance(value, dict):
        keys = ", ".join(map(str, value))
        raise ValueError(f"is an object; name one of its members after a dot ({keys})")
    raise ValueError("must be a list of strings, not of objects or lists")


def _keys(row: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the columns of a row. The name of a member of a nested object contains dots."""
    for key, value in row.items():
        if isinstance(value, dict) and value and depth < 5:
            yield from (f"{key}.{inner}" for inner in _keys(value, depth + 1))
        else:
            yield str(key)
