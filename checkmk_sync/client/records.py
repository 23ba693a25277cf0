"""Immutable records of hosts, folders, monitoring states and the site's version.

A field is None if the server's answer does not contain it. ``PARTS`` names the members of an item that its record
needs. If it is a single name, only that member is decoded, and it replaces the item.
"""

from __future__ import annotations

import collections
import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Mapping, Optional, Sequence, TypeVar

from ..catalogue.labels import OWNER_LABEL
from ..catalogue.paths import folder_path
from ..catalogue.states import HostState, ServiceState
from ..errors import UnexpectedReplyError
from .payload import typed, value_of

Attributes = Mapping[str, Any]
R = TypeVar("R", bound="_Row[Any]")
S = TypeVar("S", HostState, ServiceState)

# Checkmk sends these attributes but refuses to set them (CHECKMK_API 10.2).
_VIEW_ONLY = frozenset({"meta_data", "network_scan_result"})


def writable(attributes: Attributes) -> dict[str, Any]:
    """Return the attributes that can be sent back to the server."""
    return {name: value for name, value in attributes.items() if name not in _VIEW_ONLY}


def _split(attributes: Any) -> tuple[Attributes, Attributes]:
    """Return the attributes that can be set, and the information that Checkmk adds to them."""
    meta = attributes.get("meta_data")
    if meta is None and "network_scan_result" not in attributes:
        return attributes, {}
    if not isinstance(attributes.get("labels", {}), dict) or not isinstance(meta or {}, dict):
        raise UnexpectedReplyError("'labels' and 'meta_data' in the answer must be objects")
    scan = {name: attributes[name] for name in ("network_scan_result",) if name in attributes}
    return writable(attributes), {**(meta or {}), **scan}


# ``Host.parse`` takes most of the time of a long list. So it reads members without function calls, and describes a
# mistake only after it has found one. It sets the fields in the record's dictionary, because the constructor of a
# frozen dataclass would set them one by one.
_new = object.__new__


