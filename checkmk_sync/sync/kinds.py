"""The kinds of objects that an inventory can describe: one row each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional

__all__ = ["KINDS", "Property", "SyncKind", "by_section"]

Property = tuple[str, ...]
_PARENTS: Property = ("attributes", "parents")


@dataclass(frozen=True)
class SyncKind:
    """``section`` is its list in an inventory, ``keys`` what an entry may hold, the first names the object.

    ``rank`` orders creation: what others lie in comes first, and is deleted last. ``references`` maps the properties
    that name other objects, one or a list of them, to the kind of those. Checkmk: what is named has to exist.
    """

    name: str
    section: str
    keys: tuple[str, ...]
    rank: int
    references: Mapping[Property, str] = field(default_factory=dict)


KINDS: Mapping[str, SyncKind] = {
    kind.name: kind
    for kind in (
        SyncKind("folder", "folders", ("path", "title", "attributes", "labels"), 0, {_PARENTS: "host"}),
        SyncKind("host", "hosts", ("name", "folder", "attributes", "labels"), 1, {_PARENTS: "host"}),
    )
}


def by_section(section: str) -> Optional[SyncKind]:
    """The kind whose objects stand in a section of an inventory."""
    return next((kind for kind in KINDS.values() if kind.section == section), None)
