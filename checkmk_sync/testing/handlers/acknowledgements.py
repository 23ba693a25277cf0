"""Handlers for acknowledgements of problems."""

from __future__ import annotations

import functools
import math
from typing import Mapping
from urllib.parse import unquote

from werkzeug.wrappers import Response

from .. import selectors as select
from ..core_commands import MonitoredObject
from ..endpoints import Context, SiteState, serves
from ..replies import Problem
from ..validation import REQUIRED, Field, boolean, string

_by_type = functools.partial(select.by_type, permission="action.acknowledge")
_OPTIONS: select.Fields = {
    "comment": Field(string, REQUIRED),
    "sticky": Field(boolean, True),
    "notify": Field(boolean, True),
    "persistent": Field(boolean, False),
}
_EXPIRES_SINCE = "2.4.0p6"


def _on_hosts(state: SiteState) -> Mapping[str, select.Fields]:
    return {
        "host": {"host_name": Field(select.configured_and_monitored_host(state), REQUIRED)},
        "hostgroup": {"hostgroup_name": select.existing_group("host", monitored=True)(state)},
        "host_by_query": {"query": select.query_field("hosts")(state)},
    }


def _on_services(state: SiteState) -> Mapping[str, select.Fields]:
    host = Field(select.configured_and_monitored_host(state), REQUIRED)
    return {
        "service": {"host_name": host, "service_description": Field(string, REQUIRED)},
        "servicegroup": {"servicegroup_name": select.existing_group("service", monitored=True)(state)},
        "service_by_query": {"query": select.query_field("services")(state)},
    }


def _with_expiry(kinds: Mapping[str, select.Fields], state: SiteState) -> Mapping[str, select.Fields]:
    if not state.profile.version.at_least(_EXPIRES_SINCE):
        return kinds
    return {kind: {**fields, "expire_on": Field(select.moment)} for kind, fields in kinds.items()}


_HOSTS = _by_type("acknowledge_type", lambda state: _with_expiry(_on_hosts(state), state), _OPTIONS)
_SERVICES = _by_type("acknowledge_type", lambda state: _with_expiry(_on_services(state), state), _OPTIONS)
_BOTH = _by_type("acknowledge_type", lambda state: {**_on_hosts(state), **_on_services(state)}, {})


def _chosen(context: Context) -> list[MonitoredObject]:
    body, kind = context.body, context.body["acknowledge_type"]
    if kind in ("host", "service"):
        # Checkmk decodes the name of the service, although it comes from a body.
        service = unquote(body["service_description"]) if kind == "service" else ""
        return [(body["host_name"], service)]
    if kind.endswith("group"):
        return context.state.monitoring.group_members(f"{kind}s", body[f"{kind}_name"])
    return select.matching(context, "hosts" if kind == "host_by_query" else "services")


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
    body, acknowledge = context.body, context.state.monitoring.commands.acknowledge
    values = {**select.texts(context), "persistent": int(body["persistent"])}
    expires = select.unix_time(body["expire_on"]) if "expire_on" in body else math.inf
    return select.handed_over(
        context, lambda: [acknowledge(target, values, sticky=body["sticky"], expires=expires) for target in chosen]
    )


@serves("acknowledgements", "remove", **_BOTH)
def remove_acknowledgements(context: Context) -> Response:
    chosen, remove = _chosen(context), context.state.monitoring.commands.remove_acknowledgement
    return select.handed_over(context, lambda: [remove(target) for target in chosen])