class AttributeRecord:
    """The base class of the records of hosts and folders."""

    attributes: Attributes
    etag: Optional[str]
    meta: Attributes

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that are set on the object itself, without inherited labels."""
        labels = self.attributes.get("labels")
        return labels if isinstance(labels, dict) else {}

    @property
    def owner(self) -> Optional[str]:
        """The owner of the object, from its own label ``checkmk_sync/owner``; None without this label."""
        return self.labels.get(OWNER_LABEL)


@dataclass(frozen=True)
class Host(AttributeRecord):
    """A host of the configuration.

    * ``folder`` is a path such as ``/a/b``.
    * ``attributes`` contains the attributes that are set on the host itself.
    * ``effective_attributes`` also contains inherited attributes and defaults. It is None unless it was requested.
    * ``is_cluster``, ``is_offline`` and ``cluster_nodes`` are None if the site does not report them. ``cluster_nodes``
      is also None for a host that is not a cluster.
    * ``etag`` identifies the state of the host that was read. It is None for hosts read from a list.
    * ``meta`` contains the information that Checkmk adds: ``created_at``, ``created_by``, ``updated_at``, and after a
      network scan ``network_scan_result``.

    Records that differ only in ``etag`` and ``meta`` are equal.
    """

    # A new attribute of Checkmk needs no change here. A new member of hosts needs these changes in checkmk_sync/:
    # - client/records.py: the field below, `parse`, and `_malformed`, which describes the error for a wrong type
    # - commands/hosts.py and commands/handlers/hosts.py: `_HOST_FIELDS`, list columns, `_row`, `table_row`
    # - client/nouns/hosts.py and client/attributed.py, if it can be written; catalogue/operations.csv for its `body`
    # - sync/kinds.py, if inventories may set it, else `_READ_ONLY` in sync/sources/structured.py
    # - testing/configuration.py and `host_object` in testing/handlers/hosts.py: the simulated site
    PARTS: ClassVar = ("id", "extensions")

    name: str
    folder: str
    attributes: Attributes = field(repr=False)  # may contain secrets
    effective_attributes: Optional[Attributes] = field(default=None, repr=False)
    is_cluster: Optional[bool] = None
    is_offline: Optional[bool] = None
    cluster_nodes: Optional[tuple[str, ...]] = None
    etag: Optional[str] = field(default=None, compare=False)
    meta: Attributes = field(default_factory=dict, repr=False, compare=False)

    @property
    def key_value(self) -> str:
        """The name of the host."""
        return self.name

    @classmethod
    def parse(cls, data: Any, etag: Optional[str] = None) -> Host:
        """Return the record of a host object of the API. Raises UnexpectedReplyError if it is malformed."""
        try:
            name, extensions = data["id"], data["extensions"]
            folder, attributes, more = extensions["folder"], extensions["attributes"], extensions.get
        except (KeyError, TypeError, AttributeError):
            raise _malformed(data) from None
        effective, nodes = more("effective_attributes"), more("cluster_nodes")
        is_cluster, is_offline = more("is_cluster"), more("is_offline")
        if not (
            type(name) is str
            and type(folder) is str
            and type(attributes) is dict
            and (effective is None or type(effective) is dict)
            and (nodes is None or (type(nodes) is list and all(type(node) is str for node in nodes)))
            and (is_cluster is None or type(is_cluster) is bool)
            and (is_offline is None or type(is_offline) is bool)
        ):
            raise _malformed(data)
        host = _new(cls)
        record = host.__dict__
        record["name"], record["folder"] = name, _path(folder)
        record["attributes"], record["meta"] = _split(attributes)
        record["effective_attributes"] = writable(effective) if effective else effective
        record["is_cluster"], record["is_offline"] = is_cluster, is_offline
        record["cluster_nodes"] = None if nodes is None else tuple(nodes)
        record["etag"] = etag
        return host


@dataclass(frozen=True)
class Folder(AttributeRecord):
    """A folder of the configuration.

    ``path`` has the form ``/a/b``. ``attributes`` contains the attributes that are set on the folder itself. ``etag``
    and ``meta`` are as in :class:`.Host`.
    """

    PARTS: ClassVar = ("title", "extensions")

    path: str
    title: str
    attributes: Attributes = field(repr=False)  # may contain secrets
    etag: Optional[str] = field(default=None, compare=False)
    meta: Attributes = field(default_factory=dict, repr=False, compare=False)

    @property
    def key_value(self) -> str:
        """The path of the folder."""
        return self.path

    @classmethod
    def parse(cls, data: Any, etag: Optional[str] = None) -> Folder:
        """Return the record of a folder object of the API. Raises UnexpectedReplyError if it is malformed."""
        path, title = _path(typed(str, data, "extensions", "path")), typed(str, data, "title")
        attributes, meta = _split(typed(dict, data, "extensions", "attributes"))
        return cls(path, title, attributes, etag, meta)


# There may be hundreds of thousands of rows, so they are processed in bulk, without a Python call for each.
_consume = collections.deque[Any](maxlen=0).extend


@dataclass(frozen=True)
class _Row(Generic[S]):
    """A row of the monitoring state. ``row["alias"]`` returns one of its ``columns``."""

    PARTS: ClassVar = "extensions"
    _texts: ClassVar[Sequence[str]]
    _states: ClassVar[Any]
    __slots__ = ("columns",)

    columns: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        if column not in self.columns:
            raise KeyError(f"the column {column!r} was not requested; give columns=[{column!r}]")
        return self.columns[column]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.columns,)

    @property
    def state(self) -> S:
        """The state of the object; ``PENDING`` until its first check."""
        state: S = self._states.of(self.columns["state"], self.columns["has_been_checked"])
        return state

    @classmethod
    def parse(cls: type[R], data: Any) -> R:
        """Return the record of an object of the API. Raises UnexpectedReplyError if it is malformed."""
        return cls.parse_all([value_of(data, cls.PARTS)])[0]

    @classmethod
    def parse_all(cls: type[R], extensions: Sequence[Any]) -> list[R]:
        """Return the records for the ``extensions`` of several objects of the API.

        Raises UnexpectedReplyError if a mandatory column is missing or a state is not valid.
        """
        known = [state.value for state in cls._states if state.value >= 0]  # PENDING is not a value of the column
        try:
            texts = {type(columns[name]) for name in cls._texts for columns in extensions}
            states = {columns["state"] for columns in extensions if columns["has_been_checked"]}
            is_valid = texts <= {str} and states <= set(known)
        except (KeyError, TypeError):
            is_valid = False
        if not is_valid:  # the slow check describes the mistake
            for columns in extensions:
                cls._check(columns, known)
        rows = list(map(_new, itertools.repeat(cls, len(extensions))))
        _consume(map(_set_columns, rows, extensions))
        return rows

    @classmethod
    def _check(cls, columns: Any, known_states: list[int]) -> None:
        """Raise UnexpectedReplyError if a row is not valid."""
        data = {cls.PARTS: columns}
        for name in cls._texts:
            typed(str, data, cls.PARTS, name)
        state = value_of(data, cls.PARTS, "state")
        if value_of(data, cls.PARTS, "has_been_checked") and state not in known_states:
            raise UnexpectedReplyError(f"the answer contains an unknown state: {state!r}")


# The constructor of a frozen dataclass does the same, but more slowly.
_set_columns = _Row.__dict__["columns"].__set__


class HostStatus(_Row[HostState]):
    """The monitoring state of a host.

    >>> host = cmk.host_status.get("web01", columns=["plugin_output"])
    >>> host.name, host.state, host["plugin_output"]

    ``columns`` maps the names of columns to their values. It contains ``name``, ``state``, ``has_been_checked`` and the
    columns that were requested. ``host["alias"]`` returns the value of a column, and raises KeyError if it was not
    requested.
    """

    __slots__ = ()
    _texts = ("name",)
    _states = HostState

    @property
    def name(self) -> str:
        """The name of the host."""
        return str(self.columns["name"])


class ServiceStatus(_Row[ServiceState]):
    """The monitoring state of a service.

    >>> service = cmk.services.get("web01", "CPU load", columns=["plugin_output"])
    >>> service.host_name, service.name, service.state, service["plugin_output"]

    ``columns`` maps the names of columns to their values. It contains ``host_name``, ``description``, ``state``,
    ``has_been_checked`` and the columns that were requested. ``service["plugin_output"]`` returns the value of a
    column, and raises KeyError if it was not requested.
    """

    __slots__ = ()
    _texts = ("host_name", "description")
    _states = ServiceState

    @property
    def host_name(self) -> str:
        """The name of the host of the service."""
        return str(self.columns["host_name"])

    @property
    def name(self) -> str:
        """The name of the service. Checkmk calls it the description."""
        return str(self.columns["description"])


WORST_FIRST = (
    ServiceState.CRITICAL,
    ServiceState.UNKNOWN,
    ServiceState.WARNING,
    ServiceState.PENDING,
    ServiceState.OK,
)


def severity(service: ServiceStatus) -> tuple[int, str, str]:
    """Return a sort key that puts the worst states first, and then sorts by host and service name."""
    return WORST_FIRST.index(service.state), service.host_name, service.name


def _path(text: str) -> str:
    try:
        return folder_path(text)
    except ValueError as error:
        raise UnexpectedReplyError(f"the answer contains an invalid folder: {error}") from None


def _malformed(data: Any) -> UnexpectedReplyError:
    """Return the error that names the mistake in a host object."""
    try:
        typed(str, data, "id")
        typed(str, data, "extensions", "folder")
        typed(dict, data, "extensions", "attributes")
        typed(dict, data, "extensions", "effective_attributes", default={})
        for name in ("is_cluster", "is_offline"):
            typed(bool, data, "extensions", name, default=False)
        typed(list, data, "extensions", "cluster_nodes", default=[])
    except UnexpectedReplyError as error:
        return error
    return UnexpectedReplyError("'extensions.cluster_nodes' in the answer must be a list of strings")


@dataclass(frozen=True)
class Version:
    """The version of Checkmk, the edition and the ID of a site, such as ``2.3.0p10``, ``cre`` and ``prod``.

    To compare versions, use :meth:`.Checkmk.checkmk_version`.
    """

    checkmk: str
    edition: str
    site: str

    @classmethod
    def parse(cls, data: Any) -> Version:
        """Return the record of an answer to ``GET /version``. Raises UnexpectedReplyError if it is malformed."""
        return cls(*(typed(str, data, *path) for path in (("versions", "checkmk"), ("edition",), ("site",))))
