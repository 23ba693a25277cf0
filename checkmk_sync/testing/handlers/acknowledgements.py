"""Handlers for acknowledgements of problems."""

from __future__ import annotations

import math
from typing import Mapping
from urllib.parse import unquote

from werkzeug.wrappers import Response

from ..core_commands import MonitoredObject
from ..endpoints import Context, SiteState, serves
from ..replies import Problem
from ..selectors import (
    Fields,
    by_type,
    configured_and_monitored_host,
    existing_group,
    matching,
    moment,
    one_line,
    query_field,
    unix_time,
)
from ..validation import REQUIRED, Field, boolean, string

_PERMISSION = "action.acknowledge"
_OPTIONS: Fields = {
    "comment": Field(string, REQUIRED),
    "sticky": Field(boolean, True),
    "notify": Field(boolean, True),
    "persistent": Field(boolean, False),
}
_EXPIRES_SINCE = "2.4.0p6"


def _on_hosts(state: SiteState) -> Mapping[str, Fields]:
    return {
        "host": {"host_name": Field(configured_and_monitored_host(state), REQUIRED)},
        "hostgroup": {"hostgroup_name": existing_group("host", monitored=True)(state)},
        "host_by_query": {"query": query_field("hosts")(state)},
    }


def _on_services(state: SiteState) -> Mapping[str, Fields]:
    host = Field(configured_and_monitored_host(state), REQUIRED)
    return {
        "service": {"host_name": host, "service_description": Field(string, REQUIRED)},
        "servicegroup": {"servicegroup_name": existing_group("service", monitored=True)(state)},
        "service_by_query": {"query": query_field("services")(state)},
    }


def _with_expiry(kinds: Mapping[str, Fields], state: SiteState) -> Mapping[str, Fields]:
    if not state.profile.version.at_least(_EXPIRES_SINCE):
        return kinds
    return {kind: {**fields, "expire_on": Field(moment)} for kind, fields in kinds.items()}


_HOSTS = by_type("acknowledge_type", lambda state: _with_expiry(_on_hosts(state), state), _OPTIONS, _PERMISSION)
_SERVICES = by_type("acknowledge_type", lambda state: _with_expiry(_on_services(state), state), _OPTIONS, _PERMISSION)
_BOTH = by_type("acknowledge_type", lambda state: {**_on_hosts(state), **_on_services(state)}, {}, _PERMISSION)


def _chosen(context: Context) -> list[MonitoredObject]:
    body, kind = context.body, context.body["acknowledge_type"]
    if kind in ("host", "service"):
        # Checkmk decodes the name of the service, although it comes from a body.
        service = unquote(body["service_description"]) if kind == "service" else ""
        return [(body["host_name"], service)]
    if kind.endswith("group"):
        return context.state.monitoring.group_members(f"{kind}s", body[f"{kind}_name"])
    return matching(context, "hosts" if kind == "host_by_query" else "services")


@serves("acknowledgements", "on_hosts", **_HOSTS)
def acknowledge_hosts(context: Context) -> Response:
    chosen = _chosen(context)
    name = context.body.get("host_name")
    if name is not None and (context.state.monitoring.host_row(name) or {}).get("state") == 0:
        raise Problem(422, f"Host {name!r} has no problem.", f"Host {name!r} has no problem.")
    if not chosen:
        text = "The provided query returned no monitored hosts"
        raise Problem(422, text, text)
    return _acknowledge(context, chosen)


@serves("acknowledgements", "on_services", **_SERVICES)
def acknowledge_services(context: Context) -> Response:
    chosen, monitoring = _chosen(context), context.state.monitoring
    if context.body["acknowledge_type"] == "service":
        (host, service), row = chosen[0], monitoring.find(chosen[0])
        if row is None:
            raise Problem(400, "Service not found", f"Service {service!r}@{host!r} could not be found.")
        if row["state"] == 0:
            text = f"Service {service!r}@{host!r} has no problem."
            raise Problem(422, text, text)
    if not chosen:
        raise Problem(422, "No services with problems found.", "All queried services are OK.")
    return _acknowledge(context, chosen)


def _acknowledge(context: Context, chosen: list[MonitoredObject]) -> Response:
    body, commands = context.body, context.state.monitoring.commands
    expires = unix_time(body["expire_on"]) if "expire_on" in body else math.inf

    def acknowledge() -> None:
        for target in chosen:
            commands.acknowledge(
                target,
                context.user.name,
                one_line(body["comment"]),
                sticky=body["sticky"],
                persistent=body["persistent"],
                expires=expires,
            )

    commands.submit(acknowledge)
    return Response(status=204)


@serves("acknowledgements", "remove", **_BOTH)
def remove_acknowledgements(context: Context) -> Response:
    chosen, commands = _chosen(context), context.state.monitoring.commands

    def remove() -> None:
        for target in chosen:
            commands.remove_acknowledgement(target)

    commands.submit(remove)
    return Response(status=204)
