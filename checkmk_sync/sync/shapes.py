"""The shapes of attributes that are mappings: their keys, and the types of the values.

Messages contain keys and types but not values, because values may be secret.
"""

from __future__ import annotations

import functools
import ipaddress
import math
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional

from ..catalogue.attributes import MAPPINGS
from ..catalogue.request_shapes import attribute_shape
from ..core.text import suggestion

Check = Callable[[str, Any], Optional[str]]  # takes a path and a value, and returns the problem or None


@dataclass(frozen=True)
class _Shape:
    """A mapping with a fixed set of keys. Some of them are ``required``."""

    keys: Mapping[str, Check]
    required: tuple[str, ...] = ()

    def __call__(self, path: str, value: Any, is_partial: bool = False) -> Optional[str]:
        if not isinstance(value, Mapping):
            return f"{path} must be a mapping"
        unknown = next((key for key in value if key not in self.keys), None)
        if unknown is not None:
            return f"{path} has the unknown key {unknown!r}{suggestion(str(unknown), tuple(self.keys))}"
        missing = next((key for key in self.required if key not in value), None)
        if missing is not None and not is_partial:
            return f"{path} needs the key {missing!r}"
        problems = (self.keys[key](f"{path}.{key}", part) for key, part in value.items())
        return next(filter(None, problems), None)


@dataclass(frozen=True)
class _OneOf:
    """A mapping with a ``type`` that determines its other keys."""

    shapes: Mapping[str, _Shape] = field(repr=False)

    def __call__(self, path: str, value: Any, is_partial: bool = False) -> Optional[str]:
        if not isinstance(value, Mapping):
            return f"{path} must be a mapping"
        if is_partial and "type" not in value:
            return None  # the type, which determines the keys, is only on the site
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in self.shapes:
            return f"{path}.type must be one of {', '.join(self.shapes)}"
        return self.shapes[kind](path, value, is_partial)


def _check(is_valid: Callable[[Any], bool], needed: str) -> Check:
    return lambda path, value: None if is_valid(value) else f"{path} must be {needed}"


def _accepted_by(parse: Callable[[str], object]) -> Callable[[Any], bool]:
    def is_valid(value: Any) -> bool:
        try:
            return isinstance(value, str) and parse(value) is not None
        except (ValueError, re.error, OverflowError, RecursionError):
            return False

    return is_valid


_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
_text = _check(lambda value: isinstance(value, str), "a string")
_ipv4_network = _check(_accepted_by(ipaddress.IPv4Network), "an IPv4 network such as 192.0.2.0/24")


def _network(path: str, value: Any) -> Optional[str]:
    problem = _ipv4_network(path, value)
    if problem is None and not 8 <= ipaddress.IPv4Network(value).prefixlen <= 30:
        problem = f"{path} must be a network from /8 to /30"
    return problem


def _list_of(check: Check) -> Check:
    def checked(path: str, value: Any) -> Optional[str]:
        if not isinstance(value, list):
            return f"{path} must be a list"
        return next(filter(None, (check(f"{path}[{index}]", entry) for index, entry in enumerate(value))), None)

    return checked


_NAMED: Mapping[str, Check] = {
    "bool": _check(lambda value: isinstance(value, bool), "true or false"),
    "group": _text,
    "ipv4": _check(_accepted_by(ipaddress.IPv4Address), "an IPv4 address"),
    "network": _network,
    "regex": _check(_accepted_by(re.compile), "a regular expression"),
    "short": _check(lambda value: isinstance(value, str) and len(value) <= 30, "a string of at most 30 characters"),
    "str": _text,
    "time": _check(_accepted_by(_TIME.fullmatch), "a time from '00:00' to '23:59' in quotes"),
    "user": _text,
}


@functools.cache
def _check_named(name: str) -> Any:
    return _NAMED[name] if name in _NAMED else _check_of(attribute_shape(name))


def _check_of(shape: Any) -> Any:
    if isinstance(shape, str):
        return _check_named(shape)
    if "kinds" in shape:
        return _OneOf({kind: _check_of(part) for kind, part in shape["kinds"].items()})
    if "members" in shape:
        members = shape["members"].items()
        keys = {name.rstrip("?"): _check_of(part) for name, part in members}
        return _Shape(keys, tuple(name for name, _ in members if name[-1] != "?"))
    if "list" in shape:
        return _list_of(_check_of(shape["list"]))
    if "enum" in shape:
        return _check(lambda value: value in shape["enum"], f"one of {', '.join(shape['enum'])}")
    if "minLength" in shape:
        least = shape["minLength"]
        return _check(
            lambda value: isinstance(value, str) and len(value) >= least, f"a string of at least {least} characters"
        )
    least, most = shape["minimum"], shape.get("maximum", math.inf)
    needed = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
    return _check(lambda value: type(value) is int and least <= value <= most, f"a whole number {needed}")


def shape_problem(name: str, value: Any, *, is_partial: bool = False) -> Optional[str]:
    """Return why Checkmk refuses the value of an attribute that is a mapping; None for all other values.

    With ``is_partial`` the value may lack keys, because it will be merged with the value on the site.
    """
    problem: Optional[str] = _check_named(name)(name, value, is_partial) if name in MAPPINGS else None
    return problem
