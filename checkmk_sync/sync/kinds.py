"""The kinds of objects that an inventory can describe: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

__all__ = ["KINDS", "Kind", "by_section"]


@dataclass(frozen=True)
class Kind:
    """``section`` is its list in an inventory, ``keys`` what an entry may hold, the first names the object.

    ``rank`` orders creation: what others lie in or refer to comes first, and is deleted last.
    """

    name: str
    section: str
    keys: tuple[str, ...]
    rank: int


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("folder", "folders", ("path", "title", "attributes", "labels"), 0),
        Kind("host", "hosts", ("name", "folder", "attributes", "labels"), 1),
    )
}


def by_section(section: str) -> Optional[Kind]:
    """The kind whose objects stand in a section of an inventory."""
    return next((kind for kind in KINDS.values() if kind.section == section), None)
