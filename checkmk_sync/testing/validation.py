"""What an endpoint takes: query parameters and body fields, checked as the server checks them.

A check returns what is wrong with a value: None, a list of texts, or a dict of such in the shape of the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Sequence

from .replies import bad_fields

__all__ = [
    "NULL",
    "REQUIRED",
    "Check",
    "Field",
    "checked_body",
    "checked_query",
    "choice",
    "flag",
    "listed",
    "one_of",
    "pattern",
    "record",
    "text",
    "whole",
]

Check = Callable[[Any], Any]
REQUIRED: Any = object()
NULL = ["Field may not be null."]
_NO_OBJECT = {"_schema": ["Invalid input type."]}


@dataclass(frozen=True)
class Field:
    """One parameter or body field; ``default`` is REQUIRED where it must be given, None where it may be absent."""

    check: Check
    default: Any = None
    repeated: bool = False
    nullable: bool = False


def text(value: Any) -> Any:
    return None if isinstance(value, str) else ["Not a valid string."]


def nonempty(value: Any) -> Any:
    return sized(1)(value)


def sized(shortest: int = 0, longest: Optional[int] = None) -> Check:
    """A text of at least and at most so many characters."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return text(value)
        if len(value) < shortest:
            return [f"string {value!r} is too short. The minimum length is {shortest}."]
        if longest is not None and len(value) > longest:
            return [f"string {value!r} is too long. The maximum length is {longest}."]
        return None

    return check


def flag(value: Any) -> Any:
    return None if isinstance(value, bool) else ["Not a valid boolean."]


def whole(value: Any) -> Any:
    return None if isinstance(value, int) and not isinstance(value, bool) else ["Not a valid integer."]


def whole_within(least: int, most: Optional[int] = None) -> Check:
    def check(value: Any) -> Any:
        wrong = whole(value)
        if wrong is None and value < least:
            wrong = [f"{value} is smaller than the minimum ({least})."]
        if wrong is None and most is not None and value > most:
            wrong = [f"{value} is bigger than the maximum ({most})."]
        return wrong

    return check


def anything(_: Any) -> Any:
    return None


def pattern(regex: str, *, least: int = 0) -> Check:
    compiled = re.compile(regex)

    def check(value: Any) -> Any:
        wrong = nonempty(value) if least else text(value)
        if wrong is None and not compiled.match(value):
            wrong = [f"{value!r} does not match pattern {regex!r}."]
        return wrong

    return check


def choice(*allowed: str) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return text(value)
        return None if value in allowed else [f"{value!r} is not one of the enum values: {list(allowed)!r}"]

    return check


def listed(check: Check, *, least: int = 0) -> Check:
    def checked(value: Any) -> Any:
        if not isinstance(value, list):
            return ["Not a valid list."]
        said = ((str(index), NULL if entry is None else check(entry)) for index, entry in enumerate(value))
        wrong = {index: problem for index, problem in said if problem}
        return wrong or (["At least one entry is required"] if len(value) < least else None)

    return checked


def record(fields: Mapping[str, Field], together: Optional[Check] = None) -> Check:
    """An object with these fields; when each of them is right, ``together`` checks them as a whole."""
    return lambda value: messages(fields, value) or (together(value) if together is not None else None)


def one_of(kinds: Mapping[str, Check]) -> Check:
    """An object whose ``type`` decides how the rest of it is checked."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return {"_schema": [f"Invalid data type: {value}"]}
        kind = value.get("type")
        if kind is None:
            return {"type": ["Missing data for required field."]}
        if isinstance(kind, (list, dict)):
            return {"type": [f"Invalid value: {kind}"]}
        found = kinds.get(kind)
        return {"type": [f"Unsupported value: {kind}"]} if found is None else found(value)

    return check


def messages(fields: Mapping[str, Field], data: Any) -> dict[str, Any]:
    """What is wrong with an object, in its shape; empty when nothing is."""
    if not isinstance(data, dict):
        return dict(_NO_OBJECT)
    wrong: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            value = data[name]
            said = (None if field.nullable else NULL) if value is None else field.check(value)
            if said:
                wrong[name] = said
        elif field.default is REQUIRED:
            wrong[name] = ["Missing data for required field."]
    wrong.update({name: ["Unknown field."] for name in data if name not in fields})
    return wrong


def completed(fields: Mapping[str, Field], data: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {name: field.default for name, field in fields.items() if field.default not in (REQUIRED, None)}
    return {**defaults, **data}


def checked_body(fields: Mapping[str, Field], data: Any, together: Optional[Check] = None) -> dict[str, Any]:
    """The body with defaults filled in; Problem 400 when it does not validate."""
    wrong = record(fields, together)(data)
    if wrong:
        raise bad_fields(wrong)
    return completed(fields, data)


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "True": True, "False": False}


def checked_query(fields: Mapping[str, Field], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Query parameters with their types and defaults; Problem 400 when they do not validate."""
    data: dict[str, Any] = {}
    for name, values in given.items():
        if name.startswith("_profile"):
            continue
        field: Optional[Field] = fields.get(name)
        if field is not None and field.repeated:
            data[name] = list(values)
        elif field is not None and field.check is flag:
            data[name] = _BOOLEANS.get(values[-1], values[-1])
        else:
            data[name] = values[-1]
    return checked_body(fields, data)
