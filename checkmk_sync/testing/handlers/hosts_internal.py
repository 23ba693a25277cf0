"""Handlers that the agent receiver of a site calls."""

from __future__ import annotations

import uuid

from werkzeug.wrappers import Response

from ..endpoints import Context, Endpoint
from ..replies import Problem, json_response
from ..validation import REQUIRED, Field, parsed_by
from .hosts import existing_host

_ONE = "/objects/host_config_internal/<name>"


_LINK = {"uuid": Field(parsed_by(uuid.UUID, "Not a valid UUID."), REQUIRED)}


@Endpoint("GET", _ONE)
def show_host(context: Context) -> Response:
    host = existing_host(context)
    site = context.configuration.effective(host)["site"]
    return json_response({"site": site, "is_cluster": host.nodes is not None})


@Endpoint("PUT", f"{_ONE}/actions/register/invoke", body=_LINK)
def register(context: Context) -> Response:
    name = context.params["name"]
    host = context.configuration.hosts.get(name)
    if host is None:
        raise Problem(404, "Not Found", f"Host {name} does not exist.")
    if host.nodes is not None:
        detail = "This host is a cluster host. Register its nodes instead."
        raise Problem(405, "Cannot register cluster hosts", detail)
    return json_response(
        {"connection_mode": context.configuration.effective(host).get("cmk_agent_connection", "pull-agent")}
    )


@Endpoint("PUT", f"{_ONE}/actions/link_uuid/invoke", body=_LINK)
def link_uuid(context: Context) -> Response:
    existing_host(context)
    return Response(status=204)
