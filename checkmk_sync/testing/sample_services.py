"""The services of simulated hosts, which are the same in every run. Some have problems."""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass
from typing import Mapping, Optional

Phases = Mapping[int, str]


@dataclass(frozen=True)
class Template:
    """A service of every host. Discovery identifies it by ``check`` and ``item``."""

    check: str
    item: Optional[str]
    description: str
    output: tuple[str, str, str, str]  # for OK, WARN, CRIT and UNKNOWN


def _usage(check: str, item: Optional[str], description: str, metric: str) -> Template:
    texts = tuple(f"{metric}: {text}" for text in ("42.10%", "86.30% (warn/crit at 80%/90%)", "97.20%", "no data"))
    return Template(check, item, description, texts)  # type: ignore[arg-type]


# Checkmk adds these services to every host with an agent. Discovery finds only the others.
BASIC = (
    Template("check-mk", None, "Check_MK", ("[agent] Success", "[agent] slow", "[agent] No connection", "no data")),
    Template(
        "check-mk-inventory",
        None,
        "Check_MK Discovery",
        ("Services: all up to date", "unmonitored services", "vanished services", "no data"),
    ),
)
DISCOVERY = BASIC[1]
PING = Template("check-mk-ping", None, "PING", ("OK - rta 0.8ms, lost 0%", "WARN - lost 20%", "CRIT - lost 100%", ""))

_COMMON = (
    _usage("cpu_loads", None, "CPU load", "15 min load"),
    _usage("cpu_utilization_os", None, "CPU utilization", "Total CPU"),
    _usage("mem_linux", None, "Memory", "Total virtual memory"),
    _usage("df", "/", "Filesystem /", "Used"),
    _usage("df", "/var", "Filesystem /var", "Used"),
    _usage("df", "/home", "Filesystem /home", "Used"),
    Template("uptime", None, "Uptime", ("Up since last boot", "rebooted", "rebooted twice", "no data")),
    Template("systemd_units_services_summary", None, "Systemd Service Summary", ("all up", "1 failed", "3 failed", "")),
    Template("ntp_time", None, "System Time", ("offset 0.1 ms", "offset 40 ms", "offset 900 ms", "no peer")),
    _usage("lnx_if", "1", "Interface 1", "Bandwidth"),
    _usage("diskstat", "SUMMARY", "Disk IO SUMMARY", "Utilization"),
    _usage("tcp_conn_stats", None, "TCP Connections", "Established"),
)


@functools.cache
def templates(total: int) -> tuple[Template, ...]:
    """Return the services that discovery finds on a host with ``total`` services, including the basic ones."""
    wanted = max(0, total - len(BASIC))
    discovered = list(_COMMON[:wanted])
    for number in range(2, wanted - len(discovered) + 2):
        discovered.append(_usage("lnx_if", str(number), f"Interface {number}", "Bandwidth"))
    return tuple(discovered)


def is_ping_only(attributes: Mapping[str, object]) -> bool:
    """Return True if a host is only pinged and therefore has no services to discover."""
    return attributes.get("tag_agent") == "no-agent" and attributes.get("tag_snmp_ds") == "no-snmp"


def state_of(host: str, description: str) -> int:
    """Return the state of a service, from 0 to 3 and mostly 0. It is always the same for one service."""
    drawn = zlib.crc32(f"{host}/{description}".encode()) % 1000
    return 2 if drawn < 6 else 1 if drawn < 18 else 3 if drawn < 20 else 0
