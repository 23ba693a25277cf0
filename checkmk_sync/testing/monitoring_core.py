"""The monitoring core of a simulated site, which answers from a snapshot that is taken at activation."""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass, field
from typing import Any, Container, Dict, Iterable, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import TAG
from ..core.arguments import describe_type
from ..core.clock import Clock
from ..core.grouping import grouped
from . import sample_services as services
from .builtin_objects import BUILTIN_OBJECTS
from .columns import HOST_DEFAULTS, SERVICE_OWN_DEFAULTS
from .configuration import HostConfig
from .core_commands import CoreCommands, MonitoredObject
from .livestatus import Predicate

Row = Dict[str, Any]

_AUXILIARY_TAGS: Mapping[str, Sequence[str]] = {
    tag["id"]: tag["aux_tags"] for group in BUILTIN_OBJECTS["tag_groups"].values() for tag in group["tags"]
}


@dataclass(frozen=True)
class MonitoredHost:
    """A host as it was activated. ``since`` is the UNIX time at which the core first loaded it."""

    config: HostConfig
    effective: Mapping[str, Any]
    phases: Mapping[int, str]
    services_total: int
    since: float

    @property
    def name(self) -> str:
        return self.config.name

    @functools.cached_property
    def counts(self) -> tuple[int, ...]:
        """The numbers of services that are OK, WARN, CRIT and UNKNOWN after their first check."""
        states = [self.state_of(template) for template in self.services]
        return tuple(states.count(state) for state in range(4))

    @functools.cached_property
    def tags(self) -> Mapping[str, str]:
        """The tags by group, and the implied auxiliary tags by their own names."""
        tags = {name[len(TAG) :]: tag for name, tag in self.effective.items() if name.startswith(TAG) and tag}
        auxiliary = [aux for tag in tags.values() for aux in _AUXILIARY_TAGS.get(tag, ())]
        if tags.get("agent") == "no-agent" and tags.get("snmp_ds") == "no-snmp":
            auxiliary.append("ping")
        return {**tags, "site": self.effective["site"], **dict(zip(auxiliary, auxiliary))}

    def state_of(self, template: services.Template) -> int:
        """Return the state of a checked service."""
        # Checkmk: the discovery service is in state WARN if there are undecided services.
        if template is services.DISCOVERY:
            return int(len(self.phases) < len(services.templates(self.services_total)))
        return services.state_of(self.name, template.description)

    @property
    def services(self) -> list[services.Template]:
        """The monitored services of the host."""
        if services.is_ping_only(self.effective):
            return [services.PING]
        discovered = services.templates(self.services_total)
        monitored = [discovered[index] for index, phase in self.phases.items() if phase in ("monitored", "changed")]
        return [*services.BASIC, *monitored]


