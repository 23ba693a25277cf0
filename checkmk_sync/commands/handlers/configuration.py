"""The code of the tools that all configuration nouns share."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...core.text import suggestion
from ..command import Preview, Row
from . import plain_nouns

__all__ = [
    "check_arguments",
    "create_configuration",
    "delete_configuration",
    "get_configuration",
    "list_configuration",
    "preview_delete",
    "update_configuration",
]


def check_arguments(
    kind: str, values: Optional[Mapping[str, Any]] = None, name: Optional[str] = None, **_others: Any
) -> None:
    """Raise ValueError for a field that the kind does not have, for a secret, and for a value that is not valid."""
    noun = NOUNS[kind]
    if values is not None and name is None and not noun.key.assigned:
        raise ValueError(f"name is missing: a {noun.singular} needs one")
    fields = {field.name: field for field in noun.fields if not (field is noun.key or field.secret or field.assigned)}
    for field, value in (values or {}).items():
        if field in noun.by_name and noun.by_name[field].secret:
            raise ValueError(
                f"{field} is a secret, which a tool cannot set; a person can run: checkmk-sync "
                f"{kind.replace('_', '-')} update NAME --{field}-file FILE"
            )
        if field not in fields:
            raise ValueError(f"{noun.plural} do not have the field {field!r}{suggestion(field, tuple(fields))}")
        fields[field].check(value)


def list_configuration(client: Checkmk, kind: str, search: Optional[str]) -> Iterator[Row]:
    return (_row(kind, row) for row in plain_nouns.list_objects(kind, client, search, None))


def get_configuration(client: Checkmk, kind: str, name: str) -> Row:
    return _row(kind, plain_nouns.get_objects(kind, client, **_key(kind, name)))


def create_configuration(client: Checkmk, kind: str, name: Optional[str], values: Mapping[str, Any]) -> Row:
    key = {} if name is None else _key(kind, name)
    return _row(kind, plain_nouns.create_objects(kind, client, **values, **key))


def update_configuration(client: Checkmk, kind: str, name: str, values: Mapping[str, Any]) -> Row:
    return _row(kind, plain_nouns.update_objects(kind, client, **values, **_key(kind, name)))


def delete_configuration(client: Checkmk, kind: str, name: str) -> Row:
    return plain_nouns.delete_objects(kind, client, **_key(kind, name))


def preview_delete(client: Checkmk, kind: str, name: str) -> Preview:
    return plain_nouns.preview_delete(kind, client, **_key(kind, name))


def _key(kind: str, name: str) -> dict[str, str]:
    return {NOUNS[kind].key.name: name}


def _row(kind: str, row: Row) -> Row:
    key = NOUNS[kind].key.name
    return {"kind": kind, "name": row[key], "values": {name: value for name, value in row.items() if name != key}}
