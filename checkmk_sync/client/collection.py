"""Reads, creates, changes and deletes the objects of plain nouns, as the rows of the catalogue describe them."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

from ..catalogue.literals import contains_mask
from ..catalogue.noun import Record
from ..core.arguments import describe_type, require_string
from ..core.text import with_article
from ..streaming import Blocks, Received, Stream, StreamBatch
from .bulk_editable import BulkEditable, Entry
from .ensured import Ensured
from .object_format import PARTS, NounFormat, noun_format
from .resource import parsed, writes
from .site import Site

__all__ = ["Collection"]

R = TypeVar("R", bound=Record)
Values = Mapping[str, Any]


class Collection(BulkEditable[R]):
    """The objects of one kind, such as ``client.host_groups``.

    An object is given by its key and the values of its fields, or as a record:

    >>> cmk.host_groups.create("linux", alias="Linux servers")
    >>> cmk.host_groups.create(HostGroup("linux", alias="Linux servers"))

    Changes take effect in the monitoring with the next activation (see :class:`Activation`).

    Fields are checked before anything is sent. A field that does not exist raises ValueError, and a field that the
    version or edition of the site does not have raises CheckmkError. Lost answers are settled as for :class:`Hosts`.
    """

    def __init__(self, site: Site, record: type[R]) -> None:
        super().__init__(site)
        self.record = record
        self.noun = record.noun.name
        self._key, self._wire_key = record.noun.key.name, record.noun.key.wire

    @property
    def _format(self) -> NounFormat:
        return noun_format(self.record.noun.name, self._site.version(), self._site.edition())

    def get(self, key: str, *, fresh: bool = False) -> R:
        """Return one object with its ETag. ``fresh`` bypasses the cache. Raises NotFoundError if it does not exist."""
        return self._record(self._parse, "get", path=self._path(key), fresh=fresh)

    def each(self, **filters: Union[str, bool]) -> Stream[R]:
        """Return a stream of all objects, which are decoded while the response arrives, in constant memory.

        ``filters`` are the names by which the API lists this kind of object. Raises ValueError for other names, and if
        a field is missing by which the API requires to list them.
        """
        noun = self.record.noun
        needed = {field.name: f"{field.wire}_name" for field in noun.fields if field.filters}
        known = {**needed, **{name: name for name in noun.list_query}}
        for name in (*filters, *needed):
            if name not in known:
                raise ValueError(f"{noun.plural} cannot be listed by {name!r}")
            if name not in filters:
                raise ValueError(f"{noun.plural} are listed by {name}, which is missing")
        query = {known[name]: value for name, value in filters.items()}
        return Stream(lambda received: self._listed(received, query))

    def _listed(self, received: Received, query: Mapping[str, Union[str, bool]]) -> Blocks[R]:
        return parsed(
            self._blocks("list", received, parts=PARTS, query=query),
            lambda items: self._format.parse_all(self.record, items),
        )

    def pages(self, batch_size: Optional[int] = None, **filters: Union[str, bool]) -> Iterator[StreamBatch[R]]:
        """Yield the objects of :meth:`each` in pages of ``batch_size`` objects.

        The default size is the setting ``streaming.default_batch_size``.
        """
        return self._pages(self.each(**filters), batch_size)

    @writes
    def create(self, wanted: Union[str, R], **values: Any) -> R:
        """Create an object and return it with its ETag.

        Fields can also be None, which means that they are not given. Raises ValueError if a required field is missing,
        and BadRequestError if the object exists, or if the site refuses a value. The client reads the object first,
        because only an object that was absent before proves the creation if the answer is lost.

        If a web server sends the request twice, the answer is "already exists". A site does not return secrets, so the
        client cannot tell whether it has created an object with a secret, and ``error.attempted.is_uncertain`` is True.
        """
        return self._create_record(self._to_record(wanted, values))

    def _create_record(self, record: R, *, was_absent: bool = False) -> R:
        values = record.values()
        return self._create(
            record.key_value,
            self._creation_body(record),
            lambda there, found: there._format.same(found, values),
            was_absent=was_absent,
            refused_field=self._format.key.wire,
            has_secrets=bool(self._secrets_in(values)),
        )

    @writes
    def update(self, key: str, *, etag: Optional[str] = None, **values: Any) -> R:
        """Set some fields of an object, and return the object as it is afterwards. Other fields stay as they are.

        >>> cmk.host_groups.update("linux", alias="Linux servers")

        Nothing is sent if the object already has these values; a secret is always sent. If another user changes the
        object in between, the client reads it again and repeats the change, up to 5 times in total. With an ``etag``,
        such as ``group.etag``, the change applies to that state only, and nothing is repeated.

        Raises NotFoundError if the object does not exist, PreconditionError if it has changed since the ``etag``, and
        ValueError for an ``etag`` if the API has no ETags for this kind of object.
        """
        return self._update(key, values, etag)

    def _update(self, key: str, values: Values, etag: Optional[str], options: Values = MappingProxyType({})) -> R:
        """Set some fields of an object. ``options`` are members of the body that are not fields."""
        if not values:
            raise ValueError(f"give a field of the {self.record.noun.singular} {key!r} to change")
        self._refuse_key(values)
        if etag is not None and not self.record.noun.has_etags:
            raise ValueError(f"{self.record.noun.plural} have no ETags, so the site would ignore it")
        self._format.refuse_fixed(values)
        self._format.check(values)

        def body_for(before: R) -> Values:
            # CHECKMK_API 10.12: the site refuses an alias that does not change.
            changes = self._to_send(before, values)
            if not changes:
                return {}
            repeated = self._repeated(before)
            given = {name: value for name, value in values.items() if name in changes or name in repeated}
            return {**self._format.body(_without_masks({**repeated, **given})), **options}

        return self._change(
            key, "update", body_for, lambda there, found, *_: there._has_values(found, values), etag=etag
        )

    @writes
    def delete(self, key: str, *, missing_ok: bool = False) -> None:
        """Delete an object. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True."""
        self._delete(self._require_key(key), missing_ok)

    @writes
    def ensure(
        self, wanted: Union[str, R], *, check: bool = False, update_secrets: bool = False, **values: Any
    ) -> Ensured[R]:
        """Create an object, or change it if it differs, and return what was done.

        >>> cmk.host_groups.ensure("linux", alias="Linux servers").changed

        With ``check``, nothing is written, and the result is what a call without it would do. Fields that are not given
        stay as they are. A secret is sent only when the object is created, or always with ``update_secrets``, because
        the site never returns it for comparison.
        """
        given = self._given(wanted, values)
        key = given.pop(self._key)
        self._format.check({self._key: key, **given})
        before = self.find(key, fresh=True)
        if before is None:
            return self._ensure_created(self._to_record(key, given), check)
        if not update_secrets:
            given = {name: value for name, value in given.items() if name not in self._format.secrets}
        return self._ensure_changed(before, given, check)

    def _ensure_created(self, record: R, check: bool) -> Ensured[R]:
        created = self._without_secrets(record) if check else self._create_record(record, was_absent=True)
        return Ensured(None, created, ("create",), {name: (None, value) for name, value in record.values().items()})

    def _ensure_changed(self, before: R, given: Values, check: bool) -> Ensured[R]:
        changes = {name: given[name] for name in self._to_send(before, given)}
        if not changes:
            return Ensured(before, before)
        self._format.refuse_fixed(changes)
        differences = {name: (getattr(before, name), value) for name, value in changes.items()}
        values = {name: value for name, value in given.items() if not self._format.field(name).fixed}
        after = self._without_secrets(before, **changes) if check else self.update(before.key_value, **values)
        return Ensured(before, after, ("update",), differences)

    def _path(self, name: str) -> dict[str, str]:
        return {"key": self._require_key(name)}

    def _require_key(self, key: Any) -> str:
        if not require_string(key, self._key):
            raise ValueError(f"{self._key} must not be empty")
        return str(key)

    def _parse(self, data: Any, etag: Optional[str] = None) -> R:
        return self._format.parse(self.record, data, etag)

    def _read_all(self) -> dict[str, R]:
        return {record.key_value: record for record in self.each()}

    def _has_values(self, found: R, values: Values) -> bool:
        # A secret cannot be compared, so an update that sends one cannot be proven.
        return not self._secrets_in(values) and self._format.same(found, values)

    def _to_send(self, before: R, values: Values) -> list[str]:
        """Return the names of the fields to send: those that differ, and secrets, which cannot be compared."""
        return self._format.differing(before, values) + self._secrets_in(values)

    def _without_secrets(self, record: R, **changes: Any) -> R:
        """Return a record as the site would return it after the changes."""
        secrets: dict[str, Any] = dict.fromkeys(self._secrets_in(self.record.noun.by_name))
        return dataclasses.replace(record, **{**changes, **secrets})  # type: ignore[type-var]

    def _secrets_in(self, values: Values) -> list[str]:
        return [name for name in values if name in self._format.secrets]

    def _given(self, wanted: Union[str, R, None], values: Values) -> dict[str, Any]:
        """Return the key and the values of a record, or of a key with values."""
        if isinstance(wanted, self.record):
            if values:
                raise ValueError(f"give either a {self.record.__name__} or a key with fields, not both")
            return {self._key: wanted.key_value, **wanted.values()}
        if not isinstance(wanted, str):
            raise TypeError(
                f"{with_article(self.record.noun.singular)} must be a key or {with_article(self.record.__name__)}, "
                f"not {describe_type(wanted)}"
            )
        self._refuse_key(values)
        known = self.record.noun.by_name
        # None means "not given", as in records. A name that does not exist is kept, because it is refused later.
        given = {name: value for name, value in values.items() if value is not None or name not in known}
        return {self._key: self._require_key(wanted), **given}

    def _refuse_key(self, values: Values) -> None:
        if self._key in values:
            raise ValueError(
                f"{self._key!r} is the key of a {self.record.noun.singular}; give it only as the first argument"
            )

    def _to_record(self, wanted: Union[str, R, None], values: Values) -> R:
        given = self._given(wanted, values)
        self._format.check(given)
        self._format.require(given)
        return self.record(**{**dict.fromkeys(self.record.noun.by_name), **given})

    def _to_creation(self, item: Any) -> Entry:
        if isinstance(item, Mapping):
            values = dict(item)
            return self._creation_body(self._to_record(values.pop(self._key, None), values))
        return self._creation_body(self._to_record(item, {}))

    def _creation_proof(self) -> Callable[[Collection[R], Sequence[Entry]], set[str]]:
        existing = set(self._read_all())

        def find_created(there: Collection[R], entries: Sequence[Entry]) -> set[str]:
            found = there._read_all()
            names = {self._name_of(entry): self._format.values(entry) for entry in entries}
            return {
                name
                for name, values in names.items()
                if name in found and name not in existing and self._format.same(found[name], values)
            }

        return find_created

    def _to_change(self, item: Any) -> Entry:
        if not isinstance(item, Mapping) or not isinstance(item.get(self._key), str) or len(item) < 2:
            raise ValueError(f"a change must be a mapping of {self._key} and the fields to set")
        self._require_key(item[self._key])
        self._format.check(item)
        values = {name: value for name, value in item.items() if name != self._key}
        return {self._wire_key: item[self._key], "attributes": self._format.body(values)}

    def _complete_changes(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        repeated = {field.wire for field in self._format.fields.values() if field.repeated}
        if all(repeated <= entry["attributes"].keys() for entry in entries):
            return entries
        existing = self._read_all()
        values = {name: self._format.body(self._repeated(record)) for name, record in existing.items()}
        return [
            {**entry, "attributes": {**values.get(self._name_of(entry), {}), **entry["attributes"]}}
            for entry in entries
        ]

    def _is_as_left_by(self, entry: Entry, record: R, /) -> bool:
        return self._has_values(record, self._format.values(entry["attributes"]))

    def _named(self, item: Union[str, R]) -> tuple[str, Optional[R]]:
        # A record of the caller does not prove that the object exists.
        return self._require_key(item.key_value if isinstance(item, self.record) else item), None

    def _read_many(self, names: Sequence[str]) -> dict[str, R]:
        wanted = set(names)
        return {name: record for name, record in self._read_all().items() if name in wanted}

    def _creation_body(self, record: R) -> dict[str, Any]:
        return self._format.body({self._key: record.key_value, **record.values()})

    def _repeated(self, before: R) -> Values:
        """Return the values that every update of the object must repeat."""
        return {
            name: getattr(before, name)
            for name, field in self._format.fields.items()
            if (field.repeated or (self.record.noun.replaces and not (field.fixed or field.assigned)))
            and getattr(before, name) is not None
        }


def _without_masks(values: Values) -> Values:
    """Return the values. Raises ValueError for a value with a secret that the site does not show."""
    for name, value in values.items():
        # Writing the mask would replace the secret by it.
        if contains_mask(value):
            raise ValueError(
                f"{name} contains a secret that the site does not show; give {name}, because it must be sent again"
            )
    return values
