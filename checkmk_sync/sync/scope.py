"""The scope of a plan or an export: the folders, kinds and owners of the objects that it may contain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from ..catalogue.paths import parent_folder
from ..core.arguments import require_strings
from ..core.text import suggestion, summarize
from ..errors import SettingsError
from .desired import REMOVE, Desired, Object, Problem
from .kinds import FOLDER, FOLDERS, KINDS, Property, kind_called, new_folder_or_root, place_of
from .observed import ExistingObject, Observed

_WORDS = ("folder", "kind", "owner")
_BELOW = "/**"  # at the end of a folder: the folder and everything below it


@dataclass(frozen=True)
class Scope:
    """The objects to which a plan or an export is limited. The empty scope contains all objects.

    ``folders`` are paths. ``/linux`` is the folder itself and the objects that are directly in it, and ``/linux/**``
    also contains everything below it. ``kinds`` are names of kinds, such as ``host group``. An object is inside if it
    matches one of the folders, one of the kinds and one of the owners. An empty tuple matches every object.
    """

    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Union[Scope, Iterable[str]]) -> Scope:
        """Return the scope that texts such as ``folder:/linux/**``, ``kind:rules`` and ``owner:cmdb`` describe.

        Raises SettingsError for a text with another form, for an unknown kind, and for an invalid folder.
        """
        if isinstance(texts, Scope):
            return texts
        found: dict[str, dict[str, None]] = {word: {} for word in _WORDS}
        for text in require_strings(texts, "only"):
            word, colon, value = (part.strip() for part in text.partition(":"))
            if word not in found or not value:
                hint = suggestion(word, _WORDS) if colon and value else ""
                message = f"only {text!r} is not valid{hint}"
                examples = "; write folder:PATH, folder:PATH/**, kind:KIND or owner:NAME"
                raise SettingsError(message if hint else message + examples, field="only")
            found[word][_checked(word, value, text)] = None
        return cls(*(tuple(found[word]) for word in _WORDS))

    @property
    def texts(self) -> tuple[str, ...]:
        """The scope as texts, for :meth:`parse`."""
        sections = [KINDS[name].section for name in self.kinds]
        pairs = zip(_WORDS, (self.folders, sections, self.owners))
        return tuple(f"{word}:{value}" for word, values in pairs for value in values)

    def __bool__(self) -> bool:
        return bool(self.folders or self.kinds or self.owners)

    def has_kind(self, kind: str) -> bool:
        """Return True if objects of this kind can be inside."""
        return not self.kinds or kind in self.kinds

    def contains(self, existing: ExistingObject) -> bool:
        """Return True if an object of the site is inside."""
        return not self or self._has(existing.kind, existing.key, existing.properties, existing.owner)

    def _has(self, kind: str, key: str, properties: Mapping[Property, Any], owner: Optional[str]) -> bool:
        place = place_of(kind, key, properties)
        return (
            self.has_kind(kind)
            and (not self.owners or owner in self.owners)
            and (not self.folders or (place is not None and any(_is_in(place, folder) for folder in self.folders)))
        )

    def restricted(self, desired: Desired, observed: Observed, owner: Optional[str] = None) -> Desired:
        """Return the inventory with only the objects inside, and a note about objects that would cross its border.

        ``owner`` is the owner of new objects. An object that exists must be inside before and after its changes.
        """
        if not self:
            return desired
        inside: dict[tuple[str, str], Object] = {}
        crossing: list[Object] = []
        for target, wanted in desired.objects.items():
            before = observed.find(wanted.kind, wanted.previous, wanted.key)
            now = KINDS[wanted.kind].defaults(wanted.key) if before is None else before.properties
            named = {path: value for path, value in wanted.properties.items() if value is not REMOVE}
            later_owner = owner if before is None else before.owner
            is_later = self._has(wanted.kind, wanted.key, {**now, **named}, later_owner)
            if before is None or self.contains(before) == is_later:
                inside.update({target: wanted} if is_later else {})
            else:
                crossing.append(wanted)
        notes = [_crossing_note(crossing)] if crossing else []
        outside = desired.outside.union(desired.objects.keys() - inside.keys())
        kinds = frozenset(filter(self.has_kind, desired.kinds))
        return replace(desired, objects=inside, kinds=kinds, notes=(*desired.notes, *notes), outside=outside)

    def raise_for_unknown(self, known: Iterable[str]) -> None:
        """Raise SettingsError for a folder that is not among the ``known`` folders."""
        paths = {"/", *known}
        for folder in self.folders:
            path = folder.removesuffix(_BELOW) or "/"
            if path not in paths:
                where = "neither on the site nor in the inventory"
                hint = suggestion(path, tuple(sorted(paths)))
                raise SettingsError(f"only {'folder:' + folder!r}: the folder is {where}{hint}", field="only")


def folder_problems(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """Yield a mistake for each missing folder that a restricted inventory needs and that is outside the scope."""
    missing = {key for kind, key in desired.outside if kind == FOLDERS.name and (kind, key) not in observed.objects}
    for wanted in (each for each in desired.objects.values() if missing and not each.absent):
        path = parent_folder(wanted.key) if wanted.kind == FOLDERS.name else wanted.properties.get(FOLDER)
        if path in missing:
            missing.discard(path)
            why = f"needs the folder {path}, which does not exist and is outside the scope"
            yield wanted.problem(why, *([] if wanted.kind == FOLDERS.name else FOLDER))


def _checked(word: str, value: str, text: str) -> str:
    if word == "kind":
        kind = kind_called(value)
        if kind is None:
            known = tuple(each.section for each in KINDS.values())
            raise SettingsError(f"only {text!r}: unknown kind {value!r}{suggestion(value, known)}", field="only")
        return kind.name
    if word == "owner":
        return value
    below = _BELOW if value.endswith(_BELOW) else ""
    try:
        return new_folder_or_root(value.removesuffix(_BELOW) or "/").rstrip("/" if below else "") + below
    except ValueError as error:
        raise SettingsError(f"only {text!r}: {error}", field="only") from None


def _is_in(place: str, folder: str) -> bool:
    path = folder.removesuffix(_BELOW)
    return place == path or (path != folder and place.startswith(f"{path}/"))


def _crossing_note(crossing: list[Object]) -> str:
    names = summarize([wanted.located_name for wanted in crossing], 1)
    stays, it = ("stays as it is", "it") if len(crossing) == 1 else ("stay as they are", "they")
    return f"{names} {stays}, because {it} would move into the scope or out of it"
