"""The monitoring state of hosts and services."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import operator
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union
from urllib.parse import urlencode

from ...catalogue.states import HostState, ServiceState, parse_state
from ...core.arguments import describe_type, require_string, require_strings
from ...errors import BrokenReplyError, UnexpectedReplyError
from ...streaming import Blocks, Received, Stream, StreamBatch
from ..partitions import Partitions
from ..payload import items_of, value_of
from ..query import Filter, column, everything
from ..records import HostStatus, ServiceStatus
from ..resource import Resource, parsed
from ..site import Site

__all__ = ["HostStatuses", "Services"]

Columns = Sequence[str]
Asked = Mapping[str, Any]

# Checkmk: Apache refuses longer request lines (414); the POST form has no such limit.
MAX_QUERY_CHARS = 4000
NAMES_PER_QUERY = 200
# Longer names of hosts are rare, and cost no more than that parts with them wait for each other.
USUAL_NAME_CHARS = 64

HOST_COLUMNS = ("name", "state", "has_been_checked")
SERVICE_COLUMNS = ("host_name", "description", "state", "has_been_checked")
States = Union[HostState, ServiceState]
S = TypeVar("S", HostState, ServiceState)
Given = Union[S, str, int, Iterable[Union[S, str, int]], None]

# The columns of a host that count its services in a state.
_COUNTS = {
    ServiceState.OK: "num_services_ok",
    ServiceState.WARNING: "num_services_warn",
    ServiceState.CRITICAL: "num_services_crit",
    ServiceState.UNKNOWN: "num_services_unknown",
    ServiceState.PENDING: "num_services_pending",
}


class _Status(Resource):
    _always: Columns

    def _asked(self, columns: Columns, sites: Sequence[str], query: Filter) -> dict[str, Any]:
        # The state without has_been_checked would call a pending object OK.
        wanted = [*self._always, *(name for name in require_strings(columns, "columns") if name not in self._always)]
        return {"columns": wanted, "sites": require_strings(sites, "sites") or None, "query": query.to_dict() or None}

    def _rows(self, received: Received, asked: Asked) -> Blocks[Any]:
        verb, arguments = _form(self._site, self.noun, "list", "query", asked)
        return self._blocks(verb, received, parts=HostStatus.PARTS, **arguments)


class HostStatuses(_Status):
    """``client.host_status``: hosts as the monitoring core sees them, since the last activation."""

    noun = "host_status"
    _always = HOST_COLUMNS

    def get(self, name: str, columns: Columns = (), *, fresh: bool = False) -> HostStatus:
        """One host. NotFoundError also for a host that is configured but not activated yet."""
        query = {"columns": self._asked(columns, (), everything())["columns"]}
        return self._read(HostStatus.parse, "get", path={"name": name}, query=query, fresh=fresh)

    def each(
        self,
        *,
        search: Optional[str] = None,
        state: Given[HostState] = None,
        query: Optional[Filter] = None,
        columns: Columns = (),
        sites: Sequence[str] = (),
    ) -> Stream[HostStatus]:
        """Hosts that fit all of: a name pattern (``web*``), states, and a query; each with ``columns``.

        A state is a HostState, its number, or its name in any case or an unambiguous beginning of that (``"unreach"``).

        Decoded while the answer arrives. Checkmk: a site that is down is left out without a hint.
        """
        asked = self._asked(columns, sites, _condition(query, "name", search, _listed(HostState, state)))
        return Stream(lambda received: parsed(self._rows(received, asked), HostStatus.parse_all))

    def monitored(self, names: Iterable[str]) -> set[str]:
        """Those of the hosts that the core knows: few are asked for by name, many looked for in the whole list."""
        wanted = sorted(require_strings(names, "names"))
        query = column("name").one_of(wanted) if 0 < len(wanted) <= NAMES_PER_QUERY else everything()
        if not _fits(self._site, self.noun, "query", self._asked((), (), query)):
            query = everything()
        return {host.name for host in self.each(query=query)} & set(wanted)

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[HostStatus]]:
        """What :meth:`each` yields, in pages (default size: as configured)."""
        return self._pages(self.each(**filters), batch_size)


class Services(_Status):
    """``client.services``: services as the monitoring core sees them."""

    noun = "services"
    _always = SERVICE_COLUMNS

    def get(self, host: str, service: str, columns: Columns = (), *, fresh: bool = False) -> ServiceStatus:
        """One service by its description. NotFoundError where the core does not know it."""
        query = {
            "service_description": require_string(service, "service"),
            "columns": self._asked(columns, (), everything())["columns"],
        }
        return self._read(ServiceStatus.parse, "get", path={"name": host}, query=query, fresh=fresh)

    def each(
        self,
        *,
        host: Optional[str] = None,
        search: Optional[str] = None,
        state: Given[ServiceState] = None,
        query: Optional[Filter] = None,
        columns: Columns = (),
        sites: Sequence[str] = (),
        fresh: bool = False,
    ) -> Stream[ServiceStatus]:
        """Services that fit all of: a host, a pattern for their name, states, and a query.

        A state is a ServiceState, its number, or its name in any case or an unambiguous beginning (``"crit"``).

        ``host`` may be a pattern (``web*``) as well. Those of many hosts are read in parts, each of which is
        repeated alone when it breaks off; in the order of the host names. Those of one host are one answer, which
        the cache may give, as old as ``caching.status_ttl``, unless it has to be ``fresh``.
        """
        if host is not None:
            require_string(host, "host")
        states = _listed(ServiceState, state)
        condition = _condition(query, "description", search, states)
        if host is None or "*" in host or "?" in host:
            asked = self._asked(columns, sites, condition)
            return Stream(lambda received: self._of_hosts(host, states, condition, asked, received))
        of_host, asked = host, self._asked(columns, sites, condition)
        return Stream(lambda received: self._of_host(of_host, asked, fresh, received))

    def few(self, query: Filter, *, columns: Columns = (), sites: Sequence[str] = ()) -> list[ServiceStatus]:
        """Services that fit a query, in one request: for queries that only a few services fit."""
        asked = self._asked(columns, sites, _filter(query))
        rows = self._rows(lambda _size: None, asked)
        return [row for block in parsed(rows, ServiceStatus.parse_all) for row in block]

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[ServiceStatus]]:
        """What :meth:`each` yields, in pages (default size: as configured)."""
        return self._pages(self.each(**filters), batch_size)

    def _of_host(self, host: str, asked: Asked, fresh: bool, received: Received) -> Blocks[ServiceStatus]:
        verb, arguments = _form(self._site, self.noun, "list_of_host", "query_of_host", asked)
        reply = self._perform(verb, path={"name": host}, fresh=fresh, **arguments)
        received(0 if reply.from_cache else len(reply.body))
        yield ServiceStatus.parse_all([value_of(item, ServiceStatus.PARTS) for item in items_of(reply.data)])

    def _of_hosts(
        self,
        pattern: Optional[str],
        states: Optional[Sequence[ServiceState]],
        condition: Filter,
        asked: Asked,
        received: Received,
    ) -> Blocks[ServiceStatus]:
        hosts = everything()
        if pattern is not None:
            hosts = column("name").glob(pattern)
            condition = column("host_name").glob(pattern) & condition
        streaming, retry = self._site.settings.streaming, self._site.transport.retry

        def again(whole: Callable[[], list[Any]]) -> list[Any]:
            return retry.run(whole, may_retry=lambda error: isinstance(error, BrokenReplyError))

        def read(part: Filter, limit: float) -> bytes:
            query = (part & condition).to_dict() or None
            verb, arguments = _form(self._site, self.noun, "list", "query", {**asked, "query": query})
            body: bytes = self._perform(verb, body_limit=limit, **arguments).data
            return body

        def is_first(name: str) -> bool:
            before = self._index(hosts & (column("name") < name), states, asked["sites"], received)
            with contextlib.closing(before):
                return not any(before)

        # Checkmk: the POST form takes the configuration lock, so only one at a time is of use. Nor are more than there
        # are places for reads.
        name = "n" * USUAL_NAME_CHARS
        usual = (column("host_name") >= name) & (column("host_name") < name) & condition
        verb, _ = _form(self._site, self.noun, "list", "query", {**asked, "query": usual.to_dict()})
        at_once = min(streaming.max_concurrent_batches, self._site.settings.limits.reads_in_flight)
        partitions = Partitions(
            lambda: self._index(hosts, states, asked["sites"], received),
            read,
            is_first=is_first,
            workers=at_once if verb == "list" else 1,
            share_bytes=streaming.memory_limit_mb * 2**20 / streaming.max_concurrent_batches,
            again=again,
            field=ServiceStatus.PARTS,
            parse_all=ServiceStatus.parse_all,
            host_of=operator.itemgetter("host_name"),
        )
        return partitions.blocks(received)

    def _index(
        self,
        hosts: Filter,
        states: Optional[Sequence[ServiceState]],
        sites: Optional[Sequence[str]],
        received: Received,
    ) -> Blocks[tuple[str, float]]:
        """Those of the ``hosts`` that have services (in one of the states), and how many."""
        counts = ["num_services"] if states is None else [_COUNTS[state] for state in states]
        some = [column(count) > 0 for count in counts]
        query = hosts & functools.reduce(operator.or_, some)
        asked = {"columns": ["name", *counts], "sites": sites, "query": query.to_dict()}
        verb, arguments = _form(self._site, HostStatuses.noun, "list", "query", asked)
        blocks = self._site.blocks(HostStatuses.noun, verb, received, parts=HostStatus.PARTS, **arguments)
        return parsed(blocks, lambda found: _counted(found, counts))


def _counted(found: Sequence[Any], counts: Sequence[str]) -> list[tuple[str, float]]:
    """The names of hosts, and how many services each has by these columns."""
    try:  # without a call for each, for there are many
        names = list(map(operator.itemgetter("name"), found))
        numbers = map(sum, zip(*(map(operator.itemgetter(count), found) for count in counts)))
        return list(zip(map("".__add__, names), map(float, numbers)))
    except (KeyError, TypeError, OverflowError):
        for columns, name in itertools.product(found, ("name", *counts)):
            value_of({HostStatus.PARTS: columns}, HostStatus.PARTS, name)  # raises for what is missing
        said = "the site gives a host a name that is no text, or counts its services with something else than numbers"
        raise UnexpectedReplyError(said) from None


def _form(site: Site, noun: str, by_get: str, by_post: str, asked: Asked) -> tuple[str, dict[str, Any]]:
    """The verb that takes no lock where the version has it and the URL is short enough, and its arguments."""
    given = {name: value for name, value in asked.items() if value is not None}
    has_get = site.operation(noun, by_get) is not None
    has_post = site.operation(noun, by_post) is not None
    if has_get and (not has_post or _length(given) <= MAX_QUERY_CHARS):
        return by_get, {"query": given}
    return by_post, {"body": given}


def _fits(site: Site, noun: str, by_post: str, asked: Asked) -> bool:
    """True when the site takes a query as long as this."""
    return site.operation(noun, by_post) is not None or _length(asked) <= MAX_QUERY_CHARS


def _listed(kind: type[S], given: Given[S]) -> Optional[Sequence[S]]:
    """The states as a sequence, for an iterator is empty after its first use. ValueError for what is none."""
    if given is None:
        return None
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        return (parse_state(kind, given),)
    return tuple(parse_state(kind, state) for state in given)


def _filter(query: object) -> Filter:
    if not isinstance(query, Filter):
        raise TypeError(f"query is a Filter such as column('state') != 0, not {describe_type(query)}")
    return query


def _condition(query: Optional[Filter], name: str, search: Optional[str], states: Optional[Sequence[States]]) -> Filter:
    condition = everything() if query is None else _filter(query)
    if search is not None:
        condition = condition & column(name).glob(require_string(search, "search"))
    if states is not None:
        condition = condition & column("state").one_of(states)
    return condition


def _length(asked: Asked) -> int:
    given = {name: value for name, value in asked.items() if value is not None}
    texts = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in given.items()}
    return len(urlencode(texts, doseq=True))
