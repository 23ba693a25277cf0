"""Read the current state of a site. Nothing comes from a cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

from ..catalogue.noun import Record
from ..catalogue.versions import CheckmkVersion
from ..client.checkmk import Checkmk
from ..client.nouns.activation import PendingChange
from ..client.nouns.hosts import FEW_NAMES
from ..client.records import Folder, Host
from ..client.updates import birth
from ..errors import BrokenReplyError
from .kinds import ADOPTED, FOLDER, FOLDERS, HOSTS, KINDS, OWNER, Property
from .marks import properties_of

__all__ = ["ExistingObject", "Observed", "existing_folder", "existing_record", "kinds_to_read", "observe", "reread"]

T = TypeVar("T")

READINGS = 3  # attempts to read a list completely


@dataclass(frozen=True)
class ExistingObject:
    """An object of the site, with its explicit properties but not the inherited ones.

    ``owner`` is the owner in its label or mark. ``meta`` is Checkmk's ``meta_data``, with the creator and the time of
    creation.
    """

    kind: str
    key: str
    properties: Mapping[Property, Any] = field(repr=False)  # may contain secrets
    owner: Optional[str]
    meta: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def adopted_as(self) -> Optional[str]:
        """The key that the object had when it was adopted, or None. For a clone, it is the key of the original."""
        named: Optional[str] = self.properties.get(ADOPTED)
        return named

    @property
    def created_by(self) -> str:
        """The name of the user that created the object; empty if Checkmk does not know it."""
        return str(self.meta.get("created_by") or "")

    @property
    def birth(self) -> Optional[tuple[str, str]]:
        """The time of creation and the creator, which distinguish the object from an earlier one of the same name."""
        return birth(self.meta)

    @property
    def labels(self) -> dict[str, str]:
        """All labels, including those that other programs set."""
        return self._below("labels")

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes except the labels."""
        return self._below("attributes")

    def _below(self, first: str) -> dict[str, Any]:
        return {path[1]: value for path, value in self.properties.items() if path[0] == first}


@dataclass(frozen=True)
class Observed:
    """The state of a site: all objects of some ``kinds`` that ``user`` may see, by kind and key.

    ``pending`` are the changes of all users that are not activated yet. ``site`` is the ID of the site. ``version`` and
    ``edition`` are None if they are unknown.
    """

    objects: Mapping[tuple[str, str], ExistingObject]
    pending: tuple[PendingChange, ...] = ()
    user: str = ""
    site: str = ""
    version: Optional[CheckmkVersion] = None
    edition: Optional[str] = None
    kinds: frozenset[str] = frozenset({FOLDERS.name, HOSTS.name})

    def of_kind(self, kind: str) -> Iterator[ExistingObject]:
        return (existing for existing in self.objects.values() if existing.kind == kind)


def kinds_to_read(kinds: Iterable[str]) -> frozenset[str]:
    """Return the kinds to read for an inventory that names some ``kinds``. Hosts and folders are read together."""
    # Hosts are needed to tell which folders are in use, and folders are created for hosts.
    both = {FOLDERS.name, HOSTS.name}
    return frozenset(kinds) | (both if both & set(kinds) else set())


def observe(client: Checkmk, kinds: Iterable[str] = (FOLDERS.name, HOSTS.name)) -> Observed:
    """Read all objects of some kinds, and the pending changes of a site."""
    read = kinds_to_read(kinds)
    ordered = sorted(read, key=lambda kind: (KINDS[kind].order, kind))
    objects = {(found.kind, found.key): found for kind in ordered for found in _read(client, kind)}
    settings, pending = client.settings, tuple(client.activation.pending())
    version = client.checkmk_version()
    return Observed(objects, pending, settings.username, settings.site, version, client.edition, read)


def reread(client: Checkmk, kind: str, keys: Sequence[str]) -> dict[str, ExistingObject]:
    """Read objects again, in as few requests as possible, and return the remaining objects by key."""
    current = _read(client, kind, keys if len(keys) <= FEW_NAMES else None)
    wanted = set(keys)
    return {existing.key: existing for existing in current if existing.key in wanted}


def _read(client: Checkmk, kind: str, names: Optional[Sequence[str]] = None) -> list[ExistingObject]:
    """Read all objects of a kind. For hosts, only those with one of the ``names``, if they are given."""
    noun = KINDS[kind].noun
    if noun is not None:
        return _read_completely(lambda: map(existing_record, getattr(client, noun.name).each()))
    return _read_folders(client) if kind == FOLDERS.name else _read_hosts(client, names)


def _read_folders(client: Checkmk) -> list[ExistingObject]:
    return _read_completely(lambda: map(existing_folder, client.folders.each("/")))


def _read_hosts(client: Checkmk, names: Optional[Sequence[str]]) -> list[ExistingObject]:
    return _read_completely(lambda: map(_existing_host, client.hosts.each(names=names)))


def _read_completely(read: Callable[[], Iterable[T]]) -> list[T]:
    """Return all items of a stream. If the stream breaks, read it again from the start."""
    # A broken stream cannot be resumed.
    for _ in range(READINGS - 1):
        try:
            return list(read())
        except BrokenReplyError:
            continue
    return list(read())


def existing_folder(folder: Folder) -> ExistingObject:
    """Return the folder in the form that plans compare."""
    properties = {("title",): folder.title, **_properties(folder)}
    return ExistingObject(FOLDERS.name, folder.path, properties, folder.owner, folder.meta)


def existing_record(record: Record) -> ExistingObject:
    """Return the object of a plain noun in the form that plans compare."""
    properties = properties_of(record)
    return ExistingObject(record.noun.singular, record.key_value, properties, properties.get(OWNER))


def _existing_host(host: Host) -> ExistingObject:
    return ExistingObject(HOSTS.name, host.name, {FOLDER: host.folder, **_properties(host)}, host.owner, host.meta)


def _properties(record: Union[Folder, Host]) -> dict[Property, Any]:
    properties: dict[Property, Any] = {
        ("attributes", name): value for name, value in record.attributes.items() if name != "labels"
    }
    properties.update({("labels", key): value for key, value in record.labels.items()})
    return properties
