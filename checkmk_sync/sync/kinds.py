"""The kinds of objects that an inventory can describe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional

__all__ = ["KINDS", "Property", "SyncKind", "by_section"]

Property = tuple[str, ...]
_PARENTS: Property = ("attributes", "parents")


@dataclass(frozen=True)
class SyncKind:
    """A kind of object that an inventory can describe.

    ``section`` is the name of its list in an inventory. ``keys`` are the keys of an entry; the first one names the
    object. Kinds of a lower ``rank`` are created first and deleted last, because they contain the others.
    ``references`` maps each property that names other objects to the kind of these objects. Its value is one name or a
    list of names. Checkmk: the named objects must exist.
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
    """Return the kind with this section in an inventory; None if the section is unknown."""
    return next((kind for kind in KINDS.values() if kind.section == section), None)
