"""What the command line shows: tables for people, tabs for pipes, JSON for machines."""

from __future__ import annotations

import itertools
import json
import sys
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..names import counted
from ..sync import Step
from ..texts import harmless
from .cost import cost_as_text
from .streams import is_read

__all__ = ["Output", "safe"]

MAX_LINES = 40  # of one error
WIDE_ROWS = 200  # a table has to know its widest row; longer lists leave in pieces of this many


def safe(value: Any) -> str:
    """A text that no terminal takes for a command: control and direction characters are written out."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return harmless(text)


class Output:
    """Results go to stdout, everything else to stderr; progress bars only where stderr is a terminal."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self.console = Console(highlight=False, soft_wrap=True)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        return self.console.is_terminal

    def line(self, text: str, style: str = "") -> None:
        """One line for people on stdout."""
        self.console.print(Text(text, style=style))

    def note(self, text: str) -> None:
        """One line on stderr, unless quiet."""
        if not self.quiet:
            self._errors.print(Text(text))

    def question(self, text: str) -> None:
        """One line on stderr for who is about to be asked."""
        self._errors.print(Text(text))

    def error(self, message: str, facts: Optional[Mapping[str, Any]] = None) -> None:
        """A failure on stderr: one sentence, or JSON."""
        if self.as_json and facts is not None:
            sys.stderr.write(json.dumps(facts, default=str) + "\n")
            return
        lines = message.splitlines() or [""]
        if len(lines) > MAX_LINES:
            lines[MAX_LINES:] = [f"  … and {counted(len(lines) - MAX_LINES, 'more line')} (all of it with --json)"]
        for number, part in enumerate(lines):
            self._errors.print(Text(f"{'Error: ' if number == 0 else ''}{safe(part)}", style="red"))

    def cost(self, cost: Mapping[str, Any]) -> None:
        """What the command cost, on stderr even when quiet: it was asked for."""
        if self.as_json:
            sys.stderr.write(json.dumps({"stats": cost}) + "\n")
            return
        for line in cost_as_text(cost):
            self._errors.print(Text(line))

    def data(self, data: Any) -> None:
        """JSON on stdout."""
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=True, default=str) + "\n")

    def record(self, record: Mapping[str, Any]) -> None:
        """One object."""
        if self.as_json:
            self.data(record)
            return
        for name, value in record.items():
            if isinstance(value, Mapping):
                self.console.print(Text(f"{name}:", style="bold"))
                for key, inner in value.items():
                    self.console.print(Text(f"  {safe(key)}: {safe(inner)}"))
            else:
                self.console.print(Text.assemble((f"{name}: ", "bold"), safe(value)))

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Many objects, in constant memory: they leave while they come, as long as somebody reads them."""
        rows = itertools.takewhile(lambda _row: is_read(), rows)
        if self.as_json:
            self._json_rows(rows)
        elif self.is_terminal:
            self._table(rows, columns)
        else:
            for row in rows:
                sys.stdout.write("\t".join(safe(row.get(column)) for column in columns) + "\n")

    @staticmethod
    def _json_rows(rows: Iterable[Mapping[str, Any]]) -> None:
        separator = "[\n"
        for row in rows:
            sys.stdout.write(separator + json.dumps(row, default=str))
            separator = ",\n"
        sys.stdout.write("\n]\n" if separator == ",\n" else "[]\n")

    def _table(self, rows: Iterator[Mapping[str, Any]], columns: Sequence[str]) -> None:
        headed = True
        for some in iter(lambda: list(itertools.islice(rows, WIDE_ROWS)), []):
            table = Table(box=None, pad_edge=False, show_header=headed, header_style="bold")
            for column in columns:
                table.add_column(column, overflow="fold")
            for row in some:
                table.add_row(*(Text(safe(row.get(column))) for column in columns))
            self.console.print(table)
            headed = False

    def _note_stage(self, step: Step) -> None:
        if step.done == 0:
            self.note(f"{step.stage} ({step.total})" if step.total > 1 else step.stage)

    @contextmanager
    def progress(self) -> Iterator[Any]:
        """A function to call with each :class:`Step`; it draws bars on a terminal, elsewhere it notes each stage."""
        if self.quiet or self.as_json:
            yield lambda _step: None
            return
        if not self._errors.is_terminal:
            yield self._note_stage
            return
        columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._errors) as bars:
            tasks: dict[str, Any] = {}

            def watch(step: Step) -> None:
                if step.stage not in tasks:
                    tasks[step.stage] = bars.add_task(step.stage, total=step.total)
                bars.update(tasks[step.stage], completed=step.done, total=step.total)

            yield watch
