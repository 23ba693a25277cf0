"""Reading hosts of the configuration, one or many."""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence
from urllib.parse import quote_plus

from ...catalogue.paths import folder_id, folder_path
from ...core.arguments import require_string, require_strings
from ...errors import ForbiddenError, NotFoundError
from ...streaming import Blocks, Received, Stream, StreamBatch
from ..payload import value_of
from ..query import glob_regex
from ..records import Host
from ..resource import parsed
from ..site import Site
from .editable import Editable

__all__ = ["FEW_NAMES", "HostReader", "absent_hosts"]

# Characters of names in one URL: Apache takes 8,190 in all, and says 414 to more.
NAMES_IN_URL = 6000
# Where a list cannot be asked for by names, to read each of more hosts than this burdens the site more than
# to read all.
FEW_NAMES = 20
# To read more hosts than this by their names takes longer than to read all.
MANY_NAMES = 2000


class HostReader(Editable[Host]):
    """The reading half of ``client.hosts``."""

    noun = "hosts"

    def get(self, name: str, *, effective_attributes: bool = False, fresh: bool = False) -> Host:
        """One host with its ETag. NotFoundError where there is none, or the user may not see it."""
        query = {"effective_attributes": True} if effective_attributes else {}
        require_string(name, "the name of a host")
        return self._record(Host.parse, "get", path={"name": name}, query=query, fresh=fresh)

    def find(self, name: str, *, effective_attributes: bool = False, fresh: bool = False) -> Optional[Host]:
        """One host, or None where :meth:`get` raises NotFoundError."""
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
        search: Optional[str] = None,
        effective_attributes: bool = False,
    ) -> Stream[Host]:
        """All hosts, those directly in a ``folder``, those of a ``site`` (2.4 and later), or those named;
        with ``search`` those of them whose name fits a pattern such as ``web*``.

        Decoded while the answer arrives, in constant memory; names that do not exist are left out. The
        user sees only what its permissions show. Checkmk cannot search names: from 2.4 on only the names
        are read to find those that fit, before that whole hosts.
        """
        if sum(given is not None for given in (folder, site, names)) > 1 or (names is not None and search is not None):
            raise ValueError("filter by folder, by site or by names, not by several of them; names are not searched")
        for text, what in ((site, "site"), (search, "search")):
            if text is not None:
                require_string(text, what)
        path = None if folder is None else {"folder": folder_id(folder)}
        query: dict[str, Any] = {"effective_attributes": True} if effective_attributes else {}
        if names is not None:
            wanted = list(dict.fromkeys(require_strings(names, "names")))
            return Stream(lambda received: self._named(wanted, query, received))
        if search is not None:
            pattern = search
            return Stream(lambda received: self._found(pattern, folder, {**query, "site": site}, received))
        if path is not None:
            return Stream(lambda received: self._listed("folders", "hosts", received, path=path, query=query))
        return Stream(lambda received: self._listed("hosts", "list", received, query={**query, "site": site}))

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[Host]]:
        """What :meth:`each` yields, in pages of ``batch_size`` hosts (default: as configured)."""
        return self._pages(self.each(**filters), batch_size)

    def _listed(self, noun: str, verb: str, received: Received, **arguments: Any) -> Blocks[Host]:
        return parsed(self._site.blocks(noun, verb, received, parts=Host.PARTS, **arguments), Host.parse_all)

    def _named(
        self, names: Sequence[str], query: Mapping[str, Any], received: Received = lambda _size: None
    ) -> Blocks[Host]:
        if self._knows("list", "hostnames"):
            for some in _in_urls(names):
                yield from self._listed("hosts", "list", received, query={**query, "hostnames": some})
        elif len(names) > FEW_NAMES:
            wanted = set(names)
            with contextlib.closing(self._listed("hosts", "list", received, query=query)) as blocks:
                yield from ([host for host in hosts if host.name in wanted] for hosts in blocks)
        else:
            for name in names:
                with contextlib.suppress(NotFoundError, ForbiddenError):  # a list leaves both out
                    yield [self.get(name, effective_attributes="effective_attributes" in query, fresh=True)]

    def _found(self, search: str, folder: Optional[str], query: Mapping[str, Any], received: Received) -> Blocks[Host]:
        fits = re.compile(glob_regex(search)).match
        inside = None if folder is None else self._path_of(folder)
        if self._knows("list", "fields"):
            asked = {"fields": "(value(id,extensions(folder)))", "site": query["site"]}
            with contextlib.closing(self._blocks("list", received, parts=Host.PARTS, query=asked)) as blocks:
                index = itertools.chain.from_iterable(blocks)
                names = [value_of(item, "id") for item in index if fits(value_of(item, "id")) and _lies(item, inside)]
            if len(names) <= MANY_NAMES:
                yield from self._named(names, {**query, "site": None}, received)
                return
        with contextlib.closing(self._listed("hosts", "list", received, query=query)) as blocks:
            for hosts in blocks:
                yield [host for host in hosts if fits(host.name) and inside in (None, host.folder)]

    def _by_name(self, names: Sequence[str]) -> dict[str, Host]:
        return {host.name: host for hosts in self._named(list(names), {}) for host in hosts}


def absent_hosts(site: Site, names: Iterable[str]) -> set[str]:
    """Return the hosts that are not configured. A host that the user may not see is not absent.

    If more than :data:`FEW_NAMES` hosts are in no list, only the first of them are looked up.
    """
    hosts = HostReader(site)
    wanted = set(names)
    unlisted = wanted - set(hosts._by_name(sorted(wanted)))  # a list leaves out what the user may not see
    absent = set()
    for name in sorted(unlisted)[:FEW_NAMES]:
        with contextlib.suppress(ForbiddenError):
            if hosts.find(name, fresh=True) is None:
                absent.add(name)
    return absent


def _in_urls(names: Iterable[str]) -> Iterator[list[str]]:
    """Some names at a time, as many as a URL takes."""
    some: list[str] = []
    length = 0
    for name in names:
        size = len("&hostnames=") + len(quote_plus(name))
        if some and length + size > NAMES_IN_URL:
            yield some
            some, length = [], 0
        some.append(name)
        length += size
    if some:
        yield some


def _lies(item: Any, folder: Optional[str]) -> bool:
    return folder is None or folder_path(value_of(item, "extensions", "folder")) == folder
