"""Checkmk's own attributes of hosts and folders, their types, and the conversion of strings to their values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

from ..config.documents import NOT_JSON, SHOWN, read_json
from ..core.redaction import HIDDEN, find_secrets
from ..core.secret_names import is_secret_name
from ..core.text import close_matches, parse_json_container, shorten, suggestion
from ..errors import SettingsError


@dataclass(frozen=True)
class _Attribute:
    """One attribute. ``type`` is the Python type of its values, or None if they can have any type.

    ``since`` is the first version with the attribute. ``lacking`` lists the editions without it, by their names up to
    2.4 and by those since 2.5. ``families`` lists the IP versions of the addresses that it accepts besides host names.
    """

    type: Optional[type]
    on_folders: bool = True
    since: Optional[str] = None
    lacking: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    choices: tuple[str, ...] = ()


# Checkmk 2.2 to 2.5, all editions.
_ATTRIBUTES = {
    "additional_ipv4addresses": _Attribute(list, on_folders=False, families=(4,)),
    "additional_ipv6addresses": _Attribute(list, on_folders=False, families=(6,)),
    "alias": _Attribute(str, on_folders=False),
    "bake_agent_package": _Attribute(bool, lacking=("cre", "community")),
    "cmk_agent_connection": _Attribute(
        str, lacking=("cre", "community", "cee", "pro"), choices=("pull-agent", "push-agent")
    ),
    "contactgroups": _Attribute(dict),
    "inventory_failed": _Attribute(bool, on_folders=False),
    "ipaddress": _Attribute(str, on_folders=False, families=(4,)),
    "ipv6address": _Attribute(str, on_folders=False, families=(6,)),
    "locked_attributes": _Attribute(list, on_folders=False),
    "locked_by": _Attribute(dict, on_folders=False),
    "management_address": _Attribute(str, on_folders=False, families=(4, 6)),
    "management_ipmi_credentials": _Attribute(dict),
    "management_protocol": _Attribute(str, choices=("none", "snmp", "ipmi")),
    "management_snmp_community": _Attribute(dict),
    "metrics_association": _Attribute(None, on_folders=False, since="2.5.0b1"),
    "network_scan": _Attribute(dict),
    "parents": _Attribute(list),
    "relay": _Attribute(str, on_folders=False, since="2.5.0b1"),
    "site": _Attribute(str),
    "snmp_community": _Attribute(dict),
    "tag_address_family": _Attribute(str, choices=("ip-v4-only", "ip-v6-only", "ip-v4v6", "no-ip")),
    "tag_agent": _Attribute(str, choices=("cmk-agent", "all-agents", "special-agents", "no-agent")),
    "tag_criticality": _Attribute(str),
    "tag_networking": _Attribute(str),
    "tag_piggyback": _Attribute(str, choices=("auto-piggyback", "piggyback", "no-piggyback")),
    "tag_snmp_ds": _Attribute(str, choices=("no-snmp", "snmp-v2", "snmp-v1")),
    "waiting_for_discovery": _Attribute(bool, on_folders=False, since="2.4.0b1"),
}
BUILT_IN = frozenset(_ATTRIBUTES)
TAG = "tag_"  # the prefix of attributes that are tag groups
TYPES = {name: row.type for name, row in _ATTRIBUTES.items()}
LISTS, FLAGS, MAPPINGS, _TEXTS = (
    frozenset(name for name, row in _ATTRIBUTES.items() if row.type is kind) for kind in (list, bool, dict, str)
)
NOT_OF_FOLDERS = frozenset(name for name, row in _ATTRIBUTES.items() if not row.on_folders)
NEWER = {name: row.since for name, row in _ATTRIBUTES.items() if row.since is not None}
LACKING = {name: row.lacking for name, row in _ATTRIBUTES.items() if row.lacking}
ADDRESSES = {name: row.families for name, row in _ATTRIBUTES.items() if row.families}
CHOICES = {name: row.choices for name, row in _ATTRIBUTES.items() if row.choices}
# Checkmk: a new site has these tag groups, but its administrators may change them.
SAMPLE_TAGS = frozenset({"tag_criticality", "tag_networking"})

MASK = f"{HIDDEN} stands for a secret that was not shown; leave it out or give the secret itself"

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def is_string_attribute(name: str) -> bool:
    """Return True if the value of an attribute is always a string."""
    return name in _TEXTS or name.startswith(TAG)


def tag_problem(groups: Mapping[str, Sequence[Mapping[str, Any]]], attribute: str, value: Any) -> Optional[str]:
    """Return why a site refuses a value of an attribute such as ``tag_agent``, or None if it accepts the value.

    ``groups`` contains the tags of each tag group of the site, by the ID of the group.
    """
    group = attribute[len(TAG) :]
    if group not in groups:
        close = close_matches(group, groups, cutoff=0.6)
        return f"the tag group {group!r} does not exist" + (f"; did you mean {close[0]!r}?" if close else "")
    ids = [tag.get("id") for tag in groups[group]]
    # Checkmk: a group with one tag is a checkbox, which null clears.
    if value in ids or (value is None and len(ids) == 1):
        return None
    return f"the tag group {group!r} has no tag {value!r}{suggestion(str(value), tuple(filter(None, ids)))}"


def unambiguous_value(attribute: str, value: Any) -> Any:
    """Convert a string like :func:`attribute_value`, but only if Checkmk never accepts a string for this attribute.

    Any other value is returned unchanged. Raises ValueError for invalid JSON, and for a flag that is not true or false.
    """
    is_never_text = attribute in LISTS or attribute in FLAGS or attribute in MAPPINGS or attribute == "labels"
    return attribute_value(attribute, value) if is_never_text and isinstance(value, str) else value


def parse_flag(text: str) -> bool:
    """Return the value of a flag that is written as text. Raises ValueError if it is not true or false."""
    if text.lower() not in _WORDS:
        raise ValueError(f"{text!r} is not true or false")
    return _WORDS[text.lower()]


def parse_list(text: str) -> list[str]:
    """Return the strings of a list that is written as ``a|b``, without empty ones and without spaces around them."""
    return [part.strip() for part in text.split("|") if part.strip()]


def attribute_value(attribute: str, text: str) -> Any:
    """Convert a string, such as a cell of a table, to the value of an attribute.

    Tags and attributes of type string keep the text. For all others, a text that starts with ``{`` or ``[`` is JSON. A
    list is written as ``a|b``, also for contact groups. A flag is ``true``, ``yes`` or ``1``, or else ``false``, ``no``
    or ``0``. An SNMP community is written without its type. Text for an unknown attribute is returned unchanged.
    Raises ValueError for invalid JSON, and for a flag that is not true or false.
    """
    if is_string_attribute(attribute):
        return text
    if text[:1] in ("{", "["):
        return _json(attribute, text)
    if attribute in LISTS:
        return parse_list(text)
    if attribute in FLAGS:
        return parse_flag(text)
    if attribute == "contactgroups":
        return {"groups": parse_list(text)}
    if attribute in ("snmp_community", "management_snmp_community"):
        return {"type": "v1_v2_community", "community": text}
    return text


def contains_mask(name: str, value: Any) -> bool:
    """Return True if a secret in ``value`` is HIDDEN, the text that output shows in place of secrets."""
    container = parse_json_container(value) if isinstance(value, str) else None
    return any(secret.strip() == HIDDEN for secret in find_secrets({name: value if container is None else container}))


def _json(attribute: str, text: str) -> Any:
    try:
        return read_json(text, "").data
    except SettingsError as error:
        shown, why = repr(shorten(text, SHOWN)), error.reason.removeprefix(f"{NOT_JSON}: ")
        if is_secret_name(attribute):
            shown, why = "the hidden value", _without_value(error, why)
        # The position is in the value. The caller adds the position of the value, such as the line of a file.
        line = f"line {error.line} of the value, " if "\n" in text else ""
        where = "" if error.line is None else f"{line}character {error.column}: "
        raise ValueError(f"{shown} starts like JSON but is not valid JSON ({where}{why})") from None


def _without_value(error: SettingsError, why: str) -> str:
    """Describe the mistake in JSON without quoting the JSON."""
    if not isinstance(error.__cause__, json.JSONDecodeError):
        return "a mistake"
    return "an invalid character or escape" if why.startswith("Invalid") else why  # json may quote the character
