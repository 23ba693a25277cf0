"""The code of the commands of plain nouns. ``kind`` is the name of a noun, such as ``host_groups``."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Union

from ...catalogue.noun import Record
from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...client.collection import Collection
from ...config.secrets import SecretSource, reveal_named
from ..command import Preview, Row
from ..plain_nouns import searched_fields
from .search import matching

__all__ = ["call", "delete", "list_all", "preview_delete"]


def _collection(client: Checkmk, kind: str) -> Collection[Any]:
    """Return the objects of a kind, such as ``client.host_groups``."""
    found: Collection[Any] = getattr(client, kind)
    return found


def _row(record: Record) -> Row:
    """Return the key and the fields of an object that have a value, without secrets."""
    values = {name: value for name, value in record.values().items() if not record.noun.by_name[name].secret}
    return {record.noun.key.name: record.key_value, **values}


def list_all(client: Checkmk, kind: str, search: Optional[str]) -> Iterator[Row]:
    return matching(map(_row, _collection(client, kind).each()), search, *searched_fields(NOUNS[kind]))


def call(method: str, kind: str, client: Checkmk, /, **arguments: Any) -> Row:
    """Call ``get``, ``create`` or ``update`` with the key and the fields of an object, and return the object."""
    key = arguments.pop(NOUNS[kind].key.name)
    return _row(getattr(_collection(client, kind), method)(key, **_given(kind, client, arguments)))


def delete(client: Checkmk, kind: str, **key: str) -> Row:
    (name,) = key.values()
    _collection(client, kind).delete(name)
    return {"deleted": name}


def preview_delete(client: Checkmk, kind: str, **key: str) -> Preview:
    """Return a preview with all fields of the object, which is read again without the cache."""
    (name,) = key.values()
    row = _row(_collection(client, kind).get(name, fresh=True))
    summary = f"Permanently delete the {NOUNS[kind].singular} {name} from the configuration of {client.settings.site}."
    return Preview(summary, tuple(f"{field}: {value}" for field, value in row.items()), row)


def _given(kind: str, client: Checkmk, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, with secrets in place of their sources."""
    fields = NOUNS[kind].by_name
    given = {name: value for name, value in arguments.items() if value is not None}
    return {name: _reveal(client, value) if fields[name].secret else value for name, value in given.items()}


def _reveal(client: Checkmk, source: Union[SecretSource, str]) -> str:
    """Return a secret from its source, or by its name in the section ``secrets`` of the configuration."""
    settings = client.settings
    if isinstance(source, SecretSource):
        return source.reveal(settings.username)
    return reveal_named(settings.secrets, source, settings.username)
