"""The fields of plain nouns in inventories: checks of their values, and values in cells of tables."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping, Optional

from ..catalogue.attributes import MASK, attribute_value, parse_flag, parse_list
from ..catalogue.field import Field
from ..catalogue.literals import masked_member, read_literal
from ..config.documents import read_json
from ..errors import SettingsError
from .attributes import json_problem, string_problem
from .kinds import ABSENT, FOLDER, NODES, Property, SyncKind, new_folder_or_root
from .marks import MARK, contains_mark_line


def noun_properties(
    kind: SyncKind, data: Mapping[str, Any], refuse: Callable[[str, str], None]
) -> Iterator[tuple[Property, Any]]:
    """Yield the properties of an entry. Pass each mistake to ``refuse``, with the key that contains it.

    The value None removes a field, unless the field is a literal.
    """
    for name in kind.keys[1:]:
        field = kind.field_at((name,))
        if name not in data or field is None:
            continue
        value = data[name]
        if value is None and field.removal is not None:
            yield (field.name,), None
            continue
        if value is None:
            hint = f", or write {field.wire}: 'None'" if field.literal else ""
            refuse(f"{field.name} must have a value; leave it out to keep the value of the site{hint}", name)
            continue
        problem = f"give {field.name} or {name}, not both" if name != field.name and field.name in data else None
        if problem is None and name != field.name:
            problem, value = _read_literal(name, value)
        problem = problem or _value_problem(kind, field, value)
        if problem is None and (name,) == FOLDER:
            value = new_folder_or_root(value)
        elif problem is None and name == kind.mark:
            value = value.strip("\n")  # so that the mark is a line of its own, and the rest can be compared
        if problem is None:
            yield (field.name,), value
        else:
            refuse(problem, name)
    if not isinstance(data.get(ABSENT, False), bool):
        refuse(f"{ABSENT} must be true or false", ABSENT)


def _read_literal(name: str, text: Any) -> tuple[Optional[str], Any]:
    """Return the problem with the text of a Python literal, or None, and its value."""
    try:
        return string_problem(name, text), read_literal(text)
    except ValueError as error:
        return f"{name} is not valid: {error}", None


def _value_problem(kind: SyncKind, field: Field, value: Any) -> Optional[str]:
    """Return why no version of Checkmk accepts a value, or None. The message never contains a secret."""
    if field.secret and not isinstance(value, str):
        return f"{field.name} must be a string; put it in quotes"
    problem = string_problem(field.name, value) if field.type is str else None
    if field.literal and (member := masked_member(value, field.name)) is not None:
        problem = f"{member}: {MASK}"
    elif not field.literal and field.type is not str:
        problem = json_problem(field.name, value)
    if field.refers_to and isinstance(value, list):
        names = (string_problem(f"{field.name}[{index}]", name) for index, name in enumerate(value))
        problem = problem or next(filter(None, names), None)
    if problem is None and field.name == kind.mark and contains_mark_line(value):
        problem = f"only checkmk-sync writes the line {MARK!r}; leave it out"
    if problem is not None:
        return problem
    try:
        field.check(value)
        if (field.name,) == FOLDER:
            new_folder_or_root(value)
    except ValueError as error:
        return str(error)
    return None


def cell_value(kind: SyncKind, path: Property, text: str) -> Any:
    """Convert the text of a cell to the value of a property. Raises ValueError if the text does not have that form.

    For the field of a plain noun, a list is written as ``a|b`` or as JSON, a mapping as JSON, and a flag as ``true`` or
    ``false``.
    """
    if len(path) > 1:
        return attribute_value(path[1], text) if path[0] == "attributes" else text
    if path == NODES:
        return parse_list(text)
    field = kind.field_at(path)
    if path[0] == ABSENT or (field is not None and field.type is bool):
        return parse_flag(text)
    if field is None or field.type is str:
        return text
    if field.literal:
        return text if path[0] != field.name else read_literal(text)
    if field.type is list and text[:1] not in ("[", "{"):
        return parse_list(text)
    try:
        return read_json(text, "").data
    except SettingsError:
        raise ValueError(f"the {field.name} must be JSON, such as {json.dumps(field.example)}") from None
