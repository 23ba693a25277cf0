"""Verbs of services."""

from __future__ import annotations

from collections import Counter
from typing import Iterator, Optional, Sequence

from ..catalogue.states import ServiceState
from ..client.checkmk import Checkmk
from ..client.query import unhandled_problems
from ..client.records import ServiceStatus, severity
from .command import LIMIT, Argument, Command, CountedRows, Field, Row, limited, search_pattern

__all__ = ["SERVICE_COMMANDS"]

_SERVICE_COLUMNS = ("plugin_output", "acknowledged", "scheduled_downtime_depth", "last_check")


def _service_row(service: ServiceStatus) -> Row:
    columns = {column: service[column] for column in _SERVICE_COLUMNS}
    return {"host": service.host_name, "service": service.name, "state": service.state.name, **columns}


def _services(
    client: Checkmk, host: Optional[str], search: Optional[str], state: Sequence[str], limit: Optional[int]
) -> Iterator[Row]:
    rows = client.services.each(host=host, search=search, state=state or None, columns=_SERVICE_COLUMNS)
    return map(_service_row, limited(rows, limit))


def _problems(client: Checkmk, host: Optional[str], limit: Optional[int]) -> CountedRows:
    query = unhandled_problems()
    found = sorted(client.services.each(host=host, query=query, columns=_SERVICE_COLUMNS), key=severity)
    counts = Counter(service.state.name.lower() for service in found)
    return CountedRows(map(_service_row, limited(found, limit)), counts)


_OF_HOST = Argument(
    "host",
    "Only services of this host; may be a pattern such as 'web*'.",
    check=search_pattern,
    example="web*",
)
_FIELDS = (
    Field("host", "Name of the host."),
    Field("service", "Description of the service.", foreign=True),
    Field("state", "OK, WARNING, CRITICAL, UNKNOWN or PENDING."),
    Field("plugin_output", "Output of the check.", foreign=True),
    Field("acknowledged", "1 if the problem is acknowledged.", int),
    Field("scheduled_downtime_depth", "More than 0 while it is in downtime.", int),
    Field("last_check", "Time of the last check, as UNIX time.", int, time=True),
)
_STATES = tuple(state.name.lower() for state in ServiceState)

SERVICE_COMMANDS = (
    Command(
        "services",
        "list",
        "List monitored services and their states.",
        "checkmk-sync services list --host 'web*' --state critical --state warning",
        _services,
        (
            _OF_HOST,
            Argument(
                "search",
                "Only names that match a pattern such as 'Filesystem*'.",
                check=search_pattern,
                example="Filesystem*",
            ),
            Argument(
                "state",
                "Only this state, in upper or lower case; may be abbreviated.",
                many=True,
                choices=_STATES,
                example=["critical"],
                tool_help="Only in one of these states.",
            ),
            LIMIT,
        ),
        ("host", "service", "state", "plugin_output"),
        fields=_FIELDS,
        empty="no services",
    ),
    Command(
        "services",
        "problems",
        "List unhandled service problems (not acknowledged, not in downtime), worst first.",
        "checkmk-sync services problems --limit 20",
        _problems,
        (_OF_HOST, LIMIT),
        ("host", "service", "state", "plugin_output"),
        fields=_FIELDS,
        empty="no unhandled problems",
    ),
)
