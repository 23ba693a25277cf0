"""Checks for the values of host and folder attributes, with the texts of the server."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Callable, Container, Mapping, Optional

from .validation import (
    NULL,
    REQUIRED,
    Check,
    Field,
    choice,
    flag,
    listed,
    one_of,
    pattern,
    record,
    sized,
    text,
    whole_within,
)

__all__ = ["CONTACT_FLAGS", "IPMI", "LOCKED_BY", "SNMP", "address", "contact_groups", "labels", "network_scan"]

IPMI = record(dict.fromkeys(("username", "password"), Field(text, REQUIRED)))
LOCKED_BY = record(dict.fromkeys(("site_id", "program_id", "instance_id"), Field(text, REQUIRED)))

# Addresses

_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)


def _ipv4(value: str) -> Optional[str]:
    try:
        ipaddress.IPv4Address(value)
    except ValueError as error:
        return str(error)
    return None


def _ipv6(value: str) -> Optional[str]:
    try:
        found = ipaddress.IPv6Address(value)
    except ValueError as error:
        return str(error)
    return "This address must never be assigned to any node. [RFC2373]" if found.is_unspecified else None


_FAMILIES: Mapping[int, Callable[[str], Optional[str]]] = {4: _ipv4, 6: _ipv6}


def address(*families: int, host_name: str) -> Check:
    """An address of one of the families, or a name that fits ``host_name``."""
    named = re.compile(host_name)

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return text(value)
        # The common case, and the only one for IPv4: an address looks like a name.
        if named.fullmatch(value) and (4 in families or not _IPV4.fullmatch(value)):
            return None
        said = [_FAMILIES[family](value) for family in families]
        if None in said:
            return None
        return ["Any of this needs to be true:", *said, f"Invalid hostaddress: {value!r}"]

    return check


# Labels


def labels(*, with_colons: bool) -> Check:
    def wrong(what: str, value: Any) -> Any:
        if isinstance(value, str):
            return [f"Invalid label {what}: {value!r}"] if ":" in value and not with_colons else None
        return NULL if value is None else text(value)

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return ["Not a valid mapping type."]
        found = {}
        for key, entry in value.items():
            said = {"key": wrong("key", key), "value": wrong("value", entry)}
            if any(said.values()):
                found[key] = {part: texts for part, texts in said.items() if texts}
        return found or None

    return check


# Contact groups

CONTACT_FLAGS = ("use", "use_for_services", "recurse_use", "recurse_perms")


def contact_groups(known: frozenset[str]) -> Check:
    def group(value: Any) -> Any:
        if not isinstance(value, str):
            return text(value)
        return None if value in known else [f"Group missing: {value!r}"]

    return record({"groups": Field(listed(group), REQUIRED), **dict.fromkeys(CONTACT_FLAGS, Field(flag))})


# SNMP

_NAME = {"type": Field(text, REQUIRED), "security_name": Field(text, REQUIRED)}
_AUTH = {
    "auth_protocol": Field(choice("MD5-96", "SHA-1-96", "SHA-2-224", "SHA-2-256", "SHA-2-384", "SHA-2-512"), REQUIRED),
    "auth_password": Field(sized(8), REQUIRED),
}
_PRIVACY = {
    "privacy_protocol": Field(
        choice("CBC-DES", "AES-128", "3DES-EDE", "AES-192", "AES-256", "AES-192-Blumenthal", "AES-256-Blumenthal"),
        REQUIRED,
    ),
    "privacy_password": Field(sized(8), REQUIRED),
}
SNMP = one_of(
    {
        "v1_v2_community": record({"type": Field(text, REQUIRED), "community": Field(text, REQUIRED)}),
        "v3_no_auth_no_privacy": record(_NAME),
        "v3_auth_no_privacy": record({**_NAME, **_AUTH}),
        "v3_auth_privacy": record({**_NAME, **_AUTH, **_PRIVACY}),
    }
)

# The network scan of a folder


def _ipv4_only(value: Any) -> Any:
    said = _ipv4(value) if isinstance(value, str) else None
    return text(value) or (None if said is None else [said])


def _ipv4_network(value: Any) -> Any:
    if not isinstance(value, str):
        return text(value)
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        return [str(error)]
    if network.prefixlen < 8:
        return [f"Prefix of {network} must be at least 8 bit"]
    return [f"Prefix of {network} must be at most 30 bit"] if network.prefixlen > 30 else None


def _regex(value: Any) -> Any:
    if not isinstance(value, str):
        return text(value)
    try:
        re.compile(value)
    except (re.error, OverflowError) as error:
        return [str(error)]
    return None


def _search(value: Any) -> Any:
    return sized(0, 30)(value) or _regex(value)


def _rewrite(value: Any) -> Any:
    wrong = record({"search": Field(_search, REQUIRED), "replace_with": Field(sized(0, 30), REQUIRED)})(value)
    if wrong is None:
        groups = re.compile(value["search"]).groups
        highest = max(map(int, re.findall(r"\\([1-9]\d?)", value["replace_with"])), default=0)
        if highest > groups:
            said = (
                f"regexp only contains {groups} match groups, but a match group with index {highest} (\\{highest}) "
                "was used in the replacement string."
            )
            wrong = {"replace_with": [said]}
    return wrong


_CLOCK = pattern(r"^\d\d:\d\d(:\d\d)?$")


def _time(value: Any) -> Any:
    wrong = _CLOCK(value)
    if wrong is None and [int(part) for part in value.split(":")] > [23, 59, 59]:
        wrong = ["Not a valid time."]
    if wrong is None and any(int(part) > 59 for part in value.split(":")[1:]):
        wrong = ["Not a valid time."]
    return wrong


_ADMINISTRATOR = "cmkadmin"  # of every new site
_TYPE = {"type": Field(text, REQUIRED)}
_RANGE = one_of(
    {
        "address_range": record({**_TYPE, "from_address": Field(_ipv4_only), "to_address": Field(_ipv4_only)}),
        "network_range": record({**_TYPE, "network": Field(_ipv4_network)}),
        "explicit_addresses": record({**_TYPE, "addresses": Field(listed(_ipv4_only))}),
        "exclude_by_regexp": record({**_TYPE, "regexp_list": Field(listed(_regex))}),
    }
)
_TRANSLATE = {
    "convert_case": Field(choice("nop", "lower", "upper")),
    "drop_domain": Field(flag),
    "regexp_rewrites": Field(listed(_rewrite)),
    "hostname_replacement": Field(
        listed(record({"hostname": Field(text, REQUIRED), "replace_with": Field(text, REQUIRED)}))
    ),
}


def network_scan(criticality: tuple[str, ...], users: Container[str]) -> Check:
    """A scan that gives new hosts one of these tags of ``criticality`` and runs as one of the users."""

    def user(value: Any) -> Any:
        return text(value) or (None if value == _ADMINISTRATOR or value in users else [f"User {value!r} is not known."])

    fields = {
        "addresses": Field(listed(_RANGE), REQUIRED),
        "exclude_addresses": Field(listed(_RANGE)),
        "scan_interval": Field(whole_within(3600)),
        "time_allowed": Field(
            listed(record({"start": Field(_time, REQUIRED), "end": Field(_time, REQUIRED)})), REQUIRED
        ),
        "set_ip_address": Field(flag),
        "max_parallel_pings": Field(whole_within(1, 200)),
        "run_as": Field(user),
        "tag_criticality": Field(text),
        "translate_names": Field(record(_TRANSLATE)),
    }

    def check(value: Any) -> Any:
        wrong = record(fields)(value)
        if wrong is None and "tag_criticality" not in value:
            wrong = {"_schema": ["tag_criticality must be specified"]}
        elif wrong is None and value["tag_criticality"] not in criticality:
            said = f"tag_criticality value {value['tag_criticality']!r} is not defined for criticality tag group"
            wrong = {"_schema": [said]}
        return wrong

    return check
