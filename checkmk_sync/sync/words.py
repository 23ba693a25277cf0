"""The words of an inventory for the life of an object: what is set only once, ignored, and never deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Collection, Mapping, Optional

from ..catalogue.attributes import BUILT_IN
from ..core.text import suggestion
from .attributes import show_value
from .kinds import ABSENT, FOLDER, FOLDERS, IGNORE, KEEP, KINDS, ONLY_AT_CREATION, WORDS, Property, SyncKind

INHERITED = (ONLY_AT_CREATION, IGNORE, KEEP)  # may be given for a folder or as defaults
_ATTRIBUTE = re.compile(r"[-\w]+", re.ASCII)


@dataclass(frozen=True)
class Words:
    """The words of one entry or of the defaults.

    ``only_at_creation`` and ``ignore`` contain properties, such as ``("folder",)`` and ``("attributes", "alias")``.
    ``("labels",)`` stands for all labels. ``keep`` is None if it is not given.
    """

    only_at_creation: frozenset[Property] = frozenset()
    ignore: frozenset[Property] = frozenset()
    keep: Optional[bool] = None

    @property
    def paths(self) -> frozenset[Property]:
        """The properties in both lists."""
        return self.only_at_creation | self.ignore

    def over(self, others: Words) -> Words:
        """Return the words of an object that inherits ``others``: all properties of both, and the nearest ``keep``."""
        if self == _NONE or others == _NONE:
            return others if self == _NONE else self
        keep = others.keep if self.keep is None else self.keep
        return Words(self.only_at_creation | others.only_at_creation, self.ignore | others.ignore, keep)

    def __bool__(self) -> bool:
        return self != _NONE

    def to_data(self) -> dict[str, Any]:
        """Return the words as keys of an entry."""
        lists = {ONLY_AT_CREATION: self.only_at_creation, IGNORE: self.ignore}
        data: dict[str, Any] = {word: sorted(map(".".join, paths)) for word, paths in lists.items() if paths}
        return data if self.keep is None else {**data, KEEP: self.keep}


_NONE = Words()
Refuse = Callable[..., None]  # takes a message, and the path of the part with the mistake


def words_of_entry(kind: SyncKind, data: Mapping[str, Any], refuse: Refuse) -> Words:
    """Return the words of an entry. Pass each mistake to ``refuse``."""
    if not isinstance(data.get(ABSENT, False), bool):
        refuse(f"{ABSENT} must be true or false", ABSENT)
    words = _read(data, kinds_with_words_of(kind), refuse)
    if words.keep and data.get(ABSENT) is True:
        refuse(f"give {KEEP} or {ABSENT}, not both", KEEP)
    return words


def kinds_with_words_of(kind: SyncKind) -> list[SyncKind]:
    """Return the kinds to which the words of an entry apply. Those of a folder also apply to what is below it."""
    return [kind, *(each for each in KINDS.values() if kind is FOLDERS and FOLDER[0] in each.keys)]


def words_of_defaults(data: Any, refuse: Refuse) -> Words:
    """Return the words of the section ``defaults``. Pass each mistake to ``refuse``."""
    if not isinstance(data, Mapping):
        refuse(f"'defaults' must be a mapping with the keys {', '.join(INHERITED)}")
        return _NONE
    for key in data:
        if key == ABSENT:
            refuse(f"{ABSENT} is for single objects; 'defaults' cannot contain it", key)
        elif key not in INHERITED:
            refuse(f"unknown key {show_value(key)} in 'defaults'{suggestion(str(key), INHERITED)}", key)
    return _read(data, list(KINDS.values()), refuse)


def _read(data: Mapping[str, Any], kinds: Collection[SyncKind], refuse: Refuse) -> Words:
    found: dict[str, frozenset[Property]] = {}
    for word in (ONLY_AT_CREATION, IGNORE):
        names, paths = data.get(word, []), set()
        if not isinstance(names, list):
            refuse(f"{word} must be a list of properties, such as [folder, attributes.alias]", word)
            continue
        for index, name in enumerate(names):
            try:
                paths.add(_property(name, kinds))
            except ValueError as error:
                refuse(f"{word}: {error}", word, index)
        found[word] = frozenset(paths)
    keep = data.get(KEEP)
    if KEEP in data and not isinstance(keep, bool):
        refuse(f"{KEEP} must be true or false", KEEP)
    return Words(**found, keep=keep if isinstance(keep, bool) else None)


def properties_for_words(kinds: Collection[SyncKind]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sections with members, such as ``labels``, and the names of the known properties of some kinds."""
    names = dict.fromkeys(key for kind in kinds for key in kind.keys[1:] if key not in WORDS)
    sections = tuple(section for section in ("attributes", "labels") if section in names)
    attributes = [f"attributes.{name}" for name in sorted(BUILT_IN)] if "attributes" in sections else []
    return sections, (*names, *attributes)


def _property(name: Any, kinds: Collection[SyncKind]) -> Property:
    """Return the property with this name. Raises ValueError if no object of the ``kinds`` has it."""
    sections, known = properties_for_words(kinds)
    section, dot, member = name.partition(".") if isinstance(name, str) else ("", "", "")
    if section in sections and (member or not dot):
        if section == "attributes" and dot and not _ATTRIBUTE.fullmatch(member):
            raise ValueError(f"{member!r} is not the name of an attribute")
        return (section, member) if dot else (section,)
    if name not in known:
        raise ValueError(f"unknown property {show_value(name)}{suggestion(str(name), known)}")
    fields = (kind.field_at((name,)) for kind in kinds)
    return next(((field.name,) for field in fields if field is not None), (name,))
