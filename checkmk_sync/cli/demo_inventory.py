"""The inventory of a fictitious company: 2,112 hosts in 64 folders, always the same."""

from __future__ import annotations

import itertools
from typing import Iterator

__all__ = ["as_csv", "hosts"]

SITES = (("muc", "Munich", 10), ("nue", "Nuremberg", 20), ("ber", "Berlin", 30), ("vie", "Vienna", 40))
_LINUX, _WINDOWS = {"label:os": "linux"}, {"label:os": "windows"}
_SNMP = {"tag_agent": "no-agent", "tag_snmp_ds": "snmp-v2"}
# Folder, prefix of the host names, number of hosts at each site, role, and further tags and labels.
ROLES: tuple[tuple[str, str, int, str, dict[str, str]], ...] = (
    ("servers/linux/web", "web", 96, "web", _LINUX),
    ("servers/linux/database", "db", 48, "database", {**_LINUX, "tag_criticality": "critical"}),
    ("servers/linux/application", "app", 120, "application", _LINUX),
    ("servers/windows/domain", "dc", 8, "domain-controller", _WINDOWS),
    ("servers/windows/files", "files", 24, "file-server", _WINDOWS),
    ("servers/test", "test", 40, "test", {**_LINUX, "tag_criticality": "test"}),
    ("network/switches", "sw", 120, "switch", _SNMP),
    ("network/routers", "rt", 24, "router", _SNMP),
    ("network/access-points", "ap", 48, "access-point", {"tag_agent": "no-agent"}),
)
COLUMNS = (
    *("name", "folder", "alias", "ipaddress", "tag_agent", "tag_snmp_ds", "tag_criticality"),
    *("label:site", "label:os", "label:role"),
)


def as_csv() -> str:
    """Return the inventory as CSV text, like an export of a CMDB."""
    lines = [",".join(row.get(column, "") for column in COLUMNS) for row in hosts()]
    return "\n".join([",".join(COLUMNS), *lines, ""])


def hosts() -> Iterator[dict[str, str]]:
    """Yield a row for each host, with the names of columns as keys."""
    for short, city, network in SITES:
        addresses = itertools.count(1)
        for folder, prefix, count, role, properties in ROLES:
            for number, address in zip(range(1, count + 1), addresses):
                yield {
                    "name": f"{short}-{prefix}{number:03d}",
                    "folder": f"/{short}/{folder}",
                    "alias": f"{prefix}{number:03d} in {city}",
                    "ipaddress": f"10.{network}.{address // 250}.{address % 250 + 1}",
                    "label:site": short,
                    "label:role": role,
                    **properties,
                }
