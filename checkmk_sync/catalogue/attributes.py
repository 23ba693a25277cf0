"""Checkmk's own attributes of hosts and folders, their types, and the conversion of strings to their values."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional, Sequence

from ..config.documents import NOT_JSON, SHOWN, read_json
from ..core.data_files import rows
from ..core.redaction import HIDDEN, find_secrets
from ..core.secret_names import is_secret_name
from ..core.text import close_matches, parse_json_container, shorten, suggestion
from ..errors import SettingsError

# The attributes of Checkmk 2.2 to 2.5, all editions. ``since`` is the first version with the attribute. ``lacking`` are
# the editions without it, by their names up to 2.4 and by those since 2.5. ``families`` are the IP versions of the
# addresses that it accepts besides host names.
_ATTRIBUTES = {row["name"]: row for row in rows(__file__, "attributes")}
_PYTHON_TYPES = {"str": str, "bool": bool, "list": list, "dict": dict}
BUILT_IN = frozenset(_ATTRIBUTES)
TAG = "tag_"  # the prefix of attributes that are tag groups
TYPES: dict[str, Optional[type]] = {name: _PYTHON_TYPES.get(row["type"]) for name, row in _ATTRIBUTES.items()}
LISTS, FLAGS, MAPPINGS, _TEXTS = (
    frozenset(name for name, known in TYPES.items() if known is kind) for kind in (list, bool, dict, str)
)
NOT_OF_FOLDERS = frozenset(name for name, row in _ATTRIBUTES.items() if row["objects"] == "hosts")
NEWER = {name: row["since"] for name, row in _ATTRIBUTES.items() if row["since"]}
LACKING = {name: tuple(row["lacking"].split()) for name, row in _ATTRIBUTES.items() if row["lacking"]}
ADDRESSES = {name: tuple(map(int, row["families"].split())) for name, row in _ATTRIBUTES.items() if row["families"]}
CHOICES = {name: tuple(row["choices"].split()) for name, row in _ATTRIBUTES.items() if row["choices"]}
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
