"""The code of the tools that all configuration nouns share."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...core.text import suggestion
from ..command import Row
from . import plain_nouns

__all__ = ["call", "check_arguments", "list_all"]


def check_arguments(kind: str, values: Optional[Mapping[str, Any]] = None, **_others: Any) -> None:
    """Raise ValueError for an unknown field, a secret, or a value that is not valid."""
    noun = NOUNS[kind]
    fields = {name: field for name, field in noun.by_name.items() if field is not noun.key and not field.secret}
    for name, value in (values or {}).items():
        if name in noun.by_name and noun.by_name[name].secret:
            raise ValueError(
                f"{name} is a secret, which a tool cannot set; a person can run: checkmk-sync "
                f"{kind.replace('_', '-')} update NAME --{name}-file FILE"
            )
        if name not in fields:
            raise ValueError(f"{noun.plural} do not have the field {name!r}{suggestion(name, tuple(fields))}")
        fields[name].check(value)


def list_all(client: Checkmk, kind: str, search: Optional[str]) -> Iterator[Row]:
    return (_row(kind, row) for row in plain_nouns.list_all(client, kind, search))


def call(method: str, client: Checkmk, kind: str, name: str, values: Optional[Mapping[str, Any]] = None) -> Row:
    """Call ``get``, ``create`` or ``update`` with the name and the values of an object, and return the object."""
    key = {NOUNS[kind].key.name: name}
    return _row(kind, plain_nouns.call(method, kind, client, **(values or {}), **key))


def _row(kind: str, row: Row) -> Row:
    key = NOUNS[kind].key.name
    return {"kind": kind, "name": row[key], "values": {name: value for name, value in row.items() if name != key}}
