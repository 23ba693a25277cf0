"""Checks for values with a shape of the official documents, such as notification rules."""

from __future__ import annotations

import functools
import re
from typing import Any, Container, Mapping

from ..catalogue.notification_shapes import resolved
from . import validation
from .validation import REQUIRED, Check, Field, list_of, object_by_type, object_with, pattern, refined, string, unique

_SIMPLE: Mapping[str, Check] = {
    "str": string,
    "int": validation.integer,
    "bool": validation.boolean,
    "any": lambda _value: None,
}
# Checkmk: the texts are those of marshmallow.
_FORMATS: Mapping[str, tuple[str, str]] = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+\Z", "Not a valid email address."),
    "url": (r"(https?|ftps?)://[^\s/]+(/\S*)?\Z", "Not a valid URL."),
}


def check_of(shape: Any) -> Check:
    """Return the check for a shape of ``notification_shapes.json``."""
    return _check_of_reference(shape) if isinstance(shape, str) else _check_of_object(shape)


@functools.cache
def _check_of_reference(shape: str) -> Check:
    return _SIMPLE[shape] if shape in _SIMPLE else check_of(resolved(shape))


def _check_of_object(shape: Mapping[str, Any]) -> Check:
    if "kinds" in shape:
        return object_by_type({kind: check_of(part) for kind, part in shape["kinds"].items()}, shape["by"])
    if "members" in shape:
        members = shape["members"].items()
        fields = {
            name.rstrip("?"): Field(check_of(part), None if name[-1] == "?" else REQUIRED) for name, part in members
        }
        check = object_with(fields)
        return check if "others" not in shape else lambda value: check(_only(value, fields))
    if "list" in shape:
        entries = list_of(check_of(shape["list"]))
        return unique(entries) if shape.get("unique") else entries
    if "format" in shape:
        regex, text = _FORMATS[shape["format"]]
        return refined(string, lambda value: None if re.match(regex, value) else text)
    if "enum" in shape:
        return validation.choice(*shape["enum"])
    return pattern(shape["pattern"]) if "pattern" in shape else validation.integer_between(shape["minimum"])


def _only(value: Any, known: Container[str]) -> Any:
    return {name: inner for name, inner in value.items() if name in known} if isinstance(value, dict) else value
