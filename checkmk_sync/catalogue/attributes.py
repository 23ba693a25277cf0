"""The types of Checkmk's own attributes of hosts and folders, and the values that texts stand for."""

from __future__ import annotations

import json
from typing import Any

from ..core.documents import SHOWN, read_json
from ..core.redaction import HIDDEN, find_secrets, is_secret_name
from ..core.text import parse_json_container
from ..errors import SettingsError

__all__ = [
    "ADDRESSES",
    "BUILT_IN",
    "CHOICES",
    "FLAGS",
    "LACKING",
    "LISTS",
    "MAPPINGS",
    "MASK",
    "NEWER",
    "NOT_OF_FOLDERS",
    "SAMPLE_TAGS",
    "attribute_value",
    "contains_mask",
    "is_string_attribute",
    "unambiguous_value",
]

LISTS = frozenset({"parents", "additional_ipv4addresses", "additional_ipv6addresses", "locked_attributes"})
FLAGS = frozenset({"inventory_failed", "waiting_for_discovery", "bake_agent_package"})
MAPPINGS = frozenset(
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
BUILT_IN = frozenset({*LISTS, *FLAGS, *MAPPINGS, *_TEXTS, "metrics_association"})
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

MASK = f"{HIDDEN} stands for a secret that was not shown, and is none: leave it out, or give the secret"

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def is_string_attribute(name: str) -> bool:
    """Return True for an attribute whose value is always a text."""
    return name in _TEXTS or name.startswith("tag_")


def unambiguous_value(attribute: str, value: Any) -> Any:
    """Return the value a text stands for if Checkmk never accepts a text for this attribute, else ``value`` itself.

    ValueError for invalid JSON, and for a flag that is neither true nor false.
    """
    is_never_text = attribute in LISTS or attribute in FLAGS or attribute in MAPPINGS or attribute == "labels"
    return attribute_value(attribute, value) if is_never_text and isinstance(value, str) else value


def attribute_value(attribute: str, text: str) -> Any:
    """Return the value a text stands for: JSON, a list ``a|b``, or the text itself. ValueError for invalid JSON."""
    if is_string_attribute(attribute):
        return text
    if text[:1] in ("{", "["):
        return _json(attribute, text)
    if attribute in LISTS:
        return [part.strip() for part in text.split("|") if part.strip()]
    if attribute in FLAGS:
        if text.lower() not in _WORDS:
            raise ValueError(f"{text!r} is not true or false")
        return _WORDS[text.lower()]
    if attribute == "contactgroups":
        return {"groups": [part.strip() for part in text.split("|") if part.strip()]}
    if attribute in ("snmp_community", "management_snmp_community"):
        return {"type": "v1_v2_community", "community": text}
    return text


def contains_mask(name: str, value: Any) -> bool:
    """True where a secret in a value is the stars that output shows in its place."""
    found = parse_json_container(value) if isinstance(value, str) else None
    return any(secret.strip() == HIDDEN for secret in find_secrets({name: value if found is None else found}))


def _json(attribute: str, text: str) -> Any:
    try:
        return read_json(text, "").data
    except SettingsError as error:
        is_secret = is_secret_name(attribute)
        shown = repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
        shown, why = ("the hidden value", _without_value(error)) if is_secret else (shown, error.reason)
        raise ValueError(f"{shown} starts like JSON but is none ({why})") from None


def _without_value(error: SettingsError) -> str:
    """Describe what is wrong with JSON, and where, without quoting it."""
    cause = error.__cause__
    said = cause.msg if isinstance(cause, json.JSONDecodeError) else "a mistake"
    if said.startswith("Invalid"):  # the message may quote a character
        said = "an invalid character or escape"
    return f"{said} in line {error.line}, column {error.column}"
