"""Handlers for folders."""

from __future__ import annotations

import re
from typing import Any, Mapping

from werkzeug.wrappers import Response

from ...catalogue.paths import folder_id
from ..configuration import FolderConfig, etag
from ..endpoints import EDIT, PATH_CHECKS, Context, Endpoint, SiteState, serves
from ..references import existing_folder
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..validation import REQUIRED, Field, boolean, choice, list_of, nonempty_string, object_with, pattern, string
from .changes import attributes_after, change_fields, single_change_check
from .hosts import host_collection, refuse_needed_parents

_ALL = "/domain-types/folder_config/collections/all"
_NAME = pattern(r"^[-\w]*\Z", nonempty_string)
# Both texts are copied from Checkmk, including the missing blank.
_ABSENT = "The following attributes did not exist and could thereforenot be removed: {}"
_ABSENT_IN_SOME = (
    "The following folders were not updated since some of the provided remove attributes did not exist: {}"
)


def _folder(context: Context) -> FolderConfig:
    spelling = context.params["folder"]
    errors = existing_folder(context.state)(spelling)
    if errors:
        raise bad_fields({"folder": errors}, 404)
    return context.configuration.folder_at(spelling)


PATH_CHECKS["/objects/folder_config/<folder>"] = _folder


def folder_etag(context: Context, folder: FolderConfig) -> str:
    """Return the ETag of a folder."""
    # Checkmk: the ETag includes the names of the folder's hosts, but the title only through the update time.
    hosts = [host.name for host in context.configuration.hosts_in(folder.path)]
    return etag(folder.path, dict(folder.attributes), folder.updated_at, hosts)


def _object(context: Context, folder: FolderConfig, *, show_hosts: bool = False) -> dict[str, Any]:
    links = context.links
    path = f"/objects/folder_config/{links.quoted(folder_id(folder.path))}"
    members: dict[str, Any] = {}
    if show_hosts:
        rel = 'urn:org.restfulobjects:rels/value;collection="all"'
        hosts = context.configuration.hosts_in(folder.path)
        members["hosts"] = {
            "id": "hosts",
            "memberType": "collection",
            "links": [links.self_(f"{path}/collections/hosts")],
            "value": [links.link(rel, f"/objects/host_config/{host.name}", title=host.name) for host in hosts],
        }
    extensions = {"path": folder.path, "attributes": {**folder.attributes, "meta_data": folder.meta_data}}
    own_links = links.of_object(path, deletable=folder.path != "/")
    return domain_object("folder_config", folder_id(folder.path), folder.title, own_links, extensions, members)


def _answer(context: Context, folder: FolderConfig, *, show_hosts: bool = False) -> Response:
    return json_response(_object(context, folder, show_hosts=show_hosts), etag=folder_etag(context, folder))


def _list_fields(state: SiteState) -> dict[str, Field]:
    return {
        "parent": Field(existing_folder(state), "~"),
        "recursive": Field(boolean, False),
        "show_hosts": Field(boolean, False),
    }


@serves("folders", "list", _list_fields)
def list_folders(context: Context) -> Response:
    query = context.query
    parent = context.configuration.folder_at(query["parent"])
    subfolders = context.configuration.subfolders(parent.path, recursive=query["recursive"])
    folders = [*([parent] if query["recursive"] else []), *subfolders]
    items = (_object(context, folder, show_hosts=query["show_hosts"]) for folder in folders)
    return collection("folder_config", context.links.self_(_ALL), items)


@serves("folders", "get", {"show_hosts": Field(boolean, False)})
def get_folder(context: Context) -> Response:
    return _answer(context, _folder(context), show_hosts=context.query["show_hosts"])


@serves("folders", "hosts", {"effective_attributes": Field(boolean, False)})
def hosts_of_folder(context: Context) -> Response:
    return host_collection(context, context.configuration.hosts_in(_folder(context).path))


def _new_fields(state: SiteState) -> dict[str, Field]:
    return {
        "name": Field(_NAME),
        "title": Field(string, REQUIRED),
        "parent": Field(existing_folder(state), REQUIRED),
        "attributes": Field(state.configuration.rules.folder_errors, {}),
    }


@serves("folders", "create", body=_new_fields, permissions=EDIT)
def create_folder(context: Context) -> Response:
    body, configuration = context.body, context.configuration
    parent = configuration.folder_at(body["parent"])
    context.require_folder(parent.path)
    name = body.get("name") or _derived_name(context, parent.path, body["title"])
    path = f"{parent.path.rstrip('/')}/{name}"
    if path in configuration.folders:
        raise Problem(400, "A problem occured.", f"A folder with name {name!r} already exists.")
    return _answer(context, configuration.add_folder(path, body["title"], body["attributes"], user=context.user.name))


