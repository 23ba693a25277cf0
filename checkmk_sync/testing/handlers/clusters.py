"""Handlers for clusters, which are hosts that consist of other hosts."""

from __future__ import annotations

from werkzeug.wrappers import Response

from .. import references
from ..configuration import HostConfig
from ..endpoints import EDIT, PATH_CHECKS, Context, Endpoint, SiteState
from ..replies import bad_fields, json_response
from ..validation import REQUIRED, Field, list_of
from .hosts import BAKE, create_host, existing_host, new_host_fields, require_etag

__all__: list[str] = []

_NODES = "/objects/host_config/<host_name>/properties/nodes"


def _cluster(context: Context) -> HostConfig:
    host = existing_host(context)
    if host.nodes is None:
        raise bad_fields({"host_name": [f"Host {host.name!r} is not a cluster host, but needs to be."]}, 404)
    return host


PATH_CHECKS[_NODES] = _cluster


def _new_cluster_fields(state: SiteState) -> dict[str, Field]:
    # Checkmk refuses a cluster as a node only when nodes are changed, not when a cluster is created.
    return {**new_host_fields(state), "nodes": Field(list_of(references.existing_host(state)), REQUIRED)}


# Creating a cluster is creating a host with nodes.
Endpoint("POST", "/domain-types/host_config/collections/clusters", query=BAKE, body=_new_cluster_fields)(create_host)


def _nodes_fields(state: SiteState) -> dict[str, Field]:
    return {"nodes": Field(list_of(references.node(state)), REQUIRED)}


@Endpoint("PUT", _NODES, body=_nodes_fields, needs_etag=True, permissions=EDIT)
def set_nodes(context: Context) -> Response:
    host, nodes = _cluster(context), context.body["nodes"]
    require_etag(context, host)
    context.require_folder(host.folder)
    context.configuration.change_host(host, user=context.user.name, nodes=nodes)
    path = _NODES.replace("<host_name>", host.name)
    links = [context.links.link("urn:org.restfulobjects:rels/modify", path, method="PUT")]
    # Checkmk: the answer has no ETag, although the documentation promises one.
    return json_response({"id": f"{host.name}_nodes", "value": nodes, "extensions": {}, "links": links})
