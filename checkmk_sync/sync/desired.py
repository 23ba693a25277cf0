"""The desired state: the objects of an inventory. All mistakes are reported at once, each with its location."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping  # isinstance() is three times slower with typing.Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Optional, Union

from ..catalogue.attributes import MASK, contains_mask
from ..catalogue.labels import ADOPTED_LABEL, OWNER_LABEL, label_key_problem
from ..catalogue.paths import parent_folder
from ..config.positions import Position
from ..core.text import escape_invisible, suggestion, with_article
from ..errors import InventoryError
from ..errors.base import format_location
from .attributes import show_value, string_problem, type_problem
from .fields import noun_properties
from .kinds import ABSENT, FOLDER, KINDS, NODES, PREVIOUS, WORDS, Property, new_folder_or_root, place_of
from .values import problem_in_every_version
from .words import Words, words_of_entry

# Checkmk: the ID of a tag group may contain dashes, so the name of its attribute may too.
_ATTRIBUTE = re.compile(r"[A-Za-z_][-\w]*", re.ASCII)


_WORDS = frozenset(WORDS)


class _Remove(enum.Enum):
    """The type of REMOVE, which marks a property that the inventory removes. Unpickling returns the same object."""

    REMOVE = enum.auto()


REMOVE = _Remove.REMOVE


@dataclass(frozen=True)
class Problem:
    """One mistake in an inventory.

    Lines and columns count from 1. In a table, ``column`` counts cells and ``column_name`` is the heading.
    """

    message: str
    file: Optional[str] = None
    line: Optional[int] = None
    column: Optional[int] = None
    column_name: Optional[str] = None

    def __str__(self) -> str:
        is_cell = self.column is not None and self.column_name is not None
        parts = [format_location(self.file, self.line, None if is_cell else self.column)]
        if is_cell:
            parts.append(f"column {self.column} ({self.column_name})" if self.column_name else f"column {self.column}")
        return escape_invisible(": ".join([*filter(None, parts), self.message]))

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as plain data, without the members that are None."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Entry:
    """One entry of an inventory, as it was read. ``index`` is its index in the list.

    ``position`` is called with the path of a part, and returns its position in the file. It is called without
    arguments for every entry, so that call must be fast.
    """

    kind: str
    data: Any = field(repr=False)
    file: Optional[str] = None
    position: Callable[..., Position] = field(default=lambda *_path: Position(), repr=False, compare=False)
    index: int = field(default=0, compare=False)

    def problem(self, message: str, *path: Union[str, int]) -> Problem:
        """Return a problem located at ``path`` in this entry."""
        name = self.data.get(KINDS[self.kind].keys[0]) if isinstance(self.data, Mapping) else None
        subject = f"{self.kind} {name}: " if isinstance(name, str) else ""
        source = self.file or f"{KINDS[self.kind].section}[{self.index}]"
        return Problem(f"{subject}{message}", source, *self.position(*path))


@dataclass(frozen=True)
class Object:
    """The desired state of one object.

    ``properties`` contains only the properties that the inventory names, by path: ``("folder",)``,
    ``("attributes", "ipaddress")``, ``("labels", "env")``, ``("title",)``, and ``("alias",)`` for the fields of a plain
    noun. The value REMOVE removes a property. ``implied`` marks a folder that the inventory mentions only as the folder
    of other objects; ``location`` is then the location of the first of these objects. ``absent`` marks an object that
    must not exist, and has no properties. ``previous`` is the name that the host had before, or None. ``entry`` is the
    entry that was read. Pickling drops it.
    """

    kind: str
    key: str
    properties: Mapping[Property, Any] = field(repr=False)  # may contain secrets
    location: str = field(default="", compare=False)
    implied: bool = False
    absent: bool = False
    previous: Optional[str] = None
    entry: Optional[Entry] = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "entry": None}

    @property
    def name(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def located_name(self) -> str:
        """The name, with the location if it is known."""
        return f"{self.name} ({self.location})" if self.location else self.name

    @property
    def target(self) -> tuple[str, str]:
        """The kind and the key of the object."""
        return self.kind, self.key

    def problem(self, message: str, *path: str) -> Problem:
        """Return a problem in the property at ``path``, with its position if known."""
        if self.entry is None:
            return Problem(f"{self.name}: {message}", self.location or None)
        if path[:1] == ("labels",) and "labels" not in self.entry.data:  # labels may also be given among the attributes
            path = ("attributes", *path)
        return self.entry.problem(message, *path)


@dataclass(frozen=True)
class Desired:
    """The objects of an inventory, by kind and key.

    ``kinds`` are the kinds of the objects, without implied folders. ``notes`` are remarks for the user, for example on
    rows that were left out. ``refused`` lists values that no version of Checkmk accepts. A plan reports them as
    mistakes, unless the site already has these values. With ``secrets_always``, secrets that the site never returns are
    written each time, and not only when their objects are created.

    ``words`` are the words of entries, by kind and key, and ``defaults`` those of all objects. A plan replaces them by
    their effect: it leaves out properties, and ``keeps`` contains the values of ``keep`` by folder. ``outside`` are the
    objects of the inventory that a plan leaves as they are, because of its scope or a ``keep``.
    """

    objects: Mapping[tuple[str, str], Object]
    kinds: frozenset[str]
    notes: tuple[str, ...] = field(default=(), compare=False)
    refused: tuple[Problem, ...] = field(default=(), compare=False)
    secrets_always: bool = False
    words: Mapping[tuple[str, str], Words] = field(default_factory=dict, repr=False)
    defaults: Words = field(default_factory=Words, repr=False)
    keeps: Mapping[str, bool] = field(default_factory=dict, compare=False, repr=False)
    outside: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False, repr=False)

    def of_kind(self, kind: str) -> Iterator[Object]:
        return (wanted for wanted in self.objects.values() if wanted.kind == kind)


def desired_state(entries: Iterable[Entry]) -> Desired:
    """Return the desired state that the entries describe. Raises InventoryError with all mistakes.

    Values that no version of Checkmk accepts are listed with the other mistakes. If they are the only ones, no error is
    raised and ``Desired.refused`` lists them.
    """
    reader = _Reader()
    for entry in entries:
        reader.read(entry)
    reader.problems += _problems_in_absent_folders(reader.objects)
    if len(reader.problems) > len(reader.refused):
        raise InventoryError(reader.problems)
    kinds = frozenset(kind for kind, _ in reader.objects)
    objects = with_implied_folders(reader.objects)
    return Desired(objects, kinds, refused=tuple(reader.refused), words=reader.words)


def with_implied_folders(named: Mapping[tuple[str, str], Object]) -> dict[tuple[str, str], Object]:
    """Return the objects, and the folders above them that are not among them."""
    objects = dict(named)
    for (kind, key), wanted in named.items():
        # A rule does not imply its folder, because the folders of hosts would have to be read with it.
        implied = FOLDER if KINDS[kind].noun is None else ()
        path = parent_folder(key) if kind == "folder" else wanted.properties.get(implied)
        while not wanted.absent and path is not None and path != "/" and ("folder", path) not in objects:
            objects["folder", path] = Object("folder", path, {}, wanted.location, implied=True)
            path = parent_folder(path)
    return objects


def _problems_in_absent_folders(objects: Mapping[tuple[str, str], Object]) -> Iterator[Problem]:
    """Yield a mistake for each object that the inventory wants in a folder that it does not want."""
    absent = {key: wanted for (kind, key), wanted in objects.items() if wanted.absent and kind == "folder"}
    for wanted in objects.values() if absent else ():
        path = None if wanted.absent else place_of(wanted.kind, wanted.key, wanted.properties)
        while path is not None and path not in absent:
            path = parent_folder(path)
        if path is not None:
            where = f" ({absent[path].location})" if absent[path].location else ""
            yield wanted.problem(f"the folder {path} is absent in the inventory{where}", *FOLDER)


class _Reader:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.problems: list[Problem] = []  # all mistakes, in order
        self.words: dict[tuple[str, str], Words] = {}
        self.refused: list[Problem] = []  # the mistakes about values that no version accepts

    def read(self, entry: Entry) -> None:
        keys = KINDS[entry.kind].keys
        if not isinstance(entry.data, Mapping):
            self._problem(entry, f"{with_article(entry.kind)} must be a mapping with the keys {', '.join(keys)}")
            return
        for key in entry.data:
            if key not in keys:
                self._problem(entry, f"unknown key {show_value(key)}{suggestion(str(key), keys)}", key)
        key = self._key(entry, keys[0])
        properties = dict(self._properties(entry))
        refuse = functools.partial(self._problem, entry)
        words = None if _WORDS.isdisjoint(entry.data) else words_of_entry(KINDS[entry.kind], entry.data, refuse)
        if key is not None:  # an entry with mistakes is kept too, so that duplicates of it are found
            location = format_location(entry.file, entry.position().line)
            is_absent = entry.data.get(ABSENT) is True
            properties = {} if is_absent else properties
            if words:
                self.words[entry.kind, key] = words
            previous = None if entry.data.get(PREVIOUS) is None or PREVIOUS not in keys else self._key(entry, PREVIOUS)
            wanted = Object(entry.kind, key, properties, location, absent=is_absent, previous=previous, entry=entry)
            first = self.objects.setdefault((entry.kind, key), wanted)
            if first is not wanted:
                other = f", first at {first.location}" if first.location else ""
                self._problem(entry, f"the {entry.kind} {key} occurs twice{other}", keys[0])

    def _problem(self, entry: Entry, message: str, *path: Union[str, int]) -> None:
        self.problems.append(entry.problem(message, *path))

    def _key(self, entry: Entry, key: str) -> Optional[str]:
        value = entry.data.get(key)
        if value is None:
            self._problem(entry, f"{with_article(entry.kind)} needs the key {key!r}", key)
            return None
        checked = self._checked(entry, key, value, KINDS[entry.kind].parse_key)
        return None if checked is REMOVE else checked

    def _checked(self, entry: Entry, key: str, value: Any, check: Callable[[str], str]) -> Any:
        """Return ``check(value)``, or record a mistake and return REMOVE."""
        problem = string_problem(f"the {key}", value)
        if value is None:
            problem = f"null and '-' remove a property, but the {key} cannot be removed"
        if problem is None:
            try:
                return check(value)
            except ValueError as error:
                problem = str(error)
        self._problem(entry, problem, key)
        return REMOVE

    def _properties(self, entry: Entry) -> Iterator[tuple[Property, Any]]:
        data, kind = entry.data, KINDS[entry.kind]
        if kind.noun is not None:
            found = noun_properties(kind, data, lambda message, name: self._problem(entry, message, name))
            for path, value in found:
                field = kind.field_at(path)
                is_removal = value is None and not (field is not None and field.literal)
                yield path, REMOVE if is_removal else value
            return
        for name, check in (("folder", new_folder_or_root), ("title", _title)):
            if name in kind.keys and name in data:
                yield (name,), self._checked(entry, name, data[name], check)
        if NODES[0] in kind.keys and NODES[0] in data:
            yield NODES, self._nodes(entry, data[NODES[0]])
        attributes = data.get("attributes", {})
        if not isinstance(attributes, Mapping):
            self._problem(entry, "'attributes' must be a mapping of names to values", "attributes")
            return
        for name, value in attributes.items():
            yield from self._attribute(entry, name, value)
        yield from self._labels(entry, data.get("labels", {}), "labels")

    def _nodes(self, entry: Entry, nodes: Any) -> Any:
        if nodes is None:
            return REMOVE
        is_list = isinstance(nodes, list) and all(isinstance(node, str) for node in nodes)
        if not (is_list and nodes and len({*nodes}) == len(nodes)):
            self._problem(entry, "nodes must be a list of one or more different host names", NODES[0])
        return nodes

    def _attribute(self, entry: Entry, name: Any, value: Any) -> Iterator[tuple[Property, Any]]:
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            self._problem(entry, f"{show_value(name)} is not a valid attribute name", "attributes", name)
        elif name == "labels":
            if "labels" in entry.data:
                self._problem(entry, "give the labels in 'labels' or in 'attributes', not in both", "attributes", name)
            yield from self._labels(entry, value, "attributes", "labels")
        elif contains_mask(name, value):
            self._problem(entry, MASK, "attributes", name)
        elif name == "meta_data":
            self._problem(entry, "only Checkmk writes 'meta_data'; leave it out", "attributes", name)
        elif value is not None and (problem := type_problem(name, value)) is not None:
            self._problem(entry, problem, "attributes", name)
        else:
            refusal = None if value is None else problem_in_every_version(entry.kind, name, value)
            if refusal is not None:
                self._problem(entry, refusal, "attributes", name)
                self.refused.append(self.problems[-1])
            yield ("attributes", name), REMOVE if value is None else value

    def _labels(self, entry: Entry, labels: Any, *path: str) -> Iterator[tuple[Property, Any]]:
        if not isinstance(labels, Mapping):
            self._problem(entry, "labels must be a mapping of keys to strings", *path)
            return
        for key, value in labels.items():
            if not isinstance(key, str) or not key or ":" in key:
                why = label_key_problem(key) if isinstance(key, str) else "put it in quotes"
                self._problem(entry, f"{show_value(key)} is not a valid label key: {why}", *path, key)
            elif key in (OWNER_LABEL, ADOPTED_LABEL):
                self._problem(entry, f"only checkmk-sync sets the label {key}; leave it out", *path, key)
            elif contains_mask(key, value):
                self._problem(entry, MASK, *path, key)
            elif value is not None and (problem := string_problem(f"the label {key}", value)) is not None:
                self._problem(entry, problem, *path, key)
            else:
                yield ("labels", key), REMOVE if value is None else value


def _title(text: str) -> str:
    if not text:
        raise ValueError("the title must not be empty")
    return text