def _derived_name(context: Context, parent: str, title: str) -> str:
    base = re.sub(r"[^-\w]", "_", title.lower()) or "folder"
    name, number = base, 1
    while f"{parent.rstrip('/')}/{name}" in context.configuration.folders:
        number += 1
        name = f"{base}-{number}"
    return name


def _changed(context: Context, folder: FolderConfig, data: Mapping[str, Any]) -> tuple[FolderConfig, list[str]]:
    """Return the folder after a change, and the attributes to remove that were absent."""
    attributes, absent = attributes_after(folder.attributes, data)
    if absent:  # Checkmk: unlike a host, the folder stays unchanged
        return folder, absent
    title = data.get("title", folder.title)
    return context.configuration.change_folder(folder, user=context.user.name, attributes=attributes, title=title), []


def _change_fields(state: SiteState) -> dict[str, Field]:
    return {"title": Field(nonempty_string), **change_fields(state.configuration.rules.folder_errors)}


@serves("folders", "update", body=_change_fields, schema_check=single_change_check, permissions=EDIT)
def update_folder(context: Context) -> Response:
    folder = _folder(context)
    context.check_etag(folder_etag(context, folder))
    context.require_folder(folder.path)
    changed, absent = _changed(context, folder, context.body)
    if absent:
        raise Problem(400, "The folder was not updated", _ABSENT.format(", ".join(absent)))
    return _answer(context, changed)


def _bulk_change_fields(state: SiteState) -> dict[str, Field]:
    fields = {"folder": Field(existing_folder(state), REQUIRED), **_change_fields(state)}
    return {"entries": Field(list_of(object_with(fields, single_change_check(state))), REQUIRED)}


@Endpoint("PUT", "/domain-types/folder_config/actions/bulk-update/invoke", body=_bulk_change_fields, permissions=EDIT)
def bulk_update_folders(context: Context) -> Response:
    done, failed = [], []
    for entry in context.body["entries"]:
        folder = context.configuration.folder_at(entry["folder"])
        context.require_folder(folder.path)
        changed, absent = _changed(context, folder, entry)
        if absent:
            failed.append(entry.get("title", folder.title))
        else:
            done.append(_object(context, changed))
    if failed:
        raise Problem(400, "Some folders were not updated", _ABSENT_IN_SOME.format(", ".join(failed)))
    return collection("folder_config", context.links.self_(_ALL), done)


@serves(
    "folders", "move", body=lambda state: {"destination": Field(existing_folder(state), REQUIRED)}, permissions=EDIT
)
def move_folder(context: Context) -> Response:
    folder, target = _folder(context), context.configuration.folder_at(context.body["destination"])
    context.check_etag(folder_etag(context, folder))
    if folder.path == "/":
        raise Problem(400, "Problem moving folder", "You can't move the root folder.")
    context.require_folder(folder.path)
    context.require_folder(target.path)
    refusal = _move_refusal(context, folder, target)
    if refusal:
        raise Problem(400, "Problem moving folder.", f"Cannot move folder: A folder {refusal}")
    return _answer(context, context.configuration.move_folder(folder.path, target.path, user=context.user.name))


def _move_refusal(context: Context, folder: FolderConfig, target: FolderConfig) -> str:
    if f"{target.path.rstrip('/')}/{folder.name}" in context.configuration.folders:
        return "with this name already exists in the target folder."  # also if the target is the parent of the folder
    if target.path == folder.path:
        return "can not be moved into itself."
    return "can not be moved to a folder within itself." if target.path.startswith(f"{folder.path}/") else ""


@serves("folders", "delete", {"delete_mode": Field(choice("recursive", "abort_on_nonempty"), "recursive")})
def delete_folder(context: Context) -> Response:
    folder, configuration = _folder(context), context.configuration
    if folder.path == "/":
        raise Problem(401, "Problem deleting folder.", "Deleting the root folder is not permitted.")
    context.require("wato.edit")
    context.require_folder(folder.path)
    if context.query.get("delete_mode") == "abort_on_nonempty" and not configuration.is_empty(folder.path):
        detail = "Folder is not empty or is referenced by another object. Use the force parameter to delete it."
        raise Problem(409, "Problem deleting folder.", detail)
    refuse_needed_parents(context, [host.name for host in configuration.hosts_in(folder.path, recursive=True)])
    configuration.remove_folder(folder.path, user=context.user.name)
    return Response(status=204)
