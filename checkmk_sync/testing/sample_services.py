"""The services of simulated hosts, which are the same in every run. Some have problems."""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass, replace
from typing import Mapping, Optional

from .data_files import rows

Phases = Mapping[int, str]


@dataclass(frozen=True)
class Template:
    """A service of every host. Discovery identifies it by ``check`` and ``item``."""

    check: str
    item: Optional[str]
    description: str
    output: tuple[str, str, str, str]  # for OK, WARN, CRIT and UNKNOWN


_CHECK_MK, DISCOVERY, PING, *_COMMON = (
    Template(
        row["check"], row["item"] or None, row["description"], (row["ok"], row["warn"], row["crit"], row["unknown"])
    )
    for row in rows("services")
)
# Checkmk adds these services to every host with an agent. Discovery finds only the others.
BASIC = (_CHECK_MK, DISCOVERY)
_INTERFACE = next(template for template in _COMMON if template.check == "lnx_if")


@functools.cache
def templates(total: int) -> tuple[Template, ...]:
    """Return the services that discovery finds on a host with ``total`` services, including the basic ones."""
    wanted = max(0, total - len(BASIC))
    discovered = list(_COMMON[:wanted])
    for number in range(2, wanted - len(discovered) + 2):
        discovered.append(replace(_INTERFACE, item=str(number), description=f"Interface {number}"))
    return tuple(discovered)


def is_ping_only(attributes: Mapping[str, object]) -> bool:
    """Return True if a host is only pinged and therefore has no services to discover."""
    return attributes.get("tag_agent") == "no-agent" and attributes.get("tag_snmp_ds") == "no-snmp"


def state_of(host: str, description: str) -> int:
    """Return the state of a service, from 0 to 3 and mostly 0. It is always the same for one service."""
    drawn = zlib.crc32(f"{host}/{description}".encode()) % 1000
    return 2 if drawn < 6 else 1 if drawn < 18 else 3 if drawn < 20 else 0
