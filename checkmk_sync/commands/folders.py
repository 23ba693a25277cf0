"""The folder commands."""

from __future__ import annotations

import dataclasses

from ..catalogue.paths import folder_path
from .arguments import ATTRIBUTE, FOLDER, WITH_LABEL, search, settings_fields
from .command import Argument, Command, Field, LazyModule, object_command

_folders = LazyModule(".handlers.folders", __package__)
_previews = LazyModule(".handlers.previews", __package__)


def _not_the_root(path: str) -> str:
    """Return ``path``. Raises ValueError for the root folder, because it cannot be moved or deleted."""
    if folder_path(path) == "/":
        raise ValueError("the root folder '/' cannot be moved or deleted")
    return path


_MOVABLE = dataclasses.replace(FOLDER, check=_not_the_root)
_FIELDS = (
    Field("path", "The path of the folder, from the root down."),
    Field("title", "The title of the folder.", untrusted=True),
    *settings_fields("folder"),
)

COMMANDS = (
    Command(
        "folders list",
        "List a folder and all folders below it.",
        _folders.list_all,
        (
            Argument(
                "folder",
                "Start from this folder.",
                default="/",
                check=folder_path,
                example="/linux",
                aliases=("parent",),
            ),
            search("path or title", "web"),
            WITH_LABEL,
        ),
        ("path", "title"),
        example="--folder /linux",
        fields=_FIELDS,
    ),
    Command("folders get", "Show one folder.", _folders.get, (FOLDER,), example="/linux/web", fields=_FIELDS),
    object_command(
        "folders create",
        "Create a folder and its missing parents. An existing folder is not changed.",
        _folders.create,
        FOLDER,
        Argument("title", "Set this title (default: the name of the folder).", example="Web servers"),
        example="/linux/web --title 'Web servers'",
        fields=_FIELDS,
        idempotent=True,
    ),
    object_command(
        "folders update",
        "Change the title or attributes of a folder. Other attributes stay as they are.",
        _folders.update,
        FOLDER,
        Argument("title", "Set this title.", example="Web servers"),
        ATTRIBUTE,
        example="/linux/web --title 'Web servers'",
        fields=_FIELDS,
    ),
    object_command(
        "folders move",
        "Move a folder with its contents into another folder.",
        _folders.move,
        _MOVABLE,
        Argument("destination", "The new parent folder.", required=True, check=folder_path, example="/"),
        example="/linux/web /",
        fields=_FIELDS,
    ),
    object_command(
        "folders delete",
        "Delete an empty folder.",
        _folders.delete,
        _MOVABLE,
        Argument("recursive", "Also delete all hosts, folders and rules in the folder.", bool, default=False),
        example="/linux/old",
        fields=(Field("deleted", "The path of the deleted folder."),),
        preview=_previews.delete_folder,
        exclusive=True,
    ),
)
