"""One host at a time, and the list of all."""

from __future__ import annotations

from typing import Any, Collection, Mapping, Optional

from werkzeug.wrappers import Response

from ...names import folder_id
from ..context import PATH_CHECKS, Context, endpoint
from ..fields import FieldsError, FieldsFilter
from ..http import Problem, bad_fields, collection, json_response, missing
from ..profile import Profile
from ..schema import REQUIRED, Field, anything, flag, listed, pattern, text
from ..state import FolderConfig, HostConfig, etag

__all__ = [
    "CHANGES",
    "applied",
    "changed_attributes",
    "existing_host",
    "host_etag",
    "host_object",
    "name_problem",
    "refuse_parents",
    "wrong_attributes",
]

HOST_NAME = pattern(r"^[-0-9a-zA-Z_.]+\Z")
FOLDER = pattern(r"^(?:(?:[~\\\/]|(?:[~\\\/][-_ \w.]+)+[~\\\/]?)|[0-9a-fA-F]{32})$")
CHANGES = {
    "attributes": Field(anything),
    "update_attributes": Field(anything),
    "remove_attributes": Field(listed(text)),
}


def existing_host(context: Context) -> HostConfig:
    """The host that the path names; Problem 404 where there is none, 403 where the user may not see it."""
    name = context.params["host_name"]
    host = context.setup.hosts.get(name)
    if host is None:
        raise missing("host_name", "Host", name)
    context.require_seen(host)
    return host


PATH_CHECKS["/objects/host_config/<host_name>"] = existing_host


def _folder(context: Context, field: str, spelling: str) -> FolderConfig:
    folder = context.setup.folder(spelling)
    if folder is None:
        raise bad_fields({field: [f"The folder {spelling!r} could not be found."]})
    return folder


def host_etag(host: HostConfig) -> str:
    """What identifies the state of a host; Checkmk leaves out its meta data."""
    return etag(host.name, dict(host.attributes), host.nodes)


def host_object(context: Context, host: HostConfig, *, links: bool = True, effective: bool = False) -> dict[str, Any]:
    """A host as the API shows it."""
    meta = {"created_at": host.created_at, "updated_at": host.updated_at, "created_by": host.created_by}
    extensions: dict[str, Any] = {
        "folder": host.folder,
        "attributes": {**host.attributes, "meta_data": meta},
        "is_cluster": host.nodes is not None,
        "is_offline": host.attributes.get("tag_criticality") == "offline",
        "cluster_nodes": None if host.nodes is None else list(host.nodes),
    }
    if effective:
        extensions["effective_attributes"] = {**context.setup.effective(host), "meta_data": meta}
    elif context.profile.effective_null:
        extensions["effective_attributes"] = None
    return {
        "domainType": "host_config",
        "id": host.name,
        "title": host.attributes.get("alias") or host.name,
        "links": _links(context, host) if links else [],
        "members": {},
        "extensions": extensions,
    }


def _links(context: Context, host: HostConfig) -> list[dict[str, Any]]:
    links = context.links
    folder = f"/objects/folder_config/{links.quoted(folder_id(host.folder))}"
    found = links.of_object(f"/objects/host_config/{host.name}")
    return [*found, links.link("urn:com.checkmk:rels/folder_config", folder, title="The folder config of the host.")]


def _answer(context: Context, host: HostConfig, *, effective: bool = False) -> Response:
    return json_response(host_object(context, host, effective=effective), etag=host_etag(host))


def name_problem(context: Context, name: str) -> Optional[list[str]]:
    """What is wrong with the name of a new host."""
    if len(name) > 240:
        return [f"host address too long: {name[:16] + '…'!r}"]
    if name in context.setup.hosts:
        return [f"Host {name!r} already exists."]
    return None


