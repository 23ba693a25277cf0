"""Verbs of folders."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

from ..catalogue.paths import folder_path
from ..client.checkmk import Checkmk
from ..client.records import Folder
from . import previews
from .arguments import ATTRIBUTE, settings_fields, settings_of
from .command import Argument, Command, Field, Row

__all__ = ["FOLDER_COMMANDS"]


def _folder_row(folder: Folder) -> Row:
    return {"path": folder.path, "title": folder.title, **settings_of(folder)}


def _list_folders(client: Checkmk, folder: str) -> Iterator[Row]:
    return map(_folder_row, client.folders.each(folder))


def _create_folder(client: Checkmk, folder: str, title: Optional[str]) -> Row:
    return _folder_row(client.folders.ensure(folder, title=title))


def _update_folder(client: Checkmk, folder: str, title: Optional[str], attribute: Mapping[str, Any]) -> Row:
    if title is None and not attribute:
        raise ValueError("nothing to change: give --title or --attribute")
    return _folder_row(client.folders.update(folder, title=title, update_attributes=attribute or None))


def _delete_folder(client: Checkmk, folder: str, recursive: bool) -> Row:
    client.folders.delete(folder, recursive=recursive)
    return {"deleted": folder_path(folder)}


def _below_root(text: str) -> str:
    """Return a folder that may be moved or deleted. ValueError for the root."""
    if folder_path(text) == "/":
        raise ValueError("the root folder '/' can be neither moved nor deleted")
    return text


_MOVABLE = Argument("folder", "The folder.", required=True, check=_below_root, example="/linux/web", aliases=("path",))
_FOLDER = Argument("folder", "The folder.", required=True, check=folder_path, example="/linux/web", aliases=("path",))
_FIELDS = (
    Field("path", "The folder, from the root down."),
    Field("title", "Its title.", foreign=True),
    *settings_fields("folder"),
)

FOLDER_COMMANDS = (
    Command(
        "folders",
        "list",
        "List a folder and all folders below it.",
        "checkmk-sync folders list --folder /linux",
        _list_folders,
        (
            Argument(
                "folder",
                "Folder to start from.",
                default="/",
                check=folder_path,
                example="/linux",
                aliases=("parent",),
            ),
        ),
        ("path", "title"),
        fields=_FIELDS,
    ),
    Command(
        "folders",
        "get",
        "Show one folder.",
        "checkmk-sync folders get /linux/web",
        lambda client, folder: _folder_row(client.folders.get(folder)),
        (_FOLDER,),
        fields=_FIELDS,
    ),
    Command(
        "folders",
        "create",
        "Create a folder and its missing parents; an existing folder is not changed.",
        "checkmk-sync folders create /linux/web --title 'Web servers'",
        _create_folder,
        (_FOLDER, Argument("title", "Its title (default: its name).", example="Web servers")),
        writes=True,
        done="created",
        look="checkmk-sync folders get {}",
        additive=True,
        fields=_FIELDS,
        idempotent=True,
    ),
    Command(
        "folders",
        "update",
        "Change the title or attributes of a folder; other attributes stay.",
        "checkmk-sync folders update /linux/web --title 'Web servers'",
        _update_folder,
        (_FOLDER, Argument("title", "Its new title.", example="Web servers"), ATTRIBUTE),
        writes=True,
        done="updated",
        look="checkmk-sync folders get {}",
        fields=_FIELDS,
        idempotent=True,
    ),
    Command(
        "folders",
        "move",
        "Move a folder with its contents into another folder.",
        "checkmk-sync folders move /linux/web /",
        lambda client, folder, destination: _folder_row(client.folders.move(folder, destination)),
        (
            _MOVABLE,
            Argument("destination", "The folder to move it into.", required=True, check=folder_path, example="/"),
        ),
        writes=True,
        done="moved",
        look="checkmk-sync folders get {}",
        fields=_FIELDS,
        idempotent=True,
    ),
    Command(
        "folders",
        "delete",
        "Delete an empty folder.",
        "checkmk-sync folders delete /linux/old",
        _delete_folder,
        (
            _MOVABLE,
            Argument("recursive", "Also delete all hosts and folders in it.", bool, default=False),
        ),
        writes=True,
        done="deleted",
        look="checkmk-sync folders get {}",
        destructive=True,
        fields=(Field("deleted", "The folder."),),
        preview=previews.delete_folder,
        alone=True,
    ),
)
