"""The shapes of attributes that are mappings: their keys, and the types of the values.

Messages contain keys and types but not values, because values may be secret.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Union

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
        return self.shapes[kind](path, {key: part for key, part in value.items() if key != "type"}, is_partial)


def _check(is_valid: Callable[[Any], bool], needed: str) -> Check:
    return lambda path, value: None if is_valid(value) else f"{path} must be {needed}"


def _one_of(*choices: str) -> Check:
    return _check(lambda value: value in choices, f"one of {', '.join(choices)}")


def _accepted_by(parse: Callable[[str], object]) -> Callable[[Any], bool]:
    def is_valid(value: Any) -> bool:
        try:
            return isinstance(value, str) and parse(value) is not None
        except (ValueError, re.error, OverflowError, RecursionError):
            return False

    return is_valid


_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
_text = _check(lambda value: isinstance(value, str), "a string")
_password = _check(lambda value: isinstance(value, str) and len(value) >= 8, "a string of at least 8 characters")
_short_text = _check(lambda value: isinstance(value, str) and len(value) <= 30, "a string of at most 30 characters")
_interval = _check(lambda value: type(value) is int and value >= 3600, "a whole number of at least 3600")
_pings = _check(lambda value: type(value) is int and 1 <= value <= 200, "a whole number from 1 to 200")
_flag = _check(lambda value: isinstance(value, bool), "true or false")
_time = _check(_accepted_by(_TIME.fullmatch), "a time from '00:00' to '23:59' in quotes")
_ipv4 = _check(_accepted_by(ipaddress.IPv4Address), "an IPv4 address")
_ipv4_network = _check(_accepted_by(ipaddress.IPv4Network), "an IPv4 network such as 192.0.2.0/24")
_regex = _check(_accepted_by(re.compile), "a regular expression")


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


def _all_of(**keys: Check) -> _Shape:
    return _Shape(keys, tuple(keys))


_USER = {"security_name": _text}
_AUTH = {
    "auth_protocol": _one_of("MD5-96", "SHA-1-96", "SHA-2-224", "SHA-2-256", "SHA-2-384", "SHA-2-512"),
    "auth_password": _password,
}
_PRIVACY = {
    "privacy_protocol": _one_of(
        "CBC-DES", "AES-128", "3DES-EDE", "AES-192", "AES-256", "AES-192-Blumenthal", "AES-256-Blumenthal"
    ),
    "privacy_password": _password,
}
_SNMP = _OneOf(
    {
        "v1_v2_community": _all_of(community=_text),
        "v3_no_auth_no_privacy": _all_of(**_USER),
        "v3_auth_no_privacy": _all_of(**_USER, **_AUTH),
        "v3_auth_privacy": _all_of(**_USER, **_AUTH, **_PRIVACY),
    }
)
_RANGE = _OneOf(
    {
        "address_range": _Shape({"from_address": _ipv4, "to_address": _ipv4}),
        "network_range": _Shape({"network": _network}),
        "explicit_addresses": _Shape({"addresses": _list_of(_ipv4)}),
        "exclude_by_regexp": _Shape({"regexp_list": _list_of(_regex)}),
    }
)
_TRANSLATION = _Shape(
    {
        "convert_case": _one_of("nop", "lower", "upper"),
        "drop_domain": _flag,
        "regexp_rewrites": _list_of(_all_of(search=_short_text, replace_with=_short_text)),
        "hostname_replacement": _list_of(_all_of(hostname=_text, replace_with=_text)),
    }
)
# The shapes in Checkmk 2.2 to 2.5.
_SHAPES: Mapping[str, Union[_Shape, _OneOf]] = {
    "contactgroups": _Shape(
        {
            "groups": _list_of(_text),
            **dict.fromkeys(("use", "use_for_services", "recurse_use", "recurse_perms"), _flag),
        },
        ("groups",),
    ),
    "locked_by": _all_of(site_id=_text, program_id=_text, instance_id=_text),
    "management_ipmi_credentials": _all_of(username=_text, password=_text),
    "management_snmp_community": _SNMP,
    "network_scan": _Shape(
        {
            "addresses": _list_of(_RANGE),
            "exclude_addresses": _list_of(_RANGE),
            "time_allowed": _list_of(_all_of(start=_time, end=_time)),
            "scan_interval": _interval,
            "set_ip_address": _flag,
            "max_parallel_pings": _pings,
            "run_as": _text,
            "tag_criticality": _text,
            "translate_names": _TRANSLATION,
        },
        ("addresses", "time_allowed"),
    ),
    "snmp_community": _SNMP,
}


def shape_problem(name: str, value: Any, *, is_partial: bool = False) -> Optional[str]:
    """Return why Checkmk refuses the value of an attribute that is a mapping; None for all other values.

    With ``is_partial`` the value may lack keys, because it will be merged with the value on the site.
    """
    check = _SHAPES.get(name)
    return None if check is None else check(name, value, is_partial)
