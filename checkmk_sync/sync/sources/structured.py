"""Read inventories in YAML and JSON: a mapping with sections such as ``hosts``, a list of objects, or one object."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Iterator, Optional, Union

from ...config.documents import Document
from ...config.positions import Position
from ...core.arguments import require_type
from ...core.text import suggestion
from ...errors import SettingsError
from ..attributes import show_value
from ..desired import REMOVE, Desired, Entry, Problem
from ..kinds import ABSENT, FOLDERS, HOSTS, KINDS, PREVIOUS, SyncKind, by_section, kind_of_file, kind_with_key

# `hosts get` and `folders get` print these keys, but an inventory cannot set them.
_READ_ONLY = frozenset({"effective_attributes", "owner"})
_RENAMED = {"cluster_nodes": "nodes"}
_SECRETS, _ALWAYS = "secrets", "always"


def writes_secrets_always(document: Document, problems: list[Problem]) -> bool:
    """Return True if a document contains ``secrets: always``. Another value is added to ``problems``."""
    if not isinstance(document.data, Mapping) or _SECRETS not in document.data:
        return False
    value = document.data[_SECRETS]
    if value != _ALWAYS:
        message = f"{_SECRETS!r} must be {_ALWAYS!r}, not {show_value(value)}"
        problems.append(Problem(message, document.source, *document.position((_SECRETS,))))
    return bool(value == _ALWAYS)


def document_entries(document: Document, problems: list[Problem], roots: list[Entry]) -> Iterator[Entry]:
    """Yield the entries of a document. Mistakes are added to ``problems``.

    The output of ``hosts get`` and ``folders get`` can be read back, so their read-only keys are dropped, and the root
    folder is added to ``roots`` instead.
    """
    data, sections = document.data, tuple(kind.section for kind in KINDS.values())
    if data is None:
        return
    default = kind_of_file(document.source)
    if isinstance(data, list):
        yield from _entries(data, document, (), roots, default)
    elif isinstance(data, Mapping) and (found := kind_with_key(data)) and not any(name in data for name in sections):
        kind_name = (default or found).name
        yield from _entry(Entry(kind_name, data, document.source, lambda *below: document.position(below)), roots)
    elif isinstance(data, Mapping):
        for section, items in data.items():
            if section == _SECRETS:
                continue
            kind = by_section(str(section))
            if kind is not None and (items is None or isinstance(items, list)):
                yield from _entries(items or [], document, (section,), roots, kind)
                continue
            unknown = f"unknown section {show_value(section)}{suggestion(str(section), sections)}"
            message = unknown if kind is None else f"{section!r} must be a list"
            problems.append(Problem(message, document.source, *document.position((section,))))
    else:
        message = "an inventory must be a mapping with 'hosts' and 'folders', or a list of hosts"
        raise SettingsError(message, file=document.source)


def _entries(
    items: list[Any], document: Document, path: tuple[str, ...], roots: list[Entry], kind: Optional[SyncKind]
) -> Iterator[Entry]:
    for index, data in enumerate(items):
        position = functools.partial(_item_position, document, path, index)
        is_mapping = isinstance(data, Mapping)
        found = kind or (kind_with_key(data) if is_mapping else None) or HOSTS
        entry = Entry(found.name, data, document.source, position, index)
        if is_mapping and not _READ_ONLY.isdisjoint(data):
            yield from _entry(entry, roots)
        else:
            yield entry


def _entry(entry: Entry, roots: list[Entry]) -> Iterator[Entry]:
    """Yield the entry with the keys of inventories only. Add the root folder to ``roots`` instead."""
    # Checkmk lists the root folder with the others, but it always exists and inventories do not describe it.
    writable = {_RENAMED.get(key, key): value for key, value in entry.data.items() if key not in _READ_ONLY}
    if entry.kind == FOLDERS.name and writable.get("path") == "/" and len(writable) < len(entry.data):
        roots.append(entry)
    else:
        yield dataclasses.replace(entry, data=writable)


def _item_position(document: Document, path: tuple[str, ...], index: int, *below: Union[str, int]) -> Position:
    return document.position((*path, index, *below)) if below else Position(document.line_of_item(path, index))


def to_data(desired: Desired) -> dict[str, Any]:
    """Return the desired state as plain data for ``from_data``. It contains secrets, but not the implied folders."""
    require_type(desired, Desired, "to_data needs the result of load(PATH) or from_data(DATA)")
    data: dict[str, Any] = {}
    for wanted in desired.objects.values():
        if wanted.implied:
            continue
        kind = KINDS[wanted.kind]
        entry: dict[str, Any] = {kind.keys[0]: wanted.key, **({ABSENT: True} if wanted.absent else {})}
        entry.update({PREVIOUS: wanted.previous} if wanted.previous else {})
        for path, value in wanted.properties.items():
            field = kind.field_at(path)
            if field is not None and field.literal:
                entry[field.wire] = repr(value)  # JSON does not have tuples
                continue
            inner = entry if len(path) == 1 else entry.setdefault(path[0], {})
            inner[path[-1]] = None if value is REMOVE else value
        data.setdefault(kind.section, []).append(entry)
    if desired.secrets_always:
        data[_SECRETS] = _ALWAYS
    return data
