"""Bulk calls, for hosts and for plain nouns with bulk operations."""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, TypeVar, Union

from ..core.arguments import describe_type, require_count, require_iterable
from ..core.grouping import grouped
from ..core.text import suggestion
from .bulk import BulkCall, run_bulk
from .claims import Claim
from .editable import Editable, Keyed
from .outcomes import Outcomes, Progress
from .resource import writes
from .site import Site

T = TypeVar("T", bound=Keyed)
S = TypeVar("S", bound="BulkEditable[Any]")
Entry = Mapping[str, Any]

UNKNOWN: tuple[str, Sequence[str]] = ("", ())  # the folder and the references of an object that was not read


class BulkEditable(Editable[T]):
    """The base class of nouns with bulk calls. An entry is a member of the list ``entries`` in the request."""

    def _to_record(self, item: Any, /) -> T:
        """Return the record of an object to create. Raises ValueError or TypeError if the item is not valid."""
        raise NotImplementedError

    def _to_change(self, item: Any, /) -> Entry:
        """Return the entry that changes an object. Raises ValueError or TypeError if the item is not valid."""
        raise NotImplementedError

    def _is_as_left_by(self, entry: Entry, found: T, /) -> bool:
        """Return True if the object has the values that the entry of an update sets."""
        raise NotImplementedError

    def _complete_changes(self, entries: Sequence[Entry], /) -> Sequence[Entry]:
        """Return the entries of updates in the form in which they are sent. May read the site."""
        # The folder only determines the order of the calls.
        return [{name: value for name, value in entry.items() if name != "folder"} for entry in entries]

    def _select_new(self: S) -> Callable[[S, Sequence[T]], Sequence[T]]:
        """Return a function that selects the objects that did not exist when this method was called."""
        raise NotImplementedError

    def _require_item(self, item: Any, known: Iterable[str]) -> Entry:
        """Return an item. Raises ValueError unless it is a mapping with a name, and all its keys are ``known``."""
        keys = ", ".join(sorted(known))
        if not isinstance(item, Mapping) or not isinstance(item.get(self._key), str):
            given = isinstance(item, Mapping) and (", ".join(map(repr, item)) or "no keys")
            found = f"has {given}" if given else f"is {describe_type(item)}"
            raise ValueError(f"an entry must be a mapping of {keys}, with a string as {self._key}; this one {found}")
        for key in item:
            if key not in known:
                hint = suggestion(str(key), tuple(sorted(known)))
                raise ValueError(f"unknown key {key!r} in the entry of {item[self._key]!r}{hint}")
        return item

    def _read_many(self, names: Sequence[str]) -> dict[str, T]:
        """Return the objects with these names that exist and that the user can see, by name."""
        wanted = set(names)
        return {record.key_value: record for record in self.each() if record.key_value in wanted}

    def _check_name(self, name: str, /) -> object:
        """Raise ValueError for a name that is not valid."""

    def _references(self, _record: T, /) -> Sequence[str]:
        """Return the names of the objects of the same kind that this one refers to, so that they must exist."""
        return ()

    @writes
    def bulk_create(
        self, items: Iterable[Union[T, Entry]], *, chunk_size: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Outcomes:
        """Create many objects, given as records or mappings of their fields, and return an outcome for each.

        An object that the site refuses does not hold up the others. ``chunk_size`` is the number of objects per
        request; the default is the setting ``batch_processing.chunk_size``. ``progress`` is called with each outcome.

        A list or tuple is checked completely before anything is sent, and an item that is not valid raises ValueError.
        Any other iterable is read one chunk at a time, and such an item has the outcome NOT_APPLIED. Raises BatchError,
        with the outcomes so far, if the credentials are wrong or the iterable raises an error. Raises CheckmkError if
        the API has no bulk calls for this kind of object.
        """
        items = self._require_items("bulk_create", items, self.noun)
        if isinstance(items, (list, tuple)) and not items:
            return Outcomes()
        only_new, claims = self._select_new(), dict[str, Claim]()

        def send(records: Sequence[T]) -> None:
            names = [record.key_value for record in records]
            with self._site.creation_claims.claim(self.noun, names) as claim:
                claims.update(dict.fromkeys(names, claim))
                self._send_entries("bulk_create", list(map(self._creation_body, records)), names)

        def find_created(site: Site, records: Sequence[T]) -> set[str]:
            there, wanted = self._with_site(site), {record.key_value: record for record in records}
            # Each folder that is given by its ID is read only once.
            there._resolve_folder = functools.cache(there._resolve_folder)  # type: ignore[method-assign]
            found = there._read_many(list(wanted))
            created = [found[name] for name in wanted if name in found and there._is_created(found[name], wanted[name])]
            names = {record.key_value for record in only_new(there, created)}
            return {name for name in names if name in claims[name]}

        def may_be_created(record: T, fields: Mapping[str, Any]) -> bool:
            return self._wire_key in fields and record.key_value in claims[record.key_value]

        return self._run_bulk(
            items,
            chunk_size,
            progress,
            to_entry=self._to_record,
            key=lambda record: record.key_value,
            folder=_folder_of,
            send=send,
            find_applied=find_created,
            prerequisites=lambda records: {record.key_value: self._references(record) for record in records},
            may_be_applied=may_be_created,
        )

    @writes
    def bulk_update(
        self, changes: Iterable[Entry], *, chunk_size: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Outcomes:
        """Change many objects and return an outcome for each. Arguments, outcomes and errors are as for bulk_create().

        An item is a mapping of the key and the changes. Bulk calls do not accept ETags, so the last writer wins.
        """
        entries = self._require_items("bulk_update", changes, "changes")

        def find_changed(site: Site, entries: Sequence[Entry]) -> set[str]:
            there, wanted = self._with_site(site), {name_of(entry): entry for entry in entries}
            found = there._read_many(list(wanted))
            return {
                name for name, entry in wanted.items() if name in found and there._is_as_left_by(entry, found[name])
            }

        def name_of(entry: Entry) -> str:
            return str(entry[self._wire_key])

        return self._run_bulk(
            entries,
            chunk_size,
            progress,
            to_entry=self._to_change,
            key=name_of,
            folder=lambda entry: str(entry.get("folder", "")),
            send=lambda entries: self._send_entries(
                "bulk_update", self._complete_changes(entries), list(map(name_of, entries))
            ),
            find_applied=find_changed,
        )

    @writes
    def bulk_delete(
        self, names: Iterable[Union[str, T]], *, chunk_size: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Outcomes:
        """Delete many objects, given by name or as records. Outcomes and errors are as for bulk_create().

        The client first reads the objects that are given by name. Objects that refer to others are deleted before them.
        """
        items = self._require_items("bulk_delete", names, "names")
        # The folder and the references of the objects that were read, by name. Lists omit objects that the user cannot
        # see, so an absence proves a deletion only if a list has contained the object before.
        known: dict[str, tuple[str, Sequence[str]]] = {}

        def remember(records: Iterable[T]) -> None:
            known.update({record.key_value: (_folder_of(record), self._references(record)) for record in records})

        def to_entry(item: Any) -> str:
            # Only records from the site have metadata. The client reads the others, as if they were given by name.
            if getattr(item, "meta", None):
                remember([item])
            return self._require_key(item.key_value if isinstance(item, self.record) else item)

        def referring(entries: Sequence[str]) -> dict[str, list[str]]:
            unread = [name for name in entries if name not in known]
            if unread:
                remember(self._read_many(unread).values())
            return _inverted({name: known.get(name, UNKNOWN)[1] for name in entries})

        def send(entries: Sequence[str]) -> None:
            for name in entries:
                self._site.creation_claims.discard(self.noun, name)
            self._send_entries("bulk_delete", entries, entries)

        def find_deleted(site: Site, entries: Sequence[str]) -> set[str]:
            seen = [name for name in entries if name in known]
            return set(seen) - set(self._with_site(site)._read_many(seen))

        return self._run_bulk(
            items,
            chunk_size,
            progress,
            to_entry=to_entry,
            key=str,
            folder=lambda name: known.get(name, UNKNOWN)[0],
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
        if chunk_size is not None:
            require_count(chunk_size, "chunk_size", 1)
        call: BulkCall[Any] = BulkCall(key_name=self._key, check_key=self._check_name, **functions)
        size = chunk_size or self._site.settings.batch_processing.chunk_size
        return run_bulk(self._site, call, items, size, progress)

    def _send_entries(self, verb: str, entries: Sequence[Any], names: Sequence[str]) -> None:
        self._perform(verb, body={"entries": list(entries)}, object_names=names)


def _folder_of(record: Any) -> str:
    return str(getattr(record, "folder", ""))


def _inverted(references: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the names of the objects that refer to each object."""
    return grouped((target, name) for name, targets in references.items() for target in targets)
