"""Handlers for many hosts in one call, which check the entire body first and then execute each entry."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from werkzeug.wrappers import Response

from ...core.grouping import grouped
from ..configuration import HostConfig
from ..endpoints import EDIT, Context, SiteState, serves
from ..references import existing_host
from ..replies import Problem, json_response
from ..validation import REQUIRED, Field, list_of, object_with, unique
from . import hosts
from .changes import single_change_check


def _create_fields(state: SiteState) -> dict[str, Field]:
    return {"entries": Field(unique(list_of(object_with(hosts.new_host_fields(state))), by="host_name"), REQUIRED)}


def _update_fields(state: SiteState) -> dict[str, Field]:
    fields = {"host_name": Field(existing_host(state), REQUIRED), **hosts.host_change_fields(state)}
    return {"entries": Field(list_of(object_with(fields, single_change_check(state))), REQUIRED)}


def _for_each(context: Context, execute: Callable[[Mapping[str, Any]], tuple[HostConfig, str]]) -> Response:
    """Execute each entry, and return the hosts. ``execute`` returns a host and why it failed, or "".

    Raises Problem 400 with the executed and the failed entries if some failed.
    """
    done, failed = [], {}
    for entry in context.body["entries"]:
        name = entry["host_name"]
        if context.state.faults.fails_host(name):
            failed[name] = "Validation failed: refused by a hook"
            continue
        host, refusal = execute(entry)
        if refusal:
            failed[name] = refusal
        else:
            done.append(hosts.host_object(context, host, links=False))
    succeeded = {"id": "host", "domainType": "host_config", "value": done, "links": [], "extensions": {}}
    if not failed:
        return json_response(succeeded)
    names = " ,".join(failed)
    detail = f"Some of the actions were performed but the following were faulty and were skipped: {names}."
    raise Problem(400, "Some actions failed", detail, ext={"succeeded_hosts": succeeded, "failed_hosts": failed})


@serves("hosts", "bulk_create", hosts.BAKE, body=_create_fields, permissions=EDIT)
def bulk_create(context: Context) -> Response:
    return _for_each(context, lambda entry: (hosts.add_host(context, entry), ""))


@serves("hosts", "bulk_update", body=_update_fields)
def bulk_update(context: Context) -> Response:
    known = context.configuration.hosts
    for entry in context.body["entries"]:
        context.require_seen(known[entry["host_name"]])
    context.require("wato.edit")

    def execute(entry: Mapping[str, Any]) -> tuple[HostConfig, str]:
        host, absent = hosts.change_attributes(context, known[entry["host_name"]], entry)
        return host, f"Failed to remove {', '.join(absent)}" if absent else ""

    return _for_each(context, execute)


@serves("hosts", "bulk_delete", body=lambda state: {"entries": Field(list_of(existing_host(state), least=1), REQUIRED)})
def bulk_delete(context: Context) -> Response:
    names = context.body["entries"]
    for name in names:
        context.require_seen(context.configuration.hosts[name])
    context.require("wato.edit")
    by_folder = grouped((context.configuration.hosts[name].folder, name) for name in dict.fromkeys(names))
    # Checkmk deletes folder by folder, in the order of the folder IDs. Hosts deleted before a refusal stay deleted.
    for path in sorted(by_folder, key=lambda path: context.configuration.folders[path].ident):
        context.require_folder(path)
        hosts.refuse_needed_parents(context, by_folder[path])
        for name in by_folder[path]:
            context.configuration.remove_host(name, user=context.user.name)
    return Response(status=204)
