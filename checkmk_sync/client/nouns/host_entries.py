"""Entries of the bulk calls of hosts, made from the items of callers."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Union

from ...catalogue.paths import folder_path
from ...core.arguments import require_iterable
from ...core.text import suggestion
from ..records import Host
from ..updates import json_mapping, update_body

__all__ = ["Entry", "name_of", "parents_in", "require_mappings", "to_creation", "to_host", "to_update"]

Entry = Mapping[str, Any]


def require_mappings(given: Iterable[Any], what: str) -> Iterable[Any]:
    """Return ``given``. TypeError for a single mapping or string."""
    if isinstance(given, Mapping):
        raise TypeError(f"{what} is a list of mappings, not one mapping")
    return require_iterable(given, what)


def name_of(entry: Entry) -> str:
    """Return the name of the host."""
    return str(entry["host_name"])


def parents_in(attributes: Mapping[str, Any]) -> list[str]:
    """Return the names of the parents in the attributes of a host."""
    parents = attributes.get("parents")
    return [parent for parent in parents if isinstance(parent, str)] if isinstance(parents, (list, tuple)) else []


def to_creation(item: Union[Entry, Host]) -> dict[str, Any]:
    """Return the entry that creates a host. ValueError for a mapping of another shape, and for a cluster."""
    if isinstance(item, Host):
        if item.is_cluster:
            raise ValueError(f"{item.name!r} is a cluster; here it would become a host without nodes")
        return {"host_name": item.name, "folder": item.folder, "attributes": dict(item.attributes)}
    _check_keys(item, {"host_name", "folder", "attributes"})
    name, folder = item["host_name"], folder_path(item.get("folder", "/"))
    return {"host_name": name, "folder": folder, "attributes": json_mapping(item.get("attributes") or {}, name)}


def to_update(item: Entry) -> dict[str, Any]:
    """Return the entry that updates a host. ValueError for another shape, or anything but one kind of update."""
    kinds = ("attributes", "update_attributes", "remove_attributes")
    _check_keys(item, {"host_name", "folder", *kinds})
    attributes, update, remove = (item.get(kind) for kind in kinds)
    body = update_body(attributes, update, remove, item["host_name"])
    if not body:
        raise ValueError(f"the change of {item['host_name']!r} holds none of {', '.join(kinds)}")
    return {"host_name": item["host_name"], "folder": item.get("folder", ""), **body}


def to_host(item: Union[str, Host]) -> Host:
    """Return the host to delete, which is given by its name or as a record."""
    if not isinstance(item, (str, Host)):
        raise ValueError(f"the name of a host or its record is needed, this is a {type(item).__name__}")
    return item if isinstance(item, Host) else Host(item, "/", {})


def _check_keys(item: Entry, known: set[str]) -> None:
    if not isinstance(item, Mapping) or not isinstance(item.get("host_name"), str):
        found = f"has {', '.join(map(repr, item))}" if isinstance(item, Mapping) else f"is a {type(item).__name__}"
        raise ValueError(f"an entry is a mapping of {', '.join(sorted(known))}, with the name as a text; this {found}")
    unknown = [key for key in item if key not in known]
    if unknown:
        hint = suggestion(str(unknown[0]), tuple(sorted(known)))
        raise ValueError(f"an entry is a mapping of known keys; that of {item['host_name']!r} has {unknown[0]!r}{hint}")
