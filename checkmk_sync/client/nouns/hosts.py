"""Creates, changes, moves and deletes hosts of the configuration."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Optional, Sequence, Union

from ...catalogue.paths import folder_path, host_name
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
    """The hosts of the configuration, as ``client.hosts``.

    Changes take effect in the monitoring with the next activation (see :class:`Activation`).

    If the answer to a write is lost, the client reads the site for up to ``timeouts.settle_s`` seconds, to find out
    whether the write was applied. If it finds no proof, the write may or may not have been applied. A single call then
    raises an error whose ``attempted.is_uncertain`` is True, and a bulk call returns an outcome with the status
    ``UNKNOWN``.
    """

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
        """Change the attributes of a host, and return the host as it is afterwards.

        >>> cmk.hosts.update("web01", update_attributes={"alias": "Web server"})
        >>> cmk.hosts.update("web01", lambda found: {**found, "labels": {**found.get("labels", {}), "env": "prod"}})

        Give exactly one of these arguments:

        * ``attributes`` replaces all attributes of the host.
        * ``update_attributes`` sets some attributes. Each one is replaced completely, so new labels replace all labels.
        * ``remove_attributes`` lists the names of attributes to remove. It is not an error if one is not set.
        * ``change`` is a function that gets all attributes, as a dictionary, and returns all attributes. Only the
          difference is sent.

        The client reads the host, and then sends the change for that state. If another user changes the host in
        between, the client repeats both, up to 5 times in total; ``change`` is called again. With an ``etag``, such as
        ``host.etag``, the change applies to that state only, and nothing is repeated.

        Raises PreconditionError if the host has changed since the ``etag``, NotFoundError if it does not exist,
        BadRequestError if an attribute is not valid, and ValueError unless exactly one kind of change is given.
        """
        kind = update_body(attributes, update_attributes, remove_attributes, name)
        if (change is not None) == bool(kind):
            raise ValueError("give a change function or one of attributes, update_attributes and remove_attributes")

        def write(before: Host) -> Host:
            body = kind if change is None else diff_body(change, before.attributes, name)
            if not body:
                return before
            # CHECKMK_API 10.2: removing an attribute that is absent is refused, but the others are removed anyway.
            refusals = (PreconditionError, *([BadRequestError] if "remove_attributes" in body else []))
            request = dict(path={"name": name}, body=body, etag=etag or before.etag or "*", object_names=(name,))
            try:
                return self._record(Host.parse, "update", **request)
            except CheckmkError as error:
                return self._settle(error, lambda there: there._find_matching(name, body), *refusals)

        return self._read_and_write(name, write, etag)

    @writes
    def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True.

        Raises BadRequestError if it is the parent of another host. The client reads the host first, because its absence
        afterwards proves the deletion only if it existed before.
        """
        self._delete(name, missing_ok, name, path={"name": name}, object_names=(name,))

    @writes
    def move(self, name: str, folder: str) -> Host:
        """Move a host to another folder and return it. If it is already in that folder, no change is sent.

        Raises NotFoundError if the host does not exist, and BadRequestError if the folder does not exist.
        """
        target = self._resolve_folder(folder)

        def write(before: Host) -> Host:
            if before.folder == target:  # CHECKMK_API 10.2: refused as "Invalid move action"
                return before
            body = {"target_folder": target}
            request = dict(path={"name": name}, body=body, etag=before.etag or "*", object_names=(name,))
            try:
                moved = self._record(Host.parse, "move", **request)
                if moved.folder != target:
                    raise UnexpectedReplyError(f"the answer shows {name} in {moved.folder} instead of {target}")
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
        """Create many hosts and return an outcome for each.

        >>> outcomes = cmk.hosts.bulk_create([{"host_name": "web01", "folder": "/linux"}, {"host_name": "web02"}])
        >>> outcomes.raise_for_failures()

        * ``hosts`` is an iterable. Each item is a :class:`.Host`, or a mapping with ``host_name`` and optionally
          ``folder`` (default: ``/``) and ``attributes``.
        * ``chunk_size`` is the number of hosts per request (default: the setting ``batch_processing.chunk_size``).
        * ``progress`` is called with each :class:`.Outcome` as soon as it is known.

        An item that Checkmk refuses has the outcome ``NOT_APPLIED``. The other items are applied nevertheless.

        A list is validated completely before anything is sent, and ValueError is raised if an item is not valid. Any
        other iterable is read one chunk at a time, and an invalid item has the outcome ``NOT_APPLIED``. Raises
        BatchError, with the outcomes so far, if the credentials are wrong or the iterable raises an error.

        A list can contain parents and children in any order. In any other iterable, a parent must be in the same chunk
        as its child or in an earlier one.
        """
        # Checkmk refuses a parent that does not exist yet, even if the same call would create it. So parents are
        # created in earlier calls.
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
            key_name="host_name",
            check_key=host_name,
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
        """Change the attributes of many hosts and return an outcome for each.

        >>> cmk.hosts.bulk_update([{"host_name": "web01", "update_attributes": {"alias": "Web server"}}])

        Each item of ``changes`` is a mapping with ``host_name`` and one of ``attributes``, ``update_attributes`` and
        ``remove_attributes``, as for :meth:`update`. It can also contain the ``folder`` of the host, which makes the
        call faster because the items are sorted by folder. No ETags are sent, so the call may overwrite changes that
        another user has just made. The other arguments and the errors are the same as in :meth:`bulk_create`.
        """

        def send(entries: Sequence[Entry]) -> None:
            self._bulk("bulk_update", [{key: entry[key] for key in entry if key != "folder"} for entry in entries])

        call = BulkCall(
            key_name="host_name",
            check_key=host_name,
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
        """Delete many hosts and return an outcome for each.

        >>> cmk.hosts.bulk_delete(["web01", "web02"])

        Each item of ``names`` is the name of a host or a :class:`.Host`. The client first reads hosts that are given by
        name. The other arguments and the errors are the same as in :meth:`bulk_create`.

        Checkmk refuses to delete a host while it is the parent of another host. A list can contain parents and children
        in any order, because children are deleted in earlier requests. In any other iterable, a child must be in the
        same chunk as its parent or in an earlier one. Parents inherited from a folder are known only from records with
        ``effective_attributes``.
        """
        # The folder and the parents by host name; None for a host that was read and not found. Lists omit hosts that
        # the user cannot see, so the absence of a host proves its deletion only if a list has contained it before.
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
            key_name="host_name",
            check_key=host_name,
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
        """Raise ForbiddenError unless the user has the permission to change hosts.

        The check sends a bulk update without hosts, which changes nothing.
        """
        self._bulk("bulk_update", [])

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
        """Return the names of the hosts that equal their entries and were created by this user after ``since()``.

        ``since()`` returns a UNIX time, or None if it is unknown. Any other host with one of these names existed
        before, or was created by someone else.
        """
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
    """Return True if a refusal names this field, or does not name a field."""
    return not error.fields or any(path.partition(".")[0] == field for path in error.fields)


def _folder_and_parents(host: Host) -> tuple[str, list[str]]:
    return host.folder, parents_in(host.effective_attributes or host.attributes)
