"""Hosts of the configuration."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Generator, Iterable, Iterator, Mapping, Optional, Sequence, Union
from urllib.parse import quote_plus

from ..bulk import BulkVerb, run_bulk
from ..errors import BadRequestError, CheckmkError, NotFoundError
from ..names import folder_id, folder_path, several
from ..outcomes import Outcomes, Progress
from ..query import glob_regex
from ..records import Host
from ..resource import Resource, parsed, value_of
from ..streaming import Received, Stream, StreamBatch
from ..waiting import settle
from .changes import Attributes, Change, body_of, holds, is_made_by, one_kind, plain, with_fresh_etag
from .entries import Entry, as_change, as_host, as_new, check_name, listed, named, without_folder

__all__ = ["Hosts"]

# Characters of names in one URL: Apache takes 8,190 in all, and says 414 to more.
NAMES_IN_URL = 6000
# Where a list cannot be asked for by names, to read each of more hosts than this burdens the site more than
# to read all.
FEW_NAMES = 20
# To read more hosts than this by their names takes longer than to read all.
MANY_NAMES = 2000


class Hosts(Resource):
    """``client.hosts``: read, change, and change many."""

    noun = "hosts"

    def get(self, name: str, *, effective_attributes: bool = False, fresh: bool = False) -> Host:
        """One host with its ETag. NotFoundError where there is none, or the user may not see it."""
        query = {"effective_attributes": True} if effective_attributes else {}
        reply = self._perform("get", path={"name": name}, query=query, fresh=fresh)
        return Host.parse(reply.data, reply.etag)

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
        query: dict[str, Any] = {"effective_attributes": True} if effective_attributes else {}
        if names is not None:
            wanted = list(several(names, "names"))
            return Stream(lambda received: self._named(wanted, query, received))
        if search is not None:
            pattern = search
            return Stream(lambda received: self._found(pattern, folder, {**query, "site": site}, received))
        if folder is not None:
            path = {"folder": folder_id(folder)}
            return Stream(lambda received: self._listed("folders", "hosts", received, path=path, query=query))
        return Stream(lambda received: self._listed("hosts", "list", received, query={**query, "site": site}))

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[Host]]:
        """What :meth:`each` yields, in pages of ``batch_size`` hosts (default: as configured)."""
        return self._pages(self.each(**filters), batch_size)

    def create(self, name: str, folder: str = "/", attributes: Optional[Attributes] = None) -> Host:
        """Create a host. BadRequestError when it exists, or folder or an attribute is wrong.

        When the answer is lost the host is looked for; the TransportError that is then raised means
        that it was not found within ``settle_s``: unknown.
        """
        entry = {"host_name": name, "folder": folder_path(folder), "attributes": plain(attributes or {}, name)}
        started = self._site.clock.monotonic()
        try:
            return self._written("create", body=entry)
        except CheckmkError as error:
            return settle(self._site, error, lambda site: self._via(site)._as_created(entry, started))

    def update(
        self,
        name: str,
        change: Optional[Change] = None,
        *,
        attributes: Optional[Attributes] = None,
        update_attributes: Optional[Attributes] = None,
        remove_attributes: Optional[Sequence[str]] = None,
        etag: Optional[str] = None,
    ) -> Host:
        """Change a host: set all ``attributes``, set some with ``update_attributes``, or drop ``remove_attributes``.

        Checkmk: each attribute is set as a whole, so ``update_attributes`` with labels replaces all labels. What
        is to be dropped and was not there is no failure.

        Or give ``change``, a function from all attributes to all attributes: it is applied to what was
        just read, and again to a new reading when somebody else was faster. With ``etag`` the change is
        for that state only, and PreconditionError says that the host is another by now.
        """
        given = one_kind(attributes, update_attributes, remove_attributes, name)
        if (change is not None) == bool(given):
            raise ValueError("give a change function or one of attributes, update_attributes and remove_attributes")

        def write(before: Host) -> Host:
            body = body_of(change, before.attributes, name) if change is not None else given
            if not body:
                return before
            path = {"name": name}
            try:
                return self._written("update", path=path, body=body, etag=etag or before.etag or "*")
            except BadRequestError:
                # Checkmk: an attribute that was not there is refused, while the others are removed all the same.
                found = self._if_so(name, body) if "remove_attributes" in body else None
                if found is None:
                    raise
                return found
            except CheckmkError as error:
                return settle(self._site, error, lambda site: self._via(site)._if_so(name, body))

        return with_fresh_etag(lambda: self.get(name, fresh=True), write, etag)

    def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. NotFoundError where there is none, unless ``missing_ok``."""
        try:
            self._perform("delete", path={"name": name})
        except NotFoundError:
            if not missing_ok:
                raise
        except CheckmkError as error:
            settle(self._site, error, lambda site: self._via(site).find(name, fresh=True) is None or None)

    def move(self, name: str, folder: str) -> Host:
        """Move a host; where it is there already nothing is sent (Checkmk would refuse it)."""
        target = self._path_of(folder)

        def write(before: Host) -> Host:
            if before.folder == target:
                return before
            body = {"target_folder": target}
            try:
                return self._written("move", path={"name": name}, body=body, etag=before.etag or "*")
            except CheckmkError as error:
                return settle(self._site, error, lambda site: self._via(site)._if_in(name, target))

        return with_fresh_etag(lambda: self.get(name, fresh=True), write, None)

    def bulk_create(
        self,
        hosts: Iterable[Union[Entry, Host]],
        *,
        chunk_size: Optional[int] = None,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Create many hosts: mappings with ``host_name``, ``folder`` and ``attributes``, or Host records.

        One outcome for each; entries that Checkmk refuses do not hold up the others. BatchError when the
        credentials are wrong.
        """
        started = self._site.clock.monotonic()
        verb = BulkVerb(
            shaped=as_new,
            check=check_name,
            send=lambda chunk: self._bulk("bulk_create", chunk),
            proven=lambda site, chunk: self._via(site)._proven_created(chunk, started),
            key=named,
            folder=lambda entry: str(entry["folder"]),
        )
        return run_bulk(self._site, verb, listed(hosts, "hosts"), self._chunk_size(chunk_size), progress)

    def bulk_update(
        self, changes: Iterable[Entry], *, chunk_size: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Outcomes:
        """Change many hosts: mappings with ``host_name`` and one of ``attributes``, ``update_attributes``
        and ``remove_attributes``; a ``folder`` beside them is used for sorting only. Without ETags: the
        last writer wins. Outcomes as for :meth:`bulk_create`."""
        verb = BulkVerb(
            shaped=as_change,
            check=check_name,
            send=lambda chunk: self._bulk("bulk_update", [without_folder(entry) for entry in chunk]),
            proven=lambda site, chunk: self._via(site)._proven_updated(chunk),
            key=named,
            folder=lambda entry: str(entry.get("folder", "")),
        )
        return run_bulk(self._site, verb, listed(changes, "changes"), self._chunk_size(chunk_size), progress)

    def bulk_delete(
        self,
        names: Iterable[Union[str, Host]],
        *,
        chunk_size: Optional[int] = None,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Delete many hosts: names, or Host records (then sorted by folder). Outcomes as for :meth:`bulk_create`."""
        verb = BulkVerb(
            shaped=as_host,
            check=lambda host: check_name({"host_name": host.name}),
            send=lambda chunk: self._bulk("bulk_delete", [host.name for host in chunk]),
            proven=lambda site, chunk: self._via(site)._proven_deleted(chunk),
            key=lambda host: host.name,
            folder=lambda host: host.folder,
        )
        return run_bulk(self._site, verb, several(names, "names"), self._chunk_size(chunk_size), progress)

    def may_change(self) -> None:
        """Raises ForbiddenError unless the user may modify hosts. Sends an update of no hosts: nothing changes."""
        self._bulk("bulk_update", [])

    def _chunk_size(self, asked: Optional[int]) -> int:
        return asked or self._site.settings.batch_processing.chunk_size

    def _written(self, verb: str, **arguments: Any) -> Host:
        reply = self._perform(verb, **arguments)
        return Host.parse(reply.data, reply.etag)

    def _bulk(self, verb: str, entries: Sequence[Any]) -> None:
        self._perform(verb, body={"entries": list(entries)})

    def _listed(self, noun: str, verb: str, received: Received, **arguments: Any) -> Generator[Host, None, None]:
        return parsed(self._site.items(noun, verb, received, parts=Host.PARTS, **arguments), Host.parse)

    def _named(
        self, names: Sequence[str], query: Mapping[str, Any], received: Received = lambda _size: None
    ) -> Generator[Host, None, None]:
        if self._knows("list", "hostnames"):
            for some in _in_urls(names):
                yield from self._listed("hosts", "list", received, query={**query, "hostnames": some})
        elif len(names) > FEW_NAMES:
            wanted = set(names)
            with contextlib.closing(self._listed("hosts", "list", received, query=query)) as hosts:
                yield from (host for host in hosts if host.name in wanted)
        else:
            for name in names:
                found = self.find(name, effective_attributes="effective_attributes" in query, fresh=True)
                if found is not None:
                    yield found

    def _found(
        self, search: str, folder: Optional[str], query: Mapping[str, Any], received: Received
    ) -> Generator[Host, None, None]:
        fits = re.compile(glob_regex(search)).match
        inside = None if folder is None else self._path_of(folder)
        if self._knows("list", "fields"):
            asked = {"fields": "(value(id,extensions(folder)))", "site": query["site"]}
            with contextlib.closing(self._items("list", received, parts=Host.PARTS, query=asked)) as index:
                names = [value_of(item, "id") for item in index if fits(value_of(item, "id")) and _lies(item, inside)]
            if len(names) <= MANY_NAMES:
                yield from self._named(names, {**query, "site": None}, received)
                return
        with contextlib.closing(self._listed("hosts", "list", received, query=query)) as hosts:
            yield from (host for host in hosts if fits(host.name) and inside in (None, host.folder))

    def _as_created(self, entry: Entry, started: float) -> Optional[Host]:
        return self.find(named(entry), fresh=True) if self._proven_created([entry], started) else None

    def _if_so(self, name: str, body: Entry) -> Optional[Host]:
        host = self.find(name, fresh=True)
        return host if host is not None and holds(body, host.attributes) else None

    def _if_in(self, name: str, folder: str) -> Optional[Host]:
        host = self.find(name, fresh=True)
        return host if host is not None and host.folder == folder else None

    def _read(self, names: Sequence[str]) -> dict[str, Host]:
        return {host.name: host for host in self._named(list(names), {})}

    def _proven_created(self, entries: Sequence[Entry], started: float) -> set[str]:
        """Those of the new hosts that are there as they were sent and were made by us after ``started``.

        Any other host of that name is somebody else's: creating it would have been refused.
        """
        found = self._read([named(entry) for entry in entries])
        pairs = [(entry, found[named(entry)]) for entry in entries if named(entry) in found]
        paths = {folder: self._path_of(folder) for folder in {entry["folder"] for entry, _ in pairs}}
        alike = [
            host
            for entry, host in pairs
            if host.folder == paths[entry["folder"]] and holds({"attributes": entry["attributes"]}, host.attributes)
        ]
        since, user = self._site.time_of(started) if alike else None, self._site.settings.username
        return {host.name for host in alike if is_made_by(user, since, host.attributes)}

    def _proven_updated(self, entries: Sequence[Entry]) -> set[str]:
        found = self._read([named(entry) for entry in entries])
        return {named(e) for e in entries if named(e) in found and holds(e, found[named(e)].attributes)}

    def _proven_deleted(self, hosts: Sequence[Host]) -> set[str]:
        names = [host.name for host in hosts]
        return set(names) - set(self._read(names))


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
