"""The code of the commands of plain nouns. ``noun`` is the name of a noun, such as ``host_groups``."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Iterator, Optional, Union

from ...catalogue.noun import Record
from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...client.collection import Collection
from ...config.secrets import SecretSource, reveal_members, reveal_named
from ...core.redaction import mask_secrets
from ..command import Preview, Row
from ..plain_nouns import searched_fields
from .search import matching

__all__ = ["create_objects", "delete_objects", "get_objects", "list_objects", "preview_delete", "update_objects"]


def collection_of(client: Checkmk, noun: str) -> Collection[Any]:
    """Return the objects of a noun, such as ``client.host_groups``."""
    found: Collection[Any] = getattr(client, noun)
    return found


def row_of(record: Record) -> Row:
    """Return the key and the fields of an object that have a value, without secrets."""
    fields = record.noun.by_name
    values = {name: value for name, value in record.values().items() if not fields[name].secret}
    for name, value in values.items():
        shown = mask_secrets(value) if fields[name].holds_secrets else value
        values[name] = fields[name].encode(shown) if fields[name].literal else shown
    return {record.noun.key.name: record.key_value, **values}


def list_objects(
    noun: str, client: Checkmk, search: Optional[str], limit: Optional[int], **filters: Any
) -> Iterator[Row]:
    given = {name: value for name, value in filters.items() if value is not None}
    rows = matching(map(row_of, collection_of(client, noun).each(**given)), search, *searched_fields(NOUNS[noun]))
    return itertools.islice(rows, limit)


def get_objects(noun: str, client: Checkmk, **key: str) -> Row:
    return row_of(collection_of(client, noun).get(key[NOUNS[noun].key.name]))


def create_objects(noun: str, client: Checkmk, **arguments: Any) -> Row:
    name = NOUNS[noun].key.name
    key = [arguments.pop(name)] if name in arguments else []
    return row_of(collection_of(client, noun).create(*key, **_given(noun, client, arguments)))


def update_objects(noun: str, client: Checkmk, **arguments: Any) -> Row:
    key = arguments.pop(NOUNS[noun].key.name)
    return row_of(collection_of(client, noun).update(key, **_given(noun, client, arguments)))


def delete_objects(noun: str, client: Checkmk, **key: str) -> Row:
    name = key[NOUNS[noun].key.name]
    collection_of(client, noun).delete(name)
    return {"deleted": name}


def preview_delete(noun: str, client: Checkmk, **key: str) -> Preview:
    """Return a preview with all fields of the object, which is read again without the cache."""
    row = row_of(collection_of(client, noun).get(key[NOUNS[noun].key.name], fresh=True))
    name = row[NOUNS[noun].key.name]
    summary = f"Permanently delete the {NOUNS[noun].singular} {name} from the configuration of {client.settings.site}."
    return Preview(summary, tuple(f"{field}: {value}" for field, value in row.items()), row)


def _given(noun: str, client: Checkmk, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, with secrets in place of their sources."""
    fields = NOUNS[noun].by_name
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, value in given.items():
        if fields[name].secret:
            given[name] = _reveal(client, value)
        elif fields[name].holds_secrets:
            given[name] = reveal_members(value, functools.partial(_reveal, client))
    return given


def _reveal(client: Checkmk, source: Union[SecretSource, str]) -> str:
    """Return a secret from its source, or from the section ``secrets`` of the configuration if it is a name there."""
    settings = client.settings
    if isinstance(source, SecretSource):
        return source.reveal(settings.username)
    return reveal_named(settings.secrets, source, settings.username)
