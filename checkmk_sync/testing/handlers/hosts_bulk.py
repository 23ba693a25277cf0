"""Handlers for many hosts in one call, which check the entire body first and then execute each entry."""

from __future__ import annotations

from typing import Mapping

from werkzeug.wrappers import Response

from ..configuration import HostConfig
from ..endpoints import Context, Endpoint, SiteState
from ..references import existing_host
from ..replies import Problem, bad_fields, json_response
from ..validation import REQUIRED, Field, list_of, object_with
from .changes import single_change_check
from .hosts import BAKE, change_attributes, host_change_fields, host_object, new_host_fields, refuse_needed_parents

__all__: list[str] = []

_ACTIONS = "/domain-types/host_config/actions"


def _create_fields(state: SiteState) -> dict[str, Field]:
    return {"entries": Field(list_of(object_with(new_host_fields(state))), REQUIRED)}


def _update_fields(state: SiteState) -> dict[str, Field]:
    fields = {"host_name": Field(existing_host(state), REQUIRED), **host_change_fields(state)}
    return {"entries": Field(list_of(object_with(fields, single_change_check(state))), REQUIRED)}


def _delete_fields(state: SiteState) -> dict[str, Field]:
    return {"entries": Field(list_of(existing_host(state), least=1), REQUIRED)}


def _answer(context: Context, done: list[HostConfig], failed: Mapping[str, str]) -> Response:
    """Return 200, or raise Problem 400 with the executed and the failed entries if some failed."""
    items = [host_object(context, host, links=False) for host in done]
    succeeded = {"id": "host", "domainType": "host_config", "value": items, "links": [], "extensions": {}}
    if not failed:
        return json_response(succeeded)
    names = " ,".join(failed)
    detail = f"Some of the actions were performed but the following were faulty and were skipped: {names}."
    ext = {"succeeded_hosts": succeeded, "failed_hosts": dict(failed)}
    raise Problem(400, "Some actions failed", detail, ext=ext)


@Endpoint("POST", f"{_ACTIONS}/bulk-create/invoke", query=BAKE, body=_create_fields)
def bulk_create(context: Context) -> Response:
    entries, configuration = context.body["entries"], context.configuration
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry["host_name"] in seen:
            raise bad_fields({"entries": [f"Duplicate entry found at entry #{index + 1}: {entry['host_name']!r}"]})
        seen.add(entry["host_name"])
    context.require("wato.edit")
    done, failed = [], {}
    for entry in entries:
        if context.state.faults.fails_host(entry["host_name"]):
            failed[entry["host_name"]] = "Validation failed: refused by a hook"
            continue
        path, attributes = configuration.folder_at(entry["folder"]).path, entry.get("attributes", {})
        context.require_folder(path)
        done.append(configuration.add_host(entry["host_name"], path, attributes, user=context.user.name))
    return _answer(context, done, failed)


@Endpoint("PUT", f"{_ACTIONS}/bulk-update/invoke", body=_update_fields)
def bulk_update(context: Context) -> Response:
    entries, hosts = context.body["entries"], context.configuration.hosts
    for entry in entries:
        context.require_seen(hosts[entry["host_name"]])
    context.require("wato.edit")
    done, failed = [], {}
    for entry in entries:
        if context.state.faults.fails_host(entry["host_name"]):
            failed[entry["host_name"]] = "Validation failed: refused by a hook"
            continue
        context.require_folder(hosts[entry["host_name"]].folder)
        host, absent = change_attributes(context, hosts[entry["host_name"]], entry)
        if absent:
            failed[host.name] = f"Failed to remove {', '.join(absent)}"
        else:
            done.append(host)
    return _answer(context, done, failed)


@Endpoint("POST", f"{_ACTIONS}/bulk-delete/invoke", body=_delete_fields)
def bulk_delete(context: Context) -> Response:
    names = context.body["entries"]
    for name in names:
        context.require_seen(context.configuration.hosts[name])
    context.require("wato.edit")
    by_folder: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_folder.setdefault(context.configuration.hosts[name].folder, []).append(name)
    # Checkmk deletes folder by folder, in the order of the folder ids. Hosts deleted before a refusal stay deleted.
    for path in sorted(by_folder, key=lambda path: context.configuration.folders[path].ident):
        context.require_folder(path)
        refuse_needed_parents(context, by_folder[path])
        for name in by_folder[path]:
            context.configuration.remove_host(name, user=context.user.name)
    return Response(status=204)
