"""Reads hosts of the configuration, one or many."""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union
from urllib.parse import quote_plus

from ...catalogue.paths import folder_id, folder_path
from ...core.arguments import require_string, require_strings
from ...errors import ForbiddenError, NotFoundError
from ...streaming import Blocks, Received, Stream, StreamBatch
from ..bulk_editable import BulkEditable
from ..payload import value_of
from ..query import glob_regex
from ..records import Host
from ..resource import parsed
from ..site import Site

__all__ = ["FEW_NAMES", "HostReader", "absent_hosts"]

# Characters of host names in one URL. Apache answers 414 to a request line of more than 8,190 characters.
NAMES_IN_URL = 6000
# Before 2.4, a list cannot be limited to names. To read more than this number of hosts one by one costs the site more
# than a list of all hosts.
FEW_NAMES = 20
# To read more than this number of hosts by name takes longer than a list of all hosts.
MANY_NAMES = 2000


class HostReader(BulkEditable[Host]):
    """The methods of ``client.hosts`` that read."""

    noun = "hosts"
    _key = _wire_key = "host_name"
    _parse = staticmethod(Host.parse)

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
        try:
            return self.get(name, effective_attributes=effective_attributes, fresh=fresh)
        except NotFoundError:
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
        * ``site``: only hosts that are monitored by the site with this id (Checkmk 2.4 and later).
        * ``names``: only hosts with these names. Names that do not exist are omitted.

        ``search`` is a pattern for the host name, such as ``web*``; ``*`` matches any number of characters and ``?``
        matches one. It can also be a compiled regular expression, which must match the start of the name. It can be
        combined with ``folder`` or ``site``. ``effective_attributes`` is as in :meth:`get`.

        Raises ValueError for any other combination. The requests are sent while you iterate, so only then is
        NotFoundError raised for an unknown folder, or CheckmkError if the site's version does not support ``site``.
        """
        if sum(given is not None for given in (folder, site, names)) > 1 or (names is not None and search is not None):
            raise ValueError("only one of the arguments folder, site and names is allowed; search excludes names")
        for text, what in ((site, "site"), (None if isinstance(search, re.Pattern) else search, "search")):
            if text is not None:
                require_string(text, what)
        path = None if folder is None else {"folder": folder_id(folder)}
        query: dict[str, Any] = {"effective_attributes": True} if effective_attributes else {}
        if names is not None:
            wanted = list(dict.fromkeys(require_strings(names, "names")))
            return Stream(lambda received: self._read_by_name(wanted, query, received))
        if search is not None:
            pattern = search
            return Stream(lambda received: self._search(pattern, folder, {**query, "site": site}, received))
        if path is not None:
            return Stream(lambda received: self._list("folders", "hosts", received, path=path, query=query))
        return Stream(lambda received: self._list("hosts", "list", received, query={**query, "site": site}))

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[Host]]:
        """Yield the hosts of :meth:`each` in pages of ``batch_size`` hosts.

        >>> for page in cmk.hosts.pages(50, folder="/linux"):
        ...     print(page.batch_number, len(page.items), page.has_more)

        The default size is the setting ``streaming.default_batch_size``. ``filters`` are the arguments of :meth:`each`.
        A page can be shorter, because the setting ``streaming.memory_limit_mb`` limits its size.
        """
        return self._pages(self.each(**filters), batch_size)

    def _list(self, noun: str, verb: str, received: Received, **arguments: Any) -> Blocks[Host]:
        return parsed(self._site.blocks(noun, verb, received, parts=Host.PARTS, **arguments), Host.parse_all)

    def _read_by_name(
        self, names: Sequence[str], query: Mapping[str, Any], received: Received = lambda _size: None
    ) -> Blocks[Host]:
        if self._supports("list", "hostnames"):
            for chunk in _chunks_for_urls(names):
                yield from self._list("hosts", "list", received, query={**query, "hostnames": chunk})
        elif len(names) > FEW_NAMES:
            wanted = set(names)
            with contextlib.closing(self._list("hosts", "list", received, query=query)) as blocks:
                yield from ([host for host in hosts if host.name in wanted] for hosts in blocks)
        else:
            for name in names:
                with contextlib.suppress(NotFoundError, ForbiddenError):  # a list would omit the host in both cases
                    yield [self.get(name, effective_attributes="effective_attributes" in query, fresh=True)]

    def _search(
        self, search: Union[str, re.Pattern[str]], folder: Optional[str], query: Mapping[str, Any], received: Received
    ) -> Blocks[Host]:
        # Checkmk cannot search host names. From 2.4 on, only the names are read first; before 2.4, entire hosts.
        matches = (search if isinstance(search, re.Pattern) else re.compile(glob_regex(search))).match
        path = None if folder is None else self._resolve_folder(folder)
        if self._supports("list", "fields"):
            names_only = {"fields": "(value(id,extensions(folder)))", "site": query["site"]}
            with contextlib.closing(self._blocks("list", received, parts=Host.PARTS, query=names_only)) as blocks:
                names = [
                    name
                    for item in itertools.chain.from_iterable(blocks)
                    if matches(name := value_of(item, "id"))
                    and (path is None or folder_path(value_of(item, "extensions", "folder")) == path)
                ]
            if len(names) <= MANY_NAMES:
                yield from self._read_by_name(names, {**query, "site": None}, received)
                return
        with contextlib.closing(self._list("hosts", "list", received, query=query)) as blocks:
            for hosts in blocks:
                yield [host for host in hosts if matches(host.name) and path in (None, host.folder)]

    def _read_many(self, names: Sequence[str]) -> dict[str, Host]:
        return {host.name: host for hosts in self._read_by_name(list(names), {}) for host in hosts}


def absent_hosts(site: Site, names: Iterable[str]) -> set[str]:
    """Return the names of the hosts that are not configured. Hosts that the user cannot see are not included.

    Hosts that are missing in a list are checked with one request each, but at most :data:`FEW_NAMES` of them.
    """
    hosts = HostReader(site)
    wanted = set(names)
    unlisted = wanted - set(hosts._read_many(sorted(wanted)))  # absent, or hidden from the user
    absent = set()
    for name in sorted(unlisted)[:FEW_NAMES]:
        with contextlib.suppress(ForbiddenError):
            if hosts.find(name, fresh=True) is None:
                absent.add(name)
    return absent


def _chunks_for_urls(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the names in lists that fit into a URL."""
    ends = itertools.accumulate(len("&hostnames=") + len(quote_plus(name)) for name in names)
    # The first name of a list can begin in the part before, so a list is longer than a part by less than one name.
    for _, pairs in itertools.groupby(zip(names, ends), key=lambda pair: pair[1] // NAMES_IN_URL):
        yield [name for name, _ in pairs]
