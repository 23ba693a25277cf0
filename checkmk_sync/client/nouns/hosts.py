"""Hosts of the configuration."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Optional, Sequence, Union

from ...catalogue.paths import folder_path
from ...core.arguments import require_iterable, require_string
from ...errors import ApiError, BadRequestError, CheckmkError, PreconditionError, UnexpectedReplyError
from ..bulk import BulkCall, run_bulk
from ..claims import Claim
from ..outcomes import Outcomes, Progress
from ..records import Host
from ..resource import writes
from ..site import Site
from ..updates import Attributes, ChangeFunction, created_by, diff_body, json_mapping, matches, update_body
from .host_entries import Entry, name_of, parents_in, require_mappings, to_creation, to_host, to_update
from .host_reads import HostReader

__all__ = ["Hosts"]


class Hosts(HostReader):
    """``client.hosts``: read, change, and change many."""

    @writes
    def create(self, name: str, folder: str = "/", attributes: Optional[Attributes] = None) -> Host:
        """Create a host. BadRequestError when it exists, or folder or an attribute is wrong.

        The host is looked for first: only then does its presence after a lost answer, or after "already exists" to a
        request that was sent twice, prove that this call created it. The TransportError that is raised when it is not
        found within ``settle_s`` means unknown.
        """
        require_string(name, "the name of a host")
        entry = {"host_name": name, "folder": folder_path(folder), "attributes": json_mapping(attributes or {}, name)}
        with self._site.creation_claims.claim("hosts", (name,)) as claim:
            was_absent = self._is_absent("get", {"name": name})
            try:
                return self._record(Host.parse, "create", body=entry, object_names=(name,))
            except CheckmkError as error:
                if not was_absent or name not in claim:
                    raise
                if isinstance(error, BadRequestError) and not _is_about("host_name", error):
                    raise
                return self._settle_creation(error, name, claim, lambda there: there._find_created_one(entry))

    @writes
    def update(
        self,
        name: str,
        change: Optional[ChangeFunction] = None,
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
        kind = update_body(attributes, update_attributes, remove_attributes, name)
        if (change is not None) == bool(kind):
            raise ValueError("give a change function or one of attributes, update_attributes and remove_attributes")

        def write(before: Host) -> Host:
            body = kind if change is None else diff_body(change, before.attributes, name)
            if not body:
                return before
            # Checkmk: removing an attribute that is absent is refused, but the others are removed all the same.
            refusals = (PreconditionError, *([BadRequestError] if "remove_attributes" in body else []))
            request = dict(path={"name": name}, body=body, etag=etag or before.etag or "*", object_names=(name,))
            try:
                return self._record(Host.parse, "update", **request)
            except CheckmkError as error:
                return self._settle(error, lambda there: there._find_matching(name, body), *refusals)

        return self._read_and_write(name, write, etag)

    @writes
    def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. NotFoundError if there is none, unless ``missing_ok``.

        The host is read first: its absence afterwards proves the deletion only if it was seen.
        """
        self._delete(name, missing_ok, name, path={"name": name}, object_names=(name,))

    @writes
    def move(self, name: str, folder: str) -> Host:
        """Move a host; where it is there already nothing is sent (Checkmk would refuse it)."""
        target = self._resolve_folder(folder)

        def write(before: Host) -> Host:
            if before.folder == target:
                return before
            body = {"target_folder": target}
            request = dict(path={"name": name}, body=body, etag=before.etag or "*", object_names=(name,))
            try:
                moved = self._record(Host.parse, "move", **request)
                if moved.folder != target:
                    raise UnexpectedReplyError(f"the answer shows {name} in {moved.folder}, not in {target}")
                return moved
            except CheckmkError as error:
                return self._settle(
                    error, lambda there: there._find_in_folder(name, target), BadRequestError, PreconditionError
                )

        return self._read_and_write(name, write)

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

        def send(entries: Sequence[Entry]) -> None:
            names = [name_of(entry) for entry in entries]
            with self._site.creation_claims.claim("hosts", names) as claim:
                claims.update(dict.fromkeys(names, claim))
                self._bulk("bulk_create", entries)

        def find_created(site: Site, entries: Sequence[Entry]) -> set[str]:
            found = self._with_site(site)._find_created(entries, lambda: site.site_time(started))
            return {name for name in found if name in claims[name]}

        call = BulkCall(
            to_entry=to_creation,
            key=name_of,
            folder=lambda entry: str(entry["folder"]),
            send=send,
            find_applied=find_created,
            prerequisites=lambda entries: {name_of(entry): parents_in(entry["attributes"]) for entry in entries},
            may_be_applied=lambda entry, fields: "host_name" in fields and name_of(entry) in claims[name_of(entry)],
        )
        return run_bulk(self._site, call, require_mappings(hosts, "hosts"), self._chunk_size(chunk_size), progress)

    @writes
    def bulk_update(
        self, changes: Iterable[Entry], *, chunk_size: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Outcomes:
        """Change many hosts: mappings with ``host_name`` and one of ``attributes``, ``update_attributes``
        and ``remove_attributes``; a ``folder`` beside them is used for sorting only. Without ETags: the
        last writer wins. Outcomes as for :meth:`bulk_create`."""

        def send(entries: Sequence[Entry]) -> None:
            self._bulk("bulk_update", [{key: entry[key] for key in entry if key != "folder"} for entry in entries])

        call = BulkCall(
            to_entry=to_update,
            key=name_of,
            folder=lambda entry: str(entry.get("folder", "")),
            send=send,
            find_applied=lambda site, entries: self._with_site(site)._find_updated(entries),
        )
        return run_bulk(self._site, call, require_mappings(changes, "changes"), self._chunk_size(chunk_size), progress)

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
        # Folder and parents by name; None for a host that was looked for and not found.
        known: dict[str, Optional[tuple[str, list[str]]]] = {}

        def to_entry(item: Union[str, Host]) -> Host:
            host = to_host(item)
            if host is item:
                known[host.name] = _folder_and_parents(host)
            return host

        def children(entries: Sequence[Host]) -> dict[str, list[str]]:
            unread = [host.name for host in entries if host.name not in known]
            known.update(dict.fromkeys(unread))
            if unread:
                known.update({name: _folder_and_parents(host) for name, host in self._by_name(unread).items()})
            found: dict[str, list[str]] = {}
            for host in entries:
                for parent in (known[host.name] or ("", []))[1]:
                    found.setdefault(parent, []).append(host.name)
            return found

        def send(entries: Sequence[Host]) -> None:
            for host in entries:
                self._site.creation_claims.discard("hosts", host.name)
            self._bulk("bulk_delete", [host.name for host in entries])

        def find_deleted(site: Site, entries: Sequence[Host]) -> set[str]:
            seen = [host.name for host in entries if known[host.name] is not None]
            return set(seen) - set(self._with_site(site)._by_name(seen))

        call = BulkCall(
            to_entry=to_entry,
            key=lambda host: host.name,
            folder=lambda host: (known.get(host.name) or (host.folder,))[0],
            send=send,
            find_applied=find_deleted,
            prerequisites=children,
            may_be_applied=lambda _host, fields: "entry" in fields,
        )
        return run_bulk(self._site, call, require_iterable(names, "names"), self._chunk_size(chunk_size), progress)

    def may_change(self) -> None:
        """Raise ForbiddenError unless the user may modify hosts. Sends an update of no hosts, which changes nothing."""
        self._bulk("bulk_update", [])

    def _chunk_size(self, chunk_size: Optional[int]) -> int:
        if chunk_size is not None and (not isinstance(chunk_size, int) or chunk_size < 1):
            raise ValueError(f"chunk_size is a whole number of hosts, at least 1, not {chunk_size!r}")
        return chunk_size or self._site.settings.batch_processing.chunk_size

    def _bulk(self, verb: str, entries: Sequence[Any]) -> None:
        names = [entry if isinstance(entry, str) else name_of(entry) for entry in entries]
        self._perform(verb, body={"entries": list(entries)}, object_names=names)

    def _find_matching(self, name: str, body: Entry) -> Optional[Host]:
        host = self.find(name, fresh=True)
        return host if host is not None and matches(body, host.attributes) else None

    def _find_in_folder(self, name: str, folder: str) -> Optional[Host]:
        host = self.find(name, fresh=True)
        return host if host is not None and host.folder == folder else None

    def _find_created_one(self, entry: Entry) -> Optional[Host]:
        return self.find(name_of(entry), fresh=True) if self._find_created([entry], lambda: 0.0) else None

    def _find_created(self, entries: Sequence[Entry], since: Callable[[], Optional[float]]) -> set[str]:
        """Return the names of the hosts that are as they were sent, and that this user created after ``since`` (UNIX
        time). Any other host of that name is somebody else's: creating it would have been refused."""
        found = self._by_name([name_of(entry) for entry in entries])
        pairs = [(entry, found[name_of(entry)]) for entry in entries if name_of(entry) in found]
        paths = {folder: self._resolve_folder(folder) for folder in {entry["folder"] for entry, _ in pairs}}
        alike = [
            host
            for entry, host in pairs
            if host.folder == paths[entry["folder"]] and matches({"attributes": entry["attributes"]}, host.attributes)
        ]
        earliest = since() if alike else None
        return {host.name for host in alike if created_by(self._site.settings.username, earliest, host.meta)}

    def _find_updated(self, entries: Sequence[Entry]) -> set[str]:
        found = self._by_name([name_of(entry) for entry in entries])
        return {
            name
            for name, entry in zip(map(name_of, entries), entries)
            if name in found and matches(entry, found[name].attributes)
        }


def _is_about(field: str, error: ApiError) -> bool:
    """Return True if a refusal names this field, or no field at all."""
    return not error.fields or any(path.partition(".")[0] == field for path in error.fields)


def _folder_and_parents(host: Host) -> tuple[str, list[str]]:
    return host.folder, parents_in(host.effective_attributes or host.attributes)
