"""Folders of the configuration."""

from __future__ import annotations

import functools

from ..core.call import CallKind
from .operation import Answer, Operation

__all__ = ["ROWS"]

_ALL = "/domain-types/folder_config/collections/all"
_ONE = "/objects/folder_config/{folder}"
_CHANGES = ("attributes", "update_attributes", "remove_attributes")
_FOLDER = (Answer(200, "folder_config", ("extensions", "path")),)
_TOUCHES = ("hosts",)  # hosts inherit attributes, and moving or deleting a folder takes its hosts along
_read = functools.partial(Operation, "folders")
_write = functools.partial(Operation, "folders", touches=_TOUCHES)

ROWS = (
    _read("list", "GET", _ALL, CallKind.CONFIG, query=("parent", "recursive", "show_hosts")),
    _read("get", "GET", _ONE, CallKind.CONFIG, query=("show_hosts",)),
    _read(
        "hosts", "GET", f"{_ONE}/collections/hosts", CallKind.CONFIG, query=("effective_attributes",), since="2.4.0b1"
    ),
    _read("hosts", "GET", f"{_ONE}/collections/hosts", CallKind.CONFIG, until="2.4.0b1"),
    _write("create", "POST", _ALL, CallKind.WRITE, body=("name", "title", "parent", "attributes"), answers=_FOLDER),
    _write("update", "PUT", _ONE, CallKind.WRITE, body=("title", *_CHANGES), if_match=True, answers=_FOLDER),
    _write(
        "move",
        "POST",
        f"{_ONE}/actions/move/invoke",
        CallKind.WRITE,
        body=("destination",),
        if_match=True,
        answers=_FOLDER,
    ),
    _write("delete", "DELETE", _ONE, CallKind.BULK, query=("delete_mode",), answers=(Answer(204),), since="2.2.0p26"),
    _write("delete", "DELETE", _ONE, CallKind.BULK, answers=(Answer(204),), until="2.2.0p26"),
)
