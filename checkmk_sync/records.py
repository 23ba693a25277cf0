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
S = TypeVar("S", HostState, ServiceState)

# Checkmk sends these but refuses them when they come back.
_VIEW_ONLY = frozenset({"meta_data", "network_scan_result"})


def writable(attributes: Attributes) -> dict[str, Any]:
    """The attributes that may be sent back to the server."""
    return {name: value for name, value in attributes.items() if name not in _VIEW_ONLY}


# The time of long lists is spent in ``parse``. So each reads what it needs without a call, looks for what is wrong only
# when something is, and sets the fields in the record's dictionary: a frozen dataclass would set them one by one.
_new = object.__new__


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
        try:
            name, extensions = data["id"], data["extensions"]
            folder, attributes, more = extensions["folder"], extensions["attributes"], extensions.get
        except (KeyError, TypeError, AttributeError):
            raise _lacking(data, ("id",), ("extensions", "folder"), ("extensions", "attributes")) from None
        if not isinstance(attributes, dict):
            attributes_of(data)  # which raises
        host = _new(cls)
        record = host.__dict__
        record["name"], record["folder"], record["attributes"] = name, folder_path(folder), attributes
        record["effective_attributes"] = more("effective_attributes")
        record["is_cluster"], record["is_offline"] = more("is_cluster"), more("is_offline")
        nodes = more("cluster_nodes")
        record["cluster_nodes"] = None if nodes is None else tuple(nodes)
        record["etag"] = etag
        return host


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
    __slots__ = ("columns",)

    columns: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        if column not in self.columns:
            raise KeyError(f"the column {column!r} was not asked for: give columns=[{column!r}]")
        return self.columns[column]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.columns,)


# A frozen dataclass sets its fields the same way, only slower.
_set_columns = _Row.__dict__["columns"].__set__


class HostStatus(_Row):
    """What the monitoring says of a host."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self.columns["name"]
        return name

    @property
    def state(self) -> HostState:
        """Its state, PENDING as long as it was never checked."""
        return _HOST_STATES[self.columns["state"]] if self.columns["has_been_checked"] else HostState.PENDING

    @classmethod
    def parse(cls, data: Any) -> HostStatus:
        """From an item of the API that has the columns name, state and has_been_checked."""
        try:
            columns = data["extensions"]
            state, _ = columns["state"], columns["name"]
            if columns["has_been_checked"]:
                _HOST_STATES[state]
        except (KeyError, TypeError):
            raise _no_row(HostState, data, "name") from None
        host = _new(cls)
        _set_columns(host, columns)
        return host


class ServiceStatus(_Row):
    """What the monitoring says of a service."""

    __slots__ = ()

    @property
    def host_name(self) -> str:
        """The name of its host."""
        name: str = self.columns["host_name"]
        return name

    @property
    def name(self) -> str:
        """Its description."""
        name: str = self.columns["description"]
        return name

    @property
    def state(self) -> ServiceState:
        """Its state, PENDING as long as it was never checked."""
        return _SERVICE_STATES[self.columns["state"]] if self.columns["has_been_checked"] else ServiceState.PENDING

    @classmethod
    def parse(cls, data: Any) -> ServiceStatus:
        """From an item of the API that has the columns host_name, description, state and has_been_checked."""
        try:
            columns = data["extensions"]
            state, _, _ = columns["state"], columns["host_name"], columns["description"]
            if columns["has_been_checked"]:
                _SERVICE_STATES[state]
        except (KeyError, TypeError):
            raise _no_row(ServiceState, data, "host_name", "description") from None
        service = _new(cls)
        _set_columns(service, columns)
        return service


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


_HOST_STATES = {state.value: state for state in HostState}
_SERVICE_STATES = {state.value: state for state in ServiceState}


def _lacking(data: Any, *paths: tuple[str, ...]) -> UnexpectedReplyError:
    """Says which of the paths the server left out."""
    try:
        for path in paths:
            value_of(data, *path)
    except UnexpectedReplyError as error:
        return error
    return UnexpectedReplyError("the answer's 'extensions' are not an object")


def _no_row(kind: type[S], data: Any, *columns: str) -> UnexpectedReplyError:
    """Says what is wrong with a row: a column that is missing, or a state that there is not."""
    wanted = (*columns, "state", "has_been_checked")
    try:
        state = [value_of(data, "extensions", name) for name in wanted][-2]
        kind(state)
    except UnexpectedReplyError as error:
        return error
    except ValueError:
        return UnexpectedReplyError(f"the site names a state that there is not: {state!r}", nothing_done=True)
    return UnexpectedReplyError("the answer's 'extensions' are not an object")


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
