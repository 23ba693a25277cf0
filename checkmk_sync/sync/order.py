"""The order of objects in one list and folder, such as our rules of a ruleset. Objects of others are never moved."""

from __future__ import annotations

import bisect
from dataclasses import replace
from typing import Collection, Iterable, Iterator, Sequence

from ..core.grouping import grouped
from .changes import Action, Change
from .desired import Desired
from .kinds import AFTER, BEFORE, FOLDER, KINDS, OWNER, Property
from .observed import ExistingObject, Observed

Key = tuple[str, str]  # kind and key of an object


def in_order(
    changes: Sequence[Change], desired: Desired, observed: Observed, conflicting_keys: Collection[Key]
) -> list[Change]:
    """Return the changes, with moves that bring the objects of each list and folder into the order of the inventory."""
    moves = {change.target: change for change in changes if _is_move(change)}
    created = {change.target: change.new_values for change in changes if change.action is Action.CREATE}
    sequence = {key: number for number, key in enumerate(observed.objects)}
    for (kind, _, folder), names in grouped(_places(desired, observed, conflicting_keys)).items():
        existing = {name: observed.objects[kind, name] for name in names if (kind, name) in observed.objects}
        here = [name for name, found in existing.items() if found.properties.get(FOLDER) == folder]
        current = sorted(here, key=lambda name: sequence[kind, name])
        for name, (path, target) in placements(names, current, set(names) - existing.keys()).items():
            key = kind, name
            change = moves.get(key) or Change(
                Action.MOVE,
                kind,
                name,
                existing=existing.get(name) or ExistingObject(*key, created[key], created[key].get(OWNER)),
                location=desired.objects[key].location,
            )
            moves[key] = replace(change, properties={**change.properties, path: (None, target)})
    places = {key: number for number, key in enumerate(desired.objects)}
    result = (*(change for change in changes if not _is_move(change)), *moves.values())
    return [
        replace(change, place=places.get(change.target, 0)) if KINDS[change.kind].is_named_by_mark else change
        for change in result
    ]


def _is_move(change: Change) -> bool:
    return change.action is Action.MOVE and KINDS[change.kind].is_ordered


def _places(
    desired: Desired, observed: Observed, conflicting_keys: Collection[Key]
) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield the kind, list and folder of each object of the inventory, and its name."""
    for key, wanted in desired.objects.items():
        kind = KINDS[wanted.kind]
        if kind.is_ordered and not wanted.absent and key not in conflicting_keys:
            now = observed.objects[key].properties if key in observed.objects else {}
            values = {**now, **wanted.properties}
            yield (kind.name, values[kind.listed_by], values[FOLDER]), wanted.key


def placements(wanted: Sequence[str], current: Sequence[str], new: Collection[str]) -> dict[str, tuple[Property, str]]:
    """Return the moves that bring names into the wanted order, each as AFTER or BEFORE another name.

    ``current`` is the present order. The site creates ``new`` objects at the end, in the wanted order. All others come
    from other folders, and are moved to the end if they are not in the result. The moves must be made in the wanted
    order, after the creations. As few existing objects as possible are moved.
    """
    index = {name: number for number, name in enumerate(current)}
    stable = {current[number] for number in _longest_ordered([index[name] for name in wanted if name in index])}
    last = max((number for number, name in enumerate(wanted) if name in stable), default=-1)
    settled = [name for number, name in enumerate(wanted) if name in stable or (name in new and number > last)]
    moves = {name: (AFTER, before) for before, name in zip(wanted, wanted[1:])}
    if settled:
        moves = {wanted[0]: (BEFORE, settled[0]), **moves}
    for name in settled:
        moves.pop(name, None)
    return moves


def _longest_ordered(numbers: Iterable[int]) -> list[int]:
    """Return the longest increasing subsequence of different numbers."""
    ends: list[int] = []  # the smallest last number of the increasing subsequences of each length
    previous: dict[int, int] = {}
    for number in numbers:
        length = bisect.bisect_left(ends, number)
        if length:
            previous[number] = ends[length - 1]
        ends[length : length + 1] = [number]
    found = ends[-1:]
    while found and found[-1] in previous:
        found.append(previous[found[-1]])
    return found
