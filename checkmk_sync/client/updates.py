"""Builds the bodies of updates, and compares objects with them. Hosts and folders share these functions."""

from __future__ import annotations

import copy
import datetime
import json
from types import MappingProxyType
from typing import Any, Callable, Mapping, Optional, Sequence

from ..catalogue.attributes import MASK, contains_mask, unambiguous_value
from ..core.arguments import require_strings, require_type
from .records import AttributeRecord, writable

Attributes = Mapping[str, Any]
ChangeFunction = Callable[[dict[str, Any]], Attributes]

KINDS = ("attributes", "update_attributes", "remove_attributes")  # the kinds of changes; an update contains only one

# Checkmk stores these with default values for missing members.
_COMPLETED = frozenset({"contactgroups"})


def update_body(given: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Return the body of an update of the object ``of``. It is empty if none of the :data:`KINDS` is ``given``.

    Raises TypeError for a value of the wrong type, and ValueError for more than one kind of change.
    """
    body = {kind: given[kind] for kind in KINDS if given.get(kind) is not None}
    if len(body) > 1:  # CHECKMK_API 10.2: refused since 2.2.0p7
        raise ValueError(
            f"give only one of {' and '.join(body)}, because Checkmk accepts one kind of change per call; "
            "a change function, from all attributes to all attributes, can combine them"
        )
    for kind, value in body.items():
        body[kind] = require_strings(value, kind) if kind == "remove_attributes" else json_mapping(value, of)
    return {kind: writable(value) if kind == "attributes" else value for kind, value in body.items()}


def update_function(
    of: str, change: Optional[ChangeFunction], kinds: Sequence[Any], more: Attributes = MappingProxyType({})
) -> Callable[[AttributeRecord], dict[str, Any]]:
    """Return a function that returns the body of an update for the object ``of`` as it was read.

    ``kinds`` are the values of the :data:`KINDS`. Give either ``change`` or one of them. ``more`` contains the other
    members of the body. Raises ValueError if nothing is given.
    """
    body = update_body(dict(zip(KINDS, kinds)), of)
    if body and change is not None:
        raise ValueError("give either a change function or attributes, not both")
    if not body and not more and change is None:
        raise ValueError(f"give a change function or one of {', '.join(KINDS)}")
    if "remove_attributes" in body:
        names = body["remove_attributes"]
        return lambda before: {**more, **removal_body(names, before.attributes)}
    if change is None:
        return lambda _before: {**more, **body}
    return lambda before: {**more, **diff_body(change, before.attributes, of)}


def removal_body(names: Sequence[str], attributes: Attributes) -> dict[str, Any]:
    """Return the body of an update that removes the ``names`` that are set; empty if none of them is set."""
    # CHECKMK_API 10.2 and 10.3: a site refuses to remove an attribute that is not set.
    still_set = [name for name in attributes if name in names]
    return {"remove_attributes": still_set} if still_set else {}


def json_mapping(attributes: Attributes, of: str, before: Optional[Attributes] = None) -> dict[str, Any]:
    """Return a copy of the attributes of the object ``of``.

    A string is converted if Checkmk never accepts a string for the attribute. Raises TypeError unless the attributes
    are a mapping. Raises ValueError for a value that JSON cannot express, and for ``***`` in place of a secret, unless
    the object has that value in ``before``. The message does not contain the value, because it may be a secret.
    """
    require_type(attributes, Mapping, f"the attributes of {of!r} must be a mapping")
    values = {}
    for name, value in attributes.items():
        try:
            values[name] = unambiguous_value(name, value)
            json.dumps(values[name], allow_nan=False)
            # Labels are not secret, and a call also sends labels set by others, which may contain the mask.
            if name != "labels" and contains_mask(name, values[name]) and (before or {}).get(name) != values[name]:
                raise ValueError(MASK)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the attribute {name!r} of {of!r} cannot be sent: {error}") from None
    return values


def diff_body(change: ChangeFunction, before: Attributes, of: str) -> dict[str, Any]:
    """Return the body of an update from ``before`` to ``change(before)``; empty if no attribute differs.

    Unchanged attributes are sent only if Checkmk cannot express the change in one call without them.
    """
    if not callable(change):
        raise TypeError(
            f"the change of {of!r} must be a function from attributes to attributes; "
            "to set single attributes, give update_attributes"
        )
    current = dict(before)
    returned = change(copy.deepcopy(current))
    require_type(returned, Mapping, f"the change function of {of!r} must return all attributes")
    wanted = json_mapping(returned, of, current)
    differing = {name: value for name, value in wanted.items() if name not in current or current[name] != value}
    removed = [name for name in current if name not in wanted]
    if removed and differing:
        return {"attributes": wanted}
    if removed:
        return {"remove_attributes": removed}
    return {"update_attributes": differing} if differing else {}


def matches(body: Mapping[str, Any], actual: Attributes) -> bool:
    """Return True if an update with ``body`` results in the attributes ``actual``.

    The comparison is exact. The server replaces each attribute completely, so one additional label is a difference.
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
    """Return True if ``actual`` equals ``wanted``, or is a mapping that contains everything in ``wanted``."""
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return all(name in actual and contains(actual[name], value) for name, value in wanted.items())
    return bool(wanted == actual)


def created_by(user: str, since: Optional[float], meta: Attributes) -> bool:
    """Return True if ``meta`` names ``user`` as the creator and a creation time of at least ``since`` (UNIX time)."""
    created = parse_time(meta, "created_at")
    return since is not None and created is not None and meta.get("created_by") == user and created >= since


def birth(meta: Attributes) -> Optional[tuple[str, str]]:
    """Return the time of creation and the creator in ``meta``, or None if the time is unknown.

    They never change, so they distinguish an object from an earlier one of the same name.
    """
    created = meta.get("created_at")
    return (str(created), str(meta.get("created_by") or "")) if created else None


def parse_time(meta: Attributes, name: str) -> Optional[float]:
    """Return the UNIX time of a member of ``meta``; None if it is missing or not a time."""
    try:
        # fromisoformat does not accept the Z before Python 3.11.
        return datetime.datetime.fromisoformat(str(meta.get(name)).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None
