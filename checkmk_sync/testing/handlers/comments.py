"""Handlers for comments."""

from __future__ import annotations

import functools
from typing import Any, Mapping

from werkzeug.wrappers import Response

from .. import selectors as select
from ..core_commands import MonitoredObject
from ..endpoints import PATH_CHECKS, Context, SiteState, serves
from ..references import existing_host
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..validation import REQUIRED, Field, boolean, choice, integer, string
from . import entries

_ONE = "/objects/comment"
_LISTS = "/domain-types/comment/collections/<"
_by_type = functools.partial(select.by_type, permission="action.addcomment")
_TEXT: select.Fields = {"comment": Field(string, REQUIRED), "persistent": Field(boolean, False)}


def _check_id(context: Context) -> None:
    if not context.params["key"].isdigit():
        raise bad_fields({"comment_id": ["Not a valid integer."]}, 404)


def _check_collection(context: Context) -> None:
    errors = choice("host", "service", "all")(context.params["collection_name"])
    if errors:
        raise bad_fields({"collection_name": errors}, 404)


PATH_CHECKS.update({_ONE: _check_id, _LISTS: _check_collection})


def _on_hosts(state: SiteState) -> Mapping[str, select.Fields]:
    return {
        "host": {"host_name": Field(existing_host(state), REQUIRED)},
        # CHECKMK_API_MORE: the query is not declared as required, and Checkmk crashes without it.
        "host_by_query": {"query": Field(select.query_field("hosts")(state).check)},
    }


def _on_services(state: SiteState) -> Mapping[str, select.Fields]:
    host, service = Field(existing_host(state), REQUIRED), Field(string, REQUIRED)
    return {
        "service": {"host_name": host, "service_description": service},
        "service_by_query": {"query": select.query_field("services")(state)},
    }


@serves("comments", "on_hosts", **_by_type("comment_type", _on_hosts, _TEXT))
def add_host_comment(context: Context) -> Response:
    if context.body["comment_type"] == "host":
        return _add(context, [(context.body["host_name"], "")])
    return _add(context, select.matching(context, "hosts"), "The query did not match any host")


@serves("comments", "on_services", **_by_type("comment_type", _on_services, _TEXT))
def add_service_comment(context: Context) -> Response:
    body = context.body
    if body["comment_type"] == "service":
        return _add(context, [(body["host_name"], body["service_description"])])
    return _add(context, select.matching(context, "services"), "The query did not match any service names")


def _add(context: Context, targets: list[MonitoredObject], title: str = "") -> Response:
    if not targets:
        raise Problem(400, title, "The provided query returned an empty list so no comment was created")
    values = {**select.texts(context), "persistent": int(context.body["persistent"])}
    add = context.state.monitoring.commands.add_comment
    return select.handed_over(context, lambda: [add(target, values) for target in targets])


@serves("comments", "list", lambda state: entries.list_fields(state, "comments"))
def list_comments(context: Context) -> Response:
    kind = context.params["collection_name"]
    # Checkmk: here, the name of a service is compared exactly.
    names = [("=", name, context.query.get(name)) for name in ("host_name", "service_description")]
    is_service = {"all": None, "host": "0", "service": "1"}[kind]
    rows = entries.selected(context, "comments", *names, ("=", "is_service", is_service))
    link = context.links.self_(f"/domain-types/comment/collections/{kind}")
    return collection("comment", link, [_item(context, row) for row in rows])


@serves("comments", "get", entries.one_fields)
def get_comment(context: Context) -> Response:
    return json_response(_item(context, entries.one(context, "comments")))


def _item(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    flags = {name: bool(row[name]) for name in ("persistent", "is_service")}
    time = select.iso_time(row["entry_time"])
    extensions = {**entries.extensions(row), **flags, "id": row["id"], "entry_time": time}
    path = f"{_ONE}/{row['id']}"
    links = [context.links.self_(path), entries.delete_link(context.links, path, "DELETE")]
    return domain_object("comment", str(row["id"]), row["comment"], links, extensions)


def _selectors(state: SiteState) -> Mapping[str, select.Fields]:
    kinds = entries.selectors(state, "comments", integer)
    more = {} if state.profile.version.at_least("2.3.0b1") else entries.one_fields(state)
    return {kind: {**fields, **more} for kind, fields in kinds.items()}


@serves("comments", "delete", **{**_by_type("delete_type", _selectors, {}), "takes_lock": True})
def delete_comments(context: Context) -> Response:
    ids = entries.ids(entries.chosen(context, "comments", context.body["delete_type"]))
    return select.handed_over(context, lambda: context.state.monitoring.commands.remove("comments", ids))
