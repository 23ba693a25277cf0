"""Folders."""

from __future__ import annotations

import re
from typing import Any, Mapping

from werkzeug.wrappers import Response

from ...names import folder_id, parent_folder
from ..context import PATH_CHECKS, Context, endpoint
from ..http import Problem, bad_fields, collection, json_response, missing
from ..profile import Profile
from ..schema import REQUIRED, Field, anything, choice, flag, listed, messages, nonempty, pattern, text
from ..state import FolderConfig, etag
from .hosts import CHANGES, FOLDER, applied, refuse_parents, wrong_attributes

__all__: list[str] = []

_ALL = "/domain-types/folder_config/collections/all"
_ONE = "/objects/folder_config/<folder>"
_NAME = pattern(r"^[-\w]*\Z", least=1)


def _folder(context: Context) -> FolderConfig:
    spelling = context.params["folder"]
    folder = context.setup.folder(spelling)
    if folder is None:
        raise missing("folder", "Folder", spelling)
    return folder


PATH_CHECKS[_ONE] = _folder


def folder_etag(folder: FolderConfig) -> str:
    return etag(folder.path, folder.title, dict(folder.attributes), folder.updated_at)


def _object(context: Context, folder: FolderConfig, *, show_hosts: bool = False) -> dict[str, Any]:
    links = context.links
    path = f"/objects/folder_config/{links.quoted(folder_id(folder.path))}"
    meta = {"created_at": folder.created_at, "updated_at": folder.updated_at, "created_by": folder.created_by}
    members: dict[str, Any] = {}
    if show_hosts:
        rel = 'urn:org.restfulobjects:rels/value;collection="all"'
        hosts = context.setup.hosts_in(folder.path)
        members["hosts"] = {
            "id": "hosts",
            "memberType": "collection",
            "links": [links.self_(f"{path}/collections/hosts")],
            "value": [links.link(rel, f"/objects/host_config/{host.name}", title=host.name) for host in hosts],
        }
    return {
        "domainType": "folder_config",
        "id": folder_id(folder.path),
        "title": folder.title,
        "links": links.of_object(path, deletable=folder.path != "/"),
        "members": members,
        "extensions": {"path": folder.path, "attributes": {**folder.attributes, "meta_data": meta}},
    }


def _answer(context: Context, folder: FolderConfig, *, show_hosts: bool = False) -> Response:
    return json_response(_object(context, folder, show_hosts=show_hosts), etag=folder_etag(folder))


_LISTED = {"parent": Field(FOLDER, "~"), "recursive": Field(flag, False), "show_hosts": Field(flag, False)}


@endpoint("GET", _ALL, query=_LISTED)
def list_folders(context: Context) -> Response:
    query = context.query
    parent = context.setup.folder(query["parent"])
    if parent is None:
        raise bad_fields({"parent": [f"The folder {query['parent']!r} could not be found."]})
    found = [
        *([parent] if query["recursive"] else []),
        *context.setup.subfolders(parent.path, recursive=query["recursive"]),
    ]
    head = {"id": "all", "domainType": "folder_config", "links": [context.links.self_(_ALL)], "extensions": {}}
    return collection(head, (_object(context, folder, show_hosts=query["show_hosts"]) for folder in found))


@endpoint("GET", _ONE, query={"show_hosts": Field(flag, False)})
def get_folder(context: Context) -> Response:
    return _answer(context, _folder(context), show_hosts=context.query["show_hosts"])


_NEW = {
    "name": Field(_NAME),
    "title": Field(text, REQUIRED),
    "parent": Field(FOLDER, REQUIRED),
    "attributes": Field(anything),
}


@endpoint("POST", _ALL, body=_NEW)
def create_folder(context: Context) -> Response:
    body, setup = context.body, context.setup
    wrong = wrong_attributes(context, {"attributes": body.get("attributes", {})}, of_folder=True)
    parent = setup.folder(body["parent"])
    if parent is None:
        wrong["parent"] = [f"The folder {body['parent']!r} could not be found."]
    if wrong or parent is None:
        raise bad_fields(wrong)
    context.require("wato.edit")
    context.require_folder(parent.path)
    name = body.get("name") or _derived_name(context, parent.path, body["title"])
    path = f"{parent.path.rstrip('/')}/{name}"
    if path in setup.folders:
        raise Problem(400, "Path already exists", f"A folder with name {name!r} already exists.")
    attributes = body.get("attributes", {})
    return _answer(context, setup.add_folder(path, body["title"], attributes, None, user=context.user.name))


