"""The standard behaviour of the server with the objects of a plain noun.

The rows of the catalogue say which endpoints and fields a noun has. This module decides how the server treats requests
and renders answers, independently of the client.
"""

from __future__ import annotations

import uuid
from typing import Any, Mapping, Optional

from werkzeug.wrappers import Response

from ...catalogue.field import Field as NounField
from ...catalogue.noun import Noun
from ..builtin_objects import BUILTIN_OBJECTS
from ..configuration import etag
from ..endpoints import PATH_CHECKS, Context, Fields, SiteState, serves
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
from .hooks import Hooks, Values

_CUSTOMERS = member_of(("global", "provider"), "Customer missing: {!r}")  # the customers of a new site


def _anything(_value: Any) -> Any:
    return None


def _value_check(field: NounField, least: int) -> Check:
    """Return the check of a field that follows from its row."""
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


class Behaviour(Hooks):
    """The endpoints of one noun. Subclasses override the methods of :class:`Hooks`."""

    def __init__(self, noun: Noun) -> None:
        self._noun = noun
        self._builtin = BUILTIN_OBJECTS.get(noun.name, {})
        self._has_etag = any(row.if_match for row in noun.operations) and self.checks_etags
        self._all = f"/domain-types/{noun.domain}/collections/all"
        self._one = f"/objects/{noun.domain}"

    # Endpoints

    def bodies(self) -> dict[str, Fields]:
        """Return the fields of the bodies of operations, by verb."""
        return {
            "create": self._new_fields,
            "update": self._update_fields,
            "bulk_create": self._bulk_create_fields,
            "bulk_update": self._bulk_update_fields,
            "bulk_delete": lambda _state: {"entries": Field(list_of(string), REQUIRED)},
        }

    def register(self) -> None:
        bodies = self.bodies()
        for verb in dict.fromkeys(row.verb for row in self._noun.operations):
            register = serves(
                self._noun.name,
                verb,
                self._list_query if verb == "list" else self._options(verb),
                body=bodies.get(verb),
                schema_check=(lambda _state: self.update_check) if verb == "update" else None,
                permissions=self.permissions(verb),
                unknown=self.unknown,
            )
            register(getattr(self, verb))
        PATH_CHECKS[f"{self._one}/<key>"] = self._check_key
        if self.permission_first:
            PATH_CHECKS[f"/domain-types/{self._noun.domain}/collections/"] = self._check_permission

    def _list_query(self, state: SiteState) -> dict[str, Field]:
        filters = {f"{field.wire}_name": Field(string, REQUIRED) for field in self._noun.fields if field.filters}
        return {**filters, **self.query(state)}

    def _options(self, verb: str) -> dict[str, Field]:
        """Return the arguments of an operation that are not fields."""
        checks: Mapping[Any, Check] = {bool: boolean, str: string}
        options = [option for option in self._noun.options if verb in option.since]
        return {
            option.name: Field(choice(*option.choices) if option.choices else checks[option.type]) for option in options
        }

    # Fields

    def _fields(self, state: SiteState, *, creating: bool = False) -> list[tuple[NounField, Check]]:
        """Return the fields that this version and edition has, with their checks. The key comes first."""
        profile, more = state.profile, self.checks(state)
        key, *others = self._noun.fields
        sent = [key, *(field for field in others if not (field.assigned or field.is_rest))]
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
            return [self.taken.format(value)] if value in objects else None

        needed = REQUIRED if key.required else None
        first = {} if key.assigned else {key.wire: Field(_both(key_check, is_taken), needed)}
        rest = {str(field.creation_wire): Field(check, REQUIRED if field.required else None) for field, check in others}
        return _nested({**first, **rest, **self.further(state)})

    def _update_fields(self, state: SiteState) -> dict[str, Field]:
        fields = {
            field.wire: Field(check, REQUIRED if field.repeated else None)
            for field, check in self._fields(state)[1:]
            if not field.fixed
        }
        return _nested({**fields, **self._options("update"), **self.further(state)})

    def _bulk_create_fields(self, state: SiteState) -> dict[str, Field]:
        return {"entries": Field(unique(list_of(object_with(self._new_fields(state)))), REQUIRED)}

    def _bulk_update_fields(self, state: SiteState) -> dict[str, Field]:
        existing = member_of(state.configuration.objects[self._noun.name], self.absent)
        fields = {
            self._noun.key.wire: Field(existing, REQUIRED),
            "attributes": Field(object_with(self._update_fields(state)), REQUIRED),
        }
        return {"entries": Field(list_of(object_with(fields)), REQUIRED)}

    # Objects

    def _objects(self, context: Context) -> dict[str, Values]:
        return context.configuration.objects[self._noun.name]

    def _check_permission(self, context: Context) -> None:
        context.require(self.permission, status=403)

    def _check_key(self, context: Context) -> None:
        """Check the key in the URL. Raises Problem 404."""
        if self.permission_first:
            self._check_permission(context)
        key = context.params["key"]
        errors = pattern(self._noun.key.pattern)(key) if self._noun.key.pattern else None
        if errors:
            raise bad_fields({self.parameter: errors}, 404)
        if self.found_first:
            self._existing(context, key)

    def _existing(self, context: Context, key: str) -> Values:
        """Return the stored values of an object.

        Raises a Problem if the object does not exist, or if it is built in and the request is a write.
        """
        objects = self._objects(context)
        if key in self._builtin and context.endpoint.method != "GET":
            self.protect(context, key)
        if key not in objects:
            raise self.missing(context, key)
        return objects[key]

    def _addressed(self, context: Context) -> tuple[str, Values]:
        """Return the key and the values of the object in the URL. Raises a Problem if its ETag does not match."""
        key = context.params["key"]
        values = self._existing(context, key)
        if context.endpoint.needs_etag and self.checks_etags:
            context.check_etag(self._etag(context, key))
        return key, values

    def _etag(self, context: Context, key: str) -> str:
        return etag(self._noun.name, key, self._objects(context)[key])

    def _object(self, context: Context, key: str, *, is_single: bool = False) -> dict[str, Any]:
        values = self._objects(context)[key]
        if context.profile.has_customers and "customer" in self._noun.by_name:
            # Checkmk: an object without a customer belongs to the provider.
            values = {"customer": "provider", **values}
        hidden = {"title", *(field.wire for field in self._noun.fields if field.secret)}
        shown = self.extensions(context, values, is_single=is_single)
        title = values.get("title", values.get("alias", shown.get("title", values.get("fullname", key))))
        extensions = {name: value for name, value in shown.items() if name not in hidden}
        path = f"{self._one}/{context.links.quoted(key)}"
        links = context.links.of_object(path, deletable=self.deletable(key))
        return domain_object(self._noun.object_type, key, title, links, extensions)

    def _answer(self, context: Context, key: str) -> Response:
        has_etag = self._has_etag and (context.endpoint.method != "GET" or self.shows_etag(context))
        tag = self._etag(context, key) if has_etag else None
        return json_response(self._object(context, key, is_single=True), etag=tag)

    def _collection(self, context: Context, keys: list[str]) -> Response:
        items = [self._object(context, key) for key in keys]
        counts = {self.counted: len(items)} if self.counted else {}
        return collection(self._noun.object_type, context.links.self_(self._all), items, extensions=counts)

    # Changes

    def _store(self, context: Context, action: str, key: str, values: Values) -> str:
        """Store the values of an object, and return its key, which an update can change."""
        self.refuse(context, key, values)
        objects = self._objects(context)
        before = objects.get(key)
        objects[key] = dict(self.complete(context, values))
        new_key = key if before is None else self.key_after(context, key)
        if new_key != key:
            objects[new_key] = objects.pop(key)
        self.after_write(context, key, before, objects[new_key])
        self._add_change(context, action, key)
        return new_key

    def _add_change(self, context: Context, action: str, key: str) -> None:
        text = f"{action} {self._noun.singular} {key}"
        context.configuration.add_change(f"edit-{self._noun.domain.replace('_', '-')}", text, context.user.name)

    def _add(self, context: Context, body: Mapping[str, Any]) -> str:
        values = dict(body)
        key = self._noun.key.in_version(context.profile.version)
        given = None if key.assigned else values.pop(key.wire, None)
        return self._store(
            context, "Created", str(uuid.uuid4()) if key.assigned else self.key_after(context, given), values
        )

    def _remove(self, context: Context, key: str) -> None:
        self._existing(context, key)
        usages = [] if self.is_forced(context) else self.usages(context.configuration, key)
        if usages:
            raise self.in_use(key, usages)
        before = self._objects(context).pop(key)
        self.after_write(context, key, before, None)
        self._add_change(context, "Deleted", key)

    # Handlers, named after the verbs of the rows

    def list(self, context: Context) -> Response:
        return self._collection(context, [*self.listed(context, [*self._objects(context)])])

    def get(self, context: Context) -> Response:
        key, _ = self._addressed(context)
        return self._answer(context, key)

    def create(self, context: Context) -> Response:
        return self._answer(context, self._add(context, context.body))

    def update(self, context: Context) -> Response:
        key, values = self._addressed(context)
        kept = {name: value for name, value in values.items() if name not in self.replaced}
        changes = {name: value for name, value in context.body.items() if name not in self._options("update")}
        merged = {name: {**values.get(name, {}), **changes[name]} for name in self.merges if name in changes}
        return self._answer(context, self._store(context, "Edited", key, {**kept, **changes, **merged}))

    def delete(self, context: Context) -> Response:
        key, _ = self._addressed(context)
        self._remove(context, key)
        return Response(status=204)

    def bulk_create(self, context: Context) -> Response:
        # Checkmk: of several entries with one key, the last one counts.
        entries = {entry[self._noun.key.wire]: entry for entry in context.body["entries"]}
        return self._collection(context, [self._add(context, entry) for entry in entries.values()])

    def bulk_update(self, context: Context) -> Response:
        entries = [(entry[self._noun.key.wire], entry["attributes"]) for entry in context.body["entries"]]
        for key, changes in entries:
            self._store(context, "Edited", key, {**self._existing(context, key), **changes})
        return self._collection(context, [key for key, _ in entries])

    def bulk_delete(self, context: Context) -> Response:
        # Checkmk: the objects before the first refusal stay deleted.
        for key in context.body["entries"]:
            self._remove(context, key)
        return Response(status=204)