def wrong_attributes(context: Context, data: Mapping[str, Any], *, of_folder: bool = False) -> dict[str, Any]:
    """What is wrong with the attributes in a body, by the field they stand in."""
    wrong: dict[str, Any] = {}
    for kind in ("attributes", "update_attributes"):
        if kind in data:
            said = context.setup.rules.wrong(data[kind], of_folder=of_folder)
            if said:
                wrong[kind] = said
    given = [kind for kind in CHANGES if kind in data]
    if len(given) > 1:
        said = f"This endpoint only allows 1 action (set/update/remove) per call, you specified {len(given)} actions."
        wrong["_schema"] = [f"{said} {', '.join(given)}"]
    return wrong


def applied(attributes: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The attributes after a change, and the names that could not be removed for they were not there."""
    if "attributes" in data:
        return dict(data["attributes"]), []
    if "update_attributes" in data:
        return {**attributes, **data["update_attributes"]}, []
    doomed = data.get("remove_attributes", ())
    kept = {name: value for name, value in attributes.items() if name not in doomed}
    return kept, [name for name in doomed if name not in attributes]


def changed_attributes(context: Context, host: HostConfig, data: Mapping[str, Any]) -> tuple[HostConfig, list[str]]:
    """Do what a body of a change says. Checkmk: what can be removed is, even when other names cannot."""
    attributes, absent = applied(host.attributes, data)
    return context.setup.change_host(host, user=context.user.name, attributes=attributes), absent


def _list_fields(profile: Profile) -> dict[str, Field]:
    known = {
        "effective_attributes": Field(flag, False),
        "include_links": Field(flag),
        "fields": Field(text),
        "hostnames": Field(listed(HOST_NAME), repeated=True),
        "site": Field(text),
    }
    return {name: known[name] for name in profile.host_list_query}


@endpoint("GET", "/domain-types/host_config/collections/all", query=_list_fields)
def list_hosts(context: Context) -> Response:
    query = context.query
    hosts = list(context.setup.hosts.values())
    if "hostnames" in query:
        wanted = set(query["hostnames"])
        hosts = [host for host in hosts if host.name in wanted]
    if "site" in query:
        default = context.setup.site
        hosts = [host for host in hosts if context.setup.effective(host).get("site", default) == query["site"]]
    return _host_collection(context, hosts)


def _host_collection(context: Context, hosts: list[HostConfig]) -> Response:
    query, profile = context.query, context.profile
    hosts = [host for host in hosts if context.user.may_see(host.folder)]
    effective = query.get("effective_attributes", False)
    links = query.get("include_links", profile.links_by_default)
    head = {"id": "host", "domainType": "host_config", "links": [context.links.self_(context.request.path)]}
    if "fields" not in query:
        items = (host_object(context, host, links=links, effective=effective) for host in hosts)
        return collection({**head, "extensions": {}}, items)
    try:
        chosen = FieldsFilter(query["fields"])
    except FieldsError as error:
        raise bad_fields({"fields": [str(error)]}) from None
    whole = {**head, "value": [host_object(context, host, effective=True) for host in hosts], "extensions": {}}
    found = chosen.apply(whole)
    if profile.keeps_domain_type:
        found["domainType"] = "host_config"
    return json_response(found)


def _folder_hosts_fields(profile: Profile) -> dict[str, Field]:
    known = "fields" in profile.host_list_query
    return {"effective_attributes": Field(flag, False)} if known else {}


@endpoint("GET", "/objects/folder_config/<folder>/collections/hosts", query=_folder_hosts_fields)
def hosts_of_folder(context: Context) -> Response:
    folder = context.setup.folder(context.params["folder"])
    if folder is None:
        raise missing("folder", "Folder", context.params["folder"])
    return _host_collection(context, context.setup.hosts_in(folder.path))


@endpoint("GET", "/objects/host_config/<host_name>", query={"effective_attributes": Field(flag, False)})
def get_host(context: Context) -> Response:
    return _answer(context, existing_host(context), effective=context.query["effective_attributes"])


_NEW = {"host_name": Field(HOST_NAME, REQUIRED), "folder": Field(FOLDER, REQUIRED), "attributes": Field(anything)}
_BAKE = {"bake_agent": Field(flag, False)}


def _create(context: Context, nodes: Optional[tuple[str, ...]] = None) -> Response:
    body = context.body
    wrong = wrong_attributes(context, {"attributes": body.get("attributes", {})})
    said = name_problem(context, body["host_name"])
    if said:
        wrong["host_name"] = said
    if wrong:
        raise bad_fields(wrong)
    folder = _folder(context, "folder", body["folder"])
    context.require("wato.edit")
    context.require_folder(folder.path)
    attributes = body.get("attributes", {})
    host = context.setup.add_host(body["host_name"], folder.path, attributes, user=context.user.name, nodes=nodes)
    return _answer(context, host)


@endpoint("POST", "/domain-types/host_config/collections/all", query=_BAKE, body=_NEW)
def create_host(context: Context) -> Response:
    return _create(context)


_NODES = {"nodes": Field(listed(HOST_NAME), REQUIRED)}


def _existing_nodes(context: Context) -> tuple[str, ...]:
    nodes = tuple(context.body["nodes"])
    wrong = {str(i): [f"Host not found: {name!r}"] for i, name in enumerate(nodes) if name not in context.setup.hosts}
    if wrong:
        raise bad_fields({"nodes": wrong})
    return nodes


@endpoint("POST", "/domain-types/host_config/collections/clusters", query=_BAKE, body={**_NEW, **_NODES})
def create_cluster(context: Context) -> Response:
    return _create(context, _existing_nodes(context))


@endpoint("PUT", "/objects/host_config/<host_name>/properties/nodes", body=_NODES, needs_etag=True)
def set_nodes(context: Context) -> Response:
    host = existing_host(context)
    nodes = _existing_nodes(context)
    context.check_etag(host_etag(host))
    if host.nodes is None:
        raise Problem(400, "Not a cluster", f"The host {host.name!r} is not a cluster.")
    context.require("wato.edit")
    context.require_folder(host.folder)
    changed = context.setup.change_host(host, user=context.user.name, nodes=nodes)
    links = [context.links.self_(context.request.path)]
    answer = {"id": f"{host.name}_nodes", "value": list(nodes), "extensions": {}, "links": links}
    return json_response(answer, etag=host_etag(changed))


@endpoint("PUT", "/objects/host_config/<host_name>", body=CHANGES, needs_etag=True)
def update_host(context: Context) -> Response:
    host = existing_host(context)
    wrong = wrong_attributes(context, context.body)
    if wrong:
        raise bad_fields(wrong)
    context.check_etag(host_etag(host))
    context.require("wato.edit")
    context.require_folder(host.folder)
    changed, absent = changed_attributes(context, host, context.body)
    if absent:
        detail = f"The following attributes were not removed since they didn't exist: {', '.join(absent)}"
        raise Problem(400, "Some attributes were not removed", detail)
    return _answer(context, changed)


def refuse_parents(context: Context, doomed: Collection[str]) -> None:
    """Problem 400 if one of the hosts is the parent of a host that stays."""
    needed = context.setup.parents_that_stay_needed(doomed)
    if needed:
        said = ", ".join(f"{parent} is parent of {', '.join(children)}." for parent, children in needed.items())
        raise Problem(400, "Bad Request", f"You cannot delete these hosts: {said}")


@endpoint("DELETE", "/objects/host_config/<host_name>")
def delete_host(context: Context) -> Response:
    host = existing_host(context)
    context.require("wato.edit")
    context.require_folder(host.folder)
    refuse_parents(context, [host.name])
    context.setup.remove_host(host.name, user=context.user.name)
    return Response(status=204)


@endpoint(
    "POST",
    "/objects/host_config/<host_name>/actions/move/invoke",
    body={"target_folder": Field(FOLDER, REQUIRED)},
    needs_etag=True,
)
def move_host(context: Context) -> Response:
    host = existing_host(context)
    target = _folder(context, "target_folder", context.body["target_folder"])
    context.check_etag(host_etag(host))
    context.require("wato.edit")
    context.require_folder(host.folder)
    context.require_folder(target.path)
    if target.path == host.folder:
        raise Problem(400, "Invalid move action", "The host is already part of the specified target folder")
    user = context.user.name
    return _answer(context, context.setup.change_host(host, user=user, action="move-host", folder=target.path))
