"""Checks for the values of host and folder attributes, with the error texts of the server."""

from __future__ import annotations

import ipaddress
import itertools
import re
from typing import Any, Container, Mapping, Optional

from .shapes import SIMPLE, check_of
from .validation import (
    REQUIRED,
    Check,
    Field,
    field_errors,
    mapping,
    member_of,
    object_with,
    parsed_by,
    pattern,
    refined,
    string,
    string_with_length,
)

# Addresses

_LOOKS_LIKE_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)


def _parse_ipv6(text: str) -> None:
    if ipaddress.IPv6Address(text).is_unspecified:
        raise ValueError("This address must never be assigned to any node. [RFC2373]")


_IPV4 = parsed_by(ipaddress.IPv4Address)
_FAMILIES = {4: _IPV4, 6: parsed_by(_parse_ipv6)}


def address(*families: int, host_name: str) -> Check:
    """Accept an address of one of the families, or a name that matches ``host_name``."""
    named = re.compile(host_name)

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return string(value)
        # The common case. It includes IPv4 addresses, because they look like host names.
        if named.fullmatch(value) and (4 in families or not _LOOKS_LIKE_IPV4.fullmatch(value)):
            return None
        errors = [_FAMILIES[family](value) for family in families]
        if None in errors:
            return None
        return ["Any of this needs to be true:", *itertools.chain(*errors), f"Invalid hostaddress: {value!r}"]

    return check


# Labels


def labels(*, with_colons: bool) -> Check:
    def part(name: str) -> Field:
        message = f"Invalid label {name}: {{!r}}"
        return Field(refined(string, lambda text: message.format(text) if ":" in text and not with_colons else None))

    parts = {"key": part("key"), "value": part("value")}

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return mapping(value)
        errors = {key: field_errors(parts, {"key": key, "value": entry}) for key, entry in value.items()}
        return {key: found for key, found in errors.items() if found}

    return check


# The network scan of a folder


def _parse_network(text: str) -> None:
    network = ipaddress.IPv4Network(text)
    if network.prefixlen < 8:
        raise ValueError(f"Prefix of {network} must be at least 8 bit")
    if network.prefixlen > 30:
        raise ValueError(f"Prefix of {network} must be at most 30 bit")


_SHORT, _REGEX = string_with_length(0, 30), parsed_by(re.compile)


def _group_errors(value: Any) -> Any:
    groups = re.compile(value["search"]).groups
    highest = max(map(int, re.findall(r"\\([1-9]\d?)", value["replace_with"])), default=0)
    if highest <= groups:
        return None
    message = (
        f"regexp only contains {groups} match groups, but a match group with index {highest} (\\{highest}) "
        "was used in the replacement string."
    )
    return {"replace_with": [message]}


_REWRITE = object_with(
    {"search": Field(lambda value: _SHORT(value) or _REGEX(value), REQUIRED), "replace_with": Field(_SHORT, REQUIRED)},
    _group_errors,
)


def _time_problem(text: str) -> Optional[str]:
    hour, *rest = map(int, text.split(":"))
    return None if hour <= 23 and max(rest) <= 59 else "Not a valid time."


_TIME = refined(pattern(r"^\d\d:\d\d(:\d\d)?$"), _time_problem)
_ADMINISTRATOR = "cmkadmin"  # exists on every new site
_NAMED: Mapping[str, Check] = {
    **SIMPLE,
    "ipv4": _IPV4,
    "network": parsed_by(_parse_network),
    "regex": _REGEX,
    "rewrite": _REWRITE,
    "time": _TIME,
}


def attribute_check(name: str, **named: Check) -> Check:
    """Return the check for an attribute that is a mapping. ``named`` are the checks that depend on the site."""
    return check_of(name, {**_NAMED, **named})


def network_scan(criticality: Container[Optional[str]], users: Container[str]) -> Check:
    """Accept a network scan that assigns one of these tags of ``criticality`` and runs as one of the users."""

    is_user = member_of(users, "User {!r} is not known.")
    check = attribute_check("network_scan", user=lambda value: None if value == _ADMINISTRATOR else is_user(value))

    def schema_check(scan: Mapping[str, Any]) -> Any:
        if "tag_criticality" not in scan:
            return {"_schema": ["tag_criticality must be specified"]}
        if scan["tag_criticality"] in criticality:
            return None
        message = f"tag_criticality value {scan['tag_criticality']!r} is not defined for criticality tag group"
        return {"_schema": [message]}

    return lambda scan: check(scan) or schema_check(scan)
