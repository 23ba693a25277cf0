"""The operations that most kinds of objects have: list, get, create, update, delete, and their bulk forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence

from ..core.call import CallKind, ExpectedReply
from .field import Field
from .operation import Operation
from .versions import CheckmkVersion

_ALL = "/domain-types/{domain}/collections/all"
_ONE = "/objects/{domain}/{{key}}"
_ACTIONS = "/domain-types/{domain}/actions"

# Method, path and kind of each operation. The exceptions of single nouns are arguments of standard_operations().
_SHAPES: Mapping[str, tuple[str, str, CallKind]] = {
    "list": ("GET", _ALL, CallKind.CONFIG),
    "get": ("GET", _ONE, CallKind.CONFIG),
    "create": ("POST", _ALL, CallKind.WRITE),
    "update": ("PUT", _ONE, CallKind.WRITE),
    "delete": ("DELETE", _ONE, CallKind.WRITE),
    "bulk_create": ("POST", f"{_ACTIONS}/bulk-create/invoke", CallKind.BULK),
    "bulk_update": ("PUT", f"{_ACTIONS}/bulk-update/invoke", CallKind.BULK),
    "bulk_delete": ("POST", f"{_ACTIONS}/bulk-delete/invoke", CallKind.BULK),
}


@dataclass(frozen=True)
class Option:
    """An argument of updates or deletions that is not a field of the object.

    An update sends it in its body, and a deletion as a query parameter. ``since`` maps each verb that has the option to
    the first version with it, or to "" if all versions have it. ``type`` is bool or str. An option without a
    ``description`` is only for the code of its noun.
    """

    name: str
    since: Mapping[str, str]
    description: str = ""
    type: Any = bool
    choices: tuple[str, ...] = ()


def standard_operations(
    noun: str,
    domain: str,
    verbs: Sequence[str],
    fields: Sequence[Field],
    *,
    if_match: Optional[Mapping[str, str]] = None,
    delete: tuple[str, str] = ("DELETE", ""),
    touches: tuple[str, ...] = (),
    list_query: tuple[str, ...] = (),
    update_since: Optional[str] = None,
    delete_since: Optional[str] = None,
    object_type: str = "",
    options: tuple[Option, ...] = (),
) -> tuple[Operation, ...]:
    """Return the rows of the operations ``verbs`` of a kind of object.

    ``if_match`` maps each verb that needs an ETag to the first version that needs it, or to "" if all versions do. By
    default, updates always need one. ``delete`` is the method that deletes an object, and the end of its path.
    ``touches`` lists other nouns whose objects a write can change. ``list_query`` are query parameters of lists that
    are not fields. ``update_since`` and ``delete_since`` are the first versions with these operations. ``object_type``
    is the domain type in answers, if it differs from the domain type in URLs.
    """
    needs_etag = {"update": ""} if if_match is None else if_match
    known_since = {"update": update_since, "delete": delete_since}
    rows: list[Operation] = []
    for verb in verbs:
        method, path, kind = _SHAPES[verb]
        if verb == "delete":
            method, path = delete[0], path + delete[1]
        is_read = kind is CallKind.CONFIG
        known = {option.name: option.since[verb] for option in options if verb in option.since}
        for first, last, sends_etag, more in _versions(needs_etag.get(verb), known):
            rows.append(
                Operation(
                    noun,
                    verb,
                    method,
                    path.format(domain=domain),
                    kind,
                    query=_query(verb, fields, list_query, more),
                    body=_body(verb, fields) + (more if verb == "update" else ()),
                    options=more,
                    if_match=sends_etag,
                    touches=() if is_read else touches,
                    expected=() if is_read else _expected(verb, object_type or domain),
                    since=known_since.get(verb) or first,
                    until=last,
                )
            )
    return tuple(rows)


def _versions(
    etag_since: Optional[str], options: Mapping[str, str]
) -> Iterator[tuple[Optional[str], Optional[str], bool, tuple[str, ...]]]:
    """Yield ``since``, ``until``, ``if_match`` and ``options`` for each row of a verb."""
    changes = sorted(filter(None, {etag_since, *options.values()}), key=lambda text: CheckmkVersion.parse(text).key)
    for first, last in zip((None, *changes), (*changes, None)):
        known = {"", *changes[: changes.index(first) + 1 if first else 0]}
        yield first, last, etag_since in known, tuple(name for name, since in options.items() if since in known)


def _query(
    verb: str, fields: Sequence[Field], list_query: tuple[str, ...], options: tuple[str, ...]
) -> tuple[str, ...]:
    if verb == "list":
        return (*(f"{field.wire}_name" for field in fields if field.filters), *list_query)
    return options if verb == "delete" else ()


def _body(verb: str, fields: Sequence[Field]) -> tuple[str, ...]:
    if verb not in ("create", "update"):
        return ("entries",) if verb.startswith("bulk") else ()
    is_update = verb == "update"
    wires = [
        (field.wire if is_update else field.creation_wire, *(form.wire for form in field.former))
        for index, field in enumerate(fields)
        if not field.assigned and not (is_update and (index == 0 or field.fixed))
    ]
    # A dot leads to a member of an object.
    return tuple(dict.fromkeys(wire.partition(".")[0] for names in wires for wire in names if wire is not None))


def _expected(verb: str, domain: str) -> tuple[ExpectedReply, ...]:
    if verb in ("delete", "bulk_delete"):
        return (ExpectedReply(204),)
    return (ExpectedReply(200, domain, ("value", "id") if verb.startswith("bulk") else ("id",)),)
