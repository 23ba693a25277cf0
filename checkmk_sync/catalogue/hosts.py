"""Operations of the hosts of the configuration."""

from __future__ import annotations

import functools

from ..core.call import CallKind, ExpectedReply
from .operation import Operation

_ALL = "/domain-types/host_config/collections/all"
_CLUSTERS = "/domain-types/host_config/collections/clusters"
_ONE = "/objects/host_config/{name}"
_ACTIONS = "/domain-types/host_config/actions"
_RENAME, _RENAME_WAIT = f"{_ONE}/actions/rename/invoke", f"{_ACTIONS}/wait-for-completion/invoke"
_CHANGES = ("attributes", "update_attributes", "remove_attributes")
_NEW = ("host_name", "folder", "attributes")
_LIST = ("effective_attributes", "include_links")
_EMPTY = (ExpectedReply(204),)
_HOST = (ExpectedReply(200, "host_config", ("id",)),)
# CHECKMK_API 10.2: the wait endpoint does not block, but redirects to itself while the rename runs.
_RENAMING = (ExpectedReply(204), ExpectedReply(302, location=_RENAME_WAIT))
_HOSTS = (ExpectedReply(200, "host_config", ("value", "id")),)

_read = functools.partial(Operation, "hosts", kind=CallKind.CONFIG)
_poll = functools.partial(Operation, "hosts", kind=CallKind.POLL)
_write = functools.partial(Operation, "hosts", kind=CallKind.WRITE, touches=("folders",), expected=_HOST)
_bulk = functools.partial(Operation, "hosts", kind=CallKind.BULK, touches=("folders",), expected=_HOSTS)
_rename = functools.partial(_bulk, body=("new_name",), if_match=True)


def _renamed(redirect: int) -> tuple[ExpectedReply, ...]:
    return (*_HOST, ExpectedReply(redirect, location=_RENAME_WAIT))


ROWS = (
    _read("list", "GET", _ALL, query=(*_LIST, "fields", "hostnames", "site"), since="2.4.0b1"),
    _read("list", "GET", _ALL, query=_LIST, since="2.3.0b1", until="2.4.0b1"),
    _read("list", "GET", _ALL, query=("effective_attributes",), until="2.3.0b1"),
    _read("get", "GET", _ONE, query=("effective_attributes",)),
    _write("create", "POST", _ALL, query=("bake_agent",), body=_NEW),
    _write("create_cluster", "POST", _CLUSTERS, query=("bake_agent",), body=(*_NEW, "nodes")),
    # Checkmk: the answer is a property of the host, without a domain type.
    _write(
        "set_nodes", "PUT", f"{_ONE}/properties/nodes", body=("nodes",), if_match=True, expected=(ExpectedReply(200),)
    ),
    _write("update", "PUT", _ONE, body=_CHANGES, if_match=True),
    # BULK, because Checkmk rewrites the folder and all references to the host, which is slow.
    _bulk("delete", "DELETE", _ONE, expected=_EMPTY),
    _write("move", "POST", f"{_ONE}/actions/move/invoke", body=("target_folder",), if_match=True),
    # CHECKMK_API_MORE: the documents require If-Match, but the server does not check it.
    # Checkmk: since 2.3, a rename runs in the background, and the answer redirects to the wait endpoint.
    _rename("rename", "PUT", _RENAME, expected=_renamed(303), since="2.4.0b1"),
    _rename("rename", "PUT", _RENAME, expected=_renamed(302), since="2.3.0b1", until="2.4.0b1"),
    _rename("rename", "PUT", _RENAME, expected=_HOST, until="2.3.0b1"),
    _poll("rename_wait", "GET", _RENAME_WAIT, expected=_RENAMING, since="2.4.0b1"),
    _poll("rename_wait", "POST", _RENAME_WAIT, expected=_RENAMING, since="2.3.0b1", until="2.4.0b1"),
    _bulk(
        "scan_parents",
        "POST",
        "/domain-types/parent_scan/actions/start/invoke",
        body=("host_names", "gateway_hosts", "performance", "configuration"),
        expected=(ExpectedReply(200, "parent_scan"),),
        since="2.3.0p7",
    ),
    _bulk("bulk_create", "POST", f"{_ACTIONS}/bulk-create/invoke", query=("bake_agent",), body=("entries",)),
    _bulk("bulk_update", "PUT", f"{_ACTIONS}/bulk-update/invoke", body=("entries",)),
    _bulk("bulk_delete", "POST", f"{_ACTIONS}/bulk-delete/invoke", body=("entries",), expected=_EMPTY),
)
