"""The monitoring core of a simulated site: a snapshot taken at activation, and the rows it answers with."""

from __future__ import annotations

import functools
import zlib
from collections import ChainMap
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, Mapping, Optional

from ..clock import Clock
from . import services
from .livestatus import Predicate
from .state import HostConfig

__all__ = ["HOST_COLUMNS", "SERVICE_COLUMNS", "Core", "MonitoredHost"]

Row = Dict[str, Any]


@dataclass(frozen=True)
class MonitoredHost:
    """A host as it was when it was activated; ``since`` is when the core got to know it.

    ``folder_changes`` tells which state of the folders its effective attributes come from.
    """

    config: HostConfig
    effective: Mapping[str, Any]
    phases: Mapping[int, str]
    services_total: int
    since: float
    folder_changes: int = 0

    @property
    def name(self) -> str:
        return self.config.name

    @functools.cached_property
    def counts(self) -> tuple[int, ...]:
        """How many services are OK, WARN, CRIT and UNKNOWN once they are checked."""
        states = [self.state_of(template) for template in self.services]
        return tuple(states.count(state) for state in range(4))

    def state_of(self, template: services.Template) -> int:
        """The state of a service once it is checked. Checkmk: one of them warns of services that nobody decided on."""
        if template is services.DISCOVERY:
            return int(len(self.phases) < len(services.templates(self.services_total)))
        return services.state_of(self.name, template.description)

    @property
    def services(self) -> list[services.Template]:
        """What is monitored on the host."""
        if services.agent_less(self.effective):
            return [services.PING]
        found = services.templates(self.services_total)
        monitored = [found[index] for index, phase in self.phases.items() if phase in ("monitored", "changed")]
        return [*services.BASIC, *monitored]


@dataclass
class Core:
    """Answers from its snapshot, whatever the configuration says by now; ``seed`` replaces it by given rows."""

    site: str
    clock: Clock
    services_per_host: int
    check_delay_s: float = 0.0
    hosts: dict[str, MonitoredHost] = field(default_factory=dict)
    seeded: dict[str, list[Row]] = field(default_factory=dict)

    def seed(self, rows: Mapping[str, Any]) -> None:
        """Take ``{"hosts": [row, …], "services": […], …}`` for what is monitored.

        ValueError, and nothing is changed, for an unknown table, and for a row without its name or with a state that
        there is not.
        """
        for table, found in rows.items():
            if table not in _TABLES:
                raise ValueError(f"there is no table {table!r}; there are {', '.join(_TABLES)}")
            if not isinstance(found, (list, tuple)):
                raise ValueError(f"{table!r} is a list of rows, not {type(found).__name__}")
            for number, row in enumerate(found):
                _check_row(table, row, f"number {number} of {table!r}")
        self.seeded = {table: [dict(row) for row in found] for table, found in rows.items()}

    def host_rows(self) -> Iterator[Row]:
        if "hosts" in self.seeded:
            return ({**_HOST_DEFAULTS, "alias": row.get("name"), **row} for row in self.seeded["hosts"])
        return (self._host_row(host) for host in list(self.hosts.values()))

    def service_rows(
        self, host_name: Optional[str] = None, only: Optional[Predicate] = None
    ) -> Iterator[Mapping[str, Any]]:
        if "services" in self.seeded:
            by_name = {row["name"]: row for row in self.host_rows()}
            for row in self.seeded["services"]:
                if host_name in (None, row["host_name"]):
                    yield {**_SERVICE_DEFAULTS, **_prefixed(by_name.get(row["host_name"], {})), **row}
            return
        found = list(self.hosts.values()) if host_name is None else [self.hosts[host_name]]
        for host in found:
            if only is not None and not only({"host_name": host.name}):
                continue
            host_row = _prefixed(self._host_row(host))
            checked = self._is_checked(host)
            for template in host.services:
                yield ChainMap(self._service_row(host, template, checked), host_row, _SERVICE_DEFAULTS)  # type: ignore[arg-type]

    def knows(self, host_name: str) -> bool:
        if "hosts" in self.seeded:
            return any(row["name"] == host_name for row in self.seeded["hosts"])
        return host_name in self.hosts

    def _is_checked(self, host: MonitoredHost) -> bool:
        return self.clock.time() >= host.since + self.check_delay_s

    def _host_row(self, host: MonitoredHost) -> Row:
        checked = self._is_checked(host)
        state = 1 if checked and zlib.crc32(host.name.encode()) % 1000 < 8 else 0
        total = sum(host.counts)
        ok, warn, crit, unknown = host.counts if checked else (0, 0, 0, 0)
        effective, now = host.effective, int(self.clock.time())
        row = dict(_HOST_DEFAULTS)
        row.update(
            name=host.name,
            alias=effective.get("alias") or host.name,
            address=effective.get("ipaddress") or "0.0.0.0",
            labels=dict(effective.get("labels", {})),
            tags={key[4:]: value for key, value in effective.items() if key.startswith("tag_")},
            parents=list(effective.get("parents", ())),
            contact_groups=list(effective.get("contactgroups", {}).get("groups", ())),
            state=state,
            hard_state=state,
            has_been_checked=int(checked),
            last_check=now if checked else 0,
            next_check=now + 60,
            last_state_change=int(host.since) if checked else 0,
            last_hard_state_change=int(host.since) if checked else 0,
            plugin_output="" if not checked else "Packet loss 100%" if state else "Packet received via smart PING",
            num_services=total,
            num_services_ok=ok,
            num_services_warn=warn,
            num_services_crit=crit,
            num_services_unknown=unknown,
            num_services_pending=0 if checked else total,
            worst_service_state=2 if crit else 3 if unknown else 1 if warn else 0,
            services=[template.description for template in host.services],
            filename=f"/wato{host.config.folder.rstrip('/')}/hosts.mk",
        )
        return row

    def _service_row(self, host: MonitoredHost, template: services.Template, checked: bool) -> Row:
        state = host.state_of(template) if checked else 0
        now = int(self.clock.time())
        basic = template in services.BASIC or template is services.PING
        return dict(
            host_name=host.name,
            description=template.description,
            display_name=template.description,
            check_command=template.check if basic else f"check_mk-{template.check}",
            state=state,
            last_state=state,
            hard_state=state,
            last_hard_state=state,
            has_been_checked=int(checked),
            plugin_output=template.output[state] if checked else "",
            last_check=now if checked else 0,
            next_check=now + 60,
            last_state_change=int(host.since) if checked else 0,
            last_hard_state_change=int(host.since) if checked else 0,
        )


