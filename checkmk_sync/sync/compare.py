"""Whether a value on the site is as the inventory wants it, and what makes it so: Checkmk fills in, what is a set
has no order, and of a mapping what is not named stays."""

from __future__ import annotations

from typing import Any, Mapping

from .kinds import Property

__all__ = ["is_as_wanted", "kept_beside", "merged"]

# Checkmk: contact groups, parents and names of attributes are sets, in whichever order they come back. The
# additional addresses are not: their macros are numbered.
_SETS: frozenset[Property] = frozenset(
    {("attributes", "contactgroups", "groups"), ("attributes", "parents"), ("attributes", "locked_attributes")}
)


def is_as_wanted(path: Property, wanted: Any, now: Any) -> bool:
    """True when the property at ``path`` says all that is wanted of it; an empty mapping wants it to say nothing."""
    if isinstance(wanted, Mapping) and isinstance(now, Mapping):
        if not wanted:
            return not any(now.values())
        return all(key in now and is_as_wanted((*path, key), value, now[key]) for key, value in wanted.items())
    if path in _SETS and isinstance(wanted, list) and isinstance(now, list):
        return all(entry in now for entry in wanted) and all(entry in wanted for entry in now)
    return bool(wanted == now)


def kept_beside(wanted: Any, now: Any) -> bool:
    """True where both are mappings and what only ``now`` names stays. Checkmk: another ``type`` has other keys."""
    is_pair = isinstance(wanted, Mapping) and isinstance(now, Mapping) and bool(wanted)
    return is_pair and wanted.get("type", now.get("type")) == now.get("type")


def merged(wanted: Any, now: Any) -> Any:
    """The value to set: an attribute is set as a whole, so it holds also what the inventory does not name."""
    if not kept_beside(wanted, now):
        return wanted
    return {**now, **{key: merged(value, now.get(key)) for key, value in wanted.items()}}
