"""References between objects: check them, and order the changes so that Checkmk accepts each one.

Checkmk refuses references to objects that do not exist. It also refuses to delete an object that others refer to, such
as a host while it is a parent of another host. :mod:`.kinds` lists the properties that are references.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import AbstractSet, Any, Collection, Iterable, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import TAG
from ..core.grouping import grouped, waves
from ..core.text import summarize
from .changes import Action, Change, Conflict
from .desired import Desired, Object, Problem
from .kinds import KINDS, NODES, OWNER, Property
from .observed import ExistingObject, Observed

Key = tuple[str, str]  # kind and key of an object
SHOWN = 3  # objects in one message
CIRCLES = 20  # circles in one error


def _references_of(kind: str, properties: Mapping[Property, Any]) -> Iterator[tuple[Property, Key]]:
    """Yield each reference of an object, as its property and the kind and key of its target."""
    for path, target in KINDS[kind].references.items():
        value = properties.get(path)
        for key in value if isinstance(value, list) else [value]:
            if isinstance(key, str):
                yield path, (target, key)


@dataclass(frozen=True)
class References:
    """The references as they will be after the plan.

    A reference comes from the inventory, or from the site if the inventory does not name the property.

    ``deleted_keys`` are the objects that the plan deletes. ``conflicting_keys`` are the objects that it must not
    change.
    """

    desired: Desired
    observed: Observed
    deleted_keys: AbstractSet[Key]
    conflicting_keys: AbstractSet[Key]

    def problems(self) -> Iterator[Problem]:
        """Yield the mistakes in the references of the inventory."""
        for wanted in self.desired.objects.values():
            for path, target in _references_of(wanted.kind, wanted.properties):
                is_cluster = path == NODES and any(self._planned_references(target, NODES))
                problem = self._target_problem(wanted, target) or (is_cluster and "which is a cluster itself")
                if problem:
                    yield wanted.problem(f"{path[-1]} names {target[1]!r}, {problem}", *path)
        yield from itertools.islice(self._circular_references(), CIRCLES)

    def blocked_deletions(self) -> Iterator[Conflict]:
        """Yield the deletions that Checkmk would refuse, because a remaining object refers to the deleted object."""
        if not self.deleted_keys:
            return
        users = grouped(
            ((target, path[-1]), existing.name)
            for key, existing in self.observed.objects.items()
            for path, target in self._planned_references(key)
            if target in self.deleted_keys
        )
        for (key, attribute), names in sorted(users.items()):
            users_text = f"the {attribute} of {summarize(sorted(names), SHOWN)}"
            why = f"{self._deletion_reason(key)}, but cannot be deleted while it is named in {users_text}"
            hint = f"remove it from {attribute} there, or change the inventory so that it keeps {key[1]}"
            yield Conflict(*key, self.observed.objects[key].owner, why, hint)

    def reference_removals(self) -> Iterator[Change]:
        """Yield updates that remove references between deleted objects if every order of deletions would be refused."""
        needs: dict[Key, list[Key]] = {}
        for key in sorted(self.deleted_keys):
            existing = self.observed.objects[key]
            references = _references_of(existing.kind, existing.properties)
            targets = sorted({target for _, target in references} & self.deleted_keys)
            if any(KINDS[kind].order > KINDS[existing.kind].order for kind, _ in targets):
                yield _reference_removal(existing)  # such as a folder, because hosts are deleted before folders
            elif targets:
                needs[key] = targets
        for circle in _circles(needs):
            yield _reference_removal(self.observed.objects[circle[0]])

    def _target_problem(self, wanted: Object, target: Key) -> str:
        kind, key = target
        if target == (wanted.kind, wanted.key):
            return f"which is the {kind} itself"
        if target in self.deleted_keys:
            return f"but this plan deletes that {kind}, because it {self._deletion_reason(target)}"
        named = self.desired.objects.get(target)
        if target in self.observed.objects or (named is not None and not named.absent):
            return ""
        if kind not in self.observed.kinds:  # only the site knows whether the object exists
            return ""
        if target in self.desired.outside:
            return f"but that {kind} does not exist, and the scope leaves it out"
        alike = self._by_folded_key.get((kind, key.casefold()))
        places = "is neither in the inventory nor visible to the user on the site"
        hint = f"; did you mean {alike!r}?" if alike else ""
        return f"but that {kind} {places}{hint}"

    def _deletion_reason(self, key: Key) -> str:
        return "is absent in the inventory" if key in self.desired.objects else "is yours and not in the inventory"

    @functools.cached_property
    def _by_folded_key(self) -> Mapping[Key, str]:
        return {(kind, key.casefold()): key for kind, key in (*self.observed.objects, *self.desired.objects)}

    def _circular_references(self) -> Iterator[Problem]:
        """Yield a mistake for each cycle of references that contains a reference of the inventory."""
        needs: dict[Key, list[Key]] = {}
        for key in {**self.desired.objects, **self.observed.objects}:
            targets = {target for _, target in self._planned_references(key) if target[0] == key[0]} - {key}
            if targets:
                needs[key] = sorted(targets)
        for circle in _circles(needs):
            members = [self.desired.objects[key] for key in circle if key in self.desired.objects]
            makers = [wanted for wanted in members if any(_references_of(wanted.kind, wanted.properties))]
            if makers:
                path = next(path for path, _ in _references_of(makers[0].kind, makers[0].properties))
                way = " -> ".join(key for _, key in (*circle, circle[0]))
                locations = ", ".join(dict.fromkeys(wanted.location for wanted in makers[1:] if wanted.location))
                also = f" (see also {locations})" if locations else ""
                yield makers[0].problem(f"the references in {path[-1]} form a cycle: {way}{also}", *path)

    def _planned_references(self, key: Key, *only: Property) -> Iterator[tuple[Property, Key]]:
        """Yield the references that an object will have after the plan, or those in some properties."""
        if key in self.deleted_keys:
            return
        existing, wanted = self.observed.objects.get(key), self.desired.objects.get(key)
        now = {} if existing is None else existing.properties
        named = {} if wanted is None or key in self.conflicting_keys else wanted.properties
        yield from _references_of(
            key[0], {path: named.get(path, now.get(path)) for path in only or KINDS[key[0]].references}
        )


def _reference_removal(existing: ExistingObject) -> Change:
    lost = {path: (existing.properties[path], None) for path, _ in _references_of(existing.kind, existing.properties)}
    return Change(Action.UPDATE, existing.kind, existing.key, lost, existing)


def _circles(needs: Mapping[Key, Sequence[Key]]) -> Iterator[list[Key]]:
    """Yield lists of keys in which each key needs the next key, and the last key needs the first.

    Removing the first key of every circle leaves no circles.
    """
    # A depth-first search without recursion, because a chain of parents may have thousands of keys.
    done: set[Key] = set()
    for root in needs:
        path: dict[Key, Iterator[Key]] = {}  # from the root to the current key, in this order
        following: Optional[Key] = root
        while following is not None:
            if following in path:
                keys = list(path)
                circle = keys[keys.index(following) :]
                yield circle
                done.add(following)  # the search continues as if this key were removed
                for key in circle:  # search these again: they may be in other circles
                    del path[key]
            elif following not in done:
                path[following] = iter(needs.get(following, ()))
            following = None
            while path and following is None:
                following = next(next(reversed(path.values())), None)
                if following is None:
                    done.add(path.popitem()[0])


def ordered(changes: Sequence[Change]) -> list[Change]:
    """Return the changes in an order that Checkmk accepts.

    If an object refers to an object that is created later, a second step sets the reference. A second step also removes
    parts of an object that others may use until they are changed.
    """
    created = {(change.kind, change.key) for change in changes if change.action is Action.CREATE}
    steps = [step for change in changes for step in _split_removal(change, changes)]
    parts = [part for step in steps for part in _split(step, created)]
    waves_of = {Action.CREATE: waves(_creations(parts)), Action.DELETE: waves(_deletions(parts))}
    numbered: list[Change] = []
    for part in parts:
        wave = waves_of.get(part.action, {}).get(part.name, 0)
        numbered.append(replace(part, wave=wave) if wave else part)
    return sorted(numbered, key=lambda change: change.rank)


def _split_removal(change: Change, changes: Sequence[Change]) -> Iterator[Change]:
    """Yield the change, or two steps if it removes parts, such as tags, that other ``changes`` may free."""
    first, second = dict(change.properties), {}
    after: list[str] = []
    for path, (now, wanted) in change.properties.items():
        field = KINDS[change.kind].field_at(path)
        interim = None if field is None or field.interim is None or now is None else field.interim(now, wanted)
        if field is not None and interim is not None and not field.same(interim, wanted):
            after = sorted(other.name for other in changes if other.may_free(f"{TAG}{change.key}"))
            second[path] = (interim, wanted)
            first[path] = (now, interim)
            if field.same(now, interim):
                del first[path]
    if not after:
        yield change
        return
    if first:
        yield replace(change, properties=first)
    yield replace(change, properties=second, after=tuple(after), removes_parts=True)


def _split(change: Change, created: Collection[Key]) -> Iterator[Change]:
    """Yield the change, or two steps if it creates an object that refers to an object created later."""
    late = grouped(
        (path, " ".join(target))
        for path, target in _references_of(change.kind, change.new_values)
        if target in created and KINDS[target[0]].order > KINDS[change.kind].order
    )
    after = tuple(sorted({name for names in late.values() for name in names}))
    if not late:
        yield change
    elif change.action is not Action.CREATE:
        yield replace(change, after=after)
    else:
        first = replace(change, properties={path: pair for path, pair in change.properties.items() if path not in late})
        yield first
        created_object = ExistingObject(change.kind, change.key, first.new_values, first.new_values.get(OWNER))
        rest = {path: change.properties[path] for path in late}
        yield Change(Action.UPDATE, change.kind, change.key, rest, created_object, change.location, after=after)


def _creations(changes: Iterable[Change]) -> dict[str, set[str]]:
    """Return the names of the objects to create, each with the names of its targets, which must be created first."""
    return {
        change.name: {" ".join(target) for _, target in _references_of(change.kind, change.new_values)}
        for change in changes
        if change.action is Action.CREATE
    }


def _deletions(changes: Sequence[Change]) -> dict[str, set[str]]:
    """Return the names of the objects to delete, each with the objects that refer to it and must be deleted first."""
    freed = {change.name for change in changes if change.action is Action.UPDATE}
    needs: dict[str, set[str]] = {change.name: set() for change in changes if change.action is Action.DELETE}
    for change in changes:
        if change.action is Action.DELETE and change.existing is not None and change.name not in freed:
            for _, target in _references_of(change.kind, change.existing.properties):
                needs.setdefault(" ".join(target), set()).add(change.name)
    return needs
