"""Apply a mapping file: turn the rows of an export into entries of an inventory."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional

from ..config.positions import Position
from ..core.secret_names import is_secret_name
from ..core.text import suggestion
from .desired import Problem
from .fields import cell_value
from .kinds import FOLDER, HOSTS, KINDS, Property
from .templates import CellError, Template

Cells = Mapping[str, str]
Refuse = Callable[[str, str], object]  # called with a message and the name of the column

ABSENT = object()  # the value of a property that a row does not mention


@dataclass(frozen=True)
class Rule:
    """A rule that computes one property from a row.

    ``value`` is a template, or a list or mapping that contains templates. ``columns`` are the columns that it uses. If
    it uses none, ``value`` is a constant, which is the same for every row. ``kind`` is the kind of the object.
    """

    path: Property
    value: Any = field(repr=False)  # may contain secrets
    columns: tuple[str, ...] = ()
    kind: str = HOSTS.name

    def apply(self, cells: Cells) -> Any:
        """Return the value for one row: ABSENT if the row does not mention the property, None to remove it.

        Raises ValueError for a cell that is not usable. The error is a CellError if the column is known.
        """
        return self.render(cells) if self.columns else self.value

    def render(self, cells: Cells) -> Any:
        """Return the value for one row, also if the rule uses no columns but its value contains templates."""
        if isinstance(self.value, Template):
            text = self.value.render(cells, is_folder=self.path in (FOLDER, ("path",)))
            if text is None:
                return ABSENT
            # A template such as {A}-{B} renders "-" if both defaults are empty, so that must be its only part.
            is_removal = text == "-" and len(self.value.parts) == 1
            return None if is_removal else cell_value(KINDS[self.kind], self.path, text)
        rendered = {part: part.render(cells) for part in templates_in(self.value)}
        missing = [part for part, text in rendered.items() if part.fields and text is None]
        if not missing:
            return _fill(self.value, rendered)
        if any(part.fields and part not in missing for part in rendered):
            message = "the value is missing, but other parts of the attribute have a value"
            raise CellError(message, missing[0].fields[0].column)
        return ABSENT


def templates_in(value: Any) -> Iterator[Template]:
    """Yield all templates in a value, at any depth."""
    if isinstance(value, Template):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from templates_in(inner)


def _fill(value: Any, texts: Mapping[Template, Optional[str]]) -> Any:
    if isinstance(value, Template):
        return texts[value] or ""
    if isinstance(value, Mapping):
        return {key: _fill(inner, texts) for key, inner in value.items()}
    return [_fill(inner, texts) for inner in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class ColumnMap:
    """A mapping file that was read and checked.

    ``columns`` are the columns that it uses, each with its first position in the mapping file. ``files`` are patterns
    for the names of inventory files. ``rows`` is the path of the list of rows in a JSON or YAML document. ``skip``
    contains, by column, the values of rows to leave out. ``double_braced`` are the names that occur in double braces.
    """

    file: str
    kind: str
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    columns: Mapping[str, Position] = field(default_factory=dict)
    double_braced: Mapping[str, Position] = field(default_factory=dict, repr=False)
    files: tuple[str, ...] = ()
    rows: Optional[str] = None
    skip: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def applies_to(self, path: str) -> bool:
        """Return True if the mapping applies to the inventory file at ``path``."""
        names = (path, os.path.basename(path))
        return not self.files or any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in self.files)

    def column_problems(self, known: Iterable[str], source: str) -> Iterator[Problem]:
        """Yield a mistake for each column that the source lacks, or that the mapping puts in double braces."""
        names = tuple(dict.fromkeys(filter(None, known)))
        for name, position in self.columns.items():
            if name not in names:
                yield Problem(f"{source} has no column {name!r}{suggestion(name, names)}", self.file, *position)
        for name, position in self.double_braced.items():
            if name in names:
                message = f"double braces mean literal braces; to insert the value of the column, write {{{name}}}"
                yield Problem(message, self.file, *position)

    def skip_reason(self, cells: Cells) -> Optional[str]:
        """Return why a row is left out; None if it is used."""
        for column, values in self.skip.items():
            if cells[column] in values:
                return f"{column} is {cells[column]!r}" if cells[column] else f"{column} is empty"
        return None

    def entry(self, cells: Cells, refuse: Refuse) -> dict[str, Any]:
        """Return the inventory entry for a row. Pass each mistake to ``refuse``."""
        entry: dict[str, Any] = {}
        for rule in self.rules:
            try:
                value = rule.apply(cells)
            except ValueError as error:
                column = error.column if isinstance(error, CellError) else rule.columns[0]
                is_secret = any(is_secret_name(name) for name in (*rule.path, column))
                why = "the value is not usable; it may be a secret, so it is not shown" if is_secret else str(error)
                refuse(f"{rule.path[-1]}: {why}", column)
                continue
            if value is ABSENT:
                continue
            if len(rule.path) > 1:
                entry.setdefault(rule.path[0], {})[rule.path[1]] = value
            else:
                entry[rule.path[0]] = value
        return entry
