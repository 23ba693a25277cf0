"""The code of the service commands."""

from __future__ import annotations

from typing import Iterator, Mapping, Optional, Sequence

from ...client.checkmk import Checkmk
from ...client.query import Filter
from ...client.records import ServiceStatus
from ..command import Row
from .search import EVERYTHING, only_labelled, search_filter, with_labels

_COLUMNS = ("plugin_output", "acknowledged", "scheduled_downtime_depth", "last_check")


def _row(service: ServiceStatus) -> Row:
    columns = {column: service[column] for column in _COLUMNS}
    return {"host": service.host_name, "service": service.name, "state": service.state.name, **columns}


def list_all(
    client: Checkmk,
    host: Optional[str],
    search: Optional[str],
    label: Mapping[str, str],
    state: Sequence[str] = (),
    only: Filter = EVERYTHING,
) -> Iterator[Row]:
    """Yield services. Those that ``only`` does not match are left out."""
    query, columns = search_filter("description", search) & only, with_labels(_COLUMNS, label)
    services = client.services.each(host=host, query=query, state=state or None, columns=columns)
    return map(_row, only_labelled(services, label))
