"""The one comparison of what an inventory wants with what a site holds, used by plans and by reports.

Checkmk adds keys to mappings, so unnamed ones do not count, and it returns sets in any order.
"""

from __future__ import annotations

from typing import Any, Mapping

from .kinds import Property

__all__ = ["has_property", "keeps_unnamed", "matches", "merge"]

# Checkmk: contact groups, parents and names of attributes are sets, in whichever order they come back. The
# additional addresses are not: their macros are numbered.
_SETS: frozenset[Property] = frozenset(
    {("attributes", "contactgroups", "groups"), ("attributes", "parents"), ("attributes", "locked_attributes")}
)


def has_property(properties: Mapping[Property, Any], path: Property, wanted: Any) -> bool:
    """Return True if an object with these properties is as wanted at ``path``; None wants the property to be unset."""
    if wanted is None or path not in properties:
        return wanted is None and path not in properties
    return matches(path, wanted, properties[path])


def matches(path: Property, wanted: Any, now: Any) -> bool:
    """Return True if the value ``now`` has everything that is wanted; an empty mapping wants it to be empty."""
    if isinstance(wanted, Mapping) and isinstance(now, Mapping):
        if not wanted:
            return not any(now.values())
        return all(key in now and matches((*path, key), value, now[key]) for key, value in wanted.items())
    if path in _SETS and isinstance(wanted, list) and isinstance(now, list):
        return all(entry in now for entry in wanted) and all(entry in wanted for entry in now)
    return bool(wanted == now)


def keeps_unnamed(wanted: Any, now: Any) -> bool:
    """Return True for mappings of which ``wanted`` leaves the keys that only ``now`` has.

    Checkmk: a mapping of another ``type`` has other keys.
    """
    is_pair = isinstance(wanted, Mapping) and isinstance(now, Mapping) and bool(wanted)
    return is_pair and wanted.get("type", now.get("type")) == now.get("type")


def merge(wanted: Any, now: Any) -> Any:
    """Return the value to send: an attribute is replaced as a whole, so it includes what the inventory leaves out."""
    if not keeps_unnamed(wanted, now):
        return wanted
    return {**now, **{key: merge(value, now.get(key)) for key, value in wanted.items()}}
