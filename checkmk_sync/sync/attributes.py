"""Checkmk's own attributes of hosts and folders: their types, and what else is fixed. All others are a site's own."""

from __future__ import annotations

import json
import math
from typing import Any, Mapping, Optional

from ..credentials import HIDDEN, is_secret_name
from ..documents import MAX_DEPTH

__all__ = [
    "ADDRESSES",
    "BUILT_IN",
    "CHOICES",
    "FLAGS",
    "LACKING",
    "LISTS",
    "NEWER",
    "NOT_OF_FOLDERS",
    "SAMPLE_TAGS",
    "as_read",
    "is_text",
    "mistyped",
    "not_a_text",
    "not_json",
]

LISTS = frozenset({"parents", "additional_ipv4addresses", "additional_ipv6addresses", "locked_attributes"})
FLAGS = frozenset({"inventory_failed", "waiting_for_discovery", "bake_agent_package"})
_MAPPINGS = frozenset(
    {
        "contactgroups",
        "locked_by",
        "management_ipmi_credentials",
        "management_snmp_community",
        "network_scan",
        "snmp_community",
    }
)
_TEXTS = frozenset(
    {
        "alias",
        "cmk_agent_connection",
        "ipaddress",
        "ipv6address",
        "management_address",
        "management_protocol",
        "relay",
        "site",
        "tag_address_family",
        "tag_agent",
        "tag_criticality",
        "tag_networking",
        "tag_piggyback",
        "tag_snmp_ds",
    }
)
# Checkmk 2.2 to 2.5, all editions.
BUILT_IN = frozenset({*LISTS, *FLAGS, *_MAPPINGS, *_TEXTS, "metrics_association"})
# The versions since which there are attributes that 2.2 does not have.
NEWER = {"waiting_for_discovery": "2.4.0b1", "metrics_association": "2.5.0b1", "relay": "2.5.0b1"}
# The editions without attributes that others have, by their names up to 2.4 and since.
LACKING = {
    "bake_agent_package": frozenset({"cre", "community"}),
    "cmk_agent_connection": frozenset({"cre", "community", "cee", "pro"}),
}
NOT_OF_FOLDERS = frozenset(
    {
        "additional_ipv4addresses",
        "additional_ipv6addresses",
        "alias",
        "inventory_failed",
        "ipaddress",
        "ipv6address",
        "locked_attributes",
        "locked_by",
        "management_address",
        "metrics_association",
        "relay",
        "waiting_for_discovery",
    }
)
# The families of the addresses that an attribute takes, besides host names.
ADDRESSES = {
    "additional_ipv4addresses": (4,),
    "additional_ipv6addresses": (6,),
    "ipaddress": (4,),
    "ipv6address": (6,),
    "management_address": (4, 6),
}
CHOICES = {
    "cmk_agent_connection": ("pull-agent", "push-agent"),
    "management_protocol": ("none", "snmp", "ipmi"),
    "tag_address_family": ("ip-v4-only", "ip-v6-only", "ip-v4v6", "no-ip"),
    "tag_agent": ("cmk-agent", "all-agents", "special-agents", "no-agent"),
    "tag_piggyback": ("auto-piggyback", "piggyback", "no-piggyback"),
    "tag_snmp_ds": ("no-snmp", "snmp-v2", "snmp-v1"),
}
# Checkmk: these tag groups come with a new site, which may change them.
SAMPLE_TAGS = {
    "tag_criticality": ("prod", "critical", "test", "offline"),
    "tag_networking": ("lan", "wan", "dmz"),
}


def is_text(name: str) -> bool:
    """True for an attribute whose value surely is a text."""
    return name in _TEXTS or name.startswith("tag_")


def mistyped(name: str, value: Any) -> Optional[str]:
    """What is wrong with the type of an attribute's value; None if nothing is."""
    if name in LISTS:
        if not isinstance(value, list):
            return f"{name} is {_type(value)}, not a list"
        return next(filter(None, (not_a_text(f"{name}[{index}]", entry) for index, entry in enumerate(value))), None)
    if name in _MAPPINGS and not isinstance(value, Mapping):
        return f"{name} is {_type(value)}, not a mapping"
    if is_text(name):
        return not_a_text(name, value)
    return not_json(name, value)


def not_a_text(name: str, value: Any) -> Optional[str]:
    """Why a value is no text, for a value that YAML may have taken for something else; None for a text."""
    if isinstance(value, str):
        return None
    if isinstance(value, (Mapping, list, bytes)):
        return f"{name} is {_type(value)}, not a text"
    return f"{name} is read as {_shown(name, value)}, not as a text: put it in quotes"


def not_json(name: str, value: Any, depth: int = 0) -> Optional[str]:
    """The part of a value that JSON cannot say, such as a date, and so no API takes; None when there is none."""
    if depth > MAX_DEPTH:
        return f"{name[:40]}… is nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, Mapping):
        keys = (not_a_text(f"a key of {name}", key) for key in value)
        parts = (not_json(f"{name}.{key}", part, depth + 1) for key, part in value.items())
        return next(filter(None, (*keys, *parts)), None)
    if isinstance(value, list):
        parts = (not_json(f"{name}[{index}]", part, depth + 1) for index, part in enumerate(value))
        return next(filter(None, parts), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name} is read as {_shown(name, value)}, which is no finite number"
    return None if value is None or isinstance(value, (int, float)) else not_a_text(name, value)


def as_read(value: Any) -> str:
    """A value as an inventory spells it: ``true``, ``null``, ``2024-01-01``, ``'a text'``."""
    if isinstance(value, str):
        return repr(value)
    return json.dumps(value) if value is None or isinstance(value, (int, float)) else str(value)


def _shown(name: str, value: Any) -> str:
    return HIDDEN if is_secret_name(name) else as_read(value)


def _type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    names = {str: "a text", list: "a list", bool: "true or false", int: "a number", float: "a number", bytes: "binary"}
    return names.get(type(value), f"a {type(value).__name__}")
