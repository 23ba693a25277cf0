"""Find attribute values of the wrong type. Attributes that Checkmk does not define are custom attributes of a site."""

from __future__ import annotations

import json
import math
from typing import Any, Mapping, Optional

from ..catalogue.attributes import LISTS, MAPPINGS, is_string_attribute
from ..config.documents import MAX_DEPTH
from ..core.redaction import HIDDEN
from ..core.secret_names import is_secret_name


def type_problem(name: str, value: Any) -> Optional[str]:
    """Return why an attribute's value has the wrong type; None if the type is right."""
    if name in LISTS:
        if not isinstance(value, list):
            return f"{name} must be a list, not {_type(value)}"
        problems = (string_problem(f"{name}[{index}]", entry) for index, entry in enumerate(value))
        return next(filter(None, problems), None)
    if name in MAPPINGS and not isinstance(value, Mapping):
        return f"{name} must be a mapping, not {_type(value)}"
    if is_string_attribute(name):
        return string_problem(name, value)
    return json_problem(name, value)


def string_problem(name: str, value: Any) -> Optional[str]:
    """Return why a value is not a string; None for a string. YAML reads many values without quotes as other types."""
    if isinstance(value, str):
        return None
    if isinstance(value, (Mapping, list, bytes)):
        return f"{name} must be a string, not {_type(value)}"
    return f"{name} is read as {_shown(name, value)}, not as a string; put it in quotes"


def json_problem(name: str, value: Any, depth: int = 0) -> Optional[str]:
    """Return why JSON cannot represent a value, such as a date in one of its parts; None if JSON can represent it."""
    if depth > MAX_DEPTH:
        return f"{name[:40]}… is nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, Mapping):
        keys = (string_problem(f"a key of {name}", key) for key in value)
        parts = (json_problem(f"{name}.{key}", part, depth + 1) for key, part in value.items())
        return next(filter(None, (*keys, *parts)), None)
    if isinstance(value, list):
        parts = (json_problem(f"{name}[{index}]", part, depth + 1) for index, part in enumerate(value))
        return next(filter(None, parts), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name} is read as {_shown(name, value)}, which is not a finite number"
    return None if value is None or isinstance(value, (int, float)) else string_problem(name, value)


def show_value(value: Any) -> str:
    """Return a value as it is written in an inventory: ``true``, ``null``, ``2024-01-01``, ``'text'``."""
    if isinstance(value, str):
        return repr(value)
    return json.dumps(value) if value is None or isinstance(value, (int, float)) else str(value)


def _shown(name: str, value: Any) -> str:
    return HIDDEN if is_secret_name(name) else show_value(value)


def _type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    names = {
        str: "a string",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number",
        bytes: "binary data",
    }
    return names.get(type(value), f"a {type(value).__name__}")
