"""Compare the wanted values of an inventory with the current values on a site, for plans and reports.

Checkmk adds keys to mappings, so keys that the inventory does not name are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping  # isinstance() is three times slower with typing.Mapping
from typing import Any

from .kinds import KINDS, Property

# Checkmk returns contact groups, parents and names of attributes in any order, so they are compared as sets. The order
# of the additional addresses matters, because their macros are numbered.
_SETS: frozenset[Property] = frozenset(
    {("attributes", "contactgroups", "groups"), ("attributes", "parents"), ("attributes", "locked_attributes")}
)


def has_property(kind: str, properties: Mapping[Property, Any], path: Property, wanted: Any) -> bool:
    """Return True if the property at ``path`` has the wanted value. The wanted value None means "not set".

    A field that the site never returns, such as a secret, counts as equal.
    """
    field = KINDS[kind].field_at(path)
    if field is not None and wanted is None:
        return field.same(properties.get(path), field.removal)
    if field is not None:
        return field.same(KINDS[kind].with_references(path, properties.get(path), wanted), wanted)
    if wanted is None or path not in properties:
        return wanted is None and path not in properties
    now = properties[path]
    return matches(path, wanted, now) or matches(path, wanted, KINDS[kind].with_references(path, now, wanted))


def matches(path: Property, wanted: Any, now: Any) -> bool:
    """Return True if ``now`` is as wanted.

    A wanted mapping is compared only by the keys that it names. ``{}`` is matched if all values of ``now`` are empty.
    """
    if isinstance(wanted, Mapping) and isinstance(now, Mapping):
        if not wanted:
            return not any(now.values())
        return all(key in now and matches((*path, key), value, now[key]) for key, value in wanted.items())
    if path in _SETS and isinstance(wanted, list) and isinstance(now, list):
        return all(entry in now for entry in wanted) and all(entry in wanted for entry in now)
    return bool(wanted == now)


def keeps_unnamed(wanted: Any, now: Any) -> bool:
    """Return True if a write of the mapping ``wanted`` must keep the keys that only the mapping ``now`` has."""
    is_pair = isinstance(wanted, Mapping) and isinstance(now, Mapping) and bool(wanted)
    # Checkmk: a mapping of another type has other keys, so the old keys must not be kept.
    return is_pair and wanted.get("type", now.get("type")) == now.get("type")


def merge(wanted: Any, now: Any) -> Any:
    """Return the value to send: ``wanted``, with the keys of ``now`` that it does not name."""
    # Checkmk replaces an attribute as a unit, so a key that is not sent would be lost.
    if not keeps_unnamed(wanted, now):
        return wanted
    return {**now, **{key: merge(value, now.get(key)) for key, value in wanted.items()}}
