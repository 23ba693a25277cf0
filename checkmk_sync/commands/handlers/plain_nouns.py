"""The code of the commands of plain nouns. ``kind`` is the name of a noun, such as ``host_groups``."""

from __future__ import annotations

import functools
from typing import Any, Iterator, Optional, Union

from ...catalogue.noun import Record
from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...client.collection import Collection
from ...config.secrets import NOT_HIDDEN, SecretSource, references_in, reveal_members, reveal_named
from ...core.redaction import mask_secrets, telling_name
from ..command import Preview, Row
from ..plain_nouns import NONE_LITERAL, searched_fields
from .search import matching


def _collection(client: Checkmk, kind: str) -> Collection[Any]:
    """Return the objects of a kind, such as ``client.host_groups``."""
    found: Collection[Any] = getattr(client, kind)
    return found


def row_of(record: Record) -> Row:
    """Return the key and the fields of an object that have a value, without secrets."""
    fields = record.noun.by_name
    values = {name: value for name, value in record.values().items() if not fields[name].secret}
    for name, value in values.items():
        shown = mask_secrets(value, telling_name(values, name)) if fields[name].holds_secrets else value
        values[name] = fields[name].encode(shown) if fields[name].literal else shown
    return {record.noun.key.name: record.key_value, **values}


def list_all(client: Checkmk, kind: str, search: Optional[str], **filters: Any) -> Iterator[Row]:
    given = {name: value for name, value in filters.items() if value is not None}
    return matching(map(row_of, _collection(client, kind).each(**given)), search, *searched_fields(NOUNS[kind]))


def call(method: str, kind: str, client: Checkmk, /, **arguments: Any) -> Row:
    """Call a method that returns an object, such as ``create``, with the key and the fields of the object."""
    name = NOUNS[kind].key.name
    key = [arguments.pop(name)] if name in arguments else []  # the site chooses the keys of some new objects
    return row_of(getattr(_collection(client, kind), method)(*key, **_given(kind, client, arguments)))


def delete(client: Checkmk, kind: str, **arguments: Any) -> Row:
    name, options = _key_and_options(kind, arguments)
    _collection(client, kind).delete(name, **options)
    return {"deleted": name}


def preview_delete(client: Checkmk, kind: str, **arguments: Any) -> Preview:
    """Return a preview with all fields of the object, which is read again without the cache, and with its users."""
    name, options = _key_and_options(kind, arguments)
    row = row_of(_collection(client, kind).get(name, fresh=True))
    affected = _collection(client, kind).affected(name, **options)
    summary = f"Permanently delete the {NOUNS[kind].singular} {name} from the configuration of {client.settings.site}."
    lines = [f"{field}: {value}" for field, value in row.items()]
    if affected:
        effect = "It also changes its users" if options else "The site refuses, because it is in use"
        lines += [f"{effect}:", *affected]
    return Preview(summary, tuple(lines), [row, affected])


def preview_update(client: Checkmk, kind: str, option: str, **arguments: Any) -> Optional[Preview]:
    """Return a preview with the other objects that an update affects, or None without its ``option``."""
    noun = NOUNS[kind]
    given = {name: value for name, value in arguments.items() if value is not None}
    name = given.pop(noun.key.name)
    if not given.pop(option, False):
        return None
    affected = _collection(client, kind).affected(name, given)
    summary = f"Change the {noun.singular} {name} in the configuration of {client.settings.site}, and its users."
    return Preview(summary, tuple(affected or ["no other objects"]), affected, needs_approval=bool(affected))


def _key_and_options(kind: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the key of an object to delete, and the options that are set."""
    known = {option.name for option in NOUNS[kind].options_of("delete")}
    (name,) = (value for argument, value in arguments.items() if argument not in known)
    return name, {argument: value for argument, value in arguments.items() if argument in known and value}


def _given(kind: str, client: Checkmk, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, with secrets in place of their sources."""
    fields = NOUNS[kind].by_name
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, value in given.items():
        if name not in fields:  # an option
            continue
        if value is NONE_LITERAL:
            given[name] = None
        elif fields[name].secret:
            given[name] = _reveal(client, value)
        elif fields[name].holds_secrets:
            member = telling_name(given, name) if "ruleset" in given else fields[name].secret_member(value) or ""
            for text in references_in(reveal_members(value, lambda _name: "", member)):
                raise ValueError(f"{name} contains {text!r}, which is {NOT_HIDDEN}")
            given[name] = reveal_members(value, functools.partial(_reveal, client), member)
    return given


def _reveal(client: Checkmk, source: Union[SecretSource, str]) -> str:
    """Return a secret from its source, or by its name in the section ``secrets`` of the configuration."""
    settings = client.settings
    if isinstance(source, SecretSource):
        return source.reveal(settings.username)
    return reveal_named(settings.secrets, source, settings.username)