def _derived_name(context: Context, parent: str, title: str) -> str:
    base = re.sub(r"[^-\w]", "_", title.lower()) or "folder"
    name, number = base, 1
    while f"{parent.rstrip('/')}/{name}" in context.setup.folders:
        number += 1
        name = f"{base}-{number}"
    return name


def _change(context: Context, folder: FolderConfig, data: Mapping[str, Any]) -> FolderConfig:
    """Checkmk: unlike a host, a folder is not changed at all when a name cannot be removed."""
    attributes, absent = applied(folder.attributes, data)
    if absent:
        detail = f"The following attributes did not exist and could therefore not be removed: {', '.join(absent)}"
        raise Problem(400, "The folder was not updated", detail)
    changes: dict[str, Any] = {"attributes": attributes}
    if "title" in data:
        changes["title"] = data["title"]
    return context.setup.change_folder(folder, user=context.user.name, **changes)


@endpoint("PUT", _ONE, body={"title": Field(nonempty), **CHANGES}, needs_etag=True)
def update_folder(context: Context) -> Response:
    folder = _folder(context)
    wrong = wrong_attributes(context, context.body, of_folder=True)
    if wrong:
        raise bad_fields(wrong)
    context.check_etag(folder_etag(folder))
    context.require("wato.edit")
    context.require_folder(folder.path)
    return _answer(context, _change(context, folder, context.body))


_CHANGED = {"folder": Field(FOLDER, REQUIRED), "title": Field(nonempty), **CHANGES}


@endpoint(
    "PUT",
    "/domain-types/folder_config/actions/bulk-update/invoke",
    body={"entries": Field(listed(anything), REQUIRED)},
)
def bulk_update_folders(context: Context) -> Response:
    wrong: dict[str, Any] = {}
    for index, entry in enumerate(context.body["entries"]):
        said = messages(_CHANGED, entry) or wrong_attributes(context, entry, of_folder=True)
        if not said and context.setup.folder(entry["folder"]) is None:
            said = {"folder": [f"The folder {entry['folder']!r} could not be found."]}
        if said:
            wrong[str(index)] = said
    if wrong:
        raise bad_fields({"entries": wrong})
    context.require("wato.edit")
    done, failed = [], []
    for entry in context.body["entries"]:
        folder = context.setup.folder(entry["folder"])
        assert folder is not None
        context.require_folder(folder.path)
        try:
            done.append(_object(context, _change(context, folder, entry)))
        except Problem:
            failed.append(folder.title)
    if failed:
        detail = f"The following folders were not updated: {', '.join(failed)}"
        raise Problem(400, "Some folders were not updated", detail)
    return json_response({"id": "all", "domainType": "folder_config", "value": done, "links": [], "extensions": {}})


@endpoint("POST", f"{_ONE}/actions/move/invoke", body={"destination": Field(FOLDER, REQUIRED)}, needs_etag=True)
def move_folder(context: Context) -> Response:
    folder = _folder(context)
    target = context.setup.folder(context.body["destination"])
    if target is None:
        raise bad_fields({"destination": [f"The folder {context.body['destination']!r} could not be found."]})
    context.check_etag(folder_etag(folder))
    context.require("wato.edit")
    context.require_folder(folder.path)
    context.require_folder(target.path)
    into_itself = (target.path + "/").startswith(folder.path + "/")
    name_taken = f"{target.path.rstrip('/')}/{folder.name}" in context.setup.folders
    if folder.path == "/" or into_itself or parent_folder(folder.path) == target.path or name_taken:
        detail = f"The folder {folder.path} cannot be moved to {target.path}"
        raise Problem(400, "Problem moving folder.", detail)
    return _answer(context, context.setup.move_folder(folder.path, target.path, user=context.user.name))


def _delete_fields(profile: Profile) -> dict[str, Field]:
    mode = Field(choice("recursive", "abort_on_nonempty"), "recursive")
    return {"delete_mode": mode} if profile.has_delete_mode else {}


@endpoint("DELETE", _ONE, query=_delete_fields)
def delete_folder(context: Context) -> Response:
    folder, setup = _folder(context), context.setup
    if folder.path == "/":
        raise Problem(401, "Problem deleting folder.", "Deleting the root folder is not permitted.")
    context.require("wato.edit")
    context.require_folder(folder.path)
    holds_something = setup.hosts_in(folder.path) or any(setup.subfolders(folder.path, recursive=False))
    if context.query.get("delete_mode") == "abort_on_nonempty" and holds_something:
        raise Problem(409, "Problem deleting folder.", "The folder is not empty, or something refers to it.")
    refuse_parents(context, [host.name for host in setup.hosts_in(folder.path, recursive=True)])
    setup.remove_folder(folder.path, user=context.user.name)
    return Response(status=204)
