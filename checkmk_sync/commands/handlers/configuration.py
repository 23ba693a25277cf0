"""The code of the tools that all configuration nouns share."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...config.secrets import secret_name
from ...core.redaction import find_secrets
from ...core.text import suggestion, with_article
from ..command import Row
from . import plain_nouns


def check_arguments(
    kind: str, values: Optional[Mapping[str, Any]] = None, name: Optional[str] = None, **_others: Any
) -> None:
    """Raise ValueError for a missing name, an unknown field, a secret, or a value that is not valid."""
    noun = NOUNS[kind]
    if values is not None and name is None and not noun.key.assigned:
        raise ValueError(f"{with_article(noun.singular)} needs a name")
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
        if fields[field].holds_secrets and not all(map(secret_name, find_secrets(value))):
            raise ValueError(f"{field} contains a secret, which a tool cannot set; write secret:NAME in its place")


def list_all(client: Checkmk, kind: str, search: Optional[str]) -> Iterator[Row]:
    return (_row(kind, row) for row in plain_nouns.list_all(client, kind, search))


def call(
    method: str, client: Checkmk, kind: str, name: Optional[str], values: Optional[Mapping[str, Any]] = None
) -> Row:
    """Call ``get``, ``create`` or ``update`` with the name and the values of an object, and return the object."""
    key = {} if name is None else {NOUNS[kind].key.name: name}
    return _row(kind, plain_nouns.call(method, kind, client, **(values or {}), **key))


def _row(kind: str, row: Row) -> Row:
    key = NOUNS[kind].key.name
    return {"kind": kind, "name": row[key], "values": {name: value for name, value in row.items() if name != key}}
