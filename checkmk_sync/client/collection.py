"""Reads, creates, changes and deletes the objects of plain nouns, as the rows of the catalogue describe them."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Optional, Sequence, TypeVar, Union

from ..catalogue.literals import masked_member
from ..catalogue.noun import Record
from ..core.arguments import require_type
from ..core.text import with_article
from ..streaming import Stream
from .bulk_editable import BulkEditable, Entry
from .editable import Values
from .ensured import Ensured
from .object_format import NounFormat, noun_format
from .resource import writes
from .site import Site

R = TypeVar("R", bound=Record)


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
        self._key = record.noun.key.name

    @property
    def _format(self) -> NounFormat:
        return noun_format(self.record.noun.name, self._site.version(), self._site.edition())

    @property
    def _wire_key(self) -> str:
        return self._format.key.wire

    def each(self, **filters: Union[str, bool]) -> Stream[R]:
        """Return a stream of all objects, which are decoded while the response arrives, in constant memory.

        ``filters`` limit the list, by fields and parameters that the API supports as filters. Raises ValueError for
        other names, and if a field is missing that the API requires.
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
        return Stream(lambda received: self._list(received, query=query))

    @writes
    def create(self, wanted: Union[str, R], **values: Any) -> R:
        """Create an object and return it with its ETag.

        A field with the value None counts as not given. Raises ValueError if a required field is missing, and
        BadRequestError if the object exists or if the site refuses a value. The client reads the object first. If the
        answer is lost, finding the object proves the creation only if it was absent before.

        If a web server sends the request twice, the answer is "already exists". A site does not return secrets, so the
        client cannot tell whether it has created an object with a secret. ``error.attempted.is_uncertain`` is then
        True.
        """
        return self._create(self._new_record(wanted, values))

    @writes
    def update(self, key: str, *, etag: Optional[str] = None, **values: Any) -> R:
        """Set some fields of an object, and return the changed object. Other fields stay as they are.

        >>> cmk.host_groups.update("linux", alias="Linux servers")

        Nothing is sent if the object already has these values; a secret is always sent. If another user changes the
        object in between, the client reads it again and repeats the change, up to 5 times in total. With an ``etag``,
        such as ``group.etag``, the change applies to that state only, and nothing is repeated.

        Some kinds of objects have options besides their fields, such as ``repair`` of tag groups. Raises NotFoundError
        if the object does not exist, PreconditionError if it has changed since the ``etag``, and ValueError for an
        ``etag`` if the API has no ETags for this kind of object.
        """
        known = [option.name for option in self.record.noun.options_of("update")]
        options = self._options("update", {name: values.pop(name) for name in known if name in values})
        self._require_key(key)
        if not values:
            raise ValueError(f"give at least one field of the {self.record.noun.singular} {key!r} to change")
        self._refuse_key(values)
        if etag is not None and not self.record.noun.has_etags:
            raise ValueError(f"{self.record.noun.plural} have no ETags, so the site would ignore it")
        self._format.check(values)

        def body_for(before: R) -> Values:
            # CHECKMK_API 10.12: the site refuses an alias that does not change.
            changes = [*self._differing(before, values), *self._not_shown(before, values)]
            if not changes:
                return {}
            self._format.require_partners(changes, values)
            repeated = self._repeated(before)
            given = {name: value for name, value in values.items() if name in changes or name in repeated}
            return {**self._update_body(before, _without_masks({**repeated, **given})), **options}

        return self._change(
            key, "update", body_for, lambda there, found, *_: there._has_values(found, values), etag=etag
        )

    @writes
    def delete(self, name: str, *, missing_ok: bool = False, **options: Any) -> None:
        """Delete an object. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True.

        Some kinds of objects have ``options``, such as ``repair`` of tag groups. The client reads the object first,
        because its absence afterwards proves the deletion only if it existed before.
        """
        self._delete(name, missing_ok, query=self._options("delete", options))

    def affected(self, _key: str, _values: Optional[Values] = None, /, **_options: Any) -> list[str]:
        """Describe the other objects that an update, or a deletion without values, affects, for a preview.

        The options are those of the write. Only tag groups affect other objects.
        """
        return []

    def _options(self, verb: str, given: Values) -> Values:
        """Return the options that are set. Raises ValueError for an unknown option and for a wrong value."""
        known = {option.name: option for option in self.record.noun.options_of(verb)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"'{self.noun} {verb}' does not have the option {name!r}")
            choices = known[name].choices or (True, False)
            if value is not None and value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}")
        return {name: value for name, value in given.items() if value}

    @writes
    def ensure(
        self, wanted: Union[str, R], *, check: bool = False, update_secrets: bool = False, **values: Any
    ) -> Ensured[R]:
        """Create an object, or change it if it differs, and return what was done.

        >>> cmk.host_groups.ensure("linux", alias="Linux servers").changed

        With ``check=True``, nothing is written, and the result shows what a call without it would do. Fields that are
        not given stay as they are. The site never returns a secret for comparison. So a secret is sent only when the
        object is created, or always with ``update_secrets=True``. The same applies to other values that the site does
        not show, which the result names in ``not_compared``.
        """
        given = self._given(wanted, values)
        key = given.pop(self._key)
        self._format.check({self._key: key, **given})
        return self._ensure(key, given, check, lambda: self._new_record(key, given), sends_all=update_secrets)

    def _parse(self, data: Any, etag: Optional[str] = None) -> R:
        record: R = self._format.parse(self.record, data, etag)
        return record

    def _parse_all(self, items: list[Any]) -> list[R]:
        parse = self._format.parse
        return [parse(self.record, item) for item in items]

    def _values(self, record: R, /) -> Values:
        return record.values()

    def _has_secrets(self, record: R, /) -> bool:
        return bool(self._secrets_in(record.values()))

    def _is_created(self, found: R, wanted: R, /) -> bool:
        return self._format.same(found, self._settable(wanted, by_creation=True))

    def _has_values(self, found: R, values: Values) -> bool:
        # An update that sends a value that cannot be compared cannot be proven.
        return not self._not_shown(found, values) and self._format.same(found, values)

    def _differing(self, before: R, values: Values, /) -> Sequence[str]:
        changes = self._format.differing(before, values)
        self._format.refuse_fixed(changes)
        return changes

    def _not_shown(self, before: R, values: Values, /) -> Sequence[str]:
        return self._format.not_shown(before, values)

    def _to_set(self, changes: Values, given: Values, /) -> Values:
        fields, replaces = self._format.fields, self.record.noun.replaces
        needed = {fields[name].only_with for name in changes}
        # An update that replaces the object sends all values, and those of the site can contain masked secrets.
        more = [name for name in given if name in needed or (replaces and not fields[name].fixed)]
        return {**changes, **{name: given[name] for name in more}}

    def _with_values(self, record: R, values: Values, /) -> R:
        secrets = dict.fromkeys(self._secrets_in(self.record.noun.by_name))
        result: R = dataclasses.replace(record, **{**values, **secrets})  # type: ignore[type-var]
        return result

    def _set_values(self, key: str, values: Values, /) -> R:
        return self.update(key, **values)

    def _secrets_in(self, values: Values) -> list[str]:
        return [name for name in values if name in self._format.secrets]

    def _given(self, wanted: Union[str, R, None], values: Values) -> dict[str, Any]:
        """Return the key and the values of a record, or of a key with values."""
        if isinstance(wanted, self.record):
            if values:
                raise ValueError(f"give either a {self.record.__name__} or a key with fields, not both")
            return {self._key: wanted.key_value, **wanted.values()}
        kind, record = with_article(self.record.noun.singular), with_article(self.record.__name__)
        require_type(wanted, str, f"{kind} must be a key or {record}")
        self._refuse_key(values)
        return {self._key: self._require_key(wanted), **self.record.noun.given(values)}

    def _refuse_key(self, values: Values) -> None:
        if self._key in values:
            kind = with_article(self.record.noun.singular)
            raise ValueError(f"{self._key!r} is the key of {kind}; give it only as the first argument")

    def _new_record(self, wanted: Union[str, R, None], values: Values) -> R:
        given = {**self._format.initial, **self._given(wanted, values)}
        self._format.check(given)
        self._format.require(given)
        self._format.require_partners(given, given)
        record: R = self.record(**{**dict.fromkeys(self.record.noun.by_name), **given})
        return record

    def _to_record(self, item: Union[R, Entry], /) -> R:
        if isinstance(item, self.record):
            return self._new_record(item, {})
        values = dict(self._require_item(item, self.record.noun.by_name))
        return self._new_record(values.pop(self._key), values)

    def _creation_body(self, record: R, /) -> Values:
        return self._format.creation_body({self._key: record.key_value, **self._settable(record, by_creation=True)})

    def _settable(self, record: R, *, by_creation: bool) -> Values:
        """Return the values that the request to create an object can set, or those that only an update can set."""
        values, fields = record.values(), self._format.fields
        return {name: values[name] for name in values if (fields[name].creation_wire is not None) is by_creation}

    def _create(self, record: R, *, was_absent: bool = False) -> R:
        created: R = super()._create(record, was_absent=was_absent)
        rest = self._settable(record, by_creation=False)
        return self.update(record.key_value, **rest) if rest else created

    def _select_new(self) -> Callable[[Collection[R], Sequence[R]], Sequence[R]]:
        existing = {record.key_value for record in self.each()}
        return lambda _there, records: [record for record in records if record.key_value not in existing]

    def _to_change(self, item: Entry, /) -> Entry:
        values = dict(self._require_item(item, self.record.noun.by_name))
        self._format.check(values)
        name = self._require_key(values.pop(self._key))
        if not values:
            raise ValueError(f"the change of {name!r} must contain a field to set")
        return {self._wire_key: name, "attributes": self._format.body(values)}

    def _complete_changes(self, entries: Sequence[Entry], /) -> Sequence[Entry]:
        repeated = {field.wire for field in self._format.fields.values() if field.repeated}
        if all(repeated <= entry["attributes"].keys() for entry in entries):
            return entries
        existing = self._read_many([entry[self._wire_key] for entry in entries])
        values = {name: self._format.body(self._repeated(record)) for name, record in existing.items()}
        return [
            {**entry, "attributes": {**values.get(entry[self._wire_key], {}), **entry["attributes"]}}
            for entry in entries
        ]

    def _is_as_left_by(self, entry: Entry, found: R, /) -> bool:
        return self._has_values(found, self._format.values(entry["attributes"]))

    def _update_body(self, _before: R, values: Values, /) -> Values:
        """Return the body that sets the values of an object."""
        return self._format.body(values)

    def _repeated(self, before: R) -> Values:
        """Return the values that every update of the object must repeat."""
        fields, replaces = self._format.fields, self.record.noun.replaces
        return {
            name: value
            for name, value in before.values().items()
            if fields[name].repeated or (replaces and not (fields[name].fixed or fields[name].assigned))
        }


def _without_masks(values: Values) -> Values:
    """Return the values. Raises ValueError for a value with a secret that the site does not show."""
    for name, value in values.items():
        # Writing the mask would replace the secret by it.
        if masked_member(value, name) is not None:
            raise ValueError(
                f"{name} contains a secret that the site does not show; give {name}, because it must be sent again"
            )
    return values
