"""The code of the folder commands."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

from ...catalogue.paths import folder_path
from ...client.checkmk import Checkmk
from ...client.records import Folder
from ...errors import ConflictError
from ..command import Row
from .attributes import settings_of
from .search import has_labels, matching


def _row(folder: Folder) -> Row:
    return {"path": folder.path, "title": folder.title, **settings_of(folder)}


def list_all(client: Checkmk, folder: str, search: Optional[str], label: Mapping[str, str]) -> Iterator[Row]:
    rows = (_row(found) for found in client.folders.each(folder) if has_labels(found.labels, label))
    return matching(rows, search, "path", "title")


def get(client: Checkmk, folder: str) -> Row:
    return _row(client.folders.get(folder))


def create(client: Checkmk, folder: str, title: Optional[str]) -> Row:
    return _row(client.folders.create(folder, title=title, parents=True, exist_ok=True))


def update(client: Checkmk, folder: str, title: Optional[str], attribute: Mapping[str, Any]) -> Row:
    if title is None and not attribute:
        raise ValueError("nothing to change: give --title or --attribute")
    return _row(client.folders.update(folder, title=title, update_attributes=attribute or None))


def move(client: Checkmk, folder: str, destination: str) -> Row:
    return _row(client.folders.move(folder, destination))


def delete(client: Checkmk, folder: str, recursive: bool) -> Row:
    try:
        client.folders.delete(folder, recursive=recursive)
    except ConflictError as error:
        if recursive:
            raise
        # Checkmk advises to "use the force parameter", but its API has no such parameter.
        advice = "it is not empty, or another object refers to it; --recursive also deletes its contents"
        raise error.with_texts(title=error.title.rstrip("."), detail=advice) from error
    return {"deleted": folder_path(folder)}
