"""The options that every list has: ``-o``, ``--columns`` and ``--sort``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

import click

from ..commands import Command
from .options import State

__all__ = ["FORMATS", "ListOptions", "asks_for_json", "list_parameters"]

FORMATS = ("table", "wide", "json", "jsonl", "yaml", "csv", "name")


@dataclass(frozen=True)
class ListOptions:
    """The columns and the format of a list. Without a format, it is a table on a terminal, and lines in a pipe."""

    format: Optional[str] = None
    columns: Optional[str] = None
    sort: Optional[str] = None


def list_parameters(command: Command) -> list[click.Parameter]:
    """Return the options for the output of a list."""
    formats = FORMATS if command.naming_columns else FORMATS[:-1]
    inside = " or ".join(f"{name}.KEY" for name in command.all_columns if name in ("attributes", "labels"))
    columns = ", ".join(command.all_columns) + (f", {inside}" if inside else "")
    return [
        click.Option(
            ["-o", "--output", "format"],
            type=click.Choice(formats),
            callback=_note_json,
            help="Print in this format (default: table on a terminal, tab-separated lines in a pipe).",
        ),
        click.Option(["--columns"], metavar="NAMES", help=f"Show these columns, separated by commas: {columns}."),
        click.Option(["--sort"], metavar="COLUMN", help="Sort by this column; -COLUMN sorts in descending order."),
    ]


def _note_json(context: click.Context, _parameter: click.Parameter, value: Optional[str]) -> Optional[str]:
    # -o json means --json, so that errors are JSON as well.
    if value == "json":
        context.ensure_object(State).as_json = True
    return value


def asks_for_json(words: Sequence[str]) -> bool:
    """Return True if a command line asks for JSON. It need not be valid."""
    pairs: Any = zip(words, [*words[1:], ""])
    return any(word in ("--json", "-ojson", "--output=json") for word in words) or any(
        option in ("-o", "--output") and value == "json" for option, value in pairs
    )
