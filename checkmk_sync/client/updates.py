"""Bodies of updates, and whether an object is as an update leaves it. Hosts and folders share both."""

from __future__ import annotations

import copy
import datetime
import json
from typing import Any, Callable, Mapping, Optional, Sequence

from ..catalogue.attributes import MASK, contains_mask, unambiguous_value
from ..core.arguments import describe_type, require_strings
from .records import writable

__all__ = [
    "ChangeFunction",
    "contains",
    "created_by",
    "diff_body",
    "json_mapping",
    "matches",
    "parse_time",
    "update_body",
]

Attributes = Mapping[str, Any]
ChangeFunction = Callable[[dict[str, Any]], Attributes]

# Checkmk: these are stored with defaults for the members that were left out.
_COMPLETED = frozenset({"contactgroups"})


def update_body(
    attributes: Optional[Attributes],
    update_attributes: Optional[Attributes],
    remove_attributes: Optional[Sequence[str]],
    name: str,
) -> dict[str, Any]:
    """Return the body of an update. Checkmk: setting all, merging and removing exclude each other in one call."""
    body: dict[str, Any] = {}
    if attributes is not None:
        body["attributes"] = writable(json_mapping(attributes, name))
    if update_attributes is not None:
        body["update_attributes"] = json_mapping(update_attributes, name)
    if remove_attributes is not None:
        body["remove_attributes"] = require_strings(remove_attributes, "remove_attributes")
    if len(body) > 1:
        raise ValueError(
            f"give only one of {' and '.join(body)}: Checkmk takes one kind of change a call; "
            "a change function, from all attributes to all attributes, can do several"
        )
    return body


def json_mapping(attributes: Attributes, of: str, before: Optional[Attributes] = None) -> dict[str, Any]:
    """Return a copy of the attributes of ``of``, with strings converted where Checkmk accepts no string.

    TypeError unless they are a mapping. ValueError for a value that JSON cannot express, and for *** in place of a
    secret, unless the object has that value ``before``. The error does not show the value: it may be a secret.
    """
    if not isinstance(attributes, Mapping):
        raise TypeError(f"the attributes of {of!r} must be a mapping, not {describe_type(attributes)}")
    values = {}
    for name, value in attributes.items():
        try:
            values[name] = unambiguous_value(name, value)
            json.dumps(values[name], allow_nan=False)
            # Labels are public, and a call also sends labels that other people have set.
            if name != "labels" and contains_mask(name, values[name]) and (before or {}).get(name) != values[name]:
                raise ValueError(MASK)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the attribute {name!r} of {of!r} cannot be sent: {error}") from None
    return values


def diff_body(change: ChangeFunction, before: Attributes, of: str) -> dict[str, Any]:
    """Return the body of an update that leaves the attributes as ``change`` returns them; empty if none differs.

    Attributes that stay as they were are sent only if Checkmk cannot express the change in one call without them.
    """
    if not callable(change):
        raise TypeError(
            f"the change of {of!r} is a function from attributes to attributes; to merge some give update_attributes"
        )
    current = dict(before)
    returned = change(copy.deepcopy(current))
    if not isinstance(returned, Mapping):
        raise TypeError(f"the change function of {of!r} returned {type(returned).__name__}, not all attributes")
    wanted = json_mapping(returned, of, current)
    differing = {name: value for name, value in wanted.items() if name not in current or current[name] != value}
    removed = [name for name in current if name not in wanted]
    if removed and differing:
        return {"attributes": wanted}
    if removed:
        return {"remove_attributes": removed}
    return {"update_attributes": differing} if differing else {}


def matches(body: Mapping[str, Any], actual: Attributes) -> bool:
    """Return True if the attributes ``actual`` are as an update with ``body`` leaves them.

    The comparison is exact: the server replaces each attribute as a whole, labels too, so one label more differs.
    """
    wanted = body.get("attributes", body.get("update_attributes", {}))
    if "attributes" in body and set(actual) != set(wanted):
        return False
    if any(name in actual for name in body.get("remove_attributes", ())):
        return False
    return all(
        name in actual and (contains(actual[name], value) if name in _COMPLETED else bool(actual[name] == value))
        for name, value in wanted.items()
    )


def contains(actual: Any, wanted: Any) -> bool:
    """Return True if ``actual`` has all that ``wanted`` has, and maybe more."""
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return all(name in actual and contains(actual[name], value) for name, value in wanted.items())
    return bool(wanted == actual)


def created_by(user: str, since: Optional[float], meta: Attributes) -> bool:
    """Return True if ``meta`` names ``user`` as the creator and a creation time of at least ``since`` (UNIX time)."""
    created = parse_time(meta, "created_at")
    return since is not None and created is not None and meta.get("created_by") == user and created >= since


def parse_time(meta: Attributes, name: str) -> Optional[float]:
    """Return the UNIX time of a member of ``meta``; None if it has none."""
    try:
        # Python before 3.11 does not read the Z.
        return datetime.datetime.fromisoformat(str(meta.get(name)).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None
