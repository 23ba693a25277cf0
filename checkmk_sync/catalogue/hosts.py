"""Hosts: the configuration."""

from __future__ import annotations

import functools

from ..core.call import CallKind
from .operation import Answer, Operation

__all__ = ["ROWS"]

_ALL = "/domain-types/host_config/collections/all"
_ONE = "/objects/host_config/{name}"
_ACTIONS = "/domain-types/host_config/actions"
_CHANGES = ("attributes", "update_attributes", "remove_attributes")
_HOST = (Answer(200, "host_config", ("id",)),)
_HOSTS = (Answer(200, "host_config", ("value", "id")),)
_TOUCHES = ("folders",)
_read = functools.partial(Operation, "hosts")
_write = functools.partial(Operation, "hosts", touches=_TOUCHES)

ROWS = (
    _read(
        "list",
        "GET",
        _ALL,
        CallKind.CONFIG,
        query=("effective_attributes", "include_links", "fields", "hostnames", "site"),
        since="2.4.0b1",
    ),
    _read(
        "list",
        "GET",
        _ALL,
        CallKind.CONFIG,
        query=("effective_attributes", "include_links"),
        since="2.3.0b1",
        until="2.4.0b1",
    ),
    _read("list", "GET", _ALL, CallKind.CONFIG, query=("effective_attributes",), until="2.3.0b1"),
    _read("get", "GET", _ONE, CallKind.CONFIG, query=("effective_attributes",)),
    _write(
        "create",
        "POST",
        _ALL,
        CallKind.WRITE,
        query=("bake_agent",),
        body=("host_name", "folder", "attributes"),
        answers=_HOST,
    ),
    _write("update", "PUT", _ONE, CallKind.WRITE, body=_CHANGES, if_match=True, answers=_HOST),
    # Checkmk: deleting rewrites the folder and what refers to the host, which takes its time.
    _write("delete", "DELETE", _ONE, CallKind.BULK, answers=(Answer(204),)),
    _write(
        "move",
        "POST",
        f"{_ONE}/actions/move/invoke",
        CallKind.WRITE,
        body=("target_folder",),
        if_match=True,
        answers=_HOST,
    ),
    _write(
        "bulk_create",
        "POST",
        f"{_ACTIONS}/bulk-create/invoke",
        CallKind.BULK,
        query=("bake_agent",),
        body=("entries",),
        answers=_HOSTS,
    ),
    _write("bulk_update", "PUT", f"{_ACTIONS}/bulk-update/invoke", CallKind.BULK, body=("entries",), answers=_HOSTS),
    _write(
        "bulk_delete",
        "POST",
        f"{_ACTIONS}/bulk-delete/invoke",
        CallKind.BULK,
        body=("entries",),
        answers=(Answer(204),),
    ),
)
