"""Lists on stdout, in the formats of ``-o``. Only ``--sort`` needs memory for the entire list."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import sys
from dataclasses import dataclass
from typing import Any, Callable, Container, Iterable, Mapping, Optional, Sequence

import click

from ..commands import Command
from ..core.redaction import mask_secrets
from ..core.text import escape_invisible, name_line, suggestion
from .console import Output, local_time, safe
from .guarded_streams import encodable, is_read
from .table import table_lines

Row = Mapping[str, Any]

# Column widths depend on all rows of a table. A longer list is printed as several tables of this many rows, so that it
# appears while it arrives and takes constant memory.
TABLE_ROWS = 200
UNLIMITED = 10**9  # the width of a table that is not cut
# A spreadsheet takes a cell that starts with one of these characters for a formula, and the texts come from monitored
# systems. The full-width forms count as well in some languages.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Layout:
    """The format and the columns of a list.

    ``times`` are the columns that tables show as local times. ``empty`` is the note for an empty table on a terminal.
    ``names`` are the columns of the format "name". ``has_own_columns`` is True if the user has chosen the columns.
    ``table_row`` adds the columns that only tables have. ``is_prose`` is True if the columns are texts.
    """

    columns: Sequence[str]
    format: Optional[str] = None
    times: Container[str] = ()
    empty: str = "no match"
    names: Sequence[str] = ()
    has_own_columns: bool = False
    table_row: Optional[Callable[[dict[str, Any]], Row]] = None
    is_prose: bool = False

    def cells(self, row: Row) -> list[Any]:
        """Return the values of the columns for people, with secrets hidden."""
        made = row if self.table_row is None else {**row, **self.table_row(dict(row))}
        return [mask_secrets(made[name] if name in made else _value_at(row, name), name) for name in self.columns]

    def data(self, row: Row) -> Row:
        """Return a row for programs: the complete row, or the columns that the user has chosen."""
        if not self.has_own_columns:
            return row
        made = row if self.table_row is None else {**self.table_row(dict(row)), **row}
        return {name: made[name] if name in made else _value_at(row, name) for name in self.columns}


def make_layout(
    command: Command, *, output: Optional[str], columns: Optional[str], sort: Optional[str], as_json: bool, empty: str
) -> Layout:
    """Return the layout of a list. Raises click.UsageError if the options contradict each other."""
    if as_json and output not in (None, "json"):
        raise click.UsageError(f"give --json or -o {output}, not both")
    shown = command.all_columns if output == "wide" else command.columns
    if columns is not None:
        shown = tuple(filter(None, (name.strip() for name in columns.split(","))))
        if not shown:
            raise click.UsageError("--columns must be names of columns, separated by commas")
    for name in (*shown, *([sort.removeprefix("-")] if sort is not None else [])):
        if name not in command.all_columns and name.partition(".")[0] not in command.all_columns:
            raise click.UsageError(f"unknown column {name!r}{suggestion(name, command.all_columns)}")
    form = "json" if as_json else output
    times = {field.name for field in command.fields if field.time}
    own, prose = columns is not None, command.is_prose and columns is None
    return Layout(shown, form, times, empty, command.naming_columns, own, command.table_row, prose)


def sort_rows(rows: Iterable[Row], sort: str, layout: Layout) -> list[Row]:
    """Return all rows, sorted by a column. Rows without a value come last in both directions."""
    name = sort.removeprefix("-")
    column = Layout((name,), table_row=layout.table_row)
    pairs = [(column.cells(row)[0], row) for row in rows]
    found = sorted(
        (pair for pair in pairs if pair[0] is not None), key=lambda pair: _order(pair[0]), reverse=sort.startswith("-")
    )
    return [row for _, row in found] + [row for value, row in pairs if value is None]


def _order(value: Any) -> tuple[bool, Any, str]:
    """Return a sort key: numbers by value, and texts after them without regard to case."""
    if isinstance(value, (int, float)):
        return False, value, ""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return True, text.casefold(), text


def _value_at(row: Row, column: str) -> Any:
    """Return the value of a column such as ``attributes.ipaddress``, or None."""
    if column in row:
        return row[column]
    head, _, rest = column.partition(".")
    inner = row.get(head)
    return _value_at(inner, rest) if isinstance(inner, Mapping) else None


def print_rows(output: Output, rows: Iterable[Row], layout: Layout) -> None:
    """Print rows on stdout as they arrive. Stop when the reader closes the pipe.

    Secret values are shown only in JSON and YAML.
    """
    rows = itertools.takewhile(lambda _row: is_read(), rows)
    if layout.format in _PRINTERS:
        _PRINTERS[layout.format](rows, layout)
    elif layout.format is None and not output.is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(_texts(row, layout)) + "\n")
    elif layout.format is None and layout.is_prose:
        for row in rows:
            output.console.print("\n  ".join(filter(None, _texts(row, layout))), markup=False)
    elif not _print_table(output, rows, layout) and layout.empty and output.is_terminal:
        output.note(layout.empty)


def _texts(row: Row, layout: Layout) -> list[str]:
    """Return the cells of a row as texts that are safe on a terminal, with local times."""
    return [
        safe(local_time(value) if name in layout.times else value)
        for name, value in zip(layout.columns, layout.cells(row))
    ]


def _print_table(output: Output, rows: Iterable[Row], layout: Layout) -> bool:
    """Print a table. Return False if there are no rows."""
    is_cut = output.is_terminal and layout.format != "wide"
    has_header, width = True, shutil.get_terminal_size().columns if is_cut else UNLIMITED
    encoding = sys.stdout.encoding
    ellipsis = encodable("…", encoding)
    shown = ([encodable(cell, encoding) for cell in _texts(row, layout)] for row in rows)
    for chunk in iter(lambda: list(itertools.islice(shown, TABLE_ROWS)), []):
        for line in table_lines(layout.columns, chunk, width, has_header=has_header, ellipsis=ellipsis):
            output.console.print(line)
        has_header = False
    return not has_header


def _print_json(rows: Iterable[Row], layout: Layout) -> None:
    separator = "[\n"
    for row in rows:
        sys.stdout.write(separator + json.dumps(layout.data(row), default=str))
        separator = ",\n"
    sys.stdout.write("\n]\n" if separator == ",\n" else "[]\n")


def _print_json_lines(rows: Iterable[Row], layout: Layout) -> None:
    for row in rows:
        sys.stdout.write(json.dumps(layout.data(row), default=str) + "\n")


def _print_yaml(rows: Iterable[Row], layout: Layout) -> None:
    import yaml

    is_empty = True
    for row in rows:
        # Through JSON, because the dumper knows only plain types and writes an object that occurs twice as an alias.
        data = json.loads(json.dumps(layout.data(row), default=str))
        sys.stdout.write(yaml.safe_dump([data], sort_keys=False, default_flow_style=False))
        is_empty = False
    if is_empty:
        sys.stdout.write("[]\n")


def _print_csv(rows: Iterable[Row], layout: Layout) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(layout.columns)
    writer.writerows(map(_csv_cell, layout.cells(row)) for row in rows)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    text = escape_invisible(value, keep="\n\t")
    return f"'{text}" if value.startswith(_FORMULA_STARTS) else text


def _print_names(rows: Iterable[Row], layout: Layout) -> None:
    for row in rows:
        sys.stdout.write(name_line(str(row.get(name, "")) for name in layout.names) + "\n")


_PRINTERS: Mapping[Optional[str], Callable[[Iterable[Row], Layout], None]] = {
    "json": _print_json,
    "jsonl": _print_json_lines,
    "yaml": _print_yaml,
    "csv": _print_csv,
    "name": _print_names,
}
