"""Verbs for many hosts at once."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ..client.checkmk import Checkmk
from ..client.outcomes import Outcome
from .arguments import attribute_values
from .command import TOOL, Argument, Command, Field, Row, Watch

__all__ = ["BATCH_COMMANDS"]

SHOWN = 50  # failures in one answer


def _create(client: Checkmk, hosts: Sequence[Mapping[str, Any]], watch: Watch) -> Row:
    known: list[Outcome] = []

    def told(outcome: Outcome) -> None:
        known.append(outcome)
        watch("create hosts", len(known), len(hosts))

    watch("create hosts", 0, len(hosts))
    outcomes = client.hosts.bulk_create(list(hosts), progress=told)
    failed = [*outcomes.not_applied, *outcomes.unknown]
    return {
        "applied": len(outcomes.applied),
        "not_applied": len(outcomes.not_applied),
        "unknown": len(outcomes.unknown),
        "failures": [f"{found.key}: {found.status.value}: {found.reason}" for found in failed[:SHOWN]],
        "failed": [(found.key, found.status.value) for found in failed],
    }


def _entries(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries with ``host_name`` for the host, and with values for attributes given as texts."""
    entries = []
    for entry in map(dict, given):
        for other in ("host", "name"):
            if other in entry and "host_name" not in entry:
                entry["host_name"] = entry.pop(other)
        if isinstance(entry.get("attributes"), Mapping):
            entry["attributes"] = attribute_values(entry["attributes"])
        entries.append(entry)
    return entries


BATCH_COMMANDS = (
    Command(
        "hosts",
        "bulk-create",
        "Create many hosts in bulk, with an outcome for each; refused hosts do not hold up the others. "
        "They are not active until the next activation.",
        "checkmk-sync apply hosts.csv",
        _create,
        (
            Argument(
                "hosts",
                "The hosts: objects with host_name, folder (default: /) and attributes.",
                dict,
                required=True,
                many=True,
                parse=_entries,
                example=[{"host_name": "web01", "folder": "/linux", "attributes": {"ipaddress": "192.0.2.10"}}],
            ),
        ),
        writes=True,
        additive=True,
        fields=(
            Field("applied", "Number of hosts that were created.", int),
            Field("not_applied", "Number of hosts that were not created.", int),
            Field("unknown", "Number of hosts that may or may not exist: check before repeating.", int),
            Field("failures", f"The first {SHOWN} that were not applied or are unknown.", list[str], foreign=True),
        ),
        watched=True,
        faces=(TOOL,),  # on the command line that is an inventory
        tool="batch_create_hosts",
    ),
)
