"""The types of Checkmk's own attributes of hosts and folders, and the values that texts stand for."""

from __future__ import annotations

import json
from typing import Any

from ..credentials import HIDDEN, is_secret_name

__all__ = ["BUILT_IN", "FLAGS", "LISTS", "MAPPINGS", "attribute_value", "is_text", "unambiguous_value"]

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

SHOWN = 60  # characters of a text, in a mistake
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def is_text(name: str) -> bool:
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
    if is_text(attribute):
        return text
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            shown = HIDDEN if is_secret_name(attribute) else repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
            raise ValueError(f"{shown} starts like JSON but is none") from None
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
