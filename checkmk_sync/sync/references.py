"""References between objects: which have to exist, and in which order changes can be made because of them.

Which properties refer to what is data: see :mod:`.kinds`. Checkmk refuses a reference to an object that does not
exist, and refuses to delete a host that is a parent of one that stays.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import AbstractSet, Any, Collection, Iterable, Iterator, Mapping, Optional, Sequence

from ..core.text import summarize
from ..core.waves import waves
from .changes import OWNER, Action, Change, Conflict
from .desired import REMOVE, Desired, Object, Problem
from .kinds import KINDS, Property
from .observed import Found, Observed

__all__ = ["Key", "References", "ordered"]

Key = tuple[str, str]  # kind and key of an object
SHOWN = 3  # objects in one text
CIRCLES = 20  # that are told at once


def _references_of(kind: str, properties: Mapping[Property, Any]) -> Iterator[tuple[Property, Key]]:
    """What the properties of an object refer to."""
    for path, target in KINDS[kind].references.items():
        value = properties.get(path)
        for key in value if isinstance(value, list) else [value]:
            if isinstance(key, str):
                yield path, (target, key)


@dataclass(frozen=True)
class References:
    """The references as they will be: those of the inventory, and where it names none those of the site.

    ``deleted_keys`` are the objects that the plan deletes, ``conflicting_keys`` those that it must not change.
    """

    desired: Desired
    observed: Observed
    deleted_keys: AbstractSet[Key]
    conflicting_keys: AbstractSet[Key]

    def problems(self) -> Iterator[Problem]:
        """The references of the inventory that cannot be."""
        for wanted in self.desired.objects.values():
            for path, target in _references_of(wanted.kind, wanted.properties):
                problem = self._target_problem(wanted, target)
                if problem:
                    yield wanted.problem(f"{path[-1]} names {target[1]!r}, {problem}", *path)
        yield from itertools.islice(self._circular_references(), CIRCLES)

    def blocked_deletions(self) -> Iterator[Conflict]:
        """The deletions that Checkmk would refuse, because something that stays refers to the object."""
        if not self.deleted_keys:
            return
        users: dict[tuple[Key, str], list[str]] = {}
        for of, found in self.observed.objects.items():
            for path, target in self._planned_references(of):
                if target in self.deleted_keys:
                    users.setdefault((target, path[-1]), []).append(found.name)
        for (of, what), names in sorted(users.items()):
            holders = summarize(sorted(names), SHOWN)
            why = f"is yours and not in the inventory, but cannot be deleted while it stands in the {what} of {holders}"
            hint = f"take it out of these {what}, or keep {of[1]} in the inventory"
            yield Conflict(*of, self.observed.objects[of].owner, why, hint)

    def reference_removals(self) -> Iterator[Change]:
        """Updates that remove the references of objects that are to be deleted, where no order of deletions helps."""
        needs: dict[Key, list[Key]] = {}
        for of in sorted(self.deleted_keys):
            found = self.observed.objects[of]
            targets = sorted({target for _, target in _references_of(found.kind, found.properties)} & self.deleted_keys)
            if any(KINDS[kind].rank > KINDS[found.kind].rank for kind, _ in targets):
                yield _reference_removal(found)  # what it refers to is deleted before it
            elif targets:
                needs[of] = targets
        for circle in _circles(needs):
            yield _reference_removal(self.observed.objects[circle[0]])

    def _target_problem(self, wanted: Object, target: Key) -> str:
        kind, key = target
        if target == (wanted.kind, wanted.key):
            return f"which is the {kind} itself"
        if target in self.deleted_keys:
            return f"but this plan deletes that {kind}, for it is yours and not in the inventory"
        if target in self.desired.objects or target in self.observed.objects:
            return ""
        alike = self._by_folded_key.get((kind, key.casefold()))
        where = (
            f"but there is no such {kind}, neither in the inventory nor among those of the site that the user may see"
        )
        return f"{where}; did you mean {alike!r}?" if alike else where

    @functools.cached_property
    def _by_folded_key(self) -> Mapping[Key, str]:
        return {(kind, key.casefold()): key for kind, key in (*self.observed.objects, *self.desired.objects)}

    def _circular_references(self) -> Iterator[Problem]:
        """Objects that refer to each other, where the inventory has a part in it."""
        needs: dict[Key, list[Key]] = {}
        for of in {**self.desired.objects, **self.observed.objects}:
            targets = {target for _, target in self._planned_references(of)} - {of}
            of_same_kind = sorted(target for target in targets if target[0] == of[0])
            if of_same_kind:
                needs[of] = of_same_kind
        for circle in _circles(needs):
            makers = [wanted for wanted in map(self.desired.objects.get, circle) if wanted is not None]
            makers = [wanted for wanted in makers if any(_references_of(wanted.kind, wanted.properties))]
            if makers:
                path = next(path for path, _ in _references_of(makers[0].kind, makers[0].properties))
                way = " -> ".join(key for _, key in (*circle, circle[0]))
                locations = ", ".join(dict.fromkeys(wanted.location for wanted in makers[1:] if wanted.location))
                also = f" (see also {locations})" if locations else ""
                yield makers[0].problem(f"{path[-1]} lead in a circle: {way}{also}", *path)

    def _planned_references(self, of: Key) -> Iterator[tuple[Property, Key]]:
        """What an object refers to once the plan is done."""
        if of in self.deleted_keys:
            return
        found, wanted = self.observed.objects.get(of), self.desired.objects.get(of)
        now = {} if found is None else found.properties
        named = {} if wanted is None or of in self.conflicting_keys else wanted.properties
        planned = {path: named.get(path, now.get(path)) for path in KINDS[of[0]].references}
        yield from _references_of(of[0], {path: value for path, value in planned.items() if value is not REMOVE})


def _reference_removal(found: Found) -> Change:
    lost = {path: (found.properties[path], None) for path, _ in _references_of(found.kind, found.properties)}
    return Change(Action.UPDATE, found.kind, found.key, lost, found)


def _circles(needs: Mapping[Key, Sequence[Key]]) -> Iterator[list[Key]]:
    """Keys each of which needs the next, and the last the first. After each circle its first key needs nothing.

    One walk in depth-first order, without recursion: a chain may have thousands of keys.
    """
    done: set[Key] = set()
    for root in needs:
        path: dict[Key, Iterator[Key]] = {}  # from the root to the key that is looked at, in this order
        following: Optional[Key] = root
        while following is not None:
            if following in path:
                keys = list(path)
                circle = keys[keys.index(following) :]
                yield circle
                done.add(following)
                for key in circle:  # the others are looked at again: they may be in other circles
                    del path[key]
            elif following not in done:
                path[following] = iter(needs.get(following, ()))
            following = None
            while path and following is None:
                following = next(next(reversed(path.values())), None)
                if following is None:
                    done.add(path.popitem()[0])


def ordered(changes: Sequence[Change]) -> list[Change]:
    """The changes in an order in which Checkmk takes them, with second steps for references that have to wait."""
    made = {(change.kind, change.key) for change in changes if change.action is Action.CREATE}
    parts = [part for change in changes for part in _steps(change, made)]
    waves_of = {Action.CREATE: waves(_creations(parts)), Action.DELETE: waves(_deletions(parts))}
    numbered: list[Change] = []
    for part in parts:
        wave = waves_of.get(part.action, {}).get(part.name, 0)
        numbered.append(replace(part, wave=wave) if wave else part)
    return sorted(numbered, key=lambda change: change.rank)


def _steps(change: Change, made: Collection[Key]) -> Iterator[Change]:
    """A change, or two if it refers to something that is created later: Checkmk takes no such reference before."""
    rank = KINDS[change.kind].rank
    late: dict[Property, list[str]] = {}
    for path, target in _references_of(change.kind, {path: new for path, (_, new) in change.properties.items()}):
        if target in made and KINDS[target[0]].rank > rank:
            late.setdefault(path, []).append(" ".join(target))
    after = tuple(sorted({name for names in late.values() for name in names}))
    if not late:
        yield change
    elif change.action is not Action.CREATE:
        yield replace(change, after=after)
    else:
        early = {path: values for path, values in change.properties.items() if path not in late}
        found = Found(
            change.kind,
            change.key,
            {path: new for path, (_, new) in early.items()},
            early.get(OWNER, (None, None))[1],
        )
        yield replace(change, properties=early)
        rest = {path: change.properties[path] for path in late}
        yield Change(Action.UPDATE, change.kind, change.key, rest, found, change.location, after=after)


def _creations(changes: Iterable[Change]) -> dict[str, set[str]]:
    """The names of the objects to create, each with those that it refers to."""
    needs: dict[str, set[str]] = {}
    for change in changes:
        if change.action is Action.CREATE:
            new = {path: value for path, (_, value) in change.properties.items()}
            needs[change.name] = {" ".join(target) for _, target in _references_of(change.kind, new)}
    return needs


def _deletions(changes: Sequence[Change]) -> dict[str, set[str]]:
    """The names of the objects to delete, each with those that refer to it and keep doing so until they are deleted."""
    freed = {change.name for change in changes if change.action is Action.UPDATE}
    needs: dict[str, set[str]] = {change.name: set() for change in changes if change.action is Action.DELETE}
    for change in changes:
        if change.action is Action.DELETE and change.found is not None and change.name not in freed:
            for _, target in _references_of(change.kind, change.found.properties):
                needs.setdefault(" ".join(target), set()).add(change.name)
    return needs
