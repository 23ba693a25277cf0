"""Folders of the configuration."""

from __future__ import annotations

from ..core.call import CallKind
from .operation import Answer, Operation

__all__ = ["ROWS"]

_ALL = "/domain-types/folder_config/collections/all"
_ONE = "/objects/folder_config/{folder}"
_CHANGES = ("attributes", "update_attributes", "remove_attributes")
_FOLDER = (Answer(200, "folder_config", ("extensions", "path")),)
_TOUCHES = ("hosts",)  # hosts inherit attributes, and moving or deleting a folder takes its hosts along

ROWS = (
    Operation("folders", "list", "GET", _ALL, CallKind.CONFIG, query=("parent", "recursive", "show_hosts")),
    Operation("folders", "get", "GET", _ONE, CallKind.CONFIG, query=("show_hosts",)),
    Operation(
        "folders",
        "hosts",
        "GET",
        f"{_ONE}/collections/hosts",
        CallKind.CONFIG,
        query=("effective_attributes",),
        since="2.4.0b1",
    ),
    Operation("folders", "hosts", "GET", f"{_ONE}/collections/hosts", CallKind.CONFIG, until="2.4.0b1"),
    Operation(
        "folders",
        "create",
        "POST",
        _ALL,
        CallKind.WRITE,
        body=("name", "title", "parent", "attributes"),
        touches=_TOUCHES,
        answers=_FOLDER,
    ),
    Operation(
        "folders",
        "update",
        "PUT",
        _ONE,
        CallKind.WRITE,
        body=("title", *_CHANGES),
        if_match=True,
        touches=_TOUCHES,
        answers=_FOLDER,
    ),
    Operation(
        "folders",
        "move",
        "POST",
        f"{_ONE}/actions/move/invoke",
        CallKind.WRITE,
        body=("destination",),
        if_match=True,
        touches=_TOUCHES,
        answers=_FOLDER,
    ),
    Operation(
        "folders",
        "delete",
        "DELETE",
        _ONE,
        CallKind.BULK,
        query=("delete_mode",),
        touches=_TOUCHES,
        answers=(Answer(204),),
        since="2.2.0p26",
    ),
    Operation(
        "folders", "delete", "DELETE", _ONE, CallKind.BULK, touches=_TOUCHES, answers=(Answer(204),), until="2.2.0p26"
    ),
)
