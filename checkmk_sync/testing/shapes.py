"""Checks for values with a shape of the official documents, such as the conditions of rules."""

from __future__ import annotations

import functools
import re
from typing import Any, Container, Mapping

from ..catalogue.request_shapes import SINCE, resolved, shape_at
from ..catalogue.versions import CheckmkVersion
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


def check_at(version: CheckmkVersion, *path: str) -> Check:
    """Return the check for a noun's requests that create an object, or for a member, in a version of Checkmk."""
    return _check_of(shape_at([since for since in SINCE if version.at_least(since)][-1], *path))


def _check_of(shape: Any) -> Check:
    return _check_of_reference(shape) if isinstance(shape, str) else _check_of_object(shape)


@functools.cache
def _check_of_reference(shape: str) -> Check:
    return _SIMPLE[shape] if shape in _SIMPLE else _check_of(resolved(shape))


def _check_of_object(shape: Mapping[str, Any]) -> Check:
    if "kinds" in shape:
        return object_by_type({kind: _check_of(part) for kind, part in shape["kinds"].items()}, shape["by"])
    if "members" in shape:
        members = shape["members"].items()
        fields = {
            name.rstrip("?"): Field(_check_of(part), None if name[-1] == "?" else REQUIRED) for name, part in members
        }
        check = object_with(fields)
        return check if "others" not in shape else lambda value: check(_only(value, fields))
    if "list" in shape:
        entries = list_of(_check_of(shape["list"]))
        return unique(entries) if shape.get("unique") else entries
    if "format" in shape:
        regex, text = _FORMATS[shape["format"]]
        return refined(string, lambda value: None if re.match(regex, value) else text)
    if "enum" in shape:
        return validation.choice(*shape["enum"])
    if "minLength" in shape:
        return validation.string_with_length(shape["minLength"])
    return pattern(shape["pattern"]) if "pattern" in shape else validation.integer_between(shape["minimum"])


def _only(value: Any, known: Container[str]) -> Any:
    return {name: inner for name, inner in value.items() if name in known} if isinstance(value, dict) else value
