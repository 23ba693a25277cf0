"""Read tables of plain nouns in CSV. The columns are the fields of the noun.

The section of a table is the name of its file, as in ``service_groups.csv``, or its first line is ``# service_groups``.
"""

from __future__ import annotations

import os
import re
from typing import Any, Iterator, Optional, Sequence

from ...catalogue.noun import Noun
from ...core.text import suggestion
from ...errors import SettingsError
from ..desired import Problem
from ..fields import cell_value
from ..kinds import KINDS, SyncKind, by_section

__all__ = ["column_problems", "kind_of_file", "kind_of_table", "section_line", "values_in_row"]

_SECTION_LINE = re.compile(r"\s*#[^\S\r\n]*([-\w]+)[^\S\r\n]*[,;\t\"]*[^\S\r\n]*(?:\r\n|\r|\n|\Z)")


def kind_of_file(name: str) -> Optional[SyncKind]:
    """Return the kind of a plain noun whose section is the name of a file, without folders and extension."""
    kind = by_section(os.path.splitext(os.path.basename(name))[0])
    return None if kind is None or kind.noun is None else kind


def section_line(text: str) -> Optional[re.Match[str]]:
    """Return the match of a first line such as ``# service_groups``, with the section as its first group."""
    return _SECTION_LINE.match(text)


def kind_of_table(text: str, name: str) -> tuple[Optional[SyncKind], int]:
    """Return the kind of a CSV text, and the index of its header. The kind is None for hosts and folders.

    Raises SettingsError for the name of an unknown section.
    """
    match = section_line(text)
    if match is None:
        return kind_of_file(name), 0
    kind = by_section(match[1])
    if kind is None:
        sections = tuple(kind.section for kind in KINDS.values())
        line = len(re.findall(r"\r\n|\r|\n", text[: match.start(1)])) + 1
        raise SettingsError(f"unknown section {match[1]!r}{suggestion(match[1], sections)}", file=name, line=line)
    return (None if kind.noun is None else kind), match.end()


def column_problems(kind: SyncKind, header: list[str], name: str, line: int) -> Iterator[Problem]:
    """Yield the mistakes in a header."""
    for number, cell in enumerate(header, 1):
        if cell and cell in header[: number - 1]:
            yield Problem(f"the column {cell!r} occurs twice", name, line, number, cell)
        elif cell and cell not in kind.keys:
            yield Problem(f"unknown column {cell!r}{suggestion(cell, kind.keys)}", name, line, number, cell)
    if kind.keys[0] not in header:
        yield Problem(f"a table of {kind.section} needs the column {kind.keys[0]!r}", name, line)


def values_in_row(noun: Noun, header: Sequence[str], row: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entry for a row, and the mistakes in its cells by column."""
    entry: dict[str, Any] = {}
    mistakes: dict[str, str] = {}
    for column, raw in zip(header, row):
        cell = raw.strip()
        if not cell or not column:
            continue
        try:
            entry[column] = None if cell == "-" else cell_value(noun, column, cell)
        except ValueError as error:
            mistakes[column] = str(error)
    return entry, mistakes
