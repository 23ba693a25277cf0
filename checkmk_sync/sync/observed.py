"""Read the current state of a site. Nothing comes from a cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

from ..catalogue.labels import ADOPTED_LABEL
from ..catalogue.versions import CheckmkVersion
from ..client.checkmk import Checkmk
from ..client.nouns.activation import PendingChange
from ..client.nouns.host_reads import FEW_NAMES
from ..client.records import Folder, Host
from ..errors import BrokenReplyError
from .desired import FOLDER
from .kinds import Property

__all__ = ["ExistingObject", "Observed", "existing_folder", "observe", "reread"]

T = TypeVar("T")

READINGS = 3  # attempts to read a list completely


@dataclass(frozen=True)
class ExistingObject:
    """A host or folder of the site, with its explicit properties but not the inherited ones.

    ``owner`` is the value of its owner label. ``meta`` is Checkmk's ``meta_data``, with the creator and the time of
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
        named: Optional[str] = self.properties.get(("labels", ADOPTED_LABEL))
        return named

    @property
    def created_by(self) -> str:
        """The name of the user that created the object; empty if Checkmk does not know it."""
        return str(self.meta.get("created_by") or "")

    @property
    def birth(self) -> Optional[tuple[str, str]]:
        """The time of creation and the creator, which distinguish the object from an earlier one of the same name."""
        created = self.meta.get("created_at")
        return (str(created), self.created_by) if created else None

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
    """The state of a site: all objects that ``user`` may see, by kind and key.

    ``pending`` are the changes of all users that are not activated yet. ``site`` is the ID of the site. ``version`` and
    ``edition`` are None if they are unknown.
    """

    objects: Mapping[tuple[str, str], ExistingObject]
    pending: tuple[PendingChange, ...] = ()
    user: str = ""
    site: str = ""
    version: Optional[CheckmkVersion] = None
    edition: Optional[str] = None

    def of_kind(self, kind: str) -> Iterator[ExistingObject]:
        return (existing for existing in self.objects.values() if existing.kind == kind)


def observe(client: Checkmk) -> Observed:
    """Read the folders, hosts and pending changes of a site."""
    objects = {
        (existing.kind, existing.key): existing for existing in (*_read_folders(client), *_read_hosts(client, None))
    }
    settings, pending = client.settings, tuple(client.activation.pending())
    version = client.checkmk_version()
    return Observed(objects, pending, settings.username, settings.site, version, client.edition)


def reread(client: Checkmk, kind: str, keys: Sequence[str]) -> dict[str, ExistingObject]:
    """Read objects again, in as few requests as possible, and return the remaining objects by key."""
    names = keys if len(keys) <= FEW_NAMES else None
    current = _read_folders(client) if kind == "folder" else _read_hosts(client, names)
    wanted = set(keys)
    return {existing.key: existing for existing in current if existing.key in wanted}


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
    return ExistingObject("folder", folder.path, properties, folder.owner, folder.meta)


def _existing_host(host: Host) -> ExistingObject:
    return ExistingObject("host", host.name, {FOLDER: host.folder, **_properties(host)}, host.owner, host.meta)


def _properties(record: Union[Folder, Host]) -> dict[Property, Any]:
    properties: dict[Property, Any] = {
        ("attributes", name): value for name, value in record.attributes.items() if name != "labels"
    }
    properties.update({("labels", key): value for key, value in record.labels.items()})
    return properties
