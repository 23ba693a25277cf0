"""Handlers for the standard operations of all plain nouns.

The rows of the catalogue say which endpoints and fields a noun has. How the server treats requests and renders answers
is written here, independently of the client.
"""

from __future__ import annotations

import uuid
from typing import Any, Callable, Mapping, Optional

from werkzeug.wrappers import Response

from ...catalogue.field import Field as NounField
from ...catalogue.noun import Noun
from ...catalogue.nouns import NOUNS
from ...catalogue.operation import Operation
from ..behaviours import BEHAVIOURS, Behaviour, Values
from ..builtin_objects import BUILTIN_OBJECTS
from ..configuration import etag
from ..endpoints import PATH_CHECKS, Context, Endpoint, SiteState
from ..replies import bad_fields, collection, domain_object, json_response
from ..validation import (
    REQUIRED,
    Check,
    Field,
    boolean,
    choice,
    integer,
    list_of,
    mapping,
    member_of,
    object_with,
    pattern,
    string,
    string_with_length,
    unique,
)

__all__ = ["HANDLERS"]

_CUSTOMERS = member_of(("global", "provider"), "Customer missing: {!r}")  # the customers of a new site


def _anything(_value: Any) -> Any:
    return None


def _value_check(field: NounField, least: int) -> Check:
    """Return the check for what the row says about a field."""
    if field.choices:
        return choice(*field.choices)
    if field.type is list:
        return list_of(_anything, least=least)
    if field.type is str:
        text = string_with_length(least) if least else string
        return pattern(field.pattern, text) if field.pattern else text
    checks: Mapping[Any, Check] = {bool: boolean, int: integer, dict: mapping}
    return checks.get(field.type, _anything)


def _both(first: Optional[Check], second: Check) -> Check:
    return second if first is None else lambda value: first(value) or second(value)


def _nested(fields: Mapping[str, Field]) -> dict[str, Field]:
    """Return fields such as ``properties.comment`` as members of the field ``properties``."""
    members: dict[str, dict[str, Field]] = {}
    for name, field in fields.items():
        outer, _, inner = name.partition(".")
        if inner:
            members.setdefault(outer, {})[inner] = field
    plain = {name: field for name, field in fields.items() if "." not in name}
    return {**{outer: Field(object_with(inner)) for outer, inner in members.items()}, **plain}


