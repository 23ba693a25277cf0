"""Operations of the folders of the configuration."""

from __future__ import annotations

import functools

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

_ALL = "/domain-types/folder_config/collections/all"
_ONE = "/objects/folder_config/{folder}"
_HOSTS = f"{_ONE}/collections/hosts"
_CHANGES = ("title", "attributes", "update_attributes", "remove_attributes")
_FOLDER = (ExpectedReply(200, "folder_config", ("extensions", "path")),)
# Hosts inherit attributes. Hosts and rules are moved or deleted with their folder.
_TOUCHES = ("hosts", "rules", "rulesets")

_read = functools.partial(Operation, "folders", kind=CallKind.CONFIG)
_write = functools.partial(Operation, "folders", kind=CallKind.WRITE, touches=_TOUCHES, expected=_FOLDER)
_delete = functools.partial(Operation, "folders", kind=CallKind.BULK, touches=_TOUCHES, expected=(ExpectedReply(204),))

ROWS = (
    _read("list", "GET", _ALL, query=("parent", "recursive", "show_hosts")),
    _read("get", "GET", _ONE, query=("show_hosts",)),
    _read("hosts", "GET", _HOSTS, query=("effective_attributes",), since="2.4.0b1"),
    _read("hosts", "GET", _HOSTS, until="2.4.0b1"),
    _write("create", "POST", _ALL, body=("name", "title", "parent", "attributes")),
    _write("update", "PUT", _ONE, body=_CHANGES, if_match=True),
    _write("move", "POST", f"{_ONE}/actions/move/invoke", body=("destination",), if_match=True),
    _delete("delete", "DELETE", _ONE, query=("delete_mode",), since="2.2.0p26"),
    _delete("delete", "DELETE", _ONE, until="2.2.0p26"),
)
