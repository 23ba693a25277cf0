"""Deletions that probably are renames: the plan creates the same object under another name, without its history.

This is a guess from names. When entries of an inventory can say ``previous_name``, what they say belongs here as well:
it makes a deletion and a creation one change, and nothing has to be guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Collection, Iterator, Sequence

from ..catalogue.paths import parent_folder
from ..core.text import pluralize
from .changes import Action, Change
from .desired import FOLDER

__all__ = ["Rename", "probable_renames"]

MANY = 3  # hosts with the same first label: from more on it says nothing, as in srv.n1.example.com
_DOMAIN = re.compile(r"(?:[-\w]+\.)*[a-z]{2,}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Rename:
    """The object ``old`` is deleted and ``new`` is created, which differs only in ``what``; ``moves`` counts the hosts
    that move from one folder to the other."""

    kind: str
    old: str
    new: str
    what: str
    moves: int = 0

    def __str__(self) -> str:
        also = f", and {pluralize(self.moves, 'host moves', 'hosts move')} there" if self.moves else ""
        return f"{self.kind} {self.old} is deleted and {self.new} created, which differs only in {self.what}{also}"

    def is_confirmed(self, names: Collection[str]) -> bool:
        """True if the deletion of the object, or of a folder above it, is confirmed by name."""
        if self.old in names:
            return True
        above = parent_folder(self.old) if self.kind == "folder" else None
        while above is not None and above != "/":
            if above in names:
                return True
            above = parent_folder(above)
        return False

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": self.kind, "old": self.old, "new": self.new, "differs_in": self.what, "moves": self.moves}


def probable_renames(changes: Sequence[Change]) -> tuple[Rename, ...]:
    """The deletions of a plan that probably are renames."""
    return (*_hosts(changes), *_folders(changes))


def _keys(changes: Sequence[Change], action: Action, kind: str) -> list[str]:
    return sorted(change.key for change in changes if change.action is action and change.kind == kind)


def _group(names: Sequence[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _hosts(changes: Sequence[Change]) -> Iterator[Rename]:
    made = _keys(changes, Action.CREATE, "host")
    by_name, by_first = _group(made, str.casefold), _group(made, _first_label)
    for old in _keys(changes, Action.DELETE, "host"):
        recased = by_name.get(old.casefold())
        alike = by_first.get(_first_label(old), [])
        if recased:
            yield Rename("host", old, recased[0], "case")
        elif len(alike) <= MANY and not _first_label(old).isdigit():  # else it is an address
            renamed = next((new for new in alike if _differs_in_domain(old, new)), None)
            if renamed is not None:
                yield Rename("host", old, renamed, "its domain")


def _first_label(name: str) -> str:
    return name.partition(".")[0].casefold()


def _differs_in_domain(old: str, new: str) -> bool:
    domains = [domain for domain in (name.partition(".")[2] for name in (old, new)) if domain]
    is_long = len(domains) == 1 or all("." in domain for domain in domains)  # db.prod and db.test are two hosts
    return is_long and all(map(_DOMAIN.fullmatch, domains))


def _folders(changes: Sequence[Change]) -> Iterator[Rename]:
    """Folders that differ in case only, or have the same name in another folder; where hosts move, that decides."""
    made = _keys(changes, Action.CREATE, "folder")
    by_path, by_name = _group(made, str.casefold), _group(made, _name)
    moves: dict[str, Counter[str]] = {}  # how many hosts move from each folder to which others
    for change in changes:
        if change.action is Action.MOVE:
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
        elif old in emptied:  # its hosts are deleted, so it did not go anywhere
            moved = []
        found = recased or moved
        if len(found) == 1:
            what = "case" if recased else "where it lies"
            yield Rename("folder", old, found[0], what, targets[found[0]])


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()
