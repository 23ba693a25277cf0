"""Checks for values with a shape of the official documents, such as the conditions of rules."""

from __future__ import annotations

import functools
import math
import re
from typing import Any, Container, Mapping

from ..catalogue.request_shapes import SINCE, attribute_shape, resolved, shape_at
from ..catalogue.versions import CheckmkVersion
from . import validation
from .validation import REQUIRED, Check, Field, list_of, object_by_type, object_with, pattern, refined, string, unique

SIMPLE: Mapping[str, Check] = {
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
    return check_of(shape_at([since for since in SINCE if version.at_least(since)][-1], *path))


def check_of(shape: Any, named: Mapping[str, Check] = SIMPLE) -> Check:
    """Return the check for a shape, with the checks ``named`` for the names of values."""
    if not isinstance(shape, str):
        return _check_of_object(shape, named)
    if shape in named:
        return named[shape]
    return _check_of_reference(shape) if shape.startswith("#") else check_of(attribute_shape(shape), named)


@functools.cache
def _check_of_reference(shape: str) -> Check:
    return check_of(resolved(shape))


def _check_of_object(shape: Mapping[str, Any], named: Mapping[str, Check]) -> Check:
    if "kinds" in shape:
        return object_by_type({kind: check_of(part, named) for kind, part in shape["kinds"].items()}, shape["by"])
    if "members" in shape:
        fields = {
            name.rstrip("?"): Field(check_of(part, named), None if name[-1] == "?" else REQUIRED)
            for name, part in shape["members"].items()
        }
        check = object_with(fields)
        return check if "others" not in shape else lambda value: check(_only(value, fields))
    if "list" in shape:
        entries = list_of(check_of(shape["list"], named))
        return unique(entries) if shape.get("unique") else entries
    if "format" in shape:
        regex, text = _FORMATS[shape["format"]]
        return refined(string, lambda value: None if re.match(regex, value) else text)
    if "enum" in shape:
        return validation.choice(*shape["enum"])
    if "minLength" in shape:
        return validation.string_with_length(shape["minLength"])
    if "pattern" in shape:
        return pattern(shape["pattern"])
    return validation.integer_between(shape["minimum"], shape.get("maximum", math.inf))


def _only(value: Any, known: Container[str]) -> Any:
    return {name: inner for name, inner in value.items() if name in known} if isinstance(value, dict) else value
