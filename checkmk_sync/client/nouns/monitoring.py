"""Reads the monitoring state of hosts and services."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import operator
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, TypeVar, Union
from urllib.parse import urlencode

from ...catalogue.states import HostState, ServiceState, parse_state
from ...core.arguments import require_string, require_strings, require_type
from ...errors import BrokenReplyError, UnexpectedReplyError
from ...streaming import Blocks, Received, Stream
from ..partitions import Partitions
from ..payload import items_of, value_of
from ..query import Filter, column, everything
from ..records import HostStatus, ServiceStatus
from ..resource import Listing, parsed

Columns = Sequence[str]
Query = Mapping[str, Any]

# Apache refuses request lines that are too long (414). The POST form has no such limit.
MAX_QUERY_CHARS = 4000
MAX_CHARS_WITHOUT_POST = 7000  # leaves room for columns
NAMES_PER_QUERY = 200
# Longer host names are rare. If one of them makes a query too long, that part is read with the POST form.
USUAL_NAME_CHARS = 64

States = Union[HostState, ServiceState]
S = TypeVar("S", HostState, ServiceState)
T = TypeVar("T", HostStatus, ServiceStatus)
StateOrStates = Union[S, str, int, Iterable[Union[S, str, int]], None]

# The columns of a host with the number of its services in each state.
SERVICE_COUNTS = {
    ServiceState.OK: "num_services_ok",
    ServiceState.WARNING: "num_services_warn",
    ServiceState.CRITICAL: "num_services_crit",
    ServiceState.UNKNOWN: "num_services_unknown",
    ServiceState.PENDING: "num_services_pending",
}


class _Status(Listing[T]):
    _always: Columns

    def _query(self, columns: Columns, sites: Sequence[str], condition: Filter) -> dict[str, Any]:
        # CHECKMK_API 10.4: a pending object has the state 0, like OK or UP, and only has_been_checked differs.
        wanted = [*self._always, *(name for name in require_strings(columns, "columns") if name not in self._always)]
        return {
            "columns": wanted,
            "sites": require_strings(sites, "sites") or None,
            "query": condition.to_dict() or None,
        }

    def _verb(self, get_verb: str, post_verb: str, query: Query, noun: str = "") -> tuple[str, dict[str, Any]]:
        """Return the verb of a ``noun`` (default: this one) that reads rows, and its arguments.

        The GET verb takes no lock. It is preferred if the site's version supports it and the URL is short enough.
        """
        parameters = {name: value for name, value in query.items() if value is not None}
        has_post = self._site.operation(noun or self.noun, post_verb) is not None
        has_get = self._site.operation(noun or self.noun, get_verb) is not None
        if has_get and (not has_post or query_length(parameters) <= MAX_QUERY_CHARS):
            return get_verb, {"query": parameters}
        return post_verb, {"body": parameters}

    def fits(self, query: Filter, names: int) -> bool:
        """Return True if a query for this number of names fits into one request."""
        has_post = self._site.operation(self.noun, "query") is not None
        length = 0 if has_post else query_length({"query": query.to_dict()})
        return names <= NAMES_PER_QUERY and length <= MAX_CHARS_WITHOUT_POST

    def _rows(self, received: Received, query: Query) -> Blocks[T]:
        verb, arguments = self._verb("list", "query", query)
        return self._list(received, verb, **arguments)


class HostStatuses(_Status[HostStatus]):
    """The monitoring state of hosts, as ``client.host_status``.

    The monitoring core uses the configuration of the last activation, so it does not know hosts that were added later.
    """

    noun, record = "host_status", HostStatus
    _always = ("name", "state", "has_been_checked")
    _parse_all = staticmethod(HostStatus.parse_all)

    def get(self, name: str, columns: Columns = (), *, fresh: bool = False) -> HostStatus:
        """Return the state of one host.

        >>> cmk.host_status.get("web01", ["plugin_output"])["plugin_output"]

        ``columns`` are names of additional columns of the Livestatus table ``hosts``. The state can come from the
        cache, up to ``caching.status_ttl`` seconds old, unless ``fresh`` is True. Raises NotFoundError if the core does
        not know the host, and BadRequestError for an unknown column.
        """
        query = {"columns": self._query(columns, (), everything())["columns"]}
        return self._read(HostStatus.parse, "get", path={"name": name}, query=query, fresh=fresh)

    def each(
        self,
        *,
        search: Optional[str] = None,
        state: StateOrStates[HostState] = None,
        query: Optional[Filter] = None,
        columns: Columns = (),
        sites: Sequence[str] = (),
    ) -> Stream[HostStatus]:
        """Return a stream of hosts, which are decoded while the response arrives.

        >>> for host in cmk.host_status.each(search="web*", state=["down", "unreach"], columns=["plugin_output"]):
        ...     print(host.name, host.state, host["plugin_output"])

        The stream contains the hosts that meet all given conditions:

        * ``search`` is a pattern for the host name, such as ``web*``.
        * ``state`` is one state or several. A state is a :class:`.HostState`, its number, its name, or a unique prefix
          of the name such as ``"unreach"``. Case is ignored.
        * ``query`` is a :class:`.Filter`.
        * ``sites`` are the IDs of the sites to query (default: all). Checkmk silently omits the hosts of a site that is
          down.

        ``columns`` are additional columns, as in :meth:`get`. Raises ValueError for an unknown state. The request is
        sent when you iterate. BadRequestError is raised then if a column or site is unknown.
        """
        request = self._query(columns, sites, _condition(query, "name", search, _states(HostState, state)))
        return Stream(lambda received: self._rows(received, request))

    def monitored(self, names: Iterable[str]) -> set[str]:
        """Return the hosts in ``names`` that the monitoring core knows, as a set of names."""
        wanted = sorted(require_strings(names, "names"))
        if not wanted:
            return set()
        # Few hosts are queried by name. For many, the list of all hosts is read.
        query = column("name").one_of(wanted)
        query = query if self.fits(query, len(wanted)) else everything()
        return {host.name for host in self.each(query=query)} & set(wanted)


class Services(_Status[ServiceStatus]):
    """The monitoring state of services, as ``client.services``.

    The monitoring core uses the configuration of the last activation, so it does not know services that were added
    later.
    """

    noun, record = "services", ServiceStatus
    _always = ("host_name", "description", "state", "has_been_checked")
    _parse_all = staticmethod(ServiceStatus.parse_all)

    def get(self, host: str, service: str, columns: Columns = (), *, fresh: bool = False) -> ServiceStatus:
        """Return the state of one service. ``service`` is its name, which Checkmk calls the description.

        >>> cmk.services.get("web01", "CPU load", ["plugin_output"])["plugin_output"]

        ``columns`` are names of additional columns of the Livestatus table ``services``. The state can come from the
        cache, up to ``caching.status_ttl`` seconds old, unless ``fresh`` is True. Raises NotFoundError if the core does
        not know the service, and BadRequestError for an unknown column.
        """
        query: dict[str, Any] = {"service_description": require_string(service, "service")}
        request = self._query(columns, (), column("description") == service)
        operation = self._site.operation(self.noun, "get")
        if operation is not None and "columns" in operation.query:
            query["columns"] = request["columns"]
        # Checkmk: up to 2.3, the operation has fixed columns, without has_been_checked. The list is read instead.
        elif rows := next(self._of_host(host, request, fresh, lambda _size: None)):
            return rows[0]
        return self._read(ServiceStatus.parse, "get", path={"name": host}, query=query, fresh=fresh)

    def each(
        self,
        *,
        host: Optional[str] = None,
        search: Optional[str] = None,
        state: StateOrStates[ServiceState] = None,
        query: Optional[Filter] = None,
        columns: Columns = (),
        sites: Sequence[str] = (),
        fresh: bool = False,
    ) -> Stream[ServiceStatus]:
        """Return a stream of services.

        >>> for service in cmk.services.each(host="web*", state="crit", columns=["plugin_output"]):
        ...     print(service.host_name, service.name, service["plugin_output"])

        The stream contains the services that meet all given conditions:

        * ``host`` is the name of a host, or a pattern such as ``web*``.
        * ``search`` is a pattern for the service name.
        * ``state`` is one state or several. A state is a :class:`.ServiceState`, its number, its name, or a unique
          prefix of the name such as ``"crit"``. Case is ignored.
        * ``query`` is a :class:`.Filter`.
        * ``sites`` are the IDs of the sites to query (default: all). Checkmk silently omits a site that is down.

        ``columns`` are additional columns, as in :meth:`get`. Raises ValueError for an unknown state. The requests are
        sent when you iterate. NotFoundError is raised then for an unknown ``host``, and BadRequestError for an unknown
        column or site.

        The services of many hosts are read in parts, in the order of the host names. If a response breaks off, only its
        part is requested again. The services of a single host are one response. It can come from the cache, up to
        ``caching.status_ttl`` seconds old, unless ``fresh`` is True.
        """
        if host is not None:
            require_string(host, "host")
        states = _states(ServiceState, state)
        condition = _condition(query, "description", search, states)
        request = self._query(columns, sites, condition)
        if host is None or "*" in host or "?" in host:
            return Stream(lambda received: self._of_hosts(host, states, condition, request, received))
        return Stream(lambda received: self._of_host(host, request, fresh, received))

    def few(self, query: Filter, *, columns: Columns = (), sites: Sequence[str] = ()) -> list[ServiceStatus]:
        """Return the services that match a query, in one request.

        Use it only for queries that match few services, because it does not read a large response in parts. ``columns``
        and ``sites`` are as in :meth:`each`.
        """
        require_type(query, Filter, _NEEDED)
        rows = self._rows(lambda _size: None, self._query(columns, sites, query))
        return list(itertools.chain.from_iterable(rows))

    def _of_host(self, host: str, query: Query, fresh: bool, received: Received) -> Blocks[ServiceStatus]:
        verb, arguments = self._verb("list_of_host", "query_of_host", query)
        reply = self._perform(verb, path={"name": host}, fresh=fresh, **arguments)
        received(0 if reply.from_cache else len(reply.body))
        yield ServiceStatus.parse_all([value_of(item, ServiceStatus.PARTS) for item in items_of(reply.data)])

    def _of_hosts(
        self,
        pattern: Optional[str],
        states: Optional[Sequence[ServiceState]],
        condition: Filter,
        request: Query,
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
            verb, arguments = self._part(request, part & condition)
            body: bytes = self._perform(verb, body_limit=limit, **arguments).data
            return body

        def is_first(name: str) -> bool:
            earlier = self._index(hosts & (column("name") < name), states, request["sites"], received)
            with contextlib.closing(earlier):
                return not any(earlier)

        # CHECKMK_API 8.1: the POST form takes the configuration lock, so parallel requests would only wait for it.
        name = "n" * USUAL_NAME_CHARS
        verb, _ = self._part(request, (column("host_name") >= name) & (column("host_name") < name) & condition)
        at_once = min(streaming.max_concurrent_batches, self._site.settings.limits.reads_in_flight)
        partitions = Partitions(
            lambda: self._index(hosts, states, request["sites"], received),
            read,
            is_first=is_first,
            workers=at_once if verb == "list" else 1,
            share_bytes=streaming.memory_limit_mb * 2**20 / streaming.max_concurrent_batches,
            again=again,
        )
        return partitions.blocks(received)

    def _part(self, request: Query, condition: Filter) -> tuple[str, dict[str, Any]]:
        return self._verb("list", "query", {**request, "query": condition.to_dict() or None})

    def _index(
        self,
        hosts: Filter,
        states: Optional[Sequence[ServiceState]],
        sites: Optional[Sequence[str]],
        received: Received,
    ) -> Blocks[tuple[str, float]]:
        """Yield the ``hosts`` that have services in one of the states, each with the number of these services."""
        counts = ["num_services"] if states is None else [SERVICE_COUNTS[state] for state in states]
        condition = hosts & functools.reduce(operator.or_, (column(count) > 0 for count in counts))
        query = {"columns": ["name", *counts], "sites": sites, "query": condition.to_dict()}
        verb, arguments = self._verb("list", "query", query, HostStatuses.noun)
        blocks = self._site.blocks(HostStatuses.noun, verb, received, parts=HostStatus.PARTS, **arguments)
        return parsed(blocks, lambda rows: _service_counts(rows, counts))


def _service_counts(rows: Sequence[Any], counts: Sequence[str]) -> list[tuple[str, float]]:
    """Return the names of hosts, each with the sum of these columns."""
    try:  # there may be many hosts, so this avoids a function call for each
        names = list(map(operator.itemgetter("name"), rows))
        numbers = map(sum, zip(*(map(operator.itemgetter(count), rows) for count in counts)))
        return list(zip(map("".__add__, names), map(float, numbers)))
    except (KeyError, TypeError, OverflowError):
        for columns, name in itertools.product(rows, ("name", *counts)):
            value_of({HostStatus.PARTS: columns}, HostStatus.PARTS, name)  # raises for a missing column
        message = "the answer contains a host name that is not a string, or a count of services that is not a number"
        raise UnexpectedReplyError(message) from None


def query_length(query: Query) -> int:
    """Return the length of a query in a URL, in characters."""
    texts = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in query.items() if value}
    return len(urlencode(texts, doseq=True))


def _states(kind: type[S], states: StateOrStates[S]) -> Optional[Sequence[S]]:
    """Return the states as a sequence, because an iterator would be empty after its first use."""
    if states is None:
        return None
    if isinstance(states, (str, bytes)) or not isinstance(states, Iterable):
        return (parse_state(kind, states),)
    return tuple(parse_state(kind, state) for state in states)


_NEEDED = "query must be a Filter such as column('state') != 0"


def _condition(query: Optional[Filter], name: str, search: Optional[str], states: Optional[Sequence[States]]) -> Filter:
    if query is not None:
        require_type(query, Filter, _NEEDED)
    condition = everything() if query is None else query
    if search is not None:
        condition = condition & column(name).glob(require_string(search, "search"))
    if states is not None:
        condition = condition & column("state").one_of(states)
    return condition
