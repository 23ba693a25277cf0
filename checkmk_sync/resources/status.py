"""The monitoring state of hosts and services."""

from __future__ import annotations

import json
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union
from urllib.parse import urlencode

from ..names import HostState, ServiceState
from ..query import Filter, column, everything
from ..records import HostStatus, ServiceStatus
from ..resource import Resource
from ..streaming import StreamBatch, batches

__all__ = ["HostStatuses", "Services"]

T = TypeVar("T")
Columns = Sequence[str]

# Checkmk: Apache refuses longer request lines (414); the POST form has no such limit.
MAX_QUERY_CHARS = 4000

HOST_COLUMNS = ("name", "state", "has_been_checked")
SERVICE_COLUMNS = ("host_name", "description", "state", "has_been_checked")
States = Union[HostState, ServiceState]


class _Status(Resource):
    _always: Columns

    def _asked(self, columns: Columns, sites: Sequence[str], query: Filter) -> dict[str, Any]:
        # The state without has_been_checked would call a pending object OK.
        wanted = [*self._always, *(name for name in columns if name not in self._always)]
        return {"columns": wanted, "sites": list(sites) or None, "query": query.to_dict() or None}

    def _rows(self, by_get: str, by_post: str, asked: Mapping[str, Any], **path: str) -> Iterator[Any]:
        """The rows, over the form that takes no lock where the version has it and the URL is short enough."""
        given = {name: value for name, value in asked.items() if value is not None}
        has_get = self._site.operation(self.noun, by_get) is not None
        has_post = self._site.operation(self.noun, by_post) is not None
        if has_get and (not has_post or _length(given) <= MAX_QUERY_CHARS):
            return self._stream(by_get, path=path, query=given)
        return self._stream(by_post, path=path, body=given)

    def _page(self, rows: Iterator[T], batch_size: Optional[int]) -> Iterator[StreamBatch[T]]:
        return batches(rows, batch_size or self._site.settings.streaming.default_batch_size)


class HostStatuses(_Status):
    """``client.host_status``: hosts as the monitoring core sees them, since the last activation."""

    noun = "host_status"
    _always = HOST_COLUMNS

    def get(self, name: str, columns: Columns = (), *, fresh: bool = False) -> HostStatus:
        """One host. NotFoundError also for a host that is configured but not activated yet."""
        query = {"columns": self._asked(columns, (), everything())["columns"]}
        return HostStatus.parse(self._perform("get", path={"name": name}, query=query, fresh=fresh).data)

    def each(
        self,
        *,
        search: Optional[str] = None,
        state: Union[HostState, Iterable[HostState], None] = None,
        query: Optional[Filter] = None,
        columns: Columns = (),
        sites: Sequence[str] = (),
    ) -> Iterator[HostStatus]:
        """Hosts that fit all of: a name pattern (``web*``), states, and a query; each with ``columns``.

        A generator over the answer while it arrives. Checkmk: a site that is down is left out without a hint.
        """
        condition = _condition(query, "name", search, state)
        return map(HostStatus.parse, self._rows("list", "query", self._asked(columns, sites, condition)))

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[HostStatus]]:
        """What :meth:`each` yields, in pages (default size: as configured)."""
        return self._page(self.each(**filters), batch_size)


class Services(_Status):
    """``client.services``: services as the monitoring core sees them."""

    noun = "services"
    _always = SERVICE_COLUMNS

    def get(self, host: str, service: str, columns: Columns = (), *, fresh: bool = False) -> ServiceStatus:
        """One service by its description. NotFoundError where the core does not know it."""
        query = {"service_description": service, "columns": self._asked(columns, (), everything())["columns"]}
        return ServiceStatus.parse(self._perform("get", path={"name": host}, query=query, fresh=fresh).data)

    def each(
        self,
        *,
        host: Optional[str] = None,
        search: Optional[str] = None,
        state: Union[ServiceState, Iterable[ServiceState], None] = None,
        query: Optional[Filter] = None,
        columns: Columns = (),
        sites: Sequence[str] = (),
    ) -> Iterator[ServiceStatus]:
        """Services that fit all of: a host, a pattern for their name, states, and a query.

        ``host`` may be a pattern (``web*``) as well. A generator over the answer while it arrives.
        """
        condition = _condition(query, "description", search, state)
        if host is not None and ("*" in host or "?" in host):
            condition = column("host_name").glob(host) & condition
            host = None
        asked = self._asked(columns, sites, condition)
        if host is not None:
            rows = self._rows("list_of_host", "query_of_host", asked, name=host)
        else:
            rows = self._rows("list", "query", asked)
        return map(ServiceStatus.parse, rows)

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[ServiceStatus]]:
        """What :meth:`each` yields, in pages (default size: as configured)."""
        return self._page(self.each(**filters), batch_size)


def _condition(
    query: Optional[Filter], name: str, search: Optional[str], state: Union[States, Iterable[States], None]
) -> Filter:
    condition = everything() if query is None else query
    if search is not None:
        condition = condition & column(name).glob(search)
    if state is not None:
        states = (state,) if isinstance(state, (HostState, ServiceState)) else tuple(state)
        condition = condition & column("state").one_of(states)
    return condition


def _length(asked: Mapping[str, Any]) -> int:
    texts = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in asked.items()}
    return len(urlencode(texts, doseq=True))
