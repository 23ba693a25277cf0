"""Entries of the bulk calls of hosts: brought into one shape before anything is sent."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Union

from ...catalogue.paths import folder_path, host_name
from ...core.arguments import require_iterable
from ...core.text import suggestion
from ..records import Host
from ..updates import one_kind, plain

__all__ = ["Entry", "as_change", "as_host", "as_new", "check_name", "listed", "named", "parents_in", "without_folder"]

Entry = Mapping[str, Any]


def listed(given: Iterable[Any], what: str) -> Iterable[Any]:
    """What was given; TypeError for one mapping or one text where many are needed."""
    if isinstance(given, Mapping):
        raise TypeError(f"{what} is a list of mappings, not one mapping")
    return require_iterable(given, what)


def named(entry: Entry) -> str:
    """The name of the host."""
    return str(entry["host_name"])


def parents_in(attributes: Mapping[str, Any]) -> list[str]:
    """The names of the parents that a host has by its own attributes."""
    parents = attributes.get("parents")
    return [parent for parent in parents if isinstance(parent, str)] if isinstance(parents, (list, tuple)) else []


def check_name(entry: Entry) -> None:
    """ValueError where Checkmk would not take the name."""
    host_name(entry["host_name"])


def without_folder(entry: Entry) -> dict[str, Any]:
    """What is sent of a change: its folder is for sorting only."""
    return {key: value for key, value in entry.items() if key != "folder"}


def as_new(item: Union[Entry, Host]) -> dict[str, Any]:
    """The entry that creates a host. ValueError for a mapping of another shape, and for a cluster."""
    if isinstance(item, Host):
        if item.is_cluster:
            raise ValueError(f"{item.name!r} is a cluster; here it would become a host without nodes")
        return {"host_name": item.name, "folder": item.folder, "attributes": dict(item.attributes)}
    _check_keys(item, {"host_name", "folder", "attributes"})
    name, folder = item["host_name"], folder_path(item.get("folder", "/"))
    return {"host_name": name, "folder": folder, "attributes": plain(item.get("attributes") or {}, name)}


def as_change(item: Entry) -> dict[str, Any]:
    """The entry that changes a host. ValueError for another shape, or anything but one kind of change."""
    kinds = ("attributes", "update_attributes", "remove_attributes")
    _check_keys(item, {"host_name", "folder", *kinds})
    attributes, update, remove = (item.get(kind) for kind in kinds)
    given = one_kind(attributes, update, remove, item["host_name"])
    if not given:
        raise ValueError(f"the change of {item['host_name']!r} holds none of {', '.join(kinds)}")
    return {"host_name": item["host_name"], "folder": item.get("folder", ""), **given}


def as_host(item: Union[str, Host]) -> Host:
    """The host to delete, by its name or its record."""
    if not isinstance(item, (str, Host)):
        raise ValueError(f"the name of a host or its record is needed, this is a {type(item).__name__}")
    return item if isinstance(item, Host) else Host(item, "/", {})


def _check_keys(item: Entry, known: set[str]) -> None:
    if not isinstance(item, Mapping) or not isinstance(item.get("host_name"), str):
        found = f"has {', '.join(map(repr, item))}" if isinstance(item, Mapping) else f"is a {type(item).__name__}"
        raise ValueError(f"an entry is a mapping of {', '.join(sorted(known))}, with the name as a text; this {found}")
    unknown = [key for key in item if key not in known]
    if unknown:
        said = suggestion(str(unknown[0]), tuple(sorted(known)))
        raise ValueError(f"an entry is a mapping of known keys; that of {item['host_name']!r} has {unknown[0]!r}{said}")
