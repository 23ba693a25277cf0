"""Many hosts in one call: the schema is checked as a whole, then each entry is executed by itself."""

from __future__ import annotations

from typing import Any, Mapping

from werkzeug.wrappers import Response

from ..context import Context, endpoint
from ..http import Problem, bad_fields, json_response
from ..schema import REQUIRED, Field, anything, completed, flag, listed, messages
from ..state import HostConfig
from .hosts import (
    CHANGES,
    FOLDER,
    HOST_NAME,
    changed_attributes,
    host_object,
    name_problem,
    refuse_parents,
    wrong_attributes,
)

__all__: list[str] = []

_ACTIONS = "/domain-types/host_config/actions"
_ENTRIES = {"entries": Field(listed(anything), REQUIRED)}
_NEW = {"host_name": Field(HOST_NAME, REQUIRED), "folder": Field(FOLDER, REQUIRED), "attributes": Field(anything, {})}
_CHANGED = {"host_name": Field(HOST_NAME, REQUIRED), **CHANGES}


def _entries(context: Context, fields: Mapping[str, Field]) -> list[dict[str, Any]]:
    """The entries with defaults; Problem 400 naming each that is wrong."""
    wrong: dict[str, Any] = {}
    for index, entry in enumerate(context.body["entries"]):
        said = messages(fields, entry)
        if not said:
            said = wrong_attributes(context, entry)
        if not said and fields is _NEW:
            said = _wrong_new(context, entry)
        if not said and fields is _CHANGED and entry["host_name"] not in context.setup.hosts:
            said = {"host_name": [f"Host not found: {entry['host_name']!r}"]}
        if said:
            wrong[str(index)] = said
    if wrong:
        raise bad_fields({"entries": wrong})
    if fields is _CHANGED:
        for entry in context.body["entries"]:
            context.require_seen(context.setup.hosts[entry["host_name"]])
    return [completed(fields, entry) for entry in context.body["entries"]]


def _wrong_new(context: Context, entry: Mapping[str, Any]) -> dict[str, Any]:
    said = name_problem(context, entry["host_name"])
    if said:
        return {"host_name": said}
    if context.setup.folder(entry["folder"]) is None:
        return {"folder": [f"The folder {entry['folder']!r} could not be found."]}
    return {}


def _answer(context: Context, done: list[HostConfig], failed: Mapping[str, str]) -> Response:
    """200, or 400 with what was done all the same."""
    items = [host_object(context, host, links=False) for host in done]
    found = {"id": "host", "domainType": "host_config", "value": items, "links": [], "extensions": {}}
    if not failed:
        return json_response(found)
    names = " ,".join(failed)
    detail = f"Some of the actions were performed but the following were faulty and were skipped: {names}."
    ext = {"succeeded_hosts": found, "failed_hosts": dict(failed)}
    raise Problem(400, "Some actions failed", detail, ext=ext)


@endpoint("POST", f"{_ACTIONS}/bulk-create/invoke", query={"bake_agent": Field(flag, False)}, body=_ENTRIES)
def bulk_create(context: Context) -> Response:
    entries = _entries(context, _NEW)
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry["host_name"] in seen:
            raise bad_fields({"entries": [f"Duplicate entry found at entry #{index + 1}: {entry['host_name']!r}"]})
        seen.add(entry["host_name"])
    context.require("wato.edit")
    done, failed = [], {}
    for entry in entries:
        if context.world.faults.fails_host(entry["host_name"]):
            failed[entry["host_name"]] = "Validation failed: refused by a hook"
            continue
        folder = context.setup.folder(entry["folder"])
        path = "/" if folder is None else folder.path
        context.require_folder(path)
        done.append(context.setup.add_host(entry["host_name"], path, entry["attributes"], user=context.user.name))
    return _answer(context, done, failed)


@endpoint("PUT", f"{_ACTIONS}/bulk-update/invoke", body=_ENTRIES)
def bulk_update(context: Context) -> Response:
    entries = _entries(context, _CHANGED)
    context.require("wato.edit")
    done, failed = [], {}
    for entry in entries:
        if context.world.faults.fails_host(entry["host_name"]):
            failed[entry["host_name"]] = "Validation failed: refused by a hook"
            continue
        context.require_folder(context.setup.hosts[entry["host_name"]].folder)
        host, absent = changed_attributes(context, context.setup.hosts[entry["host_name"]], entry)
        if absent:
            failed[host.name] = f"Failed to remove {', '.join(absent)}"
        else:
            done.append(host)
    return _answer(context, done, failed)


@endpoint("POST", f"{_ACTIONS}/bulk-delete/invoke", body={"entries": Field(listed(HOST_NAME, least=1), REQUIRED)})
def bulk_delete(context: Context) -> Response:
    names = context.body["entries"]
    unknown = {str(i): [f"Host not found: {name!r}"] for i, name in enumerate(names) if name not in context.setup.hosts}
    if unknown:
        raise bad_fields({"entries": unknown})
    for name in names:
        context.require_seen(context.setup.hosts[name])
    context.require("wato.edit")
    by_folder: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_folder.setdefault(context.setup.hosts[name].folder, []).append(name)
    # Checkmk: folder by folder, in the order of their ids. What was deleted before a refusal stays deleted.
    for path in sorted(by_folder, key=lambda path: context.setup.folders[path].ident):
        context.require_folder(path)
        refuse_parents(context, by_folder[path])
        for name in by_folder[path]:
            context.setup.remove_host(name, user=context.user.name)
    return Response(status=204)
