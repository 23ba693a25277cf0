"""Operations of the hosts of the configuration."""

from __future__ import annotations

import functools

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

_ALL = "/domain-types/host_config/collections/all"
_ONE = "/objects/host_config/{name}"
_ACTIONS = "/domain-types/host_config/actions"
_CHANGES = ("attributes", "update_attributes", "remove_attributes")
_LIST = ("effective_attributes", "include_links")
_EMPTY = (ExpectedReply(204),)
_HOST = (ExpectedReply(200, "host_config", ("id",)),)
_HOSTS = (ExpectedReply(200, "host_config", ("value", "id")),)

_read = functools.partial(Operation, "hosts", kind=CallKind.CONFIG)
_write = functools.partial(Operation, "hosts", kind=CallKind.WRITE, touches=("folders",), expected=_HOST)
_bulk = functools.partial(Operation, "hosts", kind=CallKind.BULK, touches=("folders",), expected=_HOSTS)

ROWS = (
    _read("list", "GET", _ALL, query=(*_LIST, "fields", "hostnames", "site"), since="2.4.0b1"),
    _read("list", "GET", _ALL, query=_LIST, since="2.3.0b1", until="2.4.0b1"),
    _read("list", "GET", _ALL, query=("effective_attributes",), until="2.3.0b1"),
    _read("get", "GET", _ONE, query=("effective_attributes",)),
    _write("create", "POST", _ALL, query=("bake_agent",), body=("host_name", "folder", "attributes")),
    _write("update", "PUT", _ONE, body=_CHANGES, if_match=True),
    # BULK, because Checkmk rewrites the folder and all references to the host, which is slow.
    _bulk("delete", "DELETE", _ONE, expected=_EMPTY),
    _write("move", "POST", f"{_ONE}/actions/move/invoke", body=("target_folder",), if_match=True),
    _bulk("bulk_create", "POST", f"{_ACTIONS}/bulk-create/invoke", query=("bake_agent",), body=("entries",)),
    _bulk("bulk_update", "PUT", f"{_ACTIONS}/bulk-update/invoke", body=("entries",)),
    _bulk("bulk_delete", "POST", f"{_ACTIONS}/bulk-delete/invoke", body=("entries",), expected=_EMPTY),
)
