"""Immutable records of the server's replies. A member that the server left out is None.

``PARTS`` names the members of an item that its record needs; a single name means that only this member is decoded.
"""

from __future__ import annotations

import collections
import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar, Mapping, Optional, Sequence, TypeVar

from ..catalogue.labels import OWNER_LABEL
from ..catalogue.paths import folder_path
from ..catalogue.states import HostState, ServiceState
from ..errors import UnexpectedReplyError
from .payload import typed, value_of

__all__ = ["Folder", "Host", "HostStatus", "ServiceStatus", "Version", "severity", "writable"]

Attributes = Mapping[str, Any]
L = TypeVar("L", bound="_Labelled")
R = TypeVar("R", bound="_Row")

# Checkmk sends these but refuses them when they come back.
_VIEW_ONLY = frozenset({"meta_data", "network_scan_result"})


def writable(attributes: Attributes) -> dict[str, Any]:
    """Return the attributes that may be sent back to the server."""
    return {name: value for name, value in attributes.items() if name not in _VIEW_ONLY}


def _split(attributes: Any) -> tuple[Attributes, Attributes]:
    """Separate the attributes that can be set from the information that Checkmk adds to them."""
    meta = attributes.get("meta_data")
    if meta is None and "network_scan_result" not in attributes:
        return attributes, {}
    if not isinstance(attributes.get("labels", {}), dict) or not isinstance(meta or {}, dict):
        raise UnexpectedReplyError("the answer's 'labels' or 'meta_data' are not an object")
    scan = {name: attributes[name] for name in ("network_scan_result",) if name in attributes}
    return writable(attributes), {**(meta or {}), **scan}


# Long lists spend their time in ``parse``. So it reads members without function calls, looks for the mistake only if
# there is one, and sets the fields in the record's dictionary: a frozen dataclass would set them one by one.
_new = object.__new__


