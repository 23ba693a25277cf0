"""The fields of plain nouns in inventories: checks of their values, and values in cells of tables."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping, Optional

from ..catalogue.attributes import attribute_value, parse_flag, parse_list
from ..catalogue.field import Field
from ..catalogue.noun import Noun
from ..config.documents import read_json
from ..errors import SettingsError
from .attributes import json_problem, string_problem
from .kinds import ABSENT, Property, SyncKind
from .marks import MARK, contains_mark_line


def noun_properties(
    noun: Noun, data: Mapping[str, Any], refuse: Callable[[str, str], None]
) -> Iterator[tuple[Property, Any]]:
    """Yield the properties of an entry. Pass each mistake to ``refuse``, with the key that contains it.

    The value None removes an optional string or list.
    """
    for name, field in noun.by_name.items():
        if name not in data or field is noun.key:
            continue
        if data[name] is None and not field.required and field.type in (str, list):
            yield (name,), None
            continue
        problem = _value_problem(noun, field, data[name])
        if problem is None:
            yield (name,), data[name]
        else:
            refuse(problem, name)
    if not isinstance(data.get(ABSENT, False), bool):
        refuse(f"{ABSENT} must be true or false", ABSENT)


def _value_problem(noun: Noun, field: Field, value: Any) -> Optional[str]:
    """Return why no version of Checkmk accepts a value, or None. The message never contains a secret."""
    if value is None:
        return f"{field.name} must have a value; leave it out to keep the value of the site"
    if field.secret and not isinstance(value, str):
        return f"{field.name} must be a string; put it in quotes"
    problem = string_problem(field.name, value) if field.type is str else json_problem(field.name, value)
    if field.refers_to and isinstance(value, list):
        names = (string_problem(f"{field.name}[{index}]", name) for index, name in enumerate(value))
        problem = problem or next(filter(None, names), None)
    if problem is None and field.name == noun.mark and contains_mark_line(value):
        problem = f"only checkmk-sync writes the line {MARK!r}; leave it out"
    if problem is not None:
        return problem
    try:
        field.check(value)
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
    field = kind.field_at(path)
    if path[0] == ABSENT or (field is not None and field.type is bool):
        return parse_flag(text)
    if field is None or field.type is str:
        return text
    if field.type is list and text[:1] not in ("[", "{"):
        return parse_list(text)
    try:
        return read_json(text, "").data
    except SettingsError:
        raise ValueError(f"the {field.name} must be JSON, such as {json.dumps(field.example)}") from None
