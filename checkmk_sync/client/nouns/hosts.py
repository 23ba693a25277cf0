"""Hosts of the configuration."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Optional, Sequence, Union

from ...catalogue.paths import folder_path
from ...core.arguments import require_iterable, require_string
from ...errors import ApiError, BadRequestError, CheckmkError, NotFoundError, PreconditionError, UnexpectedReplyError
from ..bulk import BulkVerb, run_bulk
from ..claims import Claim
from ..outcomes import Outcomes, Progress
from ..records import Host
from ..resource import writes
from ..settling import after_create, after_refusal, settle
from ..site import Site
from ..updates import Attributes, Change, body_of, holds, is_made_by, one_kind, plain, with_fresh_etag
from .host_entries import Entry, as_change, as_host, as_new, check_name, listed, named, parents_in, without_folder
from .host_reads import HostLists

__all__ = ["Hosts"]


class Hosts(HostLists):
    """``client.hosts``: read, change, and change many."""

    @writes
    def create(self, name: str, folder: str = "/", attributes: Optional[Attributes] = None) -> Host:
        """Create a host. BadRequestError when it exists, or folder or an attribute is wrong.

        The host is looked for first: only then does its presence after a lost answer, or after "already exists" to a
        request that was sent twice, prove that this call created it. The TransportError that is raised when it is not
        found within ``settle_s`` means unknown.
        """
        require_string(name, "the name of a host")
        entry = {"host_name": name, "folder": folder_path(folder), "attributes": plain(attributes or {}, name)}
        with self._site.created.claim("hosts", (name,)) as claim:
            was_absent = self._is_absent("get", {"name": name})
            try:
                return self._record(Host.parse, "create", body=entry, about=(name,))
            except CheckmkError as error:
                if not was_absent or name not in claim:
                    raise
                if isinstance(error, BadRequestError) and not _is_about("host_name", error):
                    raise
                return after_create(self._site, error, name, claim, lambda site: self._via(site)._as_created(entry))

    @writes
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
            sent = dict(path={"name": name}, body=body, etag=etag or before.etag or "*", about=(name,))
            try:
                return self._record(Host.parse, "update", **sent)
            except (BadRequestError, PreconditionError) as error:
                # Checkmk: an attribute that was not there is refused, while the others are removed all the same.
                if isinstance(error, BadRequestError) and "remove_attributes" not in body:
                    raise
                return after_refusal(self._site, error, lambda site: self._via(site)._if_so(name, body))
            except CheckmkError as error:
                return settle(self._site, error, lambda site: self._via(site)._if_so(name, body))

        return with_fresh_etag(lambda: self.get(name, fresh=True), write, etag)

    @writes
    def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. NotFoundError if there is none, unless ``missing_ok``.

        The host is read before. Only for a host that was seen its absence afterwards proves the deletion.
        """
        was_seen = self.find(name, fresh=True) is not None
        try:
            self._site.created.discard("hosts", name)
            self._perform("delete", path={"name": name}, about=(name,))
        except NotFoundError:
            if not (missing_ok or was_seen):
                raise
        except CheckmkError as error:
            settle(self._site, error, lambda site: (was_seen and self._via(site)._is_gone(name)) or None)

    @writes
    def move(self, name: str, folder: str) -> Host:
        """Move a host; where it is there already nothing is sent (Checkmk would refuse it)."""
        target = self._path_of(folder)

        def write(before: Host) -> Host:
            if before.folder == target:
                return before
            sent = dict(path={"name": name}, body={"target_folder": target}, etag=before.etag or "*", about=(name,))
            try:
                moved = self._record(Host.parse, "move", **sent)
                if moved.folder != target:
                    raise UnexpectedReplyError(f"the answer shows {name} in {moved.folder}, not in {target}")
                return moved
            except (BadRequestError, PreconditionError) as error:
                return after_refusal(self._site, error, lambda site: self._via(site)._if_in(name, target))
            except CheckmkError as error:
                return settle(self._site, error, lambda site: self._via(site)._if_in(name, target))

        return with_fresh_etag(lambda: self.get(name, fresh=True), write, None)

    @writes
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

        Checkmk refuses a parent that does not exist yet, even in the same call. A list may hold parents and children
        in any order: parents are created in earlier calls. Another iterable is read one chunk at a time, so a parent
        has to come in the chunk of its child or before it.
        """
        started, claims = self._site.clock.monotonic(), dict[str, Claim]()

        def send(chunk: Sequence[Entry]) -> None:
            names = [named(entry) for entry in chunk]
            with self._site.created.claim("hosts", names) as claim:
                claims.update(dict.fromkeys(names, claim))
                self._bulk("bulk_create", chunk)

        def proven(site: Site, chunk: Sequence[Entry]) -> set[str]:
            found = self._via(site)._proven_created(chunk, lambda: site.time_of(started))
            return {name for name in found if name in claims[name]}

        verb = BulkVerb(
            shaped=as_new,
            check=check_name,
            send=send,
            proven=proven,
            key=named,
            folder=lambda entry: str(entry["folder"]),
            needs=lambda chunk: {named(entry): parents_in(entry["attributes"]) for entry in chunk},
            may_be_done=lambda entry, fields: "host_name" in fields and named(entry) in claims[named(entry)],
        )
        return run_bulk(self._site, verb, listed(hosts, "hosts"), self._chunk_size(chunk_size), progress)

    @writes
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
            needs=lambda _chunk: {},
        )
        return run_bulk(self._site, verb, listed(changes, "changes"), self._chunk_size(chunk_size), progress)

    @writes
    def bulk_delete(
        self,
        names: Iterable[Union[str, Host]],
        *,
        chunk_size: Optional[int] = None,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Delete many hosts: names, or Host records. Outcomes as for :meth:`bulk_create`.

        Hosts that are given by name are read before: lists leave out what the user may not see, so that a host
        which never was in one proves nothing by its absence.

        Checkmk refuses to delete the parent of a host that stays. A list may hold parents and children in any order:
        children are deleted in earlier calls. In another iterable a child has to come in the chunk of its parent or
        before it. Parents that a folder hands down are known only of records with ``effective_attributes``.
        """
        # The folders and parents of the hosts, None for those that were looked for and not found.
        known: dict[str, Optional[tuple[str, list[str]]]] = {}

        def shaped(item: Union[str, Host]) -> Host:
            host = as_host(item)
            if host is item:
                known[host.name] = _folder_and_parents(host)
            return host

        def needs(chunk: Sequence[Host]) -> dict[str, list[str]]:
            unread = [host.name for host in chunk if host.name not in known]
            known.update(dict.fromkeys(unread))
            if unread:
                known.update({name: _folder_and_parents(host) for name, host in self._by_name(unread).items()})
            children: dict[str, list[str]] = {}
            for host in chunk:
                for parent in (known[host.name] or ("", []))[1]:
                    children.setdefault(parent, []).append(host.name)
            return children

        def send(chunk: Sequence[Host]) -> None:
            for host in chunk:
                self._site.created.discard("hosts", host.name)
            self._bulk("bulk_delete", [host.name for host in chunk])

        def proven(site: Site, chunk: Sequence[Host]) -> set[str]:
            return self._via(site)._proven_deleted([host.name for host in chunk if known[host.name] is not None])

        verb = BulkVerb(
            shaped=shaped,
            check=lambda host: check_name({"host_name": host.name}),
            send=send,
            proven=proven,
            key=lambda host: host.name,
            folder=lambda host: (known.get(host.name) or (host.folder,))[0],
            needs=needs,
            may_be_done=lambda _host, fields: "entry" in fields,
        )
        return run_bulk(self._site, verb, require_iterable(names, "names"), self._chunk_size(chunk_size), progress)

    def may_change(self) -> None:
        """Raises ForbiddenError unless the user may modify hosts. Sends an update of no hosts: nothing changes."""
        self._bulk("bulk_update", [])

    def _chunk_size(self, asked: Optional[int]) -> int:
        if asked is not None and (not isinstance(asked, int) or asked < 1):
            raise ValueError(f"chunk_size is a whole number of hosts, at least 1, not {asked!r}")
        return asked or self._site.settings.batch_processing.chunk_size

    def _bulk(self, verb: str, entries: Sequence[Any]) -> None:
        names = [entry if isinstance(entry, str) else named(entry) for entry in entries]
        self._perform(verb, body={"entries": list(entries)}, about=names)

    def _as_created(self, entry: Entry) -> Optional[Host]:
        return self.find(named(entry), fresh=True) if self._proven_created([entry], lambda: 0.0) else None

    def _if_so(self, name: str, body: Entry) -> Optional[Host]:
        host = self.find(name, fresh=True)
        return host if host is not None and holds(body, host.attributes) else None

    def _if_in(self, name: str, folder: str) -> Optional[Host]:
        host = self.find(name, fresh=True)
        return host if host is not None and host.folder == folder else None

    def _proven_created(self, entries: Sequence[Entry], since: Callable[[], Optional[float]]) -> set[str]:
        """Those of the new hosts that are there as they were sent, and were made by us ``since`` then (UNIX time).

        Any other host of that name is somebody else's: creating it would have been refused.
        """
        found = self._by_name([named(entry) for entry in entries])
        pairs = [(entry, found[named(entry)]) for entry in entries if named(entry) in found]
        paths = {folder: self._path_of(folder) for folder in {entry["folder"] for entry, _ in pairs}}
        alike = [
            host
            for entry, host in pairs
            if host.folder == paths[entry["folder"]] and holds({"attributes": entry["attributes"]}, host.attributes)
        ]
        earliest = since() if alike else None
        return {host.name for host in alike if is_made_by(self._site.settings.username, earliest, host.meta)}

    def _proven_updated(self, entries: Sequence[Entry]) -> set[str]:
        found = self._by_name([named(entry) for entry in entries])
        return {named(e) for e in entries if named(e) in found and holds(e, found[named(e)].attributes)}

    def _proven_deleted(self, names: Sequence[str]) -> set[str]:
        return set(names) - set(self._by_name(names))

    def _is_gone(self, name: str) -> bool:
        return self.find(name, fresh=True) is None


def _is_about(field: str, error: ApiError) -> bool:
    """Return True if a refusal concerns this field, or names no field at all."""
    return not error.fields or any(path.partition(".")[0] == field for path in error.fields)


def _folder_and_parents(host: Host) -> tuple[str, list[str]]:
    return host.folder, parents_in(host.effective_attributes or host.attributes)
