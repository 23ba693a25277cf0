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
from ..configuration import Configuration, etag
from ..endpoints import EDIT, PATH_CHECKS, Context, Fields, SiteState, serves
from ..replies import Problem, bad_fields, collection, domain_object, json_response
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

__all__ = ["Behaviour", "Values"]

Values = Mapping[str, Any]

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


class Behaviour:
    """The endpoints of one noun. Subclasses override the standard behaviour.

    Reading needs ``permission``, and writing also ``wato.edit``. ``parameter`` names the key in errors about the URL.
    ``taken`` is the error for a new object whose key exists, and ``absent`` for a key in a body that does not exist.
    With ``found_first``, the refusal of a missing object comes before all others.
    """

    permission = "general.use"
    parameter = "name"
    taken = "{!r} already exists."
    absent = "{!r} does not exist."
    found_first = False

    def __init__(self, noun: Noun) -> None:
        self._noun = noun
        self._builtin = BUILTIN_OBJECTS.get(noun.name, {})
        self._has_etag = any(row.if_match for row in noun.operations)
        self._all = f"/domain-types/{noun.domain}/collections/all"
        self._one = f"/objects/{noun.domain}"

    # Hooks for subclasses

    def missing(self, context: Context, key: str) -> Problem:
        """Return the answer for a key in the URL that does not exist."""
        return Problem(404, "Not Found", repr(key))

    def protect(self, context: Context, key: str) -> None:
        """Raise the answer to a write of a built-in object, if such a write is not allowed."""

    def checks(self, state: SiteState) -> dict[str, Check]:
        """Return additional checks of fields, by name."""
        return {}

    def further(self, state: SiteState) -> dict[str, Field]:
        """Return additional fields, which the row does not have."""
        return {}

    def update_check(self, body: Values) -> Any:
        """Return the errors of the complete body of an update."""
        return None

    def refuse(self, context: Context, key: str, values: Values) -> None:
        """Raise a refusal that depends on other objects."""

    def complete(self, context: Context, values: Values) -> Values:
        """Return the values as the server stores them."""
        return values

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        """Return the stored values as answers show them. ``is_single`` is False in lists."""
        return values

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        """Return texts that name the users of an object. An object with users cannot be deleted."""
        return []

    def in_use(self, usages: list[str]) -> Problem:
        """Return the refusal to delete an object with users."""
        return Problem(409, "Conflict", f"The object is still in use by: {', '.join(usages)}")

    def shows_etag(self, context: Context) -> bool:
        """Return True if the answer to a GET has an ETag."""
        return True

    # Endpoints

    def register(self) -> None:
        bodies: Mapping[str, Fields] = {
            "create": self._new_fields,
            "update": self._update_fields,
            "bulk_create": self._bulk_create_fields,
            "bulk_update": self._bulk_update_fields,
            "bulk_delete": lambda _state: {"entries": Field(list_of(string), REQUIRED)},
        }
        filters = {f"{field.wire}_name": Field(string, REQUIRED) for field in self._noun.fields if field.filters}
        for verb in dict.fromkeys(row.verb for row in self._noun.operations):
            register = serves(
                self._noun.name,
                verb,
                filters,
                body=bodies.get(verb),
                schema_check=(lambda _state: self.update_check) if verb == "update" else None,
                permissions=(self.permission,) if verb in ("list", "get") else (*EDIT, self.permission),
            )
            register(getattr(self, verb))
        PATH_CHECKS[f"{self._one}/<key>"] = self._check_key

    # Fields

    def _fields(self, state: SiteState) -> list[tuple[NounField, Check]]:
        """Return the fields that this version and edition has, with their checks. The key comes first."""
        profile, more = state.profile, self.checks(state)
        served = [field for field in self._noun.fields if field.serves(profile.version, profile.edition)]
        fields = [field.in_version(profile.version) for field in served]
        if profile.has_customers:
            more.setdefault("customer", _CUSTOMERS)
        return [
            (field, _both(more.get(field.wire), _value_check(field, field.min_length or int(field is fields[0]))))
            for field in fields
        ]

    def _new_fields(self, state: SiteState) -> dict[str, Field]:
        (key, key_check), *others = self._fields(state)
        objects = state.configuration.objects[self._noun.name]

        def is_taken(value: str) -> Any:
            return [self.taken.format(value)] if value in objects else None

        first = {} if key.assigned else {key.wire: Field(_both(key_check, is_taken), REQUIRED)}
        rest = {field.wire: Field(check, REQUIRED if field.required else None) for field, check in others}
        return {**first, **rest, **self.further(state)}

    def _update_fields(self, state: SiteState) -> dict[str, Field]:
        fields = {
            field.wire: Field(check, REQUIRED if field.repeated else None)
            for field, check in self._fields(state)[1:]
            if not field.filters
        }
        return {**fields, **self.further(state)}

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

    def _check_key(self, context: Context) -> None:
        """Check the key in the URL. Raises Problem 404."""
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
        if context.endpoint.needs_etag:
            context.check_etag(self._etag(context, key))
        return key, values

    def _etag(self, context: Context, key: str) -> str:
        return etag(self._noun.name, key, self._objects(context)[key])

    def _object(self, context: Context, key: str, *, is_single: bool = False) -> dict[str, Any]:
        values = self._objects(context)[key]
        if context.profile.has_customers and "customer" in self._noun.by_name:
            # Checkmk: an object without a customer belongs to the provider.
            values = {"customer": "provider", **values}
        title = values.get("title", values.get("alias", key))
        hidden = {"title", *(field.wire for field in self._noun.fields if field.secret)}
        shown = self.extensions(context, values, is_single=is_single)
        extensions = {name: value for name, value in shown.items() if name not in hidden}
        links = context.links.of_object(f"{self._one}/{context.links.quoted(key)}")
        return domain_object(self._noun.domain, key, title, links, extensions)

    def _answer(self, context: Context, key: str) -> Response:
        has_etag = self._has_etag and (context.endpoint.method != "GET" or self.shows_etag(context))
        tag = self._etag(context, key) if has_etag else None
        return json_response(self._object(context, key, is_single=True), etag=tag)

    def _collection(self, context: Context, keys: list[str]) -> Response:
        items = [self._object(context, key) for key in keys]
        return collection(self._noun.domain, context.links.self_(self._all), items)

    # Changes

    def _store(self, context: Context, action: str, key: str, values: Values) -> None:
        self.refuse(context, key, values)
        objects = self._objects(context)
        objects[key] = dict(self.complete(context, values))
        self._add_change(context, action, key)

    def _add_change(self, context: Context, action: str, key: str) -> None:
        text = f"{action} {self._noun.singular} {key}"
        context.configuration.add_change(f"edit-{self._noun.domain.replace('_', '-')}", text, context.user.name)

    def _add(self, context: Context, body: Mapping[str, Any]) -> str:
        values = dict(body)
        key = uuid.uuid4().hex if self._noun.key.assigned else values.pop(self._noun.key.wire)
        self._store(context, "Created", key, values)
        return str(key)

    def _remove(self, context: Context, key: str) -> None:
        self._existing(context, key)
        usages = self.usages(context.configuration, key)
        if usages:
            raise self.in_use(usages)
        del self._objects(context)[key]
        self._add_change(context, "Deleted", key)

    # Handlers, named after the verbs of the rows

    def list(self, context: Context) -> Response:
        wanted = {name[: -len("_name")]: value for name, value in context.query.items()}
        objects = self._objects(context).items()
        found = [key for key, values in objects if all(values.get(name) == value for name, value in wanted.items())]
        return self._collection(context, found)

    def get(self, context: Context) -> Response:
        key, _ = self._addressed(context)
        return self._answer(context, key)

    def create(self, context: Context) -> Response:
        return self._answer(context, self._add(context, context.body))

    def update(self, context: Context) -> Response:
        key, values = self._addressed(context)
        self._store(context, "Edited", key, {**values, **context.body})
        return self._answer(context, key)

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
