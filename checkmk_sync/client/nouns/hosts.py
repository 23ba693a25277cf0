"""Creates, changes, moves and deletes hosts of the configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Sequence, Union

from ...catalogue.paths import folder_path, host_name
from ...core.arguments import describe_type, require_string
from ...errors import BadRequestError, UnexpectedReplyError
from ..ensured import Ensured
from ..records import Host
from ..resource import writes
from ..updates import (
    Attributes,
    ChangeFunction,
    created_by,
    differing_values,
    json_mapping,
    matches,
    update_bodies,
)
from .host_entries import Entry, parents_in, to_creation, to_update
from .host_reads import HostReader

__all__ = ["Hosts"]


class Hosts(HostReader):
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
        return self._create(
            name,
            entry,
            lambda there, found: bool(there._created_of([entry], {name: found}, lambda: 0.0)),
            refused_field="host_name",
        )

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
        body_for = update_bodies(name, change, attributes, update_attributes, remove_attributes)
        return self._change(
            name,
            "update",
            lambda before: body_for(before.attributes),
            lambda _there, found, body, _before: matches(body, found.attributes),
            etag=etag,
            # CHECKMK_API 10.2: removing an attribute that is absent is refused, but the others are removed anyway.
            refusals=lambda body: (BadRequestError,) if "remove_attributes" in body else (),
        )

    @writes
    def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete a host. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True.

        Raises BadRequestError if it is the parent of another host. The client reads the host first, because its absence
        afterwards proves the deletion only if it existed before.
        """
        self._delete(name, missing_ok)

    @writes
    def move(self, name: str, folder: str) -> Host:
        """Move a host to another folder and return it. If it is already in that folder, no change is sent.

        Raises NotFoundError if the host does not exist, and BadRequestError if the folder does not exist.
        """
        target = self._resolve_folder(folder)

        def parse(data: Any, etag: Optional[str]) -> Host:
            moved = Host.parse(data, etag)
            if moved.folder != target:
                raise UnexpectedReplyError(f"the answer shows {name} in {moved.folder} instead of {target}")
            return moved

        return self._change(
            name,
            "move",
            # CHECKMK_API 10.2: a move into the same folder is refused as "Invalid move action".
            lambda before: {} if before.folder == target else {"target_folder": target},
            lambda _there, found, *_: found.folder == target,
            refusals=lambda _body: (BadRequestError,),
            parse=parse,
        )

    @writes
    def ensure(
        self,
        name: str,
        folder: Optional[str] = None,
        attributes: Optional[Attributes] = None,
        *,
        check: bool = False,
    ) -> Ensured[Host]:
        """Create a host, or move and change it if it differs, and return what was done.

        >>> cmk.hosts.ensure("web01", "/linux", {"ipaddress": "192.0.2.10"}).changed

        Attributes that are not given stay as they are, and so does the folder of an existing host if ``folder`` is not
        given. A new host is created in ``/`` then. With ``check=True``, nothing is written, and the result is what a
        call without it would do.

        If the change fails after a move, the host stays in its new folder. A repetition of the call does the rest.
        """
        wanted = json_mapping(attributes or {}, name)
        before = self.find(name, fresh=True)
        if before is None:
            path = folder_path(folder or "/")
            created = Host(name, path, wanted) if check else self.create(name, path, wanted)
            return Ensured(None, created, ("create",), differing_values({"folder": path, **wanted}, {}))
        target = before.folder if folder is None else self._resolve_folder(folder)
        changes = differing_values({"folder": target, **wanted}, {"folder": before.folder, **before.attributes})
        values = {attribute: wanted[attribute] for attribute in changes if attribute != "folder"}
        after = replace(before, folder=target, attributes={**before.attributes, **values}, etag=None)
        if "folder" in changes and not check:
            after = self.move(name, target)
        if values and not check:
            after = self.update(name, update_attributes=values)
        actions = (*["move"] * ("folder" in changes), *["update"] * bool(values))
        return Ensured(before, after if actions else before, actions, changes)

    def may_change(self) -> None:
        """Raise ForbiddenError unless the user has the permission to change hosts.

        The check sends a bulk update without hosts, which changes nothing.
        """
        self._send_entries("bulk_update", [])

    _check_name = staticmethod(host_name)
    _to_creation = staticmethod(to_creation)
    _to_change = staticmethod(to_update)

    def _created_before(self, entries: Sequence[Entry], /) -> dict[str, list[str]]:
        # Checkmk refuses a parent that does not exist, even if the same call creates it.
        return {self._name_of(entry): parents_in(entry["attributes"]) for entry in entries}

    def _creation_proof(self) -> Callable[[Hosts, Sequence[Entry]], set[str]]:
        started = self._site.clock.monotonic()

        def find_created(there: Hosts, entries: Sequence[Entry]) -> set[str]:
            found = there._read_many(list(map(self._name_of, entries)))
            return there._created_of(entries, found, lambda: there._site.site_time(started))

        return find_created

    def _created_of(
        self, entries: Sequence[Entry], found: Mapping[str, Host], since: Callable[[], Optional[float]]
    ) -> set[str]:
        """Return the names of the hosts that equal their entries and were created by this user after ``since()``.

        ``since()`` returns a UNIX time, or None if it is unknown. Any other host with one of these names existed
        before, or was created by someone else.
        """
        pairs = [(entry, found[self._name_of(entry)]) for entry in entries if self._name_of(entry) in found]
        paths = {folder: self._resolve_folder(folder) for folder in {entry["folder"] for entry, _ in pairs}}
        alike = [
            host
            for entry, host in pairs
            if host.folder == paths[entry["folder"]] and matches({"attributes": entry["attributes"]}, host.attributes)
        ]
        earliest = since() if alike else None
        return {host.name for host in alike if created_by(self._site.settings.username, earliest, host.meta)}

    def _complete_changes(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        # The folder only determines the order of the calls.
        return [{name: value for name, value in entry.items() if name != "folder"} for entry in entries]

    def _is_as_left_by(self, entry: Entry, record: Host, /) -> bool:
        return matches(entry, record.attributes)

    def _named(self, item: Union[str, Host]) -> tuple[str, Optional[Host]]:
        if not isinstance(item, (str, Host)):
            raise ValueError(f"a host must be a name or a Host record, not {describe_type(item)}")
        # Only records from the site have meta data. The client reads the others, as if their names were given.
        return (item, None) if isinstance(item, str) else (item.name, item if item.meta else None)

    def _folder_and_references(self, record: Host, /) -> tuple[str, Sequence[str]]:
        # Checkmk refuses to delete a host while it is the parent of another host.
        return record.folder, parents_in(record.effective_attributes or record.attributes)
