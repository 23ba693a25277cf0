"""Handlers for acknowledgements of problems."""

from __future__ import annotations

import functools
import math
from typing import Callable, Mapping
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


def _kinds(state: SiteState, kind: str, **more: Field) -> dict[str, select.Fields]:
    names = {"service_description": Field(string, REQUIRED)} if kind == "service" else {}
    kinds = select.target_kinds(state, kind, select.configured_and_monitored_host(state), names, monitored=True)
    return {name: {**fields, **more} for name, fields in kinds.items()}


def _with_expiry(kind: str) -> Callable[[SiteState], Mapping[str, select.Fields]]:
    expiry = {"expire_on": Field(select.moment)}
    return lambda state: _kinds(state, kind, **(expiry if state.profile.version.at_least("2.4.0p6") else {}))


def _targets(context: Context) -> list[MonitoredObject]:
    kind = context.body["acknowledge_type"]
    targets = select.targets_of(context, kind)
    # Checkmk decodes the name of a service, although it comes from a body.
    return [(host, unquote(name)) for host, name in targets] if kind == "service" else targets


@serves("acknowledgements", "on_hosts", **_by_type("acknowledge_type", _with_expiry("host"), _OPTIONS))
@serves("acknowledgements", "on_services", **_by_type("acknowledge_type", _with_expiry("service"), _OPTIONS))
def acknowledge(context: Context) -> Response:
    targets, kind = _targets(context), context.body["acknowledge_type"]
    if kind in ("host", "service"):
        (host, service), row = targets[0], context.state.monitoring.find(targets[0])
        shown = f"Service {service!r}@{host!r}" if service else f"Host {host!r}"
        if row is None:
            raise Problem(400, "Service not found", f"{shown} could not be found.")
        if row["state"] == 0:
            raise Problem(422, f"{shown} has no problem.", f"{shown} has no problem.")
    if not targets and kind == "service_by_query":
        raise Problem(422, "No services with problems found.", "All queried services are OK.")
    if not targets:
        text = "The provided query returned no monitored hosts"
        raise Problem(422, text, text)
    body, send = context.body, context.state.monitoring.commands.acknowledge
    values = {**select.texts(context), "persistent": int(body["persistent"])}
    expires = select.unix_time(body["expire_on"]) if "expire_on" in body else math.inf
    return select.handed_over(
        context, lambda: [send(target, values, sticky=body["sticky"], expires=expires) for target in targets]
    )


_BOTH = _by_type("acknowledge_type", lambda state: {**_kinds(state, "host"), **_kinds(state, "service")}, {})


@serves("acknowledgements", "remove", **_BOTH)
def remove_acknowledgements(context: Context) -> Response:
    targets, remove = _targets(context), context.state.monitoring.commands.remove_acknowledgement
    return select.handed_over(context, lambda: [remove(target) for target in targets])
