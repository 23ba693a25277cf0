"""Handlers for the list of all hosts, single hosts, and clusters, which are hosts that consist of other hosts."""

from __future__ import annotations

from typing import Any, Collection, Mapping

from werkzeug.wrappers import Response

from ...catalogue.paths import folder_id
from .. import references
from ..configuration import HostConfig, etag
from ..endpoints import EDIT, PATH_CHECKS, Context, Endpoint, SiteState, serves
from ..fields_filter import FieldsFilter
from ..host_attributes import DEFAULT_SCAN, HOST_NAME
from ..references import existing_folder, unused_host_name
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..validation import REQUIRED, Field, boolean, list_of, string
from .changes import attributes_after, change_fields, is_empty_change, single_change_check

_ALL = "/domain-types/host_config/collections/all"
_CLUSTERS = "/domain-types/host_config/collections/clusters"
_NODES = "/objects/host_config/<name>/properties/nodes"
BAKE = {"bake_agent": Field(boolean, False)}


def existing_host(context: Context) -> HostConfig:
    """Return the host in the path.

    Raises Problem 404 if it does not exist, and 403 if the user must not see it.
    """
    name = context.params["name"]
    errors = references.existing_host(context.state)(name)
    if errors:
        raise bad_fields({"host_name": errors}, 404)
    host = context.configuration.hosts[name]
    context.require_seen(host)
    return host


PATH_CHECKS["/objects/host_config/<name>"] = existing_host


def _etag(host: HostConfig) -> str:
    """Return the ETag of a host, which does not depend on its metadata, as in Checkmk."""
    return etag(host.name, dict(host.attributes), host.nodes)


def _require_etag(context: Context, host: HostConfig) -> None:
    ext = {"name": host.name, "attributes": dict(host.attributes), "cluster_nodes": host.nodes}
    context.check_etag(_etag(host), ext)


def host_object(context: Context, host: HostConfig, *, links: bool = True, effective: bool = False) -> dict[str, Any]:
    """Return a host in the format of the API."""
    extensions: dict[str, Any] = {
        "folder": host.folder,
        "attributes": {**host.attributes, "meta_data": host.meta_data},
        "is_cluster": host.nodes is not None,
        "is_offline": context.configuration.is_offline(host),
        "cluster_nodes": host.nodes,
    }
    if effective:
        effective_attributes = {**context.configuration.effective(host), "meta_data": host.meta_data}
        if effective_attributes["network_scan"] is DEFAULT_SCAN:
            effective_attributes["network_scan"] = {**DEFAULT_SCAN, "run_as": context.user.name}
        extensions["effective_attributes"] = effective_attributes
    elif context.profile.effective_null:
        extensions["effective_attributes"] = None
    title = host.attributes.get("alias") or host.name
    return domain_object("host_config", host.name, title, _links(context, host) if links else [], extensions)


def _links(context: Context, host: HostConfig) -> list[dict[str, Any]]:
    links = context.links
    folder = f"/objects/folder_config/{links.quoted(folder_id(host.folder))}"
    to_folder = links.link("urn:com.checkmk:rels/folder_config", folder, title="The folder config of the host.")
    return [*links.of_object(f"/objects/host_config/{host.name}"), to_folder]


def host_answer(context: Context, host: HostConfig, *, effective: bool = False) -> Response:
    return json_response(host_object(context, host, effective=effective), etag=_etag(host))


def change_attributes(context: Context, host: HostConfig, data: Mapping[str, Any]) -> tuple[HostConfig, list[str]]:
    """Change a host, and return it with the attributes to remove that were absent."""
    context.require_folder(host.folder)
    if is_empty_change(data):
        return host, []
    # Checkmk: a host is changed even if some attributes to remove are absent.
    attributes, absent = attributes_after(host.attributes, data)
    return context.configuration.change_host(host, user=context.user.name, attributes=attributes), absent


_QUERY = {
    "effective_attributes": Field(boolean, False),
    "include_links": Field(boolean),
    "fields": Field(string),
    "hostnames": Field(list_of(HOST_NAME), repeated=True),
    "site": Field(string),
}


@serves("hosts", "list", _QUERY)
def list_hosts(context: Context) -> Response:
    query = context.query
    hosts = list(context.configuration.hosts.values())
    if "hostnames" in query:
        wanted = set(query["hostnames"])
        hosts = [host for host in hosts if host.name in wanted]
    if "site" in query:
        hosts = [host for host in hosts if context.configuration.effective(host)["site"] == query["site"]]
    return host_collection(context, hosts)


def host_collection(context: Context, hosts: list[HostConfig]) -> Response:
    query, profile = context.query, context.profile
    hosts = [host for host in hosts if context.user.may_see(host.folder)]
    effective = query.get("effective_attributes", False)
    links = query.get("include_links", profile.links_by_default)
    self_link = context.links.self_(_ALL)
    if "fields" not in query:
        items = (host_object(context, host, links=links, effective=effective) for host in hosts)
        return collection("host_config", self_link, items, ident="host")
    fields_filter = FieldsFilter(query["fields"])
    effective = fields_filter.includes("value", "extensions", "effective_attributes")
    value = [host_object(context, host, effective=effective) for host in hosts]
    whole = {"id": "host", "domainType": "host_config", "links": [self_link], "value": value, "extensions": {}}
    kept = {"domainType": "host_config"} if profile.keeps_domain_type else {}
    return json_response({**fields_filter.apply(whole), **kept})


