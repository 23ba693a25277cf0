"""What a site holds now, read fresh: never from a cache."""

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

__all__ = ["Found", "Observed", "found_folder", "observe", "reread"]

T = TypeVar("T")

READINGS = 3


@dataclass(frozen=True)
class Found:
    """A host or folder as it is: explicit properties only, never inherited ones.

    ``owner`` is what its label says. ``meta`` is what Checkmk notes of it, such as by whom and when it was created.
    """

    kind: str
    key: str
    properties: Mapping[Property, Any] = field(repr=False)  # may hold secrets
    owner: Optional[str]
    meta: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def adopted_as(self) -> Optional[str]:
        """The key that the object had when it was adopted; a clone names its original."""
        named: Optional[str] = self.properties.get(("labels", ADOPTED_LABEL))
        return named

    @property
    def created_by(self) -> str:
        """The user who created it, empty where Checkmk does not say."""
        return str(self.meta.get("created_by") or "")

    @property
    def birth(self) -> Optional[tuple[str, str]]:
        """When and by whom it was created: another object of the same name has another."""
        created = self.meta.get("created_at")
        return (str(created), self.created_by) if created else None

    @property
    def labels(self) -> dict[str, str]:
        """All its labels, those of others included."""
        return self._below("labels")

    @property
    def attributes(self) -> dict[str, Any]:
        """All its attributes but the labels."""
        return self._below("attributes")

    def _below(self, first: str) -> dict[str, Any]:
        return {path[1]: value for path, value in self.properties.items() if path[0] == first}


@dataclass(frozen=True)
class Observed:
    """Everything the ``user`` may see, by kind and key; ``pending`` are changes of anybody that are not active.

    ``site`` is the site's id; ``version`` and ``edition`` are None where they are not known.
    """

    objects: Mapping[tuple[str, str], Found]
    pending: tuple[PendingChange, ...] = ()
    user: str = ""
    site: str = ""
    version: Optional[CheckmkVersion] = None
    edition: Optional[str] = None

    def of_kind(self, kind: str) -> Iterator[Found]:
        return (found for (of, _), found in self.objects.items() if of == kind)


def observe(client: Checkmk) -> Observed:
    """Read folders, hosts and pending changes. A list that breaks off is read again, never taken as it is."""
    objects: dict[tuple[str, str], Found] = {}
    for found in _read_completely(lambda: map(found_folder, client.folders.each("/"))):
        objects["folder", found.key] = found
    for found in _read_completely(lambda: map(_found_host, client.hosts.each())):
        objects["host", found.key] = found
    settings, pending = client.settings, tuple(client.activation.pending())
    version = client.checkmk_version()
    return Observed(objects, pending, settings.username, settings.site, version, client.edition)


def reread(client: Checkmk, kind: str, keys: Sequence[str]) -> dict[str, Found]:
    """Those of the objects that are still there, as they are now, in as few requests as can be."""
    if kind == "folder":
        found = _read_completely(lambda: map(found_folder, client.folders.each("/")))
    else:
        names = keys if len(keys) <= FEW_NAMES else None
        found = _read_completely(lambda: map(_found_host, client.hosts.each(names=names)))
    wanted = set(keys)
    return {each.key: each for each in found if each.key in wanted}


def _read_completely(read: Callable[[], Iterable[T]]) -> list[T]:
    """All of a stream. A generator cannot be repeated in its middle, the whole reading can."""
    for _ in range(READINGS - 1):
        try:
            return list(read())
        except BrokenReplyError:
            continue
    return list(read())


def found_folder(folder: Folder) -> Found:
    """A folder as plans see it."""
    return Found("folder", folder.path, {("title",): folder.title, **_attributes(folder)}, folder.owner, folder.meta)


def _found_host(host: Host) -> Found:
    return Found("host", host.name, {FOLDER: host.folder, **_attributes(host)}, host.owner, host.meta)


def _attributes(found: Union[Folder, Host]) -> dict[Property, Any]:
    properties: dict[Property, Any] = {}
    for name, value in found.attributes.items():
        if name != "labels":
            properties["attributes", name] = value
    properties.update({("labels", key): value for key, value in found.labels.items()})
    return properties