class NounHandlers:
    """The endpoints of one noun."""

    def __init__(self, noun: Noun) -> None:
        self._noun, self._behaviour = noun, BEHAVIOURS.get(noun.name, Behaviour())
        self._builtin = BUILTIN_OBJECTS.get(noun.name, {})
        self._options = self._behaviour.options
        self._has_etag = any(row.if_match for row in noun.operations) and self._behaviour.checks_etags
        self._all = f"/domain-types/{noun.domain}/collections/all"
        self._one = f"/objects/{noun.domain}"

    def register(self) -> None:
        bodies: Mapping[str, Callable[[SiteState], Mapping[str, Field]]] = {
            "create": self._behaviour.body or self._new_fields,
            "update": self._behaviour.body or self._update_fields,
            "bulk_create": self._bulk_create_fields,
            "bulk_update": self._bulk_update_fields,
            "bulk_delete": lambda _state: {"entries": Field(list_of(string), REQUIRED)},
        }
        for row in (row for row in self._noun.operations if hasattr(self, row.verb)):
            self._endpoint(row, bodies.get(row.verb))(getattr(self, row.verb))
        PATH_CHECKS[f"{self._one}/<key>"] = self._check_key
        if self._behaviour.permission_first:
            PATH_CHECKS[f"/domain-types/{self._noun.domain}/collections/"] = self._check_permission

    def _endpoint(self, row: Operation, body: Any) -> Endpoint:
        update_check = self._behaviour.update_check
        return Endpoint(
            row.method,
            row.path.replace("{key}", "<key>"),
            query=(lambda state: self._query(row, state)) if row.query else {},
            body=body,
            schema_check=(lambda _state: update_check) if update_check and row.verb == "update" else None,
            exists=lambda profile: row.serves(profile.version, profile.edition),
            needs_etag=row.if_match,
            unknown=self._behaviour.unknown,
        )

    def _query(self, row: Operation, state: SiteState) -> dict[str, Field]:
        filters = {f"{field.wire}_name": Field(string, REQUIRED) for field in self._noun.fields if field.filters}
        options = {name: Field(self._options[name]) for name in row.options}
        return {**filters, **self._behaviour.query(state)} if row.verb == "list" else options

    # Fields

    def _fields(self, state: SiteState, *, creating: bool = False) -> list[tuple[NounField, Check]]:
        """Return the fields that this version and edition has, with their checks. The key comes first."""
        profile, more = state.profile, dict(self._behaviour.checks(state))
        key, *others = self._noun.fields
        sent = [key, *(field for field in others if not field.assigned)]
        served = [field for field in sent if field.serves(profile.version, profile.edition)]
        fields = [field.in_version(profile.version) for field in served]
        if profile.has_customers:
            more.setdefault("customer", _CUSTOMERS)
        return [
            (field, _both(more.get(name), _value_check(field, field.min_length or int(field is fields[0]))))
            for field in fields
            if (name := field.creation_wire if creating else field.wire)
        ]

    def _new_fields(self, state: SiteState) -> dict[str, Field]:
        (key, key_check), *others = self._fields(state, creating=True)
        objects = state.configuration.objects[self._noun.name]

        def is_taken(value: str) -> Any:
            return [self._behaviour.taken.format(value)] if value in objects else None

        needed = REQUIRED if key.required else None
        first = {} if key.assigned else {key.wire: Field(_both(key_check, is_taken), needed)}
        rest = {str(field.creation_wire): Field(check, REQUIRED if field.required else None) for field, check in others}
        return _nested({**first, **rest, **self._behaviour.further(state)})

    def _update_fields(self, state: SiteState) -> dict[str, Field]:
        fields = {
            field.wire: Field(check, REQUIRED if field.repeated else None)
            for field, check in self._fields(state)[1:]
            if not field.fixed
        }
        rows = [row for row in self._noun.operations if row.verb == "update"]
        options = {name: Field(self._options[name]) for row in rows for name in row.options}
        return _nested({**fields, **options, **self._behaviour.further(state)})

    def _bulk_create_fields(self, state: SiteState) -> dict[str, Field]:
        return {"entries": Field(unique(list_of(object_with(self._new_fields(state)))), REQUIRED)}

    def _bulk_update_fields(self, state: SiteState) -> dict[str, Field]:
        existing = member_of(state.configuration.objects[self._noun.name], self._behaviour.absent)
        fields = {
            self._noun.key.wire: Field(existing, REQUIRED),
            "attributes": Field(object_with(self._update_fields(state)), REQUIRED),
        }
        return {"entries": Field(list_of(object_with(fields)), REQUIRED)}

    # Objects

    def _check_permission(self, context: Context) -> None:
        context.require(self._behaviour.permission, status=403)

    def _check_key(self, context: Context) -> None:
        """Check the key in the URL. Raises Problem 404."""
        if self._behaviour.permission_first:
            self._check_permission(context)
        key = context.params["key"]
        errors = pattern(self._noun.key.pattern)(key) if self._noun.key.pattern else None
        if errors:
            raise bad_fields({self._behaviour.parameter: errors}, 404)
        if self._behaviour.found_first:
            self.existing(context, key)

    def existing(self, context: Context, key: str) -> Values:
        """Return the stored values of an object.

        Raises a Problem if the object does not exist, or if it is built in and the request is a write.
        """
        objects = context.configuration.objects[self._noun.name]
        refusal = self._behaviour.protected(context, key) if key in self._builtin else None
        if refusal is not None and context.endpoint.method != "GET":
            raise refusal
        if key not in objects:
            raise self._behaviour.missing(context, key)
        return objects[key]

    def _etag(self, context: Context, key: str) -> str:
        return etag(self._noun.name, key, context.configuration.objects[self._noun.name][key])

    def _check_etag(self, context: Context, key: str) -> None:
        if context.endpoint.needs_etag and self._behaviour.checks_etags:
            context.check_etag(self._etag(context, key))

    def _object(self, context: Context, key: str, *, is_single: bool = False) -> dict[str, Any]:
        values = context.configuration.objects[self._noun.name][key]
        if context.profile.has_customers and "customer" in self._noun.by_name:
            # Checkmk: an object without a customer belongs to the provider.
            values = {"customer": "provider", **values}
        hidden = {"title", *(field.wire for field in self._noun.fields if field.secret)}
        shown = self._behaviour.extensions(context, values, is_single)
        title = values.get("title", values.get("alias", shown.get("title", values.get("fullname", key))))
        extensions = {name: value for name, value in shown.items() if name not in hidden}
        links = context.links.of_object(
            f"{self._one}/{context.links.quoted(key)}", deletable=self._behaviour.deletable(key)
        )
        return domain_object(self._noun.object_type, key, title, links, extensions)

    def answer(self, context: Context, key: str) -> Response:
        has_etag = self._has_etag and (context.endpoint.method != "GET" or self._behaviour.shows_etag(context))
        tag = self._etag(context, key) if has_etag else None
        return json_response(self._object(context, key, is_single=True), etag=tag)

    def _collection(self, context: Context, keys: list[str]) -> Response:
        items = [self._object(context, key) for key in keys]
        counts = {self._behaviour.counted: len(items)} if self._behaviour.counted else {}
        return collection(self._noun.object_type, context.links.self_(self._all), items, extensions=counts)

    def _require(self, context: Context, *, writing: bool) -> None:
        for permission in ("wato.edit" if writing else "", self._behaviour.permission):
            if permission:
                context.require(permission)

    # Changes

    def _store(self, context: Context, action: str, key: str, values: Values) -> str:
        """Store the values of an object, and return its key, which an update can change."""
        self._behaviour.refuse(context, key, values)
        objects = context.configuration.objects[self._noun.name]
        before = objects.get(key)
        objects[key] = dict(self._behaviour.complete(context, values))
        new_key = key if before is None else self._behaviour.key_after(context, key)
        if new_key != key:
            objects[new_key] = objects.pop(key)
        self._behaviour.after_write(context, key, before, objects[new_key])
        self.add_change(context, action, key)
        return new_key

    def add_change(self, context: Context, action: str, key: str) -> None:
        text = f"{action} {self._noun.singular} {key}"
        context.configuration.add_change(f"edit-{self._noun.domain.replace('_', '-')}", text, context.user.name)

    def _add(self, context: Context, body: Mapping[str, Any]) -> str:
        values = dict(body)
        wire = self._noun.key.in_version(context.profile.version).wire
        given = None if self._noun.key.assigned else values.pop(wire, None)
        key = str(uuid.uuid4()) if self._noun.key.assigned else self._behaviour.key_after(context, given)
        self._store(context, "Created", key, values)
        return str(key)

    def _remove(self, context: Context, key: str) -> None:
        self.existing(context, key)
        usages = [] if self._behaviour.is_forced(context) else self._behaviour.usages(context.configuration, key)
        if usages:
            raise self._behaviour.in_use(key, usages)
        before = context.configuration.objects[self._noun.name].pop(key)
        self._behaviour.after_write(context, key, before, None)
        self.add_change(context, "Deleted", key)

    # Handlers, named after the verbs of the rows

    def list(self, context: Context) -> Response:
        self._require(context, writing=False)
        found = self._behaviour.listed(context, list(context.configuration.objects[self._noun.name]))
        return self._collection(context, found)

    def get(self, context: Context) -> Response:
        self._require(context, writing=False)
        self.existing(context, context.params["key"])
        return self.answer(context, context.params["key"])

    def create(self, context: Context) -> Response:
        self._require(context, writing=True)
        return self.answer(context, self._add(context, context.body))

    def update(self, context: Context) -> Response:
        self._require(context, writing=True)
        key = context.params["key"]
        replaced = self._behaviour.replaced
        values = {name: value for name, value in self.existing(context, key).items() if name not in replaced}
        self._check_etag(context, key)
        changes = {name: value for name, value in context.body.items() if name not in self._options}
        merged = {name: {**values.get(name, {}), **changes[name]} for name in self._behaviour.merges if name in changes}
        return self.answer(context, self._store(context, "Edited", key, {**values, **changes, **merged}))

    def delete(self, context: Context) -> Response:
        self._require(context, writing=True)
        key = context.params["key"]
        if self._behaviour.deletes_absent and key not in context.configuration.objects[self._noun.name]:
            return Response(status=204)
        self.existing(context, key)
        self._check_etag(context, key)
        self._remove(context, key)
        return Response(status=204)

    def bulk_create(self, context: Context) -> Response:
        self._require(context, writing=True)
        # Checkmk: of several entries with one key, the last one counts.
        entries = {entry[self._noun.key.wire]: entry for entry in context.body["entries"]}
        return self._collection(context, [self._add(context, entry) for entry in entries.values()])

    def bulk_update(self, context: Context) -> Response:
        self._require(context, writing=True)
        keys = []
        for entry in context.body["entries"]:
            key = entry[self._noun.key.wire]
            self._store(context, "Edited", key, {**self.existing(context, key), **entry["attributes"]})
            keys.append(key)
        return self._collection(context, keys)

    def bulk_delete(self, context: Context) -> Response:
        self._require(context, writing=True)
        # Checkmk: the objects before the first refusal stay deleted.
        for key in context.body["entries"]:
            self._remove(context, key)
        return Response(status=204)


HANDLERS = {_name: NounHandlers(_noun) for _name, _noun in NOUNS.items()}
for _handlers in HANDLERS.values():
    _handlers.register()
