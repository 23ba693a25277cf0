"""Verbs of folders."""

from __future__ import annotations

from typing import Iterator, Optional

from ..client import Checkmk
from ..names import folder_path
from ..records import Folder, writable
from .verb import Argument, Row, Verb

__all__ = ["FOLDER_VERBS"]


def _folder_row(folder: Folder) -> Row:
    return {"path": folder.path, "title": folder.title, "attributes": writable(folder.attributes)}


def _list_folders(client: Checkmk, parent: str) -> Iterator[Row]:
    return map(_folder_row, client.folders.each(parent))


def _create_folder(client: Checkmk, path: str, title: Optional[str]) -> Row:
    return _folder_row(client.folders.ensure(path, title=title))


def _delete_folder(client: Checkmk, path: str, recursive: bool) -> Row:
    client.folders.delete(path, recursive=recursive)
    return {"deleted": path}


_PATH = Argument("path", "The folder.", required=True, check=folder_path)

FOLDER_VERBS = (
    Verb(
        "folders",
        "list",
        "List a folder and all below it.",
        "checkmk-sync folders list --parent /linux",
        _list_folders,
        (Argument("parent", "Where to start.", default="/", check=folder_path),),
        ("path", "title"),
    ),
    Verb(
        "folders",
        "get",
        "Show one folder.",
        "checkmk-sync folders get /linux/web",
        lambda client, path: _folder_row(client.folders.get(path)),
        (_PATH,),
    ),
    Verb(
        "folders",
        "create",
        "Create a folder and its missing parents; one that exists stays as it is.",
        "checkmk-sync folders create /linux/web --title 'Web servers'",
        _create_folder,
        (_PATH, Argument("title", "Its title (default: its name).")),
        writes=True,
    ),
    Verb(
        "folders",
        "delete",
        "Delete an empty folder.",
        "checkmk-sync folders delete /linux/old",
        _delete_folder,
        (
            _PATH,
            Argument("recursive", "Also delete all hosts and folders in it.", bool, default=False),
        ),
        writes=True,
        destructive=True,
    ),
)