_TABLES = ("hosts", "services", "hostgroups", "servicegroups", "downtimes", "comments")
_NAMED_BY = {"hosts": ("name",), "services": ("host_name", "description")}
_STATES = {"hosts": range(3), "services": range(4)}


def _check_row(table: str, row: Any, where: str) -> None:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is no row: a mapping of columns is needed, not {type(row).__name__}")
    for column in _NAMED_BY.get(table, ()):
        if not isinstance(row.get(column), str):
            raise ValueError(f"{where} needs a text as {column!r}")
    state = row.get("state", 0)
    if table in _STATES and (type(state) is not int or state not in _STATES[table]):
        raise ValueError(f"{where} has the state {state!r}: a number from 0 to {max(_STATES[table])} is needed")


def _prefixed(row: Mapping[str, Any]) -> Row:
    return {f"host_{name}": value for name, value in row.items()}


# What both tables have, with the value of a quiet object.
_BOTH: Mapping[str, Any] = {
    "accept_passive_checks": 1,
    "acknowledged": 0,
    "acknowledgement_type": 0,
    "action_url": "",
    "active_checks_enabled": 1,
    "check_command": "check-mk-host-smart",
    "check_interval": 1.0,
    "check_period": "24X7",
    "comments": [],
    "comments_with_info": [],
    "contact_groups": [],
    "contacts": [],
    "current_attempt": 1,
    "current_notification_number": 0,
    "custom_variables": {},
    "display_name": "",
    "downtimes": [],
    "downtimes_with_info": [],
    "event_handler_enabled": 0,
    "execution_time": 0.0,
    "groups": [],
    "hard_state": 0,
    "has_been_checked": 1,
    "in_check_period": 1,
    "in_notification_period": 1,
    "in_service_period": 1,
    "is_flapping": 0,
    "label_names": [],
    "label_sources": {},
    "label_values": [],
    "labels": {},
    "last_check": 0,
    "last_hard_state": 0,
    "last_hard_state_change": 0,
    "last_notification": 0,
    "last_state": 0,
    "last_state_change": 0,
    "latency": 0.0,
    "long_plugin_output": "",
    "max_check_attempts": 1,
    "next_check": 0,
    "next_notification": 0,
    "notes": "",
    "notes_url": "",
    "notification_period": "24X7",
    "notifications_enabled": 1,
    "percent_state_change": 0.0,
    "perf_data": "",
    "performance_data": {},
    "plugin_output": "",
    "pnpgraph_present": 0,
    "process_performance_data": 1,
    "retry_interval": 1.0,
    "scheduled_downtime_depth": 0,
    "service_period": "24X7",
    "staleness": 0.0,
    "state": 0,
    "state_type": 1,
    "tag_names": [],
    "tag_values": [],
    "tags": {},
}
_HOST_DEFAULTS: Mapping[str, Any] = {
    **_BOTH,
    "address": "0.0.0.0",
    "alias": "",
    "childs": [],
    "filename": "/wato/hosts.mk",
    "icon_image": "",
    "last_time_down": 0,
    "last_time_unreachable": 0,
    "last_time_up": 0,
    "mk_inventory": {},
    "mk_inventory_last": 0,
    "name": "",
    "num_services": 0,
    "num_services_crit": 0,
    "num_services_handled_problems": 0,
    "num_services_ok": 0,
    "num_services_pending": 0,
    "num_services_unhandled_problems": 0,
    "num_services_unknown": 0,
    "num_services_warn": 0,
    "parents": [],
    "services": [],
    "services_with_info": [],
    "services_with_state": [],
    "worst_service_hard_state": 0,
    "worst_service_state": 0,
}
_SERVICE_DEFAULTS: Mapping[str, Any] = {
    **_BOTH,
    "cache_interval": 0,
    "cached_at": 0,
    "description": "",
    "host_name": "",
    "last_time_critical": 0,
    "last_time_ok": 0,
    "last_time_unknown": 0,
    "last_time_warning": 0,
    **{f"host_{name}": value for name, value in _HOST_DEFAULTS.items()},
}

HOST_COLUMNS = frozenset(_HOST_DEFAULTS)
SERVICE_COLUMNS = frozenset(_SERVICE_DEFAULTS)
