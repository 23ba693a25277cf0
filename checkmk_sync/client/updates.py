"""What hosts and folders share: an update is one of three kinds, sent with a fresh ETag."""

from __future__ import annotations

import copy
import datetime
import json
from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar

from ..catalogue.attributes import MASK, contains_mask, unambiguous_value
from ..core.arguments import require_strings
from ..errors import PreconditionError
from .records import writable

__all__ = [
    "Change",
    "body_of",
    "covers",
    "holds",
    "is_made_by",
    "noted_time",
    "one_kind",
    "plain",
    "with_fresh_etag",
]

T = TypeVar("T")
Attributes = Mapping[str, Any]
Change = Callable[[dict[str, Any]], Attributes]

TRIES = 5

# Checkmk stores these with defaults for what was left out of them.
_COMPLETED = frozenset({"contactgroups"})


def one_kind(
    attributes: Optional[Attributes],
    update_attributes: Optional[Attributes],
    remove_attributes: Optional[Sequence[str]],
    of: str,
) -> dict[str, Any]:
    """The body of an update. Checkmk: setting all, merging and removing exclude each other in one call."""
    given: dict[str, Any] = {}
    if attributes is not None:
        given["attributes"] = writable(plain(attributes, of))
    if update_attributes is not None:
        given["update_attributes"] = plain(update_attributes, of)
    if remove_attributes is not None:
        given["remove_attributes"] = require_strings(remove_attributes, "remove_attributes")
    if len(given) > 1:
        raise ValueError(
            f"give only one of {' and '.join(given)}: Checkmk takes one kind of change a call; "
            "a change function, from all attributes to all attributes, can do several"
        )
    return given


def plain(attributes: Attributes, of: str, before: Optional[Attributes] = None) -> dict[str, Any]:
    """Return a copy of attributes, with texts converted where Checkmk never accepts a text.

    TypeError unless they are a mapping, ValueError for a value that JSON cannot say, and for *** in place of a secret,
    unless the object has that value ``before``. ``of`` names the object in the error, which does not show the value: it
    may be a secret.
    """
    if not isinstance(attributes, Mapping):
        raise TypeError(f"the attributes of {of!r} must be a mapping, not a {type(attributes).__name__}")
    values = {}
    for name, value in attributes.items():
        try:
            values[name] = unambiguous_value(name, value)
            json.dumps(values[name], allow_nan=False)
            # Labels are public, and a call sends those of others along.
            if name != "labels" and contains_mask(name, values[name]) and (before or {}).get(name) != values[name]:
                raise ValueError(MASK)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the attribute {name!r} of {of!r} cannot be sent: {error}") from None
    return values


def body_of(change: Change, before: Attributes, of: str) -> dict[str, Any]:
    """The body that leaves the attributes as ``change`` returns them; empty where it changes nothing.

    Only what differs is sent where one kind of change can say it: what was read is better not written back.
    """
    if not callable(change):
        raise TypeError(
            f"the change of {of!r} is a function from attributes to attributes; to merge some give update_attributes"
        )
    now = dict(before)
    returned = change(copy.deepcopy(now))
    if not isinstance(returned, Mapping):
        raise TypeError(f"the change function of {of!r} returned {type(returned).__name__}, not all attributes")
    wanted = plain(returned, of, now)
    differing = {name: value for name, value in wanted.items() if name not in now or now[name] != value}
    gone = [name for name in now if name not in wanted]
    if gone and differing:
        return {"attributes": wanted}
    if gone:
        return {"remove_attributes": gone}
    return {"update_attributes": differing} if differing else {}


def holds(body: Mapping[str, Any], actual: Attributes) -> bool:
    """True when an object with the attributes ``actual`` is as an update with ``body`` leaves it.

    Exactly: the server replaces each attribute as a whole, labels too, so one label more is another state.
    """
    wanted = body.get("attributes", body.get("update_attributes", {}))
    if "attributes" in body and set(actual) != set(wanted):
        return False
    if any(name in actual for name in body.get("remove_attributes", ())):
        return False
    return all(name in actual and _is_stored_as(name, value, actual[name]) for name, value in wanted.items())


def _is_stored_as(name: str, sent: Any, stored: Any) -> bool:
    return covers(sent, stored) if name in _COMPLETED else bool(sent == stored)


def covers(wanted: Any, actual: Any) -> bool:
    """True when ``actual`` says all that ``wanted`` says, and maybe more."""
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return all(name in actual and covers(value, actual[name]) for name, value in wanted.items())
    return bool(wanted == actual)


def is_made_by(user: str, since: Optional[float], meta: Attributes) -> bool:
    """Return True if ``meta`` names ``user`` as the creator and a creation time of at least ``since`` (UNIX time)."""
    created = noted_time(meta, "created_at")
    return since is not None and created is not None and meta.get("created_by") == user and created >= since


def noted_time(meta: Attributes, name: str) -> Optional[float]:
    """The UNIX time that ``meta`` notes as ``name``; None if it notes none."""
    try:
        # Python before 3.11 does not read the Z.
        return datetime.datetime.fromisoformat(str(meta.get(name)).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


def with_fresh_etag(read: Callable[[], T], write: Callable[[T], T], etag: Optional[str]) -> T:
    """``write(read())``, done again with a new reading when somebody was faster (412), a bounded number of times.

    With an ``etag`` of the caller nothing is repeated: it says which state the change is for.
    """
    for _ in range(TRIES - 1):
        before = read()
        try:
            return write(before)
        except PreconditionError:
            if etag is not None:
                raise
    return write(read())
