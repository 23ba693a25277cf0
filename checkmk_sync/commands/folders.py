"""Commands of folders."""

from __future__ import annotations

import dataclasses

from ..catalogue.paths import folder_path
from .arguments import ATTRIBUTE, FOLDER, settings_fields
from .command import Argument, Command, Field, LazyModule

__all__ = ["FOLDER_COMMANDS"]

_folders = LazyModule(".handlers.folders", __package__)
_previews = LazyModule(".handlers.previews", __package__)


def _not_the_root(path: str) -> str:
    """Return the path of a folder that may be moved or deleted; ValueError for the root."""
    if folder_path(path) == "/":
        raise ValueError("the root folder '/' can be neither moved nor deleted")
    return path


_MOVABLE = dataclasses.replace(FOLDER, check=_not_the_root)
_FIELDS = (
    Field("path", "The folder, from the root down."),
    Field("title", "Its title.", untrusted=True),
    *settings_fields("folder"),
)

FOLDER_COMMANDS = (
    Command(
        "folders list",
        "List a folder and all folders below it.",
        _folders.list_all,
        (
            Argument(
                "folder", "Folder to start from.", default="/", check=folder_path, example="/linux", aliases=("parent",)
            ),
        ),
        ("path", "title"),
        example="--folder /linux",
        fields=_FIELDS,
    ),
    Command("folders get", "Show one folder.", _folders.get, (FOLDER,), example="/linux/web", fields=_FIELDS),
    Command(
        "folders create",
        "Create a folder and its missing parents; an existing folder is not changed.",
        _folders.create,
        (FOLDER, Argument("title", "Its title (default: its name).", example="Web servers")),
        example="/linux/web --title 'Web servers'",
        writes=True,
        additive=True,
        fields=_FIELDS,
        idempotent=True,
    ),
    Command(
        "folders update",
        "Change the title or attributes of a folder; other attributes stay.",
        _folders.update,
        (FOLDER, Argument("title", "Its new title.", example="Web servers"), ATTRIBUTE),
        example="/linux/web --title 'Web servers'",
        writes=True,
        fields=_FIELDS,
        idempotent=True,
    ),
    Command(
        "folders move",
        "Move a folder with its contents into another folder.",
        _folders.move,
        (
            _MOVABLE,
            Argument("destination", "The folder to move it into.", required=True, check=folder_path, example="/"),
        ),
        example="/linux/web /",
        writes=True,
        fields=_FIELDS,
        idempotent=True,
    ),
    Command(
        "folders delete",
        "Delete an empty folder.",
        _folders.delete,
        (_MOVABLE, Argument("recursive", "Also delete all hosts and folders in it.", bool, default=False)),
        example="/linux/old",
        writes=True,
        destructive=True,
        fields=(Field("deleted", "The folder."),),
        preview=_previews.delete_folder,
        exclusive=True,
    ),
)
