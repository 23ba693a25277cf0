"""Entries of the bulk calls of hosts: brought into one shape before anything is sent."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Union

from ..names import folder_path, host_name
from ..records import Host, writable
from .changes import one_kind

__all__ = ["Entry", "as_change", "as_new", "check_name", "converted", "named", "without_folder"]

Entry = Mapping[str, Any]


def converted(convert: Any, items: Iterable[Any]) -> Iterable[Any]:
    """A list stays a list, so that it can be sorted as a whole; anything else is taken as it comes."""
    return [convert(item) for item in items] if isinstance(items, (list, tuple)) else map(convert, items)


def named(entry: Entry) -> str:
    """The name of the host."""
    return str(entry["host_name"])


def check_name(entry: Entry) -> None:
    """ValueError where Checkmk would not take the name."""
    host_name(entry["host_name"])


def without_folder(entry: Entry) -> dict[str, Any]:
    """What is sent of a change: its folder is for sorting only."""
    return {key: value for key, value in entry.items() if key != "folder"}


def as_new(item: Union[Entry, Host]) -> dict[str, Any]:
    """The entry that creates a host. ValueError for a mapping of another shape."""
    if isinstance(item, Host):
        return {"host_name": item.name, "folder": item.folder, "attributes": writable(item.attributes)}
    _check_keys(item, {"host_name", "folder", "attributes"})
    folder = folder_path(item.get("folder", "/"))
    return {"host_name": item["host_name"], "folder": folder, "attributes": dict(item.get("attributes") or {})}


def as_change(item: Entry) -> dict[str, Any]:
    """The entry that changes a host. ValueError for another shape, or anything but one kind of change."""
    kinds = ("attributes", "update_attributes", "remove_attributes")
    _check_keys(item, {"host_name", "folder", *kinds})
    given = one_kind(*(item.get(kind) for kind in kinds))
    if not given:
        raise ValueError(f"the change of {item['host_name']!r} holds none of {', '.join(kinds)}")
    return {"host_name": item["host_name"], "folder": item.get("folder", ""), **given}


def _check_keys(item: Entry, known: set[str]) -> None:
    if not isinstance(item, Mapping) or not isinstance(item.get("host_name"), str) or set(item) - known:
        raise ValueError(f"an entry is a mapping of {', '.join(sorted(known))}; this is {item!r:.200}")
