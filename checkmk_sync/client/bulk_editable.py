"""Bulk calls of the nouns that have them: hosts, and plain nouns whose row says so."""

from __future__ import annotations

from typing import Any, Callable, Collection, Iterable, Mapping, Optional, Sequence, TypeVar, Union

from ..core.arguments import require_iterable
from .bulk import BulkCall, run_bulk
from .claims import Claim
from .editable import Editable
from .outcomes import Outcomes, Progress
from .resource import writes
from .site import Site

__all__ = ["BulkEditable", "Entry"]

T = TypeVar("T")
S = TypeVar("S", bound="BulkEditable[Any]")
Entry = Mapping[str, Any]


class BulkEditable(Editable[T]):
    """The base class of nouns with bulk calls. An entry is a member of the list ``entries`` in the request.

    ``_wire_key`` is the name of the key in entries, and ``_key`` its name in the items of callers.
    """

    _key: str
    _wire_key: str

    def _name_of(self, entry: Entry) -> str:
        return str(entry[self._wire_key])

    def _check_name(self, name: str, /) -> object:
        """Raise ValueError for a name that is not valid."""

    def _to_creation(self, item: Any) -> Entry:
        """Return the entry that creates an item of a caller. Raises ValueError or TypeError if it is not valid."""
        raise NotImplementedError

    def _to_change(self, item: Any) -> Entry:
        """Return the entry that changes an object. Raises ValueError or TypeError if the item is not valid."""
        raise NotImplementedError

    def _complete_changes(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the entries of updates as they are sent. It may read the site."""
        raise NotImplementedError

    def _creation_proof(self: S) -> Callable[[S, Sequence[Entry]], set[str]]:
        """Return a function that reads the site and returns the names of the entries that this call has created.

        It is called before anything is sent, so that the function can compare the site with its state before the call.
        """
        raise NotImplementedError

    def _is_as_left_by(self, entry: Entry, record: T, /) -> bool:
        """Return True if the object is as the entry of an update leaves it."""
        raise NotImplementedError

    def _folder_of(self, entry: Entry) -> str:
        """Return the folder of an entry, or "" if it is not known or objects of this kind have no folder."""
        return str(entry.get("folder", ""))

    def _created_before(self, _entries: Sequence[Entry], /) -> Mapping[str, Collection[str]]:
        """Return the names of the entries that must be created before each entry."""
        return {}

    def _named(self, item: Union[str, T]) -> tuple[str, Optional[T]]:
        """Return the name of an object to delete, and its record if the caller has read it from the site."""
        raise NotImplementedError

    def _read_many(self, names: Sequence[str]) -> dict[str, T]:
        """Return the objects with these names that exist and that the user can see, by name."""
        raise NotImplementedError

    def _folder_and_references(self, _record: T, /) -> tuple[str, Sequence[str]]:
        """Return the folder of an object, and the names of objects that cannot be deleted before it."""
        return "", ()

    @writes
    def bulk_create(
        self,
        items: Iterable[Union[T, Entry]],
        *,
        chunk_size: Optional[int] = None,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Create many objects, given as records or mappings of their fields, and return an outcome for each.

        An object that the site refuses does not hold up the others. ``chunk_size`` is the number of objects per
        request; the default is the setting ``batch_processing.chunk_size``. ``progress`` is called with each outcome.

        A list or tuple is checked completely before anything is sent, and an item that is not valid raises ValueError.
        Any other iterable is read one chunk at a time, and such an item has the outcome NOT_APPLIED. Raises BatchError,
        with the outcomes so far, if the credentials are wrong or the iterable raises an error. Raises CheckmkError if
        the API has no bulk calls for this kind of object.
        """
        entries = self._require_items("bulk_create", items, self.noun)
        find_created, claims = self._creation_proof(), dict[str, Claim]()

        def send(entries: Sequence[Entry]) -> None:
            names = list(map(self._name_of, entries))
            with self._site.creation_claims.claim(self.noun, names) as claim:
                claims.update(dict.fromkeys(names, claim))
                self._send_entries("bulk_create", entries)

        def find_applied(site: Site, entries: Sequence[Entry]) -> set[str]:
            return {name for name in find_created(self._with_site(site), entries) if name in claims[name]}

        def may_be_applied(entry: Entry, fields: Mapping[str, Any]) -> bool:
            name = self._name_of(entry)
            return self._wire_key in fields and name in claims[name]

        return self._run_bulk(
            entries,
            chunk_size,
            progress,
            to_entry=self._to_creation,
            send=send,
            find_applied=find_applied,
            prerequisites=self._created_before,
            may_be_applied=may_be_applied,
        )

    @writes
    def bulk_update(
        self, changes: Iterable[Entry], *, chunk_size: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Outcomes:
        """Change many objects and return an outcome for each. Arguments, outcomes and errors as for bulk_create().

        An item is a mapping of the key and the changes. Bulk calls accept no ETags, so the last writer wins.
        """
        entries = self._require_items("bulk_update", changes, "changes")

        def find_changed(site: Site, entries: Sequence[Entry]) -> set[str]:
            found = self._with_site(site)._read_many(list(map(self._name_of, entries)))
            pairs = [(entry, found[self._name_of(entry)]) for entry in entries if self._name_of(entry) in found]
            return {self._name_of(entry) for entry, record in pairs if self._is_as_left_by(entry, record)}

        return self._run_bulk(
            entries,
            chunk_size,
            progress,
            to_entry=self._to_change,
            send=lambda entries: self._send_entries("bulk_update", self._complete_changes(entries)),
            find_applied=find_changed,
        )

    @writes
    def bulk_delete(
        self,
        names: Iterable[Union[str, T]],
        *,
        chunk_size: Optional[int] = None,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Delete many objects, given by name or as records. Outcomes and errors as for bulk_create().

        The client first reads the objects that are given by name. Objects that refer to others are deleted before them.
        """
        items = self._require_items("bulk_delete", names, "names")
        # The folder and the references by name; None for an object that was read and not found. Lists omit objects that
        # the user cannot see, so an absence proves a deletion only if a list has contained the object before.
        known: dict[str, Optional[tuple[str, Sequence[str]]]] = {}

        def to_entry(item: Union[str, T]) -> str:
            name, record = self._named(item)
            if record is not None:
                known[name] = self._folder_and_references(record)
            return name

        def referring(entries: Sequence[str]) -> dict[str, list[str]]:
            unread = [name for name in entries if name not in known]
            known.update(dict.fromkeys(unread))
            if unread:
                found = self._read_many(unread)
                known.update({name: self._folder_and_references(record) for name, record in found.items()})
            before: dict[str, list[str]] = {}
            for name in entries:
                for target in (known[name] or ("", ()))[1]:
                    before.setdefault(target, []).append(name)
            return before

        def send(entries: Sequence[str]) -> None:
            for name in entries:
                self._site.creation_claims.discard(self.noun, name)
            self._send_entries("bulk_delete", entries)

        def find_deleted(site: Site, entries: Sequence[str]) -> set[str]:
            seen = [name for name in entries if known[name] is not None]
            return set(seen) - set(self._with_site(site)._read_many(seen))

        return self._run_bulk(
            items,
            chunk_size,
            progress,
            to_entry=to_entry,
            key=str,
            folder=lambda name: (known.get(name) or ("",))[0],
            send=send,
            find_applied=find_deleted,
            prerequisites=referring,
            # A second copy of the request is refused because the object no longer exists.
            may_be_applied=lambda _name, fields: "entry" in fields,
        )

    def _require_items(self, verb: str, items: Iterable[Any], label: str) -> Iterable[Any]:
        """Return the items of a bulk call. Raises CheckmkError if the API does not have the call."""
        self._site.require_operation(self.noun, verb)
        if isinstance(items, Mapping):
            raise TypeError(f"{label} must be a list of mappings, not a mapping")
        return require_iterable(items, label)

    def _run_bulk(
        self, items: Iterable[Any], chunk_size: Optional[int], progress: Optional[Progress], **functions: Any
    ) -> Outcomes:
        functions = {"key": self._name_of, "folder": self._folder_of, **functions}
        call: BulkCall[Any] = BulkCall(key_name=self._key, check_key=self._check_name, **functions)
        return run_bulk(self._site, call, items, self._chunk_size(chunk_size), progress)

    def _send_entries(self, verb: str, entries: Sequence[Any]) -> None:
        names = [entry if isinstance(entry, str) else self._name_of(entry) for entry in entries]
        self._perform(verb, body={"entries": list(entries)}, object_names=names)
