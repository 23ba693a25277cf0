"""Find deletions that are probably renames: the plan deletes an object and creates it again under another name.

Such a plan would lose the object's history. The names are the only evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Collection, Iterator, Optional, Sequence

from ..catalogue.paths import parent_folder
from ..core.grouping import grouped
from ..core.text import pluralize
from .changes import Action, Change
from .kinds import FOLDER

MANY = 3  # if more new hosts share a first label, as in srv.n1.example.com, they are different hosts
_DOMAIN = re.compile(r"(?:[-\w]+\.)*[a-z]{2,}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Rename:
    """A probable rename: ``old`` is deleted and ``new`` is created.

    ``difference`` is the only part in which the names differ, such as "its domain". ``moves`` is the number of hosts
    that the plan moves from the old folder to the new one.
    """

    kind: str
    old: str
    new: str
    difference: str
    moves: int = 0

    def __str__(self) -> str:
        also = f", and {pluralize(self.moves, 'host moves', 'hosts move')} there" if self.moves else ""
        return (
            f"{self.kind} {self.old} is deleted and {self.new} is created, "
            f"which differs only in {self.difference}{also}"
        )

    def is_confirmed(self, names: Collection[str]) -> bool:
        """Return True if ``names`` contains the old name or, for a folder, the path of a folder above it."""
        path: Optional[str] = self.old
        while path is not None and path != "/" and path not in names:
            path = parent_folder(path) if self.kind == "folder" else None
        return path in names

    def to_dict(self) -> dict[str, object]:
        """Return the rename as plain data."""
        return {"kind": self.kind, "old": self.old, "new": self.new, "differs_in": self.difference, "moves": self.moves}


def probable_renames(changes: Sequence[Change]) -> tuple[Rename, ...]:
    """Return the deletions of a plan that are probably renames."""
    return (*_hosts(changes), *_folders(changes))


def _keys(changes: Sequence[Change], action: Action, kind: str) -> list[str]:
    return sorted(change.key for change in changes if change.action is action and change.kind == kind)


def _group(names: Sequence[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    return grouped((key(name), name) for name in names)


def _hosts(changes: Sequence[Change]) -> Iterator[Rename]:
    created = _keys(changes, Action.CREATE, "host")
    by_name, by_first_label = _group(created, str.casefold), _group(created, _first_label)
    for old in _keys(changes, Action.DELETE, "host"):
        recased = by_name.get(old.casefold())
        alike = by_first_label.get(_first_label(old), [])
        if recased:
            yield Rename("host", old, recased[0], "case")
        elif len(alike) <= MANY and not _first_label(old).isdigit():  # digits are part of an address
            yield from [Rename("host", old, new, "its domain") for new in alike if _differs_in_domain(old, new)][:1]


def _first_label(name: str) -> str:
    return name.partition(".")[0].casefold()


def _differs_in_domain(old: str, new: str) -> bool:
    domains = [domain for domain in (name.partition(".")[2] for name in (old, new)) if domain]
    is_long = len(domains) == 1 or all("." in domain for domain in domains)  # db.prod and db.test are two hosts
    return is_long and all(map(_DOMAIN.fullmatch, domains))


def _folders(changes: Sequence[Change]) -> Iterator[Rename]:
    """Yield the renames of folders: to a path that differs only in case, or into another parent folder."""
    created = _keys(changes, Action.CREATE, "folder")
    by_path, by_name = _group(created, str.casefold), _group(created, _name)
    moves: dict[str, Counter[str]] = {}  # by old and new folder, the number of hosts that move
    for change in changes:
        if change.action is Action.MOVE and change.kind == "host":
            old, new = change.properties[FOLDER]
            moves.setdefault(old, Counter())[new] += 1
    deletions = [change for change in changes if change.action is Action.DELETE and change.kind == "host"]
    emptied = {change.properties[FOLDER][0] for change in deletions}
    for old in _keys(changes, Action.DELETE, "folder"):
        targets = moves.get(old, Counter())
        recased = by_path.get(old.casefold(), [])
        moved = by_name.get(_name(old), [])
        if targets:
            moved = [path for path in moved if path in targets]
        elif old in emptied:  # its hosts are deleted instead of moved, so it is not a rename
            moved = []
        candidates = recased or moved
        if len(candidates) == 1:
            difference = "case" if recased else "its parent folder"
            yield Rename("folder", old, candidates[0], difference, targets[candidates[0]])


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()
