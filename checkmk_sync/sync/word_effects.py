"""Apply the words of an inventory: leave out properties that a plan must not change, and keep objects."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Collection, Iterator, Mapping, Optional

from ..catalogue.attributes import BUILT_IN
from ..catalogue.paths import parent_folder
from ..core.text import close_matches, summarize
from .desired import Desired, Object, with_implied_folders
from .kinds import FOLDERS, KEEP, KINDS, Property, place_of
from .observed import ExistingObject, Observed
from .words import Words

_EVERYTHING = ""  # the key of the defaults among the folders that are kept


def with_words(desired: Desired, observed: Observed) -> Desired:
    """Return the inventory without its words and without the properties that they exclude.

    ``only_at_creation`` excludes properties of objects that exist, and ``ignore`` those of all objects. An object that
    is both ``absent`` and kept is left out, with a note.
    """
    if not (desired.words or desired.defaults):
        return desired

    @functools.cache
    def inherited(place: Optional[str]) -> Words:
        if place is None:
            return desired.defaults
        return desired.words.get((FOLDERS.name, place), Words()).over(inherited(parent_folder(place)))

    objects: dict[tuple[str, str], Object] = {}
    kept: list[Object] = []
    for target, wanted in desired.objects.items():
        existing = observed.find(wanted.kind, wanted.previous, wanted.key)
        place = place_of(wanted.kind, wanted.key, wanted.properties)
        if place is None:
            now = KINDS[wanted.kind].defaults(wanted.key) if existing is None else existing.properties
            place = place_of(wanted.kind, wanted.key, now)
        words = desired.words.get(target, Words()).over(inherited(place))
        if wanted.absent and existing is not None and words.keep:
            kept.append(wanted)
        else:
            left_out = words.ignore if existing is None else words.ignore | words.only_at_creation
            objects[target] = _without(wanted, left_out) if left_out else wanted
    # A folder that is only implied by the folder of a host is no longer needed if the host stays elsewhere.
    named = {target: wanted for target, wanted in objects.items() if not wanted.implied or wanted.key == "/"}
    return replace(
        desired,
        objects=with_implied_folders(named),
        notes=(*desired.notes, *_notes(desired, observed, kept)),
        outside=desired.outside.union(wanted.target for wanted in kept),
        words={},
        defaults=Words(),
        keeps={place: words.keep for place, words in _places(desired) if words.keep is not None},
    )


def is_kept(existing: ExistingObject, keeps: Mapping[str, bool]) -> bool:
    """Return True if an object of the site is never deleted. ``keeps`` are the values of keep, by folder."""
    place = place_of(existing.kind, existing.key, existing.properties) if keeps else None
    while place is not None and place not in keeps:
        place = parent_folder(place)
    return keeps.get(_EVERYTHING if place is None else place, False)


def kept_warning(names: Collection[str], why: str) -> Iterator[str]:
    """Yield a warning if objects are kept."""
    if names:
        yield f"not deleted because of '{KEEP}: true', although {why}: {summarize(names, 3)}"


def _without(wanted: Object, left_out: Collection[Property]) -> Object:
    properties = {
        path: value for path, value in wanted.properties.items() if path not in left_out and path[:1] not in left_out
    }
    return wanted if len(properties) == len(wanted.properties) else replace(wanted, properties=properties)


def _places(desired: Desired) -> Iterator[tuple[str, Words]]:
    """Yield the folders with words, and their words."""
    yield _EVERYTHING, desired.defaults
    yield from ((key, words) for (kind, key), words in desired.words.items() if kind == FOLDERS.name)


def _notes(desired: Desired, observed: Observed, kept: Collection[Object]) -> Iterator[str]:
    yield from kept_warning([wanted.located_name for wanted in kept], "absent in the inventory")
    paths = {path for words in (desired.defaults, *desired.words.values()) for path in words.paths}
    names = {path[1] for path in paths if path[0] == "attributes" and len(path) > 1} - BUILT_IN
    known = (desired.objects, observed.objects) if names else ()
    used = {path[1] for objects in known for found in objects.values() for path in found.properties if len(path) > 1}
    for name in sorted(names - used):
        close = close_matches(name.lower(), [*BUILT_IN, *used])
        hint = f"did you mean {close[0]!r}?" if close else "does it exist?"
        yield f"no object has the attribute {name!r}, which the inventory names in only_at_creation or ignore; {hint}"
