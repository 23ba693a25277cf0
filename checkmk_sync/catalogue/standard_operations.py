"""The operations that most kinds of objects have: list, get, create, update, delete, and their bulk forms."""

from __future__ import annotations

from typing import Iterator, Mapping, Optional, Sequence

from ..core.call import CallKind
from .field import Field
from .operation import ExpectedReply, Operation

__all__ = ["standard_operations"]

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


def standard_operations(
    noun: str,
    domain: str,
    verbs: Sequence[str],
    fields: Sequence[Field],
    *,
    if_match: Optional[Mapping[str, str]] = None,
    delete: tuple[str, str] = ("DELETE", ""),
    touches: tuple[str, ...] = (),
) -> tuple[Operation, ...]:
    """Return the rows of the operations ``verbs`` of a kind of object.

    ``if_match`` maps each verb that needs an ETag to the first version that needs it, or to "" if all versions do. By
    default, updates always need one. ``delete`` is the method that deletes an object, and the end of its path.
    ``touches`` lists other nouns whose objects a write can change.
    """
    needs_etag = {"update": ""} if if_match is None else if_match
    rows: list[Operation] = []
    for verb in verbs:
        method, path, kind = _SHAPES[verb]
        if verb == "delete":
            method, path = delete[0], path + delete[1]
        is_read = kind is CallKind.CONFIG
        since = needs_etag.get(verb)
        for first, last, sends_etag in _versions(since):
            rows.append(
                Operation(
                    noun,
                    verb,
                    method,
                    path.format(domain=domain),
                    kind,
                    query=tuple(f"{field.wire}_name" for field in fields if field.filters) if verb == "list" else (),
                    body=_body(verb, fields),
                    if_match=sends_etag,
                    touches=() if is_read else touches,
                    expected=() if is_read else _expected(verb, domain),
                    since=first,
                    until=last,
                )
            )
    return tuple(rows)


def _versions(etag_since: Optional[str]) -> Iterator[tuple[Optional[str], Optional[str], bool]]:
    """Yield ``since``, ``until`` and ``if_match`` for each row of a verb."""
    if etag_since:
        yield None, etag_since, False
        yield etag_since, None, True
    else:
        yield None, None, etag_since is not None


def _body(verb: str, fields: Sequence[Field]) -> tuple[str, ...]:
    names = [(field, (field.wire, *(form.wire for form in field.former))) for field in fields if not field.assigned]
    if verb == "create":
        return tuple(name for _, wires in names for name in wires)
    if verb == "update":
        return tuple(name for field, wires in names[1:] if not field.filters for name in wires)
    return ("entries",) if verb.startswith("bulk") else ()


def _expected(verb: str, domain: str) -> tuple[ExpectedReply, ...]:
    if verb in ("delete", "bulk_delete"):
        return (ExpectedReply(204),)
    return (ExpectedReply(200, domain, ("value", "id") if verb.startswith("bulk") else ("id",)),)
