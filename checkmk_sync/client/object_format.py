"""Converts the records of plain nouns to bodies of requests, and the objects in answers to records."""

from __future__ import annotations

import functools
from typing import Any, Container, Iterable, Mapping, Optional, TypeVar

from ..catalogue.field import MALFORMED, Field
from ..catalogue.noun import Noun, Record
from ..catalogue.nouns import NOUNS
from ..catalogue.versions import CheckmkVersion
from ..core.text import suggestion, with_article
from ..errors import CheckmkError, UnexpectedReplyError
from .payload import typed, value_of

R = TypeVar("R", bound=Record)


class NounFormat:
    """The format of a noun's objects at a site of one version and edition. Editions are given by their short name."""

    def __init__(self, noun: Noun, version: CheckmkVersion, edition: str) -> None:
        self._noun, self._version, self._edition = noun, version, edition
        self.fields = {field.name: field.in_version(version) for field in noun.fields if field.serves(version, edition)}
        self.key = self.fields[noun.key.name]
        self._rest = next((name for name, field in self.fields.items() if field.is_rest), "")
        names = [(field.wire, field.at) for field in noun.fields]
        names += [(form.wire, form.at) for field in noun.fields for form in field.former]
        # The members that belong to a field, perhaps of another version.
        self._members = {name for wire, at in names for name in (wire.partition(".")[0], *at[1:2])}
        self.secrets = frozenset(name for name, field in self.fields.items() if field.secret)
        self.initial = {name: field.initial for name, field in self.fields.items() if field.initial is not None}

    def field(self, name: str) -> Field:
        """Return a field.

        Raises ValueError if the noun does not have it, and CheckmkError if this version or edition does not.
        """
        if name in self.fields:
            return self.fields[name]
        if name not in self._noun.by_name:
            hint = suggestion(name, tuple(self._noun.by_name))
            raise ValueError(f"{with_article(self._noun.singular)} does not have the field {name!r}{hint}")
        field = self._noun.by_name[name]
        versions = " ".join(
            ([f"from {field.since}"] if field.since else []) + ([f"before {field.until}"] if field.until else [])
        )
        editions = f"in the editions {', '.join(sorted(field.editions))}" if field.editions else ""
        raise CheckmkError(
            f"the {self._noun.singular} field {name!r} does not exist in Checkmk {self._version}, edition "
            f"{self._edition}; it exists {' and '.join(filter(None, (versions, editions)))}"
        )

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise ValueError or CheckmkError if the site would refuse a field or its value."""
        for name, value in values.items():
            field = self.field(name)
            if field.assigned:
                raise ValueError(f"the site chooses the {self._noun.singular} field {name!r}; leave it out")
            field.check(value)
            for member in self._members.intersection(value) if field.is_rest else ():
                raise ValueError(f"{name} must not contain {member!r}, which belongs to another field")

    def refuse_fixed(self, names: Iterable[str]) -> None:
        """Raise ValueError if an update cannot change one of the fields."""
        for name in names:
            if self.field(name).fixed:
                raise ValueError(f"an update cannot change the {self._noun.singular} field {name!r}")

    def require(self, values: Mapping[str, Any]) -> None:
        """Raise ValueError if a field that is needed to create an object is missing."""
        missing = [field.name for field in self.fields.values() if field.required and field.name not in values]
        if missing:
            raise ValueError(f"{with_article(self._noun.singular)} needs {' and '.join(missing)}")

    def require_partners(self, names: Iterable[str], given: Container[str]) -> None:
        """Raise ValueError if one of the fields ``names`` needs another field that is not ``given``."""
        for name in names:
            partner = self.field(name).only_with
            if partner and partner not in given:
                raise ValueError(f"the {self._noun.singular} field {name!r} needs {partner}; give both")

    def creation_body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields under their names in requests that create an object, as :meth:`body`."""
        return self._nested({str(self.fields[name].creation_wire): name for name in values}, values)

    def body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields under their names in requests, without those that the site chooses."""
        return self._nested({self.fields[name].wire: name for name in values}, values)

    def _nested(self, names: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for wire, name in names.items():
            if self.fields[name].is_rest:
                body.update(values[name])
            elif not self.fields[name].assigned:
                *objects, member = wire.split(".")
                target = functools.reduce(lambda found, step: found.setdefault(step, {}), objects, body)
                target[member] = self.fields[name].encode(values[name])
        return body

    def values(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a body under their own names and decoded, without the key."""
        found = [(field, field.wire.split(".")) for field in self.fields.values() if field is not self.key]
        return {field.name: field.decode(value_of(body, *path)) for field, path in found if not _is_missing(body, path)}

    def same(self, record: Record, values: Mapping[str, Any]) -> bool:
        """Return True if the record has all ``values`` that can be compared."""
        return not self.differing(record, values)

    def not_shown(self, record: Record, values: Mapping[str, Any]) -> list[str]:
        """Return the names of the ``values`` that cannot be compared with the record, such as secrets."""
        return [name for name, value in values.items() if not self.field(name).is_shown(getattr(record, name), value)]

    def differing(self, record: Record, values: Mapping[str, Any]) -> list[str]:
        """Return the names of the ``values`` that differ from the record.

        Raises UnexpectedReplyError if the record contains a value that the site should not return.
        """
        return [name for name, value in values.items() if not _is_same(self.field(name), getattr(record, name), value)]

    def parse(self, record: type[R], data: Any, etag: Optional[str] = None) -> R:
        """Return the record of an object of the API. Raises UnexpectedReplyError if it is malformed."""
        values = dict.fromkeys(self._noun.by_name)
        for name, field in self.fields.items():
            values[name] = _value(field, data)
        if self._rest:
            values[self._rest] = self._rest_of(data)
        result = record(**values)
        object.__setattr__(result, "etag", etag)
        return result

    def _rest_of(self, data: Any) -> Optional[dict[str, Any]]:
        """Return the strings that belong to no other field, by name, or None if there are no such members."""
        members = typed(dict, data, *self.fields[self._rest].at)
        rest = {name: text for name, text in members.items() if name not in self._members and isinstance(text, str)}
        return rest or None


@functools.lru_cache(maxsize=1024)  # a site that is updated, or that lies, can report any number of versions
def noun_format(noun: str, version: CheckmkVersion, edition: str) -> NounFormat:
    """Return the format of a noun's objects, which is computed once for each version and edition."""
    return NounFormat(NOUNS[noun], version, edition)


def _value(field: Field, data: Any) -> Any:
    """Return the value of a field in an object of the API, or None if the object does not have it."""
    if not field.at:
        return None
    if (field.partial or not field.required) and _is_missing(data, field.at):
        return None
    # An object in the answer can be a simple value of the record.
    is_object = field.type is Any or (field.type is bool and field.decode is not Field.decode)
    value = value_of(data, *field.at) if is_object else typed(field.type, data, *field.at)
    try:
        return field.decode(value)
    except (*MALFORMED, SyntaxError, RecursionError, MemoryError) as error:  # of ast.literal_eval(), for example
        raise UnexpectedReplyError(f"{'.'.join(field.at)!r} in the answer cannot be read: {error}") from None


def _is_same(field: Field, found: Any, wanted: Any) -> bool:
    try:
        return field.same(found, wanted)
    except (*MALFORMED, RecursionError) as error:  # wanted values have been checked
        raise UnexpectedReplyError(f"{'.'.join(field.at)!r} in the answer cannot be read: {error!r}") from None


def _is_missing(data: Any, path: Iterable[str]) -> bool:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data is None
