"""What an endpoint takes: query parameters and body fields, checked as the server checks them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Sequence

from .http import bad_fields

__all__ = ["REQUIRED", "Field", "checked_body", "checked_query", "choice", "flag", "listed", "pattern", "text"]

Check = Callable[[Any], Any]
REQUIRED: Any = object()


@dataclass(frozen=True)
class Field:
    """One parameter or body field; ``default`` is REQUIRED where it must be given, None where it may be absent."""

    check: Check
    default: Any = None
    repeated: bool = False


def text(value: Any) -> Any:
    return None if isinstance(value, str) else ["Not a valid string."]


def nonempty(value: Any) -> Any:
    if isinstance(value, str) and not value:
        return ["string '' is too short. The minimum length is 1."]
    return text(value)


def flag(value: Any) -> Any:
    return None if isinstance(value, bool) else ["Not a valid boolean."]


def whole(value: Any) -> Any:
    return None if isinstance(value, int) and not isinstance(value, bool) else ["Not a valid integer."]


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
        ok = isinstance(value, str) and value in allowed
        return None if ok else [f"{value!r} is not one of the enum values: {list(allowed)!r}"]

    return check


def listed(check: Check, *, least: int = 0) -> Check:
    def checked(value: Any) -> Any:
        if not isinstance(value, list):
            return ["Not a valid list."]
        if len(value) < least:
            return [f"Length must be at least {least}."]
        said = ((str(index), check(entry)) for index, entry in enumerate(value))
        return {index: wrong for index, wrong in said if wrong} or None

    return checked


def record(fields: Mapping[str, Field]) -> Check:
    def checked(value: Any) -> Any:
        return messages(fields, value) or None

    return checked


def messages(fields: Mapping[str, Field], data: Any) -> Any:
    """What is wrong with an object, in its shape; empty when nothing is."""
    if not isinstance(data, dict):
        return ["Invalid input type."]
    wrong: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in data:
            if field.default is REQUIRED:
                wrong[name] = ["Missing data for required field."]
            continue
        said = field.check(data[name])
        if said:
            wrong[name] = said
    wrong.update({name: ["Unknown field."] for name in data if name not in fields})
    return wrong


def completed(fields: Mapping[str, Field], data: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {name: field.default for name, field in fields.items() if field.default not in (REQUIRED, None)}
    return {**defaults, **data}


def checked_body(fields: Mapping[str, Field], data: Any) -> dict[str, Any]:
    """The body with defaults filled in; Problem 400 when it does not validate."""
    wrong = messages(fields, data)
    if wrong:
        raise bad_fields(wrong if isinstance(wrong, dict) else {"_schema": wrong})
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
