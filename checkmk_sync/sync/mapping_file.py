"""Read mapping files. A mapping file describes in YAML how the columns of an export become an inventory."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Iterable, Iterator, Optional, Union

from ..config.documents import Document, read_yaml
from ..config.positions import Position
from ..config.secrets import read_file
from ..core.arguments import require_type
from ..core.text import suggestion
from ..errors import InventoryError, SettingsError
from .attributes import show_value
from .desired import Entry, Problem, desired_state
from .kinds import HOSTS, KINDS, Property
from .mapping import ABSENT, ColumnMap, Rule, templates_in
from .templates import Template, TemplateError, parse

_OWN_KEYS = ("kind", "files", "rows", "skip", "tables")


def load_map(path: Union[str, os.PathLike[str]]) -> ColumnMap:
    """Read a mapping file.

    Raises SettingsError if the file cannot be read or is not valid YAML, and InventoryError with all other mistakes.
    """
    require_type(path, (str, os.PathLike), "load_map needs the path of a mapping file")
    name = os.fspath(path)
    text, _ = read_file(name, "the mapping file", file=name, field="map")
    try:
        document = read_yaml(text, name)
    except SettingsError as error:
        line = "" if error.line is None else "".join(text.split("\n")[error.line - 1 : error.line])
        hint = "; put a template that starts with '{' in quotes" if ": {" in line else ""
        message = f"{error.reason}{hint}"
        raise SettingsError(message, file=name, line=error.line, column=error.column, field="map") from None
    return _Reader(document, text).read()


class _Reader:
    """Reads a mapping file and collects its mistakes."""

    def __init__(self, document: Document, text: str) -> None:
        self._document, self._name, self._lines = document, document.source, text.split("\n")
        self._problems: list[Problem] = []
        self._tables: dict[str, dict[str, str]] = {}
        self._columns: dict[str, Position] = {}
        self._double_braced: dict[str, Position] = {}

    def read(self) -> ColumnMap:
        """Return the mapping. Raises InventoryError with all mistakes."""
        data = self._document.data
        if not isinstance(data, dict):
            message = "a mapping file must be a mapping with keys such as kind, name, folder, attributes and labels"
            raise SettingsError(message, file=self._name, field="map")
        kind = data.get("kind", HOSTS.name)
        if not isinstance(kind, str) or kind not in KINDS:
            self._refuse(f"unknown kind {show_value(kind)}{suggestion(str(kind), tuple(KINDS))}", "kind")
            raise InventoryError(self._problems)
        known = (*KINDS[kind].keys, *_OWN_KEYS)
        for key in data:
            if key not in known:
                self._refuse(f"unknown key {show_value(key)}{suggestion(str(key), known)}", key)
        if not isinstance(data.get("rows"), (str, type(None))):
            self._refuse("'rows' must be the name of a list in the document, such as results", "rows")
        self._read_tables(data.get("tables"))
        mapping = ColumnMap(
            file=self._name,
            kind=kind,
            rules=tuple(rule for rule in self._rules(kind) if rule.value is not ABSENT),
            files=self._texts("files"),
            rows=data.get("rows") or None,
            skip=dict(self._skip_rules(data.get("skip"))),
            columns=self._columns,
            double_braced=self._double_braced,
        )
        self._check_constants(mapping)
        if self._problems:
            raise InventoryError(self._problems)
        return mapping

    def _refuse(self, message: str, *path: Any, position: Optional[Position] = None) -> None:
        self._problems.append(Problem(message, self._name, *(position or self._document.position(path))))

    def _texts(self, *path: str) -> tuple[str, ...]:
        """Return the strings at a path, which may contain one string or a list."""
        value = self._document.data
        for step in path:
            value = value.get(step)
        texts = [] if value is None else value if isinstance(value, list) else [value]
        self._refuse_non_texts(texts, path[-1], *path)
        return tuple(text for text in texts if isinstance(text, str))

    def _refuse_non_texts(self, values: Iterable[Any], subject: str, *path: Any) -> None:
        for value in values:
            if not isinstance(value, str):
                self._refuse(f"{subject}: {show_value(value)} is not a string; put it in quotes", *path)

    def _mapping(self, value: Any, requirement: str, key: str) -> dict[Any, Any]:
        """Return a section, which may be missing, or refuse it if it is not a mapping."""
        if not isinstance(value, (dict, type(None))):
            self._refuse(requirement, key)
        return value if isinstance(value, dict) else {}

    def _read_tables(self, tables: Any) -> None:
        for name, table in self._mapping(tables, "'tables' must be a mapping of names to tables", "tables").items():
            if not isinstance(table, dict) or not table:
                requirement = "must be a mapping of strings to strings, and must not be empty"
                self._refuse(f"the table {show_value(name)} {requirement}", "tables", name)
                continue
            for key, value in table.items():
                self._refuse_non_texts((key, value), f"the table {name}", "tables", name, key)
            self._tables[str(name)] = table

    def _skip_rules(self, skip: Any) -> Iterator[tuple[str, frozenset[str]]]:
        needed = "'skip' must be a mapping of columns to lists of values; rows with these values are left out"
        for column, values in self._mapping(skip, needed, "skip").items():
            if not isinstance(column, str):
                message = f"{show_value(column)} is not a string; put the name of a column in quotes"
                self._refuse(message, "skip", column)
                continue
            name = " ".join(column.split())
            self._columns.setdefault(name, self._document.position(("skip", column)))
            if values in (None, []):
                self._refuse(f'{column}: list the values of rows to leave out; "" means an empty cell', "skip", column)
            yield name, frozenset(text.strip() for text in self._texts("skip", column))

    def _rules(self, kind: str) -> Iterator[Rule]:
        data, first = self._document.data, KINDS[kind].keys[0]
        if first not in data:
            self._refuse(f"a mapping file for {KINDS[kind].section} needs the key {first!r}")
        for key in KINDS[kind].keys:
            if KINDS[kind].noun is None and key in ("attributes", "labels"):
                yield from self._section(key, data.get(key), kind)
            elif key in data:
                before = len(self._problems)
                rule = self._rule((key,), data[key], kind)
                if not rule.columns and key == first and len(self._problems) == before:
                    message = f'the {key} would be the same for every row; use a column, such as "{{Hostname}}"'
                    self._refuse(message, key)
                yield rule

    def _section(self, section: str, values: Any, kind: str) -> Iterator[Rule]:
        for name, value in self._mapping(values, f"{section!r} must be a mapping of names to values", section).items():
            if section == "attributes" and name == "labels":
                self._refuse("put labels in the section 'labels', not in 'attributes'", section, name)
            else:
                yield self._rule((section, name), value, kind)

    def _rule(self, path: Property, value: Any, kind: str) -> Rule:
        compiled = self._compile(path, value)
        columns = tuple(dict.fromkeys(field.column for part in templates_in(compiled) for field in part.fields))
        takes_only_text = path[0] != "attributes" and (KINDS[kind].noun is None or path[0] == KINDS[kind].keys[0])
        if columns and not isinstance(compiled, Template) and takes_only_text:
            self._refuse(f"{path[-1]} must be a string, not a list or mapping", *path)
        rule = Rule(path, compiled, columns, kind)
        if columns:
            return rule
        try:
            return replace(rule, value=rule.render({}))
        except ValueError as error:
            self._refuse(f"{path[-1]}: {error}", *path)
        return replace(rule, value=ABSENT)

    def _compile(self, path: tuple[Any, ...], value: Any) -> Any:
        """Return the value with each string parsed as a template."""
        if isinstance(value, str):
            return self._template(path, value)
        if isinstance(value, list):
            return [self._compile((*path, index), inner) for index, inner in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if value and all(inner is None for inner in value.values()):  # YAML reads {Column} as a mapping
            message = f'put a template that starts with a brace in quotes: "{{{next(iter(value))}}}"'
            self._refuse(message, position=self._document.position(path, of_value=True))
            return ABSENT
        return {key: self._compile((*path, key), inner) for key, inner in value.items()}

    def _template(self, path: tuple[Any, ...], text: str) -> Template:
        try:
            template = parse(text, self._tables)
        except TemplateError as error:
            self._refuse(f"{path[-1]}: {error}", position=self._position_in(path, text, error.offset))
            return Template(())
        for field in template.fields:
            self._columns.setdefault(field.column, self._position_in(path, text, field.offset))
        for name in template.double_braced:
            self._double_braced.setdefault(name, self._position_in(path, text, text.index(name)))
        return template

    def _position_in(self, path: tuple[Any, ...], text: str, offset: int) -> Position:
        """Return the position of the character at ``offset``, or of the string if escapes or line breaks precede it."""
        position = self._document.position(path, of_value=True)
        if position.line is None or position.column is None:
            return position
        line = self._lines[position.line - 1]
        start = position.column - 1 + (line[position.column - 1 : position.column] in ("'", '"'))
        is_plain = line.startswith(text[: offset + 1], start)
        return Position(position.line, start + offset + 1) if is_plain else position

    def _check_constants(self, mapping: ColumnMap) -> None:
        """Check names and constants once, so that their mistakes are not reported again for each row."""
        sample_name = KINDS[mapping.kind].sample
        data: dict[str, Any] = {KINDS[mapping.kind].keys[0]: sample_name}
        for rule in mapping.rules:
            if len(rule.path) > 1:
                data.setdefault(rule.path[0], {})[rule.path[1]] = None if rule.columns else rule.value
            elif not rule.columns and rule.path[0] not in data:
                data[rule.path[0]] = rule.value
        problems: Iterable[Problem]
        try:
            sample = Entry(mapping.kind, data, self._name, lambda *path: self._document.position(path))
            problems = desired_state([sample]).refused
        except InventoryError as error:
            problems = error.problems
        for problem in problems:
            message = problem.message.removeprefix(f"{mapping.kind} {sample_name}: ")
            self._problems.append(replace(problem, message=message))
