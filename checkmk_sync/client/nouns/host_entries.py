"""Converts the items that callers pass to the bulk calls of hosts to entries of the API."""

from __future__ import annotations

from typing import Any, Mapping, Union

from ...catalogue.paths import folder_path
from ...core.arguments import describe_type
from ...core.text import suggestion
from ..records import Host
from ..updates import json_mapping, update_body

__all__ = ["Entry", "parents_in", "to_creation", "to_update"]

Entry = Mapping[str, Any]


def parents_in(attributes: Mapping[str, Any]) -> list[str]:
    """Return the names of the parents in the attributes of a host; empty if they are not a list."""
    parents = attributes.get("parents")
    return [parent for parent in parents if isinstance(parent, str)] if isinstance(parents, (list, tuple)) else []


def to_creation(item: Union[Entry, Host]) -> Entry:
    """Return the entry that creates a host.

    Raises ValueError for a cluster, for an item that is not a mapping, and for unknown keys.
    """
    if isinstance(item, Host):
        if item.is_cluster:
            raise ValueError(f"{item.name!r} is a cluster, which a bulk call would create as a host without nodes")
        return {"host_name": item.name, "folder": item.folder, "attributes": dict(item.attributes)}
    _check_keys(item, {"host_name", "folder", "attributes"})
    name, folder = item["host_name"], folder_path(item.get("folder", "/"))
    return {"host_name": name, "folder": folder, "attributes": json_mapping(item.get("attributes") or {}, name)}


def to_update(item: Entry) -> Entry:
    """Return the entry that updates a host.

    Raises ValueError for an item that is not a mapping, for unknown keys, and unless it contains one kind of change.
    """
    kinds = ("attributes", "update_attributes", "remove_attributes")
    _check_keys(item, {"host_name", "folder", *kinds})
    attributes, update, remove = (item.get(kind) for kind in kinds)
    body = update_body(attributes, update, remove, item["host_name"])
    if not body:
        raise ValueError(f"the change of {item['host_name']!r} must contain one of {', '.join(kinds)}")
    return {"host_name": item["host_name"], "folder": item.get("folder", ""), **body}


def _check_keys(item: Entry, known: set[str]) -> None:
    if not isinstance(item, Mapping) or not isinstance(item.get("host_name"), str):
        keys = isinstance(item, Mapping) and (", ".join(map(repr, item)) or "no keys")
        found = f"has {keys}" if keys else f"is {describe_type(item)}"
        raise ValueError(
            f"an entry must be a mapping of {', '.join(sorted(known))}, with a string as host_name; this one {found}"
        )
    unknown = [key for key in item if key not in known]
    if unknown:
        hint = suggestion(str(unknown[0]), tuple(sorted(known)))
        raise ValueError(f"unknown key {unknown[0]!r} in the entry of {item['host_name']!r}{hint}")
