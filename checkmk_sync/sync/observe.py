"""What a site holds now, read fresh: never from a cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

from ..client import Checkmk
from ..errors import BrokenReplyError
from ..query import column
from ..records import Folder, Host
from ..resources.activation import PendingChange
from ..resources.host_lists import FEW_NAMES
from .desired import FOLDER, Property

__all__ = ["Found", "Observed", "found_folder", "observe", "reread", "undiscovered"]

T = TypeVar("T")

# Checkmk adds these by itself; a host with an agent and nothing else was never discovered.
_BASIC = frozenset({"Check_MK", "Check_MK Discovery", "Check_MK HW/SW Inventory"})
READINGS = 3


@dataclass(frozen=True)
class Found:
    """A host or folder as it is: explicit properties only, never inherited ones."""

    kind: str
    key: str
    properties: Mapping[Property, Any] = field(repr=False)  # may hold secrets
    owner: Optional[str]

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
    """Everything the ``user`` may see, by kind and key; ``pending`` are changes of anybody that are not active."""

    objects: Mapping[tuple[str, str], Found]
    pending: tuple[PendingChange, ...] = ()
    user: str = ""


def observe(client: Checkmk) -> Observed:
    """Read folders, hosts and pending changes. A list that breaks off is read again, never taken as it is."""
    objects: dict[tuple[str, str], Found] = {}
    for found in _whole(lambda: map(found_folder, client.folders.each("/"))):
        objects["folder", found.key] = found
    for found in _whole(lambda: map(_found_host, client.hosts.each())):
        objects["host", found.key] = found
    return Observed(objects, tuple(client.activation.pending()), client.settings.username)


def reread(client: Checkmk, kind: str, keys: Sequence[str]) -> dict[str, Found]:
    """Those of the objects that are still there, as they are now, in as few requests as can be."""
    if kind == "folder":
        found = _whole(lambda: map(found_folder, client.folders.each("/")))
    else:
        names = keys if len(keys) <= FEW_NAMES else None
        found = _whole(lambda: map(_found_host, client.hosts.each(names=names)))
    wanted = set(keys)
    return {each.key: each for each in found if each.key in wanted}


def _whole(read: Callable[[], Iterable[T]]) -> list[T]:
    """All of a stream. A generator cannot be repeated in its middle, the whole reading can."""
    for _ in range(READINGS - 1):
        try:
            return list(read())
        except BrokenReplyError:
            continue
    return list(read())


def found_folder(folder: Folder) -> Found:
    """A folder as plans see it."""
    return Found("folder", folder.path, {("title",): folder.title, **_attributes(folder)}, folder.owner)


def _found_host(host: Host) -> Found:
    return Found("host", host.name, {FOLDER: host.folder, **_attributes(host)}, host.owner)


def _attributes(found: Union[Folder, Host]) -> dict[Property, Any]:
    properties: dict[Property, Any] = {}
    for name, value in found.attributes.items():
        if name != "labels":
            properties["attributes", name] = value
    properties.update({("labels", key): value for key, value in found.labels.items()})
    return properties


def undiscovered(client: Checkmk, names: Iterable[str], *, any_pending: bool) -> Iterator[str]:
    """Those of the hosts that were never discovered, or whose discovery never found anything.

    The core tells: they have no services but those that Checkmk adds by itself. What the core does not
    know at all is either not activated or was never seen, so it counts as well; that can only be while
    something is pending, and only then the names of all monitored hosts are read.
    """
    wanted = set(names)
    if not wanted:
        return
    if any_pending:
        monitored = {host.name for host in client.host_status.each()}
        yield from sorted(wanted - monitored)
        wanted &= monitored
    bare = client.host_status.each(query=column("num_services") <= len(_BASIC), columns=["services"])
    for host in bare:
        has = set(host["services"])
        if host.name in wanted and "Check_MK" in has and has <= _BASIC:
            yield host.name
