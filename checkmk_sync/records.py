"""What the client hands out: immutable records of what the server said. What it did not say is None.

``PARTS`` are the members of an item that its record is made of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Mapping, Optional, TypeVar

from .errors import UnexpectedReplyError
from .names import OWNER_LABEL, HostState, ServiceState, folder_path
from .resource import attributes_of, value_of

__all__ = ["Folder", "Host", "HostStatus", "ServiceStatus", "Version", "severity", "writable"]

Attributes = Mapping[str, Any]
R = TypeVar("R")
S = TypeVar("S", HostState, ServiceState)

# Checkmk sends these but refuses them when they come back.
_VIEW_ONLY = frozenset({"meta_data", "network_scan_result"})


def writable(attributes: Attributes) -> dict[str, Any]:
    """The attributes that may be sent back to the server."""
    return {name: value for name, value in attributes.items() if name not in _VIEW_ONLY}


def _made(cls: type[R], **fields: Any) -> R:
    """``cls(**fields)`` with all its fields, in half the time: that of long lists is spent here, and a frozen
    dataclass sets its fields one by one."""
    made = object.__new__(cls)
    vars(made).update(fields)
    return made


class _Labelled:
    attributes: Attributes

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels set on the object itself, without inherited ones."""
        labels = self.attributes.get("labels")
        return labels if isinstance(labels, dict) else {}

    @property
    def owner(self) -> Optional[str]:
        """Whose synchronisation created it, by its own label; None where nobody's did."""
        return self.labels.get(OWNER_LABEL)


@dataclass(frozen=True)
class Host(_Labelled):
    """A host of the configuration. ``folder`` is spelled ``/a/b``; ``etag`` is None in lists."""

    PARTS: ClassVar = ("id", "extensions")

    name: str
    folder: str
    attributes: Attributes = field(repr=False)  # may hold secrets
    effective_attributes: Optional[Attributes] = field(default=None, repr=False)
    is_cluster: Optional[bool] = None
    is_offline: Optional[bool] = None
    cluster_nodes: Optional[tuple[str, ...]] = None
    etag: Optional[str] = field(default=None, compare=False)

    @classmethod
    def parse(cls, data: Any, etag: Optional[str] = None) -> Host:
        """From the object that the API sends."""
        attributes, folder = attributes_of(data), value_of(data, "extensions", "folder")
        extensions = data["extensions"]
        nodes = extensions.get("cluster_nodes")
        return _made(
            cls,
            name=value_of(data, "id"),
            folder=folder_path(folder),
            attributes=attributes,
            effective_attributes=extensions.get("effective_attributes"),
            is_cluster=extensions.get("is_cluster"),
            is_offline=extensions.get("is_offline"),
            cluster_nodes=None if nodes is None else tuple(nodes),
            etag=etag,
        )


@dataclass(frozen=True)
class Folder(_Labelled):
    """A folder of the configuration, spelled ``/a/b``; ``etag`` is None in lists."""

    PARTS: ClassVar = ("title", "extensions")

    path: str
    title: str
    attributes: Attributes = field(repr=False)  # may hold secrets
    etag: Optional[str] = field(default=None, compare=False)

    @classmethod
    def parse(cls, data: Any, etag: Optional[str] = None) -> Folder:
        """From the object that the API sends."""
        return cls(
            path=folder_path(value_of(data, "extensions", "path")),
            title=value_of(data, "title"),
            attributes=attributes_of(data),
            etag=etag,
        )


@dataclass(frozen=True)
class _Row:
    """``columns`` holds what was asked for; ``row["plugin_output"]`` is one of them."""

    PARTS: ClassVar = ("extensions",)

    columns: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        if column not in self.columns:
            raise KeyError(f"the column {column!r} was not asked for: give columns=[{column!r}]")
        return self.columns[column]


@dataclass(frozen=True)
class HostStatus(_Row):
    """What the monitoring says of a host."""

    name: str
    state: HostState

    @classmethod
    def parse(cls, data: Any) -> HostStatus:
        """From an item of the API that has the columns name, state and has_been_checked."""
        columns = value_of(data, "extensions")
        name, state = value_of(columns, "name"), _state(HostState, columns)
        return _made(cls, columns=columns, name=name, state=state)


@dataclass(frozen=True)
class ServiceStatus(_Row):
    """What the monitoring says of a service; ``name`` is its description."""

    host_name: str
    name: str
    state: ServiceState

    @classmethod
    def parse(cls, data: Any) -> ServiceStatus:
        """From an item of the API that has the columns host_name, description, state and has_been_checked."""
        columns = value_of(data, "extensions")
        host, name = value_of(columns, "host_name"), value_of(columns, "description")
        return _made(cls, columns=columns, host_name=host, name=name, state=_state(ServiceState, columns))


_WORST_FIRST = (
    ServiceState.CRITICAL,
    ServiceState.UNKNOWN,
    ServiceState.WARNING,
    ServiceState.PENDING,
    ServiceState.OK,
)


def severity(service: ServiceStatus) -> tuple[int, str, str]:
    """A sort key: the worst first, then by name."""
    return _WORST_FIRST.index(service.state), service.host_name, service.name


def _state(kind: type[S], columns: Any) -> S:
    state, checked = value_of(columns, "state"), value_of(columns, "has_been_checked")
    try:
        return kind.of(state, checked)
    except ValueError:
        raise UnexpectedReplyError(f"the site names a state that there is not: {state!r}", nothing_done=True) from None


@dataclass(frozen=True)
class Version:
    """What a site says it is."""

    checkmk: str
    edition: str
    site: str

    @classmethod
    def parse(cls, data: Any) -> Version:
        """From the answer to ``/version``."""
        return cls(str(value_of(data, "versions", "checkmk")), str(value_of(data, "edition")), value_of(data, "site"))
