"""Query parameters and body fields of endpoints, validated as the server does it.

A check returns the errors of a value: None, a list of texts, or a dict of them in the shape of the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Container, Mapping, Optional, Sequence

from .replies import bad_fields

__all__ = [
    "NULL",
    "REQUIRED",
    "Check",
    "Field",
    "boolean",
    "checked_body",
    "checked_query",
    "choice",
    "field_errors",
    "integer",
    "integer_between",
    "list_of",
    "member_of",
    "nonempty_string",
    "object_by_type",
    "object_with",
    "pattern",
    "string",
    "string_with_length",
]

Check = Callable[[Any], Any]
REQUIRED: Any = object()
NULL = ["Field may not be null."]


@dataclass(frozen=True)
class Field:
    """One parameter or body field; ``default`` is REQUIRED where it must be given, None where it may be absent."""

    check: Check
    default: Any = None
    repeated: bool = False
    nullable: bool = False


def string(value: Any) -> Any:
    return None if isinstance(value, str) else ["Not a valid string."]


def string_with_length(shortest: int = 0, longest: Optional[int] = None) -> Check:
    """Accept strings of at least ``shortest`` and at most ``longest`` characters."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return string(value)
        if len(value) < shortest:
            return [f"string {value!r} is too short. The minimum length is {shortest}."]
        if longest is not None and len(value) > longest:
            return [f"string {value!r} is too long. The maximum length is {longest}."]
        return None

    return check


nonempty_string = string_with_length(1)


def boolean(value: Any) -> Any:
    return None if isinstance(value, bool) else ["Not a valid boolean."]


def integer(value: Any) -> Any:
    return None if isinstance(value, int) and not isinstance(value, bool) else ["Not a valid integer."]


def integer_between(least: int, most: Optional[int] = None) -> Check:
    def check(value: Any) -> Any:
        if integer(value):
            return integer(value)
        if value < least:
            return [f"{value} is smaller than the minimum ({least})."]
        return [f"{value} is bigger than the maximum ({most})."] if most is not None and value > most else None

    return check


def pattern(regex: str, *, least: int = 0) -> Check:
    has_length, compiled = string_with_length(least), re.compile(regex)

    def check(value: Any) -> Any:
        matches = isinstance(value, str) and compiled.match(value)
        return has_length(value) or (None if matches else [f"{value!r} does not match pattern {regex!r}."])

    return check


def choice(*allowed: str) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return string(value)
        return None if value in allowed else [f"{value!r} is not one of the enum values: {list(allowed)!r}"]

    return check


def member_of(names: Container[str], message: str, check: Check = string) -> Check:
    """Accept the names; ``message`` refuses others, in which ``{!r}`` is the value."""
    return lambda value: check(value) or (None if value in names else [message.format(value)])


def list_of(check: Check, *, least: int = 0) -> Check:
    def check_list(value: Any) -> Any:
        if not isinstance(value, list):
            return ["Not a valid list."]
        checked = ((str(index), NULL if entry is None else check(entry)) for index, entry in enumerate(value))
        errors = {index: entry_errors for index, entry_errors in checked if entry_errors}
        return errors or (["At least one entry is required"] if len(value) < least else None)

    return check_list


def object_with(fields: Mapping[str, Field], schema_check: Optional[Check] = None) -> Check:
    """An object with these fields; when each of them is right, ``together`` checks them as a whole."""
    return lambda value: field_errors(fields, value) or (schema_check(value) if schema_check is not None else None)


def object_by_type(kinds: Mapping[str, Check]) -> Check:
    """Accept objects whose ``type`` decides how they are checked."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return {"_schema": [f"Invalid data type: {value}"]}
        kind = value.get("type")
        if kind is None:
            return {"type": ["Missing data for required field."]}
        if isinstance(kind, (list, dict)):
            return {"type": [f"Invalid value: {kind}"]}
        return kinds[kind](value) if kind in kinds else {"type": [f"Unsupported value: {kind}"]}

    return check


def field_errors(fields: Mapping[str, Field], data: Any) -> dict[str, Any]:
    """Return the errors of an object by the names of its fields; empty if it is valid."""
    if not isinstance(data, dict):
        return {"_schema": ["Invalid input type."]}
    errors: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            value = data[name]
            found = (None if field.nullable else NULL) if value is None else field.check(value)
            if found:
                errors[name] = found
        elif field.default is REQUIRED:
            errors[name] = ["Missing data for required field."]
    errors.update({name: ["Unknown field."] for name in data if name not in fields})
    return errors


def checked_body(fields: Mapping[str, Field], data: Any, schema_check: Optional[Check] = None) -> dict[str, Any]:
    """The body with defaults filled in; Problem 400 when it does not validate."""
    errors = object_with(fields, schema_check)(data)
    if errors:
        raise bad_fields(errors)
    defaults = {name: field.default for name, field in fields.items() if field.default not in (REQUIRED, None)}
    return {**defaults, **data}


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "True": True, "False": False}


def checked_query(fields: Mapping[str, Field], arguments: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Query parameters with their types and defaults; Problem 400 when they do not validate."""
    data: dict[str, Any] = {}
    for name, values in arguments.items():
        if name.startswith("_profile"):
            continue
        field = fields.get(name)
        value = values[-1]
        if field is not None and field.repeated:
            data[name] = list(values)
        else:
            data[name] = _BOOLEANS.get(value, value) if field is not None and field.check is boolean else value
    return checked_body(fields, data)
