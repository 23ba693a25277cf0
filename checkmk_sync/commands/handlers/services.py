"""The code of the service commands."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Iterator, Optional, Sequence

from ...client.checkmk import Checkmk
from ...client.query import unhandled_problems
from ...client.records import ServiceStatus, severity
from ..command import CountedRows, Row

__all__ = ["list_all", "problems"]

_COLUMNS = ("plugin_output", "acknowledged", "scheduled_downtime_depth", "last_check")


def _row(service: ServiceStatus) -> Row:
    columns = {column: service[column] for column in _COLUMNS}
    return {"host": service.host_name, "service": service.name, "state": service.state.name, **columns}


def list_all(
    client: Checkmk, host: Optional[str], search: Optional[str], state: Sequence[str], limit: Optional[int]
) -> Iterator[Row]:
    services = client.services.each(host=host, search=search, state=state or None, columns=_COLUMNS)
    return map(_row, itertools.islice(services, limit))


def problems(client: Checkmk, host: Optional[str], limit: Optional[int]) -> CountedRows:
    services = sorted(client.services.each(host=host, query=unhandled_problems(), columns=_COLUMNS), key=severity)
    counts = Counter(service.state.name.lower() for service in services)
    return CountedRows(map(_row, services[:limit]), counts)
