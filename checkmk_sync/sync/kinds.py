"""The kinds of objects that an inventory can describe: hosts, folders, and one kind for each plain noun."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Container, Mapping, Optional

from ..catalogue.field import Field
from ..catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from ..catalogue.noun import Noun
from ..catalogue.nouns import NOUNS
from ..catalogue.paths import folder_path, host_name, is_folder_hash
from ..config.secrets import reveal_members, with_references
from ..core.secret_names import is_secret_name

Property = tuple[str, ...]

FOLDER: Property = ("folder",)
OWNER: Property = ("labels", OWNER_LABEL)
ADOPTED: Property = ("labels", ADOPTED_LABEL)
# The place of an object in its list and folder: next to another object of the inventory, given by its name.
AFTER: Property = ("after",)
BEFORE: Property = ("before",)
NAME = "name"  # the key of an entry with the name of an object whose ID the site chooses
ABSENT = "absent"  # the key of an entry whose object must not exist
ONLY_AT_CREATION = "only_at_creation"  # the key with properties that are set once
IGNORE = "ignore"  # the key with properties that are never read, compared or written
KEEP = "keep"  # the key of an entry whose object is never deleted
PREVIOUS = "previous_name"  # the key of an entry with the name that a host had before
NODES: Property = ("nodes",)  # of a cluster
WORDS = (ABSENT, ONLY_AT_CREATION, IGNORE, KEEP, PREVIOUS)  # the keys that are not properties
CONDITIONS: Property = ("conditions",)  # of rules
_PARENTS: Property = ("attributes", "parents")


@dataclass(frozen=True)
class SyncKind:
    """A kind of object that an inventory can describe.

    ``section`` is the name of its list in an inventory. ``keys`` are the keys of an entry; the first one names the
    object. ``parse_key`` checks and converts that name, or raises ValueError. ``sample`` is a valid name.

    Kinds of a lower ``rank`` are created first and deleted last. ``references`` maps each property that names other
    objects to the kind of these objects. Its value is one name or a list of names. Checkmk refuses names of objects
    that do not exist. ``defaults`` returns the properties of a new object that the inventory does not name.

    ``mark`` is the property that contains the mark of an owner: labels, or a field such as the comment. Objects of a
    kind without a mark belong to nobody. ``noun`` is the row of a plain noun, or None for hosts and folders.

    If ``is_named_by_mark`` is True, the site chooses the IDs of the objects, and the KEY in the mark is the name.
    """

    name: str
    section: str
    keys: tuple[str, ...]
    rank: int
    parse_key: Callable[[str], str]
    sample: str
    references: Mapping[Property, str] = field(default_factory=dict)
    defaults: Callable[[str], Mapping[Property, Any]] = lambda _key: {}
    mark: Optional[str] = "labels"
    noun: Optional[Noun] = field(default=None, repr=False)

    @property
    def is_named_by_mark(self) -> bool:
        return self.noun is not None and self.noun.key.assigned

    @property
    def is_ordered(self) -> bool:
        """True if the order of the objects counts, and the API can change it."""
        return self.noun is not None and self.noun.supports("move")

    @functools.cached_property
    def listed_by(self) -> Property:
        """The property by which lists of the objects are filtered, such as the ruleset of rules; empty for others."""
        fields = () if self.noun is None else self.noun.fields
        return next(((field.name,) for field in fields if field.filters), ())

    def field_at(self, path: Property) -> Optional[Field]:
        """Return the field of a plain noun that contains a property, or None."""
        if self.noun is None or path in ((), OWNER, ADOPTED):
            return None
        return self._fields.get(path[0])

    @functools.cached_property  # each property of each object is looked up
    def _fields(self) -> Mapping[str, Field]:
        """The fields by their keys in entries. A literal also has a key for its text, such as ``value_raw``."""
        fields = () if self.noun is None else self.noun.fields
        return {key: field for field in fields for key in (field.name, *([field.wire] if field.literal else []))}

    def is_secret(self, path: Property) -> bool:
        """Return True for a property that is a secret field of a plain noun."""
        field = self.field_at(path)
        return field is not None and field.secret

    def revealed(self, path: Property, value: Any, reveal: Callable[[str], Any]) -> Any:
        """Return a value with ``reveal(NAME)`` in place of each reference ``secret:NAME`` in a secret field or part."""
        member = self.secret_member(path, value)
        return value if member is None else reveal_members(value, reveal, member)

    def secret_names(self, path: Property, value: Any) -> list[str]:
        """Return the names of the secrets to which a value refers."""
        names: list[str] = []
        self.revealed(path, value, names.append)
        return names

    def with_references(self, path: Property, found: Any, wanted: Any) -> Any:
        """Return a value of the site with the references of the wanted one in place of their secrets."""
        member = self.secret_member(path, wanted)
        return found if member is None else with_references(found, wanted, member)

    def secret_member(self, path: Property, value: Any) -> Optional[str]:
        """Return the name that tells whether a value is a secret; None if no part of the property can be one."""
        if self.noun is None:
            # Most attributes are plain texts, so this must be fast.
            is_plain = path[:1] != ("attributes",) or (isinstance(value, str) and not is_secret_name(path[1]))
            return None if is_plain else path[1]
        field = self.field_at(path)
        return None if field is None else field.secret_member(value)

    @functools.cached_property  # every change is sorted by this
    def order(self) -> tuple[int, int]:
        """The position in the order of creation: the rank, and within a rank the kinds that it refers to first."""
        others = [KINDS[name] for name in {*self.references.values()} - {self.name} if name in KINDS]
        before = [kind.order[1] for kind in others if kind.rank == self.rank]
        return self.rank, 1 + max(before, default=-1)


def new_folder_or_root(text: str) -> str:
    """Return the path of a folder. Raises ValueError if it is not a valid path."""
    if text != text.strip():
        raise ValueError(f"{text!r} must not start or end with a space")
    path = folder_path(text)
    if is_folder_hash(path):
        raise ValueError(f"{text!r} is the ID of a folder; give its path instead, such as /linux/web")
    return path


def _new_folder(text: str) -> str:
    path = new_folder_or_root(text)
    if path == "/":
        raise ValueError("the root folder '/' always exists; an inventory cannot describe it")
    return path


FOLDERS = SyncKind(
    "folder",
    "folders",
    ("path", "title", "attributes", "labels", ABSENT, ONLY_AT_CREATION, IGNORE, KEEP),
    rank=40,  # after the groups and tags that attributes name
    parse_key=_new_folder,
    sample="/x",
    references={_PARENTS: "host"},
    defaults=lambda path: {("title",): path.rpartition("/")[2]},
)
HOSTS = SyncKind(
    "host",
    "hosts",
    ("name", "folder", "attributes", "labels", NODES[0], PREVIOUS, ABSENT, ONLY_AT_CREATION, IGNORE, KEEP),
    rank=41,
    parse_key=host_name,
    sample="x",
    references={_PARENTS: "host", NODES: "host"},
    defaults=lambda _name: {FOLDER: "/"},
)


def _kind_of(noun: Noun) -> SyncKind:
    def parse_key(text: str) -> str:
        noun.key.check(text)
        return text

    def parse_name(text: str) -> str:
        if not re.fullmatch(r"[-\w.:/]+", text):
            raise ValueError(f"the name may contain only letters, digits and -_.:/, but {text!r} does not")
        return text

    is_assigned = noun.key.assigned
    fields = [field for field in noun.by_name.values() if not field.assigned]
    keys = [key for field in fields for key in ((field.name, field.wire) if field.literal else (field.name,))]
    return SyncKind(
        noun.singular,
        noun.name,
        (*([NAME] if is_assigned else []), *keys, ABSENT, ONLY_AT_CREATION, IGNORE, KEEP),
        noun.rank,
        parse_name if is_assigned else parse_key,
        "x" if is_assigned else str(noun.key.example),
        {
            **{(field.name,): NOUNS[field.refers_to].singular for field in noun.fields if field.refers_to in NOUNS},
            **({FOLDER: FOLDERS.name} if FOLDER[0] in keys else {}),
        },
        mark=noun.mark,
        noun=noun,
    )


KINDS: Mapping[str, SyncKind] = {
    kind.name: kind
    for kind in (FOLDERS, HOSTS, *(_kind_of(noun) for noun in NOUNS.values() if noun.supports("create")))
}


def place_of(kind: str, key: str, properties: Mapping[Property, Any]) -> Optional[str]:
    """Return the folder of an object, or the path of a folder itself; None if it has none."""
    return key if kind == FOLDERS.name else properties.get(FOLDER)


def by_section(section: str) -> Optional[SyncKind]:
    """Return the kind with this section in an inventory; None if the section is unknown."""
    return next((kind for kind in KINDS.values() if kind.section == section), None)


def kind_called(text: str) -> Optional[SyncKind]:
    """Return the kind with this name or section, or None. Case, separators and a plural s are ignored."""
    return next((kind for kind in KINDS.values() if _letters(text) in map(_letters, (kind.name, kind.section))), None)


def kind_of_file(name: str) -> Optional[SyncKind]:
    """Return the kind of a plain noun whose section is the base name of a file, without its extension.

    Case, separators and a plural s are ignored, so that the groups in ``Host-Group.csv`` do not become hosts.
    """
    stem = _letters(os.path.splitext(os.path.basename(name))[0])
    return next((kind for kind in KINDS.values() if kind.noun is not None and _letters(kind.section) == stem), None)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower()).rstrip("s")


def kind_with_key(keys: Container[str]) -> Optional[SyncKind]:
    """Return the kind of an entry of hosts or folders, by its key ``name`` or ``path``; None if it has neither."""
    return next((kind for kind in (HOSTS, FOLDERS) if kind.keys[0] in keys), None)
