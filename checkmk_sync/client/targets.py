"""Targets of commands to the monitoring core: hosts, services, groups, or the objects that match a query."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, NamedTuple, Optional, Union

from ..catalogue.paths import host_name
from ..core.arguments import require_string, require_type
from .query import Filter, column

HOSTS, SERVICES = "hosts", "services"


class MonitoredObject(NamedTuple):
    """A host, or one of its services. ``service`` is empty for the host itself."""

    host: str
    service: str = ""

    def __str__(self) -> str:
        # The name of a host never contains a slash, so the first one ends it.
        return f"{self.host}/{self.service}" if self.service else self.host


@dataclass(frozen=True)
class ObjectRecord:
    """The base class of records about an ``object``, which is a host or a service."""

    object: MonitoredObject

    @property
    def host(self) -> str:
        """The name of the host."""
        return self.object.host

    @property
    def service(self) -> Optional[str]:
        """The name of the service, or None for the host itself."""
        return self.object.service or None


@dataclass(frozen=True)
class Target:
    """The hosts or services that a command is for.

    >>> Target.host("web01", "web02")
    >>> Target.services("web01", "CPU load")
    >>> Target.services("web01")
    >>> Target.host_group("linux")
    >>> Target.matching_services(column("plugin_output").contains("timeout"))

    Names are exact: ``web1`` never includes ``web10``. Methods that accept a target also accept the name of a host.
    A target for hosts does not include their services.

    ``table`` is ``hosts`` or ``services``, and ``query`` selects rows of that table. ``named`` contains the objects
    that were given by name.
    """

    table: str
    query: Filter
    named: tuple[MonitoredObject, ...] = ()

    @classmethod
    def host(cls, *names: str) -> Target:
        """Return the target for hosts with these names."""
        return cls.objects(MonitoredObject(host_name(name)) for name in names)

    @classmethod
    def services(cls, host: str, *names: str) -> Target:
        """Return the target for services of a host. Without names, it includes all services of the host."""
        if names:
            return cls.objects(MonitoredObject(host_name(host), require_string(name, "names")) for name in names)
        return cls(SERVICES, column("host_name") == host_name(host))

    @classmethod
    def objects(cls, objects: Iterable[MonitoredObject]) -> Target:
        """Return the target for hosts, or for services. Raises ValueError for both, or if there is no object."""
        named = tuple(dict.fromkeys(objects))
        for entry in named:
            require_type(entry, MonitoredObject, "objects must be MonitoredObjects such as problem.of")
        tables = {SERVICES if entry.service else HOSTS for entry in named}
        if len(tables) != 1:
            raise ValueError("a target must contain at least one object, and either only hosts or only services")
        table = tables.pop()
        return cls(table, named_query(table, named), named)

    @classmethod
    def host_group(cls, name: str) -> Target:
        """Return the target for the hosts of a host group."""
        return cls(HOSTS, column("groups").has(require_string(name, "name")))

    @classmethod
    def service_group(cls, name: str) -> Target:
        """Return the target for the services of a service group."""
        return cls(SERVICES, column("groups").has(require_string(name, "name")))

    @classmethod
    def matching_hosts(cls, query: Filter) -> Target:
        """Return the target for the hosts that match a query on the table ``hosts`` when the command is sent."""
        require_type(query, Filter, "query must be a Filter such as column('state') != 0")
        return cls(HOSTS, query)

    @classmethod
    def matching_services(cls, query: Filter) -> Target:
        """Return the target for the services that match a query on the table ``services`` when the command is sent."""
        require_type(query, Filter, "query must be a Filter such as column('state') != 0")
        return cls(SERVICES, query)

    @classmethod
    def of(cls, target: Union[Target, str]) -> Target:
        """Return the target itself, or the target for the host with this name."""
        if isinstance(target, str):
            return cls.host(target)
        require_type(target, Target, "target must be a Target or the name of a host")
        return target

    def on_entries(self) -> Filter:
        """Return the query for the downtimes or comments of these objects, on the table of the entries."""
        prefix = "host" if self.table == HOSTS else "service"
        try:
            renamed = _renamed(self.query.to_dict(), prefix)
        except (KeyError, TypeError, AttributeError, RecursionError):
            example = '{"op": "=", "left": "state", "right": "1"}'
            raise ValueError(f"a query must consist of expressions such as {example}") from None
        return Filter(renamed) & (column("is_service") == (self.table == SERVICES))


def _renamed(expression: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return an expression on hosts or services with the names that its columns have in other tables."""
    if not expression:
        return {}
    if "expr" in expression:
        inner = expression["expr"]
        renamed: Any = (
            [_renamed(part, prefix) for part in inner] if isinstance(inner, list) else _renamed(inner, prefix)
        )
        return {**expression, "expr": renamed}
    name = operator.itemgetter("left", "op", "right")(expression)[0].rpartition(".")[2]
    # The rows of services already contain the columns of their host.
    return {**expression, "left": name if name.startswith("host_") else f"{prefix}_{name}"}


def named_query(table: str, objects: Iterable[MonitoredObject]) -> Filter:
    """Return the query for exactly these hosts or services."""
    if table == HOSTS:
        return column("name").one_of([entry.host for entry in objects])
    services: dict[str, list[str]] = {}
    for entry in objects:
        services.setdefault(entry.host, []).append(entry.service)
    parts = ((column("host_name") == host) & column("description").one_of(names) for host, names in services.items())
    return functools.reduce(operator.or_, parts)
