"""The inventory of a company that does not exist: 2,112 hosts in 64 folders, the same every time."""

from __future__ import annotations

from typing import Any, Iterator

__all__ = ["as_csv", "hosts"]

SITES = (("muc", "Munich", 10), ("nue", "Nuremberg", 20), ("ber", "Berlin", 30), ("vie", "Vienna", 40))
# Folder, prefix of the names, how many at each site, tags and labels.
ROLES: tuple[tuple[str, str, int, dict[str, str]], ...] = (
    ("servers/linux/web", "web", 96, {"label:os": "linux", "label:role": "web"}),
    (
        "servers/linux/database",
        "db",
        48,
        {"label:os": "linux", "label:role": "database", "tag_criticality": "critical"},
    ),
    ("servers/linux/application", "app", 120, {"label:os": "linux", "label:role": "application"}),
    ("servers/windows/domain", "dc", 8, {"label:os": "windows", "label:role": "domain-controller"}),
    ("servers/windows/files", "files", 24, {"label:os": "windows", "label:role": "file-server"}),
    ("servers/test", "test", 40, {"label:os": "linux", "label:role": "test", "tag_criticality": "test"}),
    ("network/switches", "sw", 120, {"label:role": "switch", "tag_agent": "no-agent", "tag_snmp_ds": "snmp-v2"}),
    ("network/routers", "rt", 24, {"label:role": "router", "tag_agent": "no-agent", "tag_snmp_ds": "snmp-v2"}),
    ("network/access-points", "ap", 48, {"label:role": "access-point", "tag_agent": "no-agent"}),
)
COLUMNS = ("name", "folder", "alias", "ipaddress", "tag_agent", "tag_snmp_ds", "tag_criticality")
LABELS = ("label:site", "label:os", "label:role")


def hosts() -> Iterator[dict[str, str]]:
    """One row a host."""
    for short, city, network in SITES:
        address = 0
        for folder, prefix, count, properties in ROLES:
            for number in range(1, count + 1):
                address += 1
                row: dict[str, str] = {
                    "name": f"{short}-{prefix}{number:03d}",
                    "folder": f"/{short}/{folder}",
                    "alias": f"{prefix}{number:03d} in {city}",
                    "ipaddress": f"10.{network}.{address // 250}.{address % 250 + 1}",
                    "label:site": short,
                    **properties,
                }
                yield row


def as_csv() -> str:
    """The inventory as a CSV file, as an export of a CMDB would be."""
    header = (*COLUMNS, *LABELS)
    rows: list[Any] = [header, *([row.get(column, "") for column in header] for row in hosts())]
    return "".join(",".join(row) + "\n" for row in rows)
