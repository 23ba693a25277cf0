"""Reads, creates, changes, moves and deletes hosts of the configuration."""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, Union
from urllib.parse import quote_plus

from ...catalogue.paths import folder_id, folder_path, host_name
from ...core.arguments import require_string, require_strings
from ...errors import ForbiddenError, NotFoundError
from ...streaming import Blocks, Received, Stream
from ..bulk_editable import Entry
from ..editable import Values
from ..ensured import Ensured
from ..payload import value_of
from ..query import glob_regex
from ..records import Host
from ..resource import writes
from ..updates import KINDS, Attributes, created_by, json_mapping, update_body
from .host_structure import HostStructure

# Characters of host names in one URL. Apache answers 414 to a request line of more than 8,190 characters.
NAMES_IN_URL = 6000
# Before 2.4, a list cannot be limited to names. Reading more than this number of hosts one by one costs the site more
# than a list of all hosts.
FEW_NAMES = 20
# Reading more than this number of hosts by name takes longer than a list of all hosts.
MANY_NAMES = 2000


class Hosts(HostStructure):
    """The hosts of the configuration, as ``client.hosts``.

    Changes take effect in the monitoring with the next activation (see :class:`Activation`).

    If the answer to a write is lost, the client reads the site for up to ``timeouts.settle_s`` seconds, to find out
    whether the write was applied. If it finds no proof, the write may or may not have been applied. A single call then
    raises an error whose ``attempted.is_uncertain`` is True, and a bulk call returns an outcome with the status
    ``UNKNOWN``.

    Items of bulk calls:

    >>> cmk.hosts.bulk_create([{"host_name": "web01", "folder": "/linux"}, {"host_name": "web02"}])
    >>> cmk.hosts.bulk_update([{"host_name": "web01", "update_attributes": {"alias": "Web server"}}])
    >>> cmk.hosts.bulk_delete(["web01", "web02"])

    * ``bulk_create``: a :class:`.Host`, or a mapping with ``host_name`` and optionally ``folder`` (default: ``/``) and
      ``attributes``.
    * ``bulk_update``: a mapping with ``host_name`` and one of ``attributes``, ``update_attributes`` and
      ``remove_attributes``, as for :meth:`update`. It can also contain the ``folder`` of the host, which makes the call
      faster because the items are sorted by folder.
    * ``bulk_delete``: a name or a :class:`.Host`. Parents inherited from a folder are known only from records with
      ``effective_attributes``.

    Checkmk refuses a parent that does not exist yet, and refuses to delete a host while it is a parent. A list can
    contain parents and children in any order, because they are sent in separate requests. In any other iterable, a host
    that must come first must be in the same chunk or in an earlier one.
    """

    noun, record = "hosts", Host
    _key = _wire_key = "host_name"
    _member, _setters = "folder", {"folder": "move"}
    _parse = staticmethod(Host.parse)
    _check_name = staticmethod(host_name)

    def _path(self, name: str) -> dict[str, str]:
        return {"name": require_string(name, "the name of a host")}

    def get(self, name: str, *, effective_attributes: bool = False, fresh: bool = False) -> Host:
        """Return one host with its ETag.

        With ``effective_attributes=True``, the record also contains inherited attributes and defaults. With
        ``fresh=True``, the cache is not used. Raises NotFoundError if the host does not exist or the user cannot see
        it.
        """
        query = {"effective_attributes": True} if effective_attributes else {}
        return self._record(Host.parse, "get", path=self._path(name), query=query, fresh=fresh)

    def find(self, name: str, *, effective_attributes: bool = False, fresh: bool = False) -> Optional[Host]:
        """Return one host like :meth:`get`, or None if it does not exist or the user cannot see it."""
        with contextlib.suppress(NotFoundError):
            return self.get(name, effective_attributes=effective_attributes, fresh=fresh)
        return None

    def each(
        self,
        *,
        folder: Optional[str] = None,
        site: Optional[str] = None,
        names: Optional[Sequence[str]] = None,
        search: Union[str, re.Pattern[str], None] = None,
        effective_attributes: bool = False,
    ) -> Stream[Host]:
        """Return a stream of hosts, which are decoded while the response arrives, in constant memory.

        >>> with cmk.hosts.each(search="web*") as hosts:
        ...     for host in hosts:
        ...         print(host.name, host.folder)

        Without arguments, the stream contains all hosts that the user can see. Limit it in one of these ways:

        * ``folder``: only hosts that are directly in this folder.
        * ``site``: only hosts that are monitored by the site with this ID (Checkmk 2.4 and later).
        * ``names``: only hosts with these names. Names that do not exist are omitted.

        ``search`` is a pattern for the host name, such as ``web*``; ``*`` matches any number of characters and ``?``
        matches one. It can also be a compiled regular expression, which is matched at the start of the name. It can be
        combined with ``folder`` or ``site``. ``effective_attributes`` is as in :meth:`get`.

        Raises ValueError for any other combination. The requests are sent while you iterate, so only then is
        NotFoundError raised for an unknown folder, or CheckmkError if the site's version does not support ``site``.
        """
        if sum(given is not None for given in (folder, site, names)) > 1 or (names is not None and search is not None):
            raise ValueError("hosts.each() accepts one of folder, site and names, and no search with names")
        if site is not None:
            require_string(site, "site")
        query = {"effective_attributes": effective_attributes or None, "site": site}
        if names is not None:
            wanted = list(dict.fromkeys(require_strings(names, "names")))
            return Stream(lambda received: self._read_by_name(wanted, query, received))
        path = None if folder is None else {"folder": folder_id(folder)}
        if search is not None:
            pattern = search if isinstance(search, re.Pattern) else glob_regex(require_string(search, "search"))
            return Stream(lambda received: self._search(re.compile(pattern), folder, query, received))
        if path is not None:
            return Stream(lambda received: self._list(received, "hosts", noun="folders", path=path, query=query))
        return Stream(lambda received: self._list(received, query=query))

    def _read_by_name(self, names: Sequence[str], query: Mapping[str, Any], received: Received) -> Blocks[Host]:
        if self._supports("list", "hostnames"):
            for chunk in _chunks_for_urls(names):
                yield from self._list(received, query={**query, "hostnames": chunk})
        elif len(names) > FEW_NAMES:
            wanted = set(names)
            with contextlib.closing(self._list(received, query=query)) as blocks:
                yield from ([host for host in hosts if host.name in wanted] for hosts in blocks)
        else:
            for name in names:
                with contextlib.suppress(NotFoundError, ForbiddenError):  # a list would omit the host in both cases
                    yield [self.get(name, effective_attributes=bool(query["effective_attributes"]), fresh=True)]

    def _search(
        self, pattern: re.Pattern[str], folder: Optional[str], query: Mapping[str, Any], received: Received
    ) -> Blocks[Host]:
        # Checkmk cannot search host names. From 2.4 on, only the names are read first; before 2.4, entire hosts.
        path = None if folder is None else self._resolve_folder(folder)
        if self._supports("list", "fields"):
            names_only = {"fields": "(value(id,extensions(folder)))", "site": query["site"]}
            with contextlib.closing(
                self._site.blocks("hosts", "list", received, parts=Host.PARTS, query=names_only)
            ) as blocks:
                names = [
                    name
                    for item in itertools.chain.from_iterable(blocks)
                    if pattern.match(name := value_of(item, "id"))
                    and (path is None or folder_path(value_of(item, "extensions", "folder")) == path)
                ]
            if len(names) <= MANY_NAMES:
                yield from self._read_by_name(names, {**query, "site": None}, received)
                return
        with contextlib.closing(self._list(received, query=query)) as blocks:
            for hosts in blocks:
                yield [host for host in hosts if pattern.match(host.name) and path in (None, host.folder)]

    def _read_many(self, names: Sequence[str]) -> dict[str, Host]:
        return {host.name: host for host in self.each(names=names)}

    @writes
    def create(self, name: str, folder: str = "/", attributes: Optional[Attributes] = None) -> Host:
        """Create a host and return it with its ETag.

        >>> cmk.hosts.create("web01", "/linux", {"ipaddress": "192.0.2.10", "labels": {"env": "prod"}})

        ``folder`` is the path of an existing folder. Raises BadRequestError if the host exists, if the folder does not
        exist, or if the name or an attribute is not valid. Raises ValueError, without a request, for an attribute that
        cannot be sent as JSON.

        The client reads the host first, which costs one request.
        """
        # Only if the host was absent before does its presence prove that this call created it. That is needed after a
        # lost answer, and after "already exists" as the answer to a request that a web server sent twice.
        require_string(name, "the name of a host")
        return self._create(Host(name, folder_path(folder), json_mapping(attributes or {}, name)))

    def _creation_body(self, record: Host, /) -> Values:
        body = {"host_name": record.name, "folder": record.folder, "attributes": record.attributes}
        return body if record.cluster_nodes is None else {**body, "nodes": list(record.cluster_nodes)}

    def _is_created(self, found: Host, wanted: Host, /) -> bool:
        has_nodes = found.cluster_nodes == wanted.cluster_nodes
        return has_nodes and super()._is_created(found, replace(wanted, folder=self._resolve_folder(wanted.folder)))

    @writes
    def ensure(
        self, name: str, folder: Optional[str] = None, attributes: Optional[Attributes] = None, *, check: bool = False
    ) -> Ensured[Host]:
        """Create a host, or move and change it if it differs, and return what was done.

        >>> cmk.hosts.ensure("web01", "/linux", {"ipaddress": "192.0.2.10"}).changed

        Attributes that are not given stay as they are. Without ``folder``, an existing host stays in its folder, and a
        new host is created in ``/``. With ``check=True``, nothing is written, and the result shows what a call without
        it would do.

        If the change fails after a move, the host stays in its new folder. Another call does the rest.
        """
        path = self._resolve_folder("/" if folder is None else folder)
        wanted = Host(name, path, json_mapping(attributes or {}, name))
        given = self._given(wanted, with_member=folder is not None)
        return self._ensure(name, given, check, lambda: wanted)

    def _set_values(self, key: str, values: Values, /) -> Host:
        attributes = dict(values)
        moved = self.move(key, attributes.pop("folder")) if "folder" in attributes else None
        return moved if moved and not attributes else self.update(key, update_attributes=attributes)

    def _to_record(self, item: Union[Host, Entry], /) -> Host:
        if isinstance(item, Host):
            if item.is_cluster:
                raise ValueError(f"{item.name!r} is a cluster, which a bulk call would create as a host without nodes")
            return replace(item, attributes=json_mapping(item.attributes, item.name))
        entry = self._require_item(item, ("host_name", "folder", "attributes"))
        name, folder = entry["host_name"], folder_path(entry.get("folder", "/"))
        return Host(name, folder, json_mapping(entry.get("attributes") or {}, name))

    def _to_change(self, item: Entry, /) -> Entry:
        entry = self._require_item(item, ("host_name", "folder", *KINDS))
        body = update_body(entry, entry["host_name"])
        if not body:
            raise ValueError(f"the change of {entry['host_name']!r} must contain one of {', '.join(KINDS)}")
        return {"host_name": entry["host_name"], "folder": entry.get("folder", ""), **body}

    def _select_new(self) -> Callable[[Hosts, Sequence[Host]], Sequence[Host]]:
        started = self._site.clock.monotonic()

        def select(there: Hosts, hosts: Sequence[Host]) -> Sequence[Host]:
            since = there._site.site_time(started) if hosts else None
            return [host for host in hosts if created_by(self._site.settings.username, since, host.meta)]

        return select

    def _references(self, record: Host, /) -> Sequence[str]:
        # Checkmk refuses a parent that does not exist, and refuses to delete a host while it is a parent.
        parents = (record.effective_attributes or record.attributes).get("parents")
        named = parents if isinstance(parents, (list, tuple)) else ()
        return [*(parent for parent in named if isinstance(parent, str)), *(record.cluster_nodes or ())]


def _chunks_for_urls(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the names in lists that fit into a URL."""
    ends = itertools.accumulate(len("&hostnames=") + len(quote_plus(name)) for name in names)
    # The first name of a list can begin in the previous part, so a list exceeds a part by less than one name.
    for _, pairs in itertools.groupby(zip(names, ends), key=lambda pair: pair[1] // NAMES_IN_URL):
        yield [name for name, _ in pairs]
