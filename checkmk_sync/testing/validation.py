"""Validation of query parameters and body fields, with the rules and texts of the server.

A check returns the errors of a value: None, a list of texts, or a dict of them in the shape of the value.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Callable, Container, Mapping, Optional, Sequence, Union

from .replies import bad_fields

Check = Callable[[Any], Any]
REQUIRED: Any = object()
NULL = ["Field may not be null."]


@dataclass(frozen=True)
class Field:
    """A parameter or body field. ``default`` is REQUIRED for a required field, and None for an optional one."""

    check: Check
    default: Any = None
    repeated: bool = False
    nullable: bool = False

    @property
    def has_default(self) -> bool:
        return self.default not in (REQUIRED, None)


def string(value: Any) -> Any:
    return None if isinstance(value, str) else ["Not a valid string."]


def refined(check: Check, problem: Callable[[Any], Optional[str]]) -> Check:
    """Accept values that ``check`` accepts, and for which ``problem`` returns None instead of an error text."""

    def refined_check(value: Any) -> Any:
        errors = check(value)
        if errors:
            return errors
        text = problem(value)
        return None if text is None else [text]

    return refined_check


def parsed_by(parse: Callable[[str], object], message: str = "{}") -> Check:
    """Accept strings that ``parse`` can read. ``{}`` in the message is replaced by its error."""

    def problem(text: str) -> Optional[str]:
        try:
            parse(text)
        except (ValueError, OverflowError, re.error) as error:
            return message.format(error)
        return None

    return refined(string, problem)


def string_with_length(shortest: int = 0, longest: float = math.inf) -> Check:
    """Accept strings of ``shortest`` to ``longest`` characters."""

    def problem(text: str) -> Optional[str]:
        if len(text) < shortest:
            return f"string {text!r} is too short. The minimum length is {shortest}."
        return f"string {text!r} is too long. The maximum length is {longest}." if len(text) > longest else None

    return refined(string, problem)


nonempty_string = string_with_length(1)


def boolean(value: Any) -> Any:
    return None if isinstance(value, bool) else ["Not a valid boolean."]


def mapping(value: Any) -> Any:
    return None if isinstance(value, dict) else ["Not a valid mapping type."]


def integer(value: Any) -> Any:
    return None if isinstance(value, int) and not isinstance(value, bool) else ["Not a valid integer."]


def integer_between(least: int, most: float = math.inf) -> Check:
    def problem(number: int) -> Optional[str]:
        if number < least:
            return f"{number} is smaller than the minimum ({least})."
        return f"{number} is bigger than the maximum ({most})." if number > most else None

    return refined(integer, problem)


def pattern(regex: str, check: Check = string) -> Check:
    """Accept strings that start with a match of ``regex``."""
    match = re.compile(regex).match
    return refined(check, lambda text: None if match(text) else f"{text!r} does not match pattern {regex!r}.")


def member_of(names: Container[str], message: str, check: Check = string) -> Check:
    """Accept these names. Refuse others with ``message``, in which ``{!r}`` is replaced by the name."""
    return refined(check, lambda name: None if name in names else message.format(name))


def choice(*allowed: str) -> Check:
    return member_of(allowed, f"{{!r}} is not one of the enum values: {list(allowed)!r}")


def list_of(check: Check, *, least: int = 0) -> Check:
    def check_list(value: Any) -> Any:
        if not isinstance(value, list):
            return ["Not a valid list."]
        checked = ((str(index), NULL if entry is None else check(entry)) for index, entry in enumerate(value))
        errors = {index: entry_errors for index, entry_errors in checked if entry_errors}
        return errors or (["At least one entry is required"] if len(value) < least else None)

    return check_list


def unique(check: Check, by: str = "") -> Check:
    """Accept lists that ``check`` accepts, if all entries differ. With ``by``, only these members must differ."""

    def problem(value: Any) -> Optional[str]:
        seen = set()
        for number, entry in enumerate(value, 1):
            compared = entry[by] if by else entry
            text = json.dumps(compared, sort_keys=True)
            if text in seen:
                return f"Duplicate entry found at entry #{number}: {compared!r}"
            seen.add(text)
        return None

    return refined(check, problem)


def object_with(fields: Mapping[str, Field], schema_check: Optional[Check] = None) -> Check:
    """Accept objects with these fields. ``schema_check`` checks the complete object if all fields are valid."""
    return lambda value: field_errors(fields, value) or (schema_check(value) if schema_check is not None else None)


def object_by_type(kinds: Mapping[str, Union[Check, Mapping[str, Field]]], member: str = "type") -> Check:
    """Accept objects whose ``member`` is one of the kinds, with the check or the additional fields of that kind."""
    checks = {
        kind: part if callable(part) else object_with({member: Field(string), **part}) for kind, part in kinds.items()
    }

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return {"_schema": [f"Invalid data type: {value}"]}
        kind = value.get(member)
        if kind is None:
            return {member: ["Missing data for required field."]}
        if isinstance(kind, (list, dict)):
            return {member: [f"Invalid value: {kind}"]}
        return checks[kind](value) if kind in checks else {member: [f"Unsupported value: {kind}"]}

    return check


def field_errors(fields: Mapping[str, Field], data: Any) -> dict[str, Any]:
    """Return the errors of an object by field name. The result is empty if the object is valid."""
    if not isinstance(data, dict):
        return {"_schema": ["Invalid input type."]}
    errors: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            value = data[name]
            value_errors = (None if field.nullable else NULL) if value is None else field.check(value)
            if value_errors:
                errors[name] = value_errors
        elif field.default is REQUIRED:
            errors[name] = ["Missing data for required field."]
    errors.update({name: ["Unknown field."] for name in data if name not in fields})
    return errors


def checked_body(
    fields: Mapping[str, Field], data: Any, schema_check: Optional[Check] = None, unknown: str = ""
) -> dict[str, Any]:
    """Return the body with defaults filled in. Raises Problem 400 if the body is not valid.

    With ``unknown``, an unknown field is an error with this text, if all other fields are valid.
    """
    others = [name for name in data if name not in fields] if unknown and isinstance(data, dict) else []
    known = {name: value for name, value in data.items() if name in fields} if others else data
    errors = object_with(fields, schema_check)(known)
    if others and not errors:
        errors = {"_schema": [unknown.format(others[0])]}
    if errors:
        raise bad_fields(errors)
    defaults = {name: field.default for name, field in fields.items() if field.has_default}
    return {**defaults, **data}


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "True": True, "False": False}


def checked_query(fields: Mapping[str, Field], arguments: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the query parameters with types and defaults. Raises Problem 400 if they are not valid."""
    data: dict[str, Any] = {}
    for name, values in arguments.items():
        if name.startswith("_profile"):
            continue
        field = fields.get(name, Field(string))
        value = _BOOLEANS.get(values[-1], values[-1]) if field.check is boolean else values[-1]
        data[name] = list(values) if field.repeated else value
    return checked_body(fields, data)