@dataclass
class MonitoringCore:
    """A core that answers from its snapshot, even if the configuration has changed. Seeded tables replace it.

    ``site`` is the ID of the central site. Rows of seeded hosts can name another one as their ``site``. The objects of
    ``stopped_sites`` are invisible.
    """

    clock: Clock
    services_per_host: int
    check_delay_s: float = 0.0
    site: str = ""
    command_delay_s: float = 0.0
    is_raw: bool = True
    hosts: dict[str, MonitoredHost] = field(default_factory=dict)
    stopped_sites: set[str] = field(default_factory=set)
    commands: CoreCommands = field(init=False)
    _children: Mapping[str, list[str]] = field(default_factory=dict)  # the names of the children of ``hosts``
    _seeded: Mapping[str, Mapping[str, list[Row]]] = field(default_factory=dict)  # rows by table and host name
    # The seeded members of groups, by table and name of the group.
    _groups: Mapping[str, Mapping[str, set[MonitoredObject]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commands = CoreCommands(self.clock, self.command_delay_s, not self.is_raw, self.find)

    def load(self, hosts: dict[str, MonitoredHost]) -> None:
        """Monitor these hosts from now on."""
        self.hosts = hosts
        self._children = _children((name, host.effective.get("parents", ())) for name, host in hosts.items())

    def seed(self, rows: Mapping[str, Any]) -> None:
        """Replace tables by ``{"hosts": [row, …], "services": […], …}``.

        Raises ValueError, and changes nothing, for rows that are not a mapping of known tables, or a row without a name
        or with an invalid state.
        """
        if not isinstance(rows, Mapping):
            raise ValueError(f"the rows must be a mapping of tables, not {describe_type(rows)}; use hosts or services")
        for table, table_rows in rows.items():
            if table not in _TABLES:
                raise ValueError(f"unknown table {table!r}; use one of {', '.join(_TABLES)}")
            if not isinstance(table_rows, (list, tuple)):
                raise ValueError(f"{table!r} must be a list of rows, not {describe_type(table_rows)}")
            for number, row in enumerate(table_rows):
                _check_row(table, row, f"row {number} of {table!r}")
        by_host = grouped((row["host_name"], dict(row)) for row in rows.get("services", ()))
        hosts: list[tuple[str, Row]] = []
        children = _children((row["name"], row.get("parents", ())) for row in rows.get("hosts", ()))
        for row in rows.get("hosts", ()):
            childs = children.get(row["name"], [])
            counts = _service_counts(by_host.get(row["name"], ()))
            hosts.append((row["name"], {**HOST_DEFAULTS, **counts, "childs": childs, "alias": row["name"], **row}))
        tables = {"hosts": grouped(hosts), "services": by_host}
        self._seeded = {table: seeded for table, seeded in tables.items() if table in rows}
        for table in ("downtimes", "comments"):
            if table in rows:
                self.commands.seed(table, rows[table], self.site)
        self._groups = {
            table: {
                row["name"]: {(m, "") if isinstance(m, str) else tuple(m) for m in row.get("members", ())}
                for row in rows.get(table, ())
            }
            for table in ("hostgroups", "servicegroups")
        }

    def host_rows(self, names: Optional[Iterable[str]] = None) -> Iterator[Row]:
        """Yield the rows of all hosts, or of the hosts with these names."""
        known = list(self._seeded.get("hosts", self.hosts)) if names is None else sorted(names)
        return (row for name in known for row in self._rows_of_host(name))

    def host_row(self, name: str) -> Optional[Row]:
        """Return the row of one host, or None if it is not monitored, without building other rows."""
        return next(iter(self._rows_of_host(name)), None)

    def find(self, target: MonitoredObject) -> Optional[Mapping[str, Any]]:
        """Return the row of a host or service, or None if it is not monitored."""
        host, service = target
        if not service:
            return self.host_row(host)
        return next((row for row in self.service_rows([host]) if row["description"] == service), None)

    def group_members(self, table: str, name: str) -> list[MonitoredObject]:
        """Return the members of a host group or service group, or an empty list if the core does not know it."""
        members = {*self._groups.get(table, {}).get(name, ())}
        if table == "hostgroups":
            members |= {(row["name"], "") for row in self.host_rows() if name in row["groups"]}
        else:
            members |= {(row["host_name"], row["description"]) for row in self.service_rows() if name in row["groups"]}
        return sorted(members)

    def command_rows(self, table: str, names: Optional[Container[str]] = None) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of the table of downtimes or comments, in the order of their IDs.

        ``names`` limits them to hosts with these names.
        """
        stored = self.commands.downtimes if table == "downtimes" else self.commands.comments
        named = (rows for (host, _), rows in stored.items() if names is None or host in names)
        rows = [row for of_object in named for row in of_object if row["site"] not in self.stopped_sites]
        for row in sorted(rows, key=lambda row: (row["site"], row["id"])):
            host = self.host_row(row["host_name"])
            service = self.find((row["host_name"], row["service_description"])) if row["is_service"] else None
            # A core forgets the downtimes of an object that it no longer monitors.
            if row.get("seeded") or (service if row["is_service"] else host):
                yield _CommandRow(row, host or HOST_DEFAULTS, service or SERVICE_OWN_DEFAULTS)

    def _rows_of_host(self, name: str) -> Sequence[Row]:
        if "hosts" in self._seeded:
            rows = [{"site": self.site, **row} for row in self._seeded["hosts"].get(name, ())]
        else:
            rows = [self._host_row(self.hosts[name])] if name in self.hosts else []
        for row in rows:
            row.update(self._further_columns("hostgroups", (name, ""), row))
        return [row for row in rows if row["site"] not in self.stopped_sites] if self.stopped_sites else rows

    def _further_columns(self, table: str, member: MonitoredObject, row: Mapping[str, Any]) -> Row:
        """Return the columns of a host or service that commands and seeded groups have changed."""
        changed = self.commands.columns(member, row.get("state", 0))
        seeded = self._groups.get(table)
        if seeded:
            groups = row.get("groups", ())
            more = (name for name, members in seeded.items() if member in members and name not in groups)
            changed["groups"] = [*groups, *more]
        return changed

    def service_rows(
        self, names: Optional[Iterable[str]] = None, host_matches: Optional[Predicate] = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of all services, or of the services of the hosts with these names."""
        seeded = self._seeded.get("services")
        known: Iterable[str] = self.hosts if seeded is None else seeded
        for name in list(known) if names is None else sorted(names):
            if host_matches is not None and not host_matches({"host_name": name}):
                continue
            host_row = self.host_row(name)
            if host_row is None and (seeded is None or self.knows(name)):
                continue  # the host is not monitored, or its site is stopped
            host_row = host_row or {**HOST_DEFAULTS, "site": self.site}
            if seeded is not None:
                rows: Iterable[Row] = seeded.get(name, ())
            else:
                host = self.hosts[name]
                is_checked = self._is_checked(host)
                rows = (self._service_row(host, template, is_checked) for template in host.services)
            for row in rows:
                changed = self._further_columns("servicegroups", (name, row["description"]), row)
                yield _ServiceRow({**row, **changed} if changed else row, host_row)

    def knows(self, host_name: str) -> bool:
        return host_name in self._seeded.get("hosts", self.hosts)

    def _is_checked(self, host: MonitoredHost) -> bool:
        return self.clock.time() >= host.since + self.check_delay_s

    def _host_row(self, host: MonitoredHost) -> Row:
        is_checked = self._is_checked(host)
        state = 1 if is_checked and zlib.crc32(host.name.encode()) % 1000 < 8 else 0
        total = sum(host.counts)
        _, warn, crit, unknown = counts = host.counts if is_checked else (0, 0, 0, 0)
        effective = host.effective
        row = dict(HOST_DEFAULTS)
        row.update(
            name=host.name,
            alias=effective.get("alias") or host.name,
            address=effective.get("ipaddress") or "0.0.0.0",
            labels=dict(effective.get("labels", {})),
            tags=dict(host.tags),
            parents=list(effective.get("parents", ())),
            childs=list(self._children.get(host.name, ())),
            site=effective["site"],
            contact_groups=list(effective.get("contactgroups", {}).get("groups", ())),
            plugin_output="" if not is_checked else "Packet loss 100%" if state else "Packet received via smart PING",
            num_services=total,
            num_services_pending=0 if is_checked else total,
            total_services=total,
            worst_service_state=2 if crit else 3 if unknown else 1 if warn else 0,
            services=[template.description for template in host.services],
            filename=f"/wato{host.config.folder.rstrip('/')}/hosts.mk",
            **self._state_columns(host, state, is_checked),
        )
        for name, count in zip(("ok", "warn", "crit", "unknown"), counts):
            row[f"num_services_{name}"] = row[f"num_services_hard_{name}"] = count
        return row

    def _state_columns(self, host: MonitoredHost, state: int, is_checked: bool) -> Row:
        """Return the columns for the state and the checks of a host or of one of its services."""
        now, since = int(self.clock.time()), int(host.since)
        return dict(
            state=state,
            hard_state=state,
            has_been_checked=int(is_checked),
            last_check=now if is_checked else 0,
            next_check=now + 60,
            last_state_change=since if is_checked else 0,
            last_hard_state_change=since if is_checked else 0,
        )

    def _service_row(self, host: MonitoredHost, template: services.Template, is_checked: bool) -> Row:
        state = host.state_of(template) if is_checked else 0
        is_basic = template in services.BASIC or template is services.PING
        return dict(
            host_name=host.name,
            description=template.description,
            display_name=template.description,
            check_command=template.check if is_basic else f"check_mk-{template.check}",
            last_state=state,
            last_hard_state=state,
            plugin_output=template.output[state] if is_checked else "",
            **self._state_columns(host, state, is_checked),
        )


_TABLES = ("hosts", "services", "hostgroups", "servicegroups", "downtimes", "comments")
_NAMED_BY = {"hosts": ("name",), "services": ("host_name", "description")}
_STATES = {"hosts": range(3), "services": range(4)}


def _service_counts(services: Iterable[Row]) -> dict[str, int]:
    """Return the columns of a host that count its services by state."""
    names = ("ok", "warn", "crit", "unknown")
    counts = dict.fromkeys(("num_services", "num_services_pending", *(f"num_services_{name}" for name in names)), 0)
    for row in services:
        name = names[row.get("state", 0)] if row.get("has_been_checked", 1) else "pending"
        counts["num_services"] += 1
        counts[f"num_services_{name}"] += 1
    return counts


def _children(parents: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """Return the children of each host, from pairs of a host and its parents."""
    return grouped((parent, name) for name, above in parents for parent in above)


def _check_row(table: str, row: Any, where: str) -> None:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} must be a mapping of columns, not {describe_type(row)}")
    for column in _NAMED_BY.get(table, ()):
        if not isinstance(row.get(column), str):
            raise ValueError(f"{where} must have a string in {column!r}")
    state = row.get("state", 0)
    if table in _STATES and (type(state) is not int or state not in _STATES[table]):
        raise ValueError(f"{where} has the state {state!r}; a state must be a number from 0 to {max(_STATES[table])}")


class _ServiceRow(Dict[str, Any]):
    """The row of a service. It stores only its own columns, and looks up defaults and the columns of its host."""

    __slots__ = ("_host",)

    def __init__(self, own: Mapping[str, Any], host: Mapping[str, Any]) -> None:
        super().__init__(own)
        self._host = host

    def __missing__(self, column: str) -> Any:
        if column in SERVICE_OWN_DEFAULTS:
            return SERVICE_OWN_DEFAULTS[column]
        return self._host[column[5:]]  # without "host_"


class _CommandRow(Dict[str, Any]):
    """The row of a downtime or comment, which looks up the columns of its host and its service."""

    __slots__ = ("_host", "_service")

    def __init__(self, own: Mapping[str, Any], host: Mapping[str, Any], service: Mapping[str, Any]) -> None:
        super().__init__(own)
        self._host, self._service = host, service

    def __missing__(self, column: str) -> Any:
        prefix, _, name = column.partition("_")
        return self._host[name] if prefix == "host" else self._service[name]