@serves("hosts", "get", _QUERY)
def get_host(context: Context) -> Response:
    return host_answer(context, existing_host(context), effective=context.query["effective_attributes"])


def new_host_fields(state: SiteState) -> dict[str, Field]:
    return {
        "host_name": Field(unused_host_name(state), REQUIRED),
        "folder": Field(existing_folder(state), REQUIRED),
        "attributes": Field(state.configuration.rules.host_errors, {}),
    }


def add_host(context: Context, entry: Mapping[str, Any]) -> HostConfig:
    """Add a host, or a cluster if the entry has nodes."""
    configuration = context.configuration
    folder = configuration.folder_at(entry["folder"]).path
    context.require_folder(folder)
    attributes, nodes = entry.get("attributes", {}), entry.get("nodes")
    return configuration.add_host(entry["host_name"], folder, attributes, user=context.user.name, nodes=nodes)


def _new_cluster_fields(state: SiteState) -> dict[str, Field]:
    # Checkmk refuses a cluster as a node only when nodes are changed, not when a cluster is created.
    return {**new_host_fields(state), "nodes": Field(list_of(references.existing_host(state)), REQUIRED)}


@serves("hosts", "create", BAKE, body=new_host_fields, permissions=EDIT)
@Endpoint("POST", _CLUSTERS, query=BAKE, body=_new_cluster_fields, permissions=EDIT)
def create_host(context: Context) -> Response:
    return host_answer(context, add_host(context, context.body))


def host_change_fields(state: SiteState) -> dict[str, Field]:
    return change_fields(state.configuration.rules.host_errors)


@serves("hosts", "update", body=host_change_fields, schema_check=single_change_check)
def update_host(context: Context) -> Response:
    host = existing_host(context)
    _require_etag(context, host)
    context.require("wato.edit")
    changed, absent = change_attributes(context, host, context.body)
    if absent:
        detail = f"The following attributes were not removed since they didn't exist: {', '.join(absent)}"
        raise Problem(400, "Some attributes were not removed", detail)
    return host_answer(context, changed)


def refuse_needed_parents(context: Context, deleted: Collection[str]) -> None:
    """Raise Problem 400 if a deleted host is the parent of a remaining host."""
    needed = context.configuration.parents_of_remaining_hosts(deleted)
    if needed:
        reasons = ", ".join(f"{parent} is parent of {', '.join(children)}." for parent, children in needed.items())
        raise Problem(400, "Bad Request", f"You cannot delete these hosts: {reasons}")


@serves("hosts", "delete", permissions=EDIT)
def delete_host(context: Context) -> Response:
    host = existing_host(context)
    context.require_folder(host.folder)
    refuse_needed_parents(context, [host.name])
    context.configuration.remove_host(host.name, user=context.user.name)
    return Response(status=204)


@serves(
    "hosts", "move", body=lambda state: {"target_folder": Field(existing_folder(state), REQUIRED)}, permissions=EDIT
)
def move_host(context: Context) -> Response:
    host, user = existing_host(context), context.user
    target = context.configuration.folder_at(context.body["target_folder"])
    _require_etag(context, host)
    if target.path == host.folder:
        raise Problem(400, "Invalid move action", "The host is already part of the specified target folder")
    if not (user.may_change(host.folder) and user.may_change(target.path)):
        detail = f"You lack the permissions to move host {host.name} to {folder_id(target.path)}."
        raise Problem(403, "Permission denied", detail)
    return host_answer(
        context, context.configuration.change_host(host, user=user.name, action="move-host", folder=target.path)
    )


def _cluster(context: Context) -> HostConfig:
    host = existing_host(context)
    if host.nodes is None:
        raise bad_fields({"host_name": [f"Host {host.name!r} is not a cluster host, but needs to be."]}, 404)
    return host


PATH_CHECKS[_NODES] = _cluster


def _nodes_fields(state: SiteState) -> dict[str, Field]:
    return {"nodes": Field(list_of(references.node(state)), REQUIRED)}


@Endpoint("PUT", _NODES, body=_nodes_fields, needs_etag=True, permissions=EDIT)
def set_nodes(context: Context) -> Response:
    host, nodes = _cluster(context), context.body["nodes"]
    _require_etag(context, host)
    context.require_folder(host.folder)
    context.configuration.change_host(host, user=context.user.name, nodes=nodes)
    path = _NODES.replace("<name>", host.name)
    links = [context.links.link("urn:org.restfulobjects:rels/modify", path, method="PUT")]
    # Checkmk: the answer has no ETag, although the documentation promises one.
    return json_response({"id": f"{host.name}_nodes", "value": nodes, "extensions": {}, "links": links})