class _Labelled:
    attributes: Attributes

    @classmethod
    def parse(cls: type[L], data: Any, etag: Optional[str] = None) -> L:
        """From the object that the API sends."""
        raise NotImplementedError

    @classmethod
    def parse_all(cls: type[L], objects: Sequence[Any]) -> list[L]:
        """Return the records of several objects."""
        return list(map(cls.parse, objects))

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels set on the object itself, without inherited ones."""
        labels = self.attributes.get("labels")
        return labels if isinstance(labels, dict) else {}

    @property
    def owner(self) -> Optional[str]:
        """The owner whose synchronisation created the object, from its own label; None if none did."""
        return self.labels.get(OWNER_LABEL)


@dataclass(frozen=True)
class Host(_Labelled):
    """A host of the configuration.

    ``folder`` is spelled ``/a/b``. ``attributes`` holds only attributes that can be set. ``meta`` holds what Checkmk
    adds: ``created_at``, ``created_by``, ``updated_at``, and ``network_scan_result`` where there is one. ``etag`` is
    None in lists.
    """

    # Attributes of Checkmk need no code here. A further member of hosts needs, in checkmk_sync/:
    # - client/records.py: the field below, `parse`, and `_malformed`, which words the error for a wrong type
    # - commands/hosts.py and commands/handlers/hosts.py: `_HOST_FIELDS`, list columns, `_row`, `table_row`
    # - client/nouns/host_entries.py and client/updates.py, if it can be written; catalogue/hosts.py for its `body=`
    # - sync/kinds.py, if inventories may set it, else `_READ_ONLY` in sync/sources/structured.py
    # - testing/configuration.py and `host_object` in testing/handlers/hosts.py: the simulated site
    PARTS: ClassVar = ("id", "extensions")

    name: str
    folder: str
    attributes: Attributes = field(repr=False)  # may hold secrets
    effective_attributes: Optional[Attributes] = field(default=None, repr=False)
    is_cluster: Optional[bool] = None
    is_offline: Optional[bool] = None
    cluster_nodes: Optional[tuple[str, ...]] = None
    etag: Optional[str] = field(default=None, compare=False)
    meta: Attributes = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, data: Any, etag: Optional[str] = None) -> Host:
        """From the object that the API sends."""
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
class Folder(_Labelled):
    """A folder of the configuration, spelled ``/a/b``. ``attributes`` and ``meta`` are separated as in :class:`Host`;
    ``etag`` is None in lists."""

    PARTS: ClassVar = ("title", "extensions")

    path: str
    title: str
    attributes: Attributes = field(repr=False)  # may hold secrets
    etag: Optional[str] = field(default=None, compare=False)
    meta: Attributes = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, data: Any, etag: Optional[str] = None) -> Folder:
        """From the object that the API sends."""
        path, title = _path(typed(str, data, "extensions", "path")), typed(str, data, "title")
        attributes, meta = _split(typed(dict, data, "extensions", "attributes"))
        return cls(path, title, attributes, etag, meta)


# Rows come by the hundred thousand, so they are handled many at a time, without a Python call for each.
_consume = collections.deque[Any](maxlen=0).extend


@dataclass(frozen=True)
class _Row:
    """``columns`` holds the columns that were requested; ``row["plugin_output"]`` is one of them."""

    PARTS: ClassVar = "extensions"
    _texts: ClassVar[Sequence[str]]
    _states: ClassVar[Mapping[int, Any]]
    __slots__ = ("columns",)

    columns: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        if column not in self.columns:
            raise KeyError(f"the column {column!r} was not asked for: give columns=[{column!r}]")
        return self.columns[column]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.columns,)

    @classmethod
    def parse(cls: type[R], data: Any) -> R:
        """From an object of the API, whose ``extensions`` are as for :meth:`parse_all`."""
        return cls.parse_all([value_of(data, cls.PARTS)])[0]

    @classmethod
    def parse_all(cls: type[R], extensions: Sequence[Any]) -> list[R]:
        """Return the records of objects of the API, from their ``extensions``. UnexpectedReplyError unless each has the
        columns of every row, with a valid state."""
        if not cls._are_rows(extensions):
            _consume(map(cls._check, extensions))
        rows = list(map(_new, itertools.repeat(cls, len(extensions))))
        _consume(map(_set_columns, rows, extensions))
        return rows

    @classmethod
    def _are_rows(cls, extensions: Sequence[Any]) -> bool:
        """Return False if :meth:`_check` may raise for a row. Much faster than a call for each."""
        states = cls._states
        try:
            for name in cls._texts:
                for columns in extensions:
                    if type(columns[name]) is not str:
                        return False
            for columns in extensions:
                state = columns["state"]
                if columns["has_been_checked"] and state not in states:
                    return False
        except (KeyError, TypeError):
            return False
        return True

    @classmethod
    def _check(cls, columns: Any) -> None:
        """Raise UnexpectedReplyError if a row is wrong."""
        *texts, state, checked = (
            value_of({cls.PARTS: columns}, cls.PARTS, name) for name in (*cls._texts, "state", "has_been_checked")
        )
        for name, text in zip(cls._texts, texts):
            if not isinstance(text, str):
                raise UnexpectedReplyError(f"the site names a {name} that is not text: {text!r}")
        if checked and state not in list(cls._states):  # a list, because the value may have no hash
            raise UnexpectedReplyError(f"the site names a state that does not exist: {state!r}")


# A frozen dataclass sets its fields the same way, only slower.
_set_columns = _Row.__dict__["columns"].__set__


class HostStatus(_Row):
    """A host as the monitoring sees it."""

    __slots__ = ()
    _texts = ("name",)
    _states: ClassVar = {state.value: state for state in HostState if state is not HostState.PENDING}

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.columns["name"])

    @property
    def state(self) -> HostState:
        """Its state; PENDING until its first check."""
        return self._states[self.columns["state"]] if self.columns["has_been_checked"] else HostState.PENDING


class ServiceStatus(_Row):
    """A service as the monitoring sees it."""

    __slots__ = ()
    _texts = ("host_name", "description")
    _states: ClassVar = {state.value: state for state in ServiceState if state is not ServiceState.PENDING}

    @property
    def host_name(self) -> str:
        """The name of its host."""
        return str(self.columns["host_name"])

    @property
    def name(self) -> str:
        """Its description."""
        return str(self.columns["description"])

    @property
    def state(self) -> ServiceState:
        """Its state; PENDING until its first check."""
        return self._states[self.columns["state"]] if self.columns["has_been_checked"] else ServiceState.PENDING


_WORST_FIRST = (
    ServiceState.CRITICAL,
    ServiceState.UNKNOWN,
    ServiceState.WARNING,
    ServiceState.PENDING,
    ServiceState.OK,
)


def severity(service: ServiceStatus) -> tuple[int, str, str]:
    """Return a sort key: the worst state first, then by name."""
    return _WORST_FIRST.index(service.state), service.host_name, service.name


def _path(text: str) -> str:
    """Return a folder of an answer as ``/a/b``."""
    try:
        return folder_path(text)
    except ValueError as error:
        raise UnexpectedReplyError(f"the answer names a folder that cannot exist: {error}") from None


def _malformed(data: Any) -> UnexpectedReplyError:
    """Return the error that says what is wrong with a host."""
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
    return UnexpectedReplyError("the answer's 'extensions.cluster_nodes' are not a list of texts")


@dataclass(frozen=True)
class Version:
    """The version, edition and name of a site."""

    checkmk: str
    edition: str
    site: str

    @classmethod
    def parse(cls, data: Any) -> Version:
        """From the answer to ``/version``."""
        return cls(*(typed(str, data, *path) for path in (("versions", "checkmk"), ("edition",), ("site",))))
