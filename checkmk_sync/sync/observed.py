"""Read the current state of a site. Nothing comes from a cache."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union

from ..catalogue.noun import Record
from ..catalogue.versions import CheckmkVersion
from ..client.checkmk import Checkmk
from ..client.nouns.activation import PendingChange
from ..client.nouns.hosts import FEW_NAMES
from ..client.records import Folder, Host
from ..client.site_attributes import SiteAttributes
from ..client.updates import birth
from ..errors import BrokenReplyError
from .kinds import ADOPTED, FOLDER, FOLDERS, HOSTS, KINDS, NODES, OWNER, Property
from .marks import properties_of

READINGS = 3  # attempts to read a list completely


@dataclass(frozen=True)
class ExistingObject:
    """An object of the site, with its own properties but not the inherited ones.

    ``owner`` is the owner in its label or mark. ``meta`` is Checkmk's ``meta_data``, with the creator and the time of
    creation. ``id`` identifies the object in requests. It is the key, unless the key comes from a mark. ``copies`` are
    the IDs of other objects with the same mark.
    """

    kind: str
    key: str
    properties: Mapping[Property, Any] = field(repr=False)  # may contain secrets
    owner: Optional[str]
    meta: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    id: str = ""
    copies: tuple[str, ...] = ()

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
    ``edition`` are None if they are unknown. ``lists`` are the lists of some kinds, such as the rulesets of rules, if
    they are known. ``attributes`` are the attributes that the site defines.
    """

    objects: Mapping[tuple[str, str], ExistingObject]
    pending: tuple[PendingChange, ...] = ()
    user: str = ""
    site: str = ""
    version: Optional[CheckmkVersion] = None
    edition: Optional[str] = None
    kinds: frozenset[str] = frozenset({FOLDERS.name, HOSTS.name})
    lists: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)
    attributes: SiteAttributes = field(default_factory=SiteAttributes)

    def find(self, kind: str, *keys: Optional[str]) -> Optional[ExistingObject]:
        """Return the object with the first of these keys that exists, or None."""
        found = (self.objects.get((kind, key)) for key in keys if key is not None)
        return next((existing for existing in found if existing is not None), None)

    def of_kind(self, kind: str) -> Iterator[ExistingObject]:
        return (existing for existing in self.objects.values() if existing.kind == kind)


def observe(
    client: Checkmk,
    kinds: Iterable[str] = (FOLDERS.name, HOSTS.name),
    owner: Optional[str] = None,
    lists: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> Observed:
    """Read all objects of some kinds, and the pending changes of a site. Hosts and folders are read together.

    Of the kinds that are named by marks, only the objects of the ``owner`` are kept. ``lists`` are, by kind, the lists
    that are read, such as the rulesets of rules.
    """
    # Only hosts show which folders are in use, and new hosts need their folders.
    both = {FOLDERS.name, HOSTS.name}
    read = frozenset(kinds).union(both if both.intersection(kinds) else ())
    ordered = sorted(read, key=lambda kind: (KINDS[kind].order, kind))
    objects = {
        (found.kind, found.key): found for kind in ordered for found in _read(client, kind, owner, lists.get(kind, ()))
    }
    settings, pending = client.settings, tuple(client.activation.pending())
    version = client.checkmk_version()
    return Observed(objects, pending, settings.username, settings.site, version, client.edition, read)


def reread(
    client: Checkmk, kind: str, keys: Sequence[str], owner: Optional[str] = None, lists: Iterable[str] = ()
) -> dict[str, ExistingObject]:
    """Read objects again, in as few requests as possible, and return the remaining objects by key."""
    current = _read(client, kind, owner, lists, keys if len(keys) <= FEW_NAMES else None)
    wanted = set(keys)
    return {existing.key: existing for existing in current if existing.key in wanted}


def _read(
    client: Checkmk, kind: str, owner: Optional[str], lists: Iterable[str], names: Optional[Sequence[str]] = None
) -> list[ExistingObject]:
    """Read all objects of a kind, or only the hosts with one of the ``names``."""
    filters = [{KINDS[kind].listed_by[0]: name} for name in sorted(lists)] if KINDS[kind].listed_by else [{}]
    found = [existing for arguments in filters for existing in _read_list(client, kind, owner, arguments, names)]
    if not KINDS[kind].is_named_by_mark:
        return found
    first: dict[str, ExistingObject] = {}
    for existing in found:
        other = first.setdefault(existing.key, existing)
        if other is not existing:
            first[existing.key] = replace(other, copies=(*other.copies, existing.id))
    return list(first.values())


def _read_list(
    client: Checkmk, kind: str, owner: Optional[str], filters: Mapping[str, str], names: Optional[Sequence[str]]
) -> list[ExistingObject]:
    collection, by_mark = getattr(client, KINDS[kind].section), KINDS[kind].is_named_by_mark
    arguments: Mapping[str, Any] = {"names": names} if kind == HOSTS.name else filters

    def read() -> list[ExistingObject]:
        found = map(existing_object, collection.each(**arguments))
        return [existing for existing in found if not by_mark or (owner is not None and existing.owner == owner)]

    for _ in range(READINGS - 1):
        with contextlib.suppress(BrokenReplyError):  # a broken stream cannot be resumed, so the list is read again
            return read()
    return read()


def existing_object(record: Union[Folder, Host, Record]) -> ExistingObject:
    """Return an object in the form that plans compare."""
    if isinstance(record, Record):
        properties, key = properties_of(record), record.key_value
        if record.noun.key.assigned:
            key = properties.get(ADOPTED, key)
        return ExistingObject(record.noun.singular, key, properties, properties.get(OWNER), id=record.key_value)
    if isinstance(record, Host):
        kind, key, properties = HOSTS.name, record.name, {FOLDER: record.folder}
        properties.update({} if record.cluster_nodes is None else {NODES: list(record.cluster_nodes)})
    else:
        kind, key, properties = FOLDERS.name, record.path, {("title",): record.title}
    properties.update({("attributes", name): value for name, value in record.attributes.items() if name != "labels"})
    properties.update({("labels", key): value for key, value in record.labels.items()})
    return ExistingObject(kind, key, properties, record.owner, record.meta)
