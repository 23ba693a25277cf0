"""Clusters: hosts that consist of others."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..configuration import HostConfig
from ..endpoints import PATH_CHECKS, Context, SiteState, endpoint
from ..references import existing_host as exists
from ..references import node
from ..replies import bad_fields, json_response
from ..validation import REQUIRED, Field, list_of
from .hosts import BAKE, create, existing_host, new_host_fields, require_etag

__all__: list[str] = []

_NODES = "/objects/host_config/<host_name>/properties/nodes"


def _cluster(context: Context) -> HostConfig:
    host = existing_host(context)
    if host.nodes is None:
        raise bad_fields({"host_name": [f"Host {host.name!r} is not a cluster host, but needs to be."]}, 404)
    return host


PATH_CHECKS[_NODES] = _cluster


def _new_cluster(state: SiteState) -> dict[str, Field]:
    """Checkmk: that nodes are no clusters themselves is checked only when they are changed."""
    return {**new_host_fields(state), "nodes": Field(list_of(exists(state)), REQUIRED)}


@endpoint("POST", "/domain-types/host_config/collections/clusters", query=BAKE, body=_new_cluster)
def create_cluster(context: Context) -> Response:
    return create(context, tuple(context.body["nodes"]))


@endpoint("PUT", _NODES, body=lambda state: {"nodes": Field(list_of(node(state)), REQUIRED)}, needs_etag=True)
def set_nodes(context: Context) -> Response:
    """Checkmk: the answer has no ETag, although the documents say so."""
    host, nodes = _cluster(context), context.body["nodes"]
    context.require("wato.edit")
    require_etag(context, host)
    context.require_folder(host.folder)
    context.configuration.change_host(host, user=context.user.name, nodes=tuple(nodes))
    path = _NODES.replace("<host_name>", host.name)
    links = [context.links.link("urn:org.restfulobjects:rels/modify", path, method="PUT")]
    return json_response({"id": f"{host.name}_nodes", "value": nodes, "extensions": {}, "links": links})
