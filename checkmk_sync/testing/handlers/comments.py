"""Handlers for comments."""

from __future__ import annotations

from typing import Any, Mapping

from werkzeug.wrappers import Response

from ..columns import TABLES
from ..core_commands import MonitoredObject
from ..endpoints import PATH_CHECKS, Context, SiteState, serves
from ..host_attributes import HOST_NAME
from ..livestatus import compile_query
from ..references import existing_host, existing_site
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..selectors import Fields, by_type, iso_time, matching, one_line, query_field
from ..validation import REQUIRED, Field, boolean, choice, integer, list_of, string

_ONE = "/objects/comment"
_LISTS = "/domain-types/comment/collections/<"
_PERMISSION = "action.addcomment"
_TEXT: Fields = {"comment": Field(string, REQUIRED), "persistent": Field(boolean, False)}


def _check_id(context: Context) -> None:
    if not context.params["key"].isdigit():
        raise bad_fields({"comment_id": ["Not a valid integer."]}, 404)


def _check_collection(context: Context) -> None:
    errors = choice("host", "service", "all")(context.params["collection_name"])
    if errors:
        raise bad_fields({"collection_name": errors}, 404)


PATH_CHECKS.update({_ONE: _check_id, _LISTS: _check_collection})


def _on_hosts(state: SiteState) -> Mapping[str, Fields]:
    return {
        "host": {"host_name": Field(existing_host(state), REQUIRED)},
        # CHECKMK_API_MORE: the query is not declared as required, and Checkmk crashes without it.
        "host_by_query": {"query": Field(query_field("hosts")(state).check)},
    }


def _on_services(state: SiteState) -> Mapping[str, Fields]:
    host, service = Field(existing_host(state), REQUIRED), Field(string, REQUIRED)
    return {
        "service": {"host_name": host, "service_description": service},
        "service_by_query": {"query": query_field("services")(state)},
    }


@serves("comments", "on_hosts", **by_type("comment_type", _on_hosts, _TEXT, _PERMISSION))
def add_host_comment(context: Context) -> Response:
    if context.body["comment_type"] == "host":
        return _add(context, [(context.body["host_name"], "")])
    return _add(context, matching(context, "hosts"), "The query did not match any host")


@serves("comments", "on_services", **by_type("comment_type", _on_services, _TEXT, _PERMISSION))
def add_service_comment(context: Context) -> Response:
    body = context.body
    if body["comment_type"] == "service":
        return _add(context, [(body["host_name"], body["service_description"])])
    return _add(context, matching(context, "services"), "The query did not match any service names")


def _add(context: Context, targets: list[MonitoredObject], title: str = "") -> Response:
    if not targets:
        raise Problem(400, title, "The provided query returned an empty list so no comment was created")
    body, commands = context.body, context.state.monitoring.commands

    def add() -> None:
        for target in targets:
            values = {"persistent": int(body["persistent"])}
            commands.add_comment(target, context.user.name, one_line(body["comment"]), values)

    commands.submit(add)
    return Response(status=204)


def _list_fields(state: SiteState) -> Fields:
    return {
        "host_name": Field(HOST_NAME),
        "service_description": Field(string),
        "query": Field(query_field("comments")(state).check),
        "site_id": Field(existing_site(state)),
    }


@serves("comments", "list", _list_fields)
def list_comments(context: Context) -> Response:
    query, kind = context.query, context.params["collection_name"]
    rows = _matching(context, query.get("query"), query.get("site_id"))
    # Checkmk: here, the name of a service is compared exactly.
    for name in ("host_name", "service_description"):
        rows = [row for row in rows if query.get(name) in (None, row[name])]
    wanted = {"all": (0, 1), "host": (0,), "service": (1,)}[kind]
    link = context.links.self_(f"/domain-types/comment/collections/{kind}")
    return collection("comment", link, [_item(context, row) for row in rows if row["is_service"] in wanted])


@serves("comments", "get", lambda state: {"site_id": Field(existing_site(state), REQUIRED)})
def get_comment(context: Context) -> Response:
    ident = context.params["key"]
    found = [row for row in _matching(context, None, context.query["site_id"]) if row["id"] == int(ident)]
    if not found:
        detail = f"The comment id {ident} did not match any comment"
        raise Problem(404, "The requested comment was not found", detail)
    return json_response(_item(context, found[0]))


def _matching(context: Context, query: Any, site: Any = None) -> list[Mapping[str, Any]]:
    matches = compile_query(query, "comments", TABLES["comments"])
    return [
        row for row in filter(matches, context.state.monitoring.command_rows("comments")) if site in (None, row["site"])
    ]


def _item(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    ident = str(row["id"])
    extensions = {
        "host_name": row["host_name"],
        "id": row["id"],
        "author": row["author"],
        "comment": row["comment"],
        "persistent": bool(row["persistent"]),
        "entry_time": iso_time(row["entry_time"]),
        "is_service": bool(row["is_service"]),
        "site_id": row["site"],
    }
    if row["is_service"]:
        extensions["service_description"] = row["service_description"]
    path = f"{_ONE}/{ident}"
    links = [context.links.self_(path), context.links.link("urn:org.restfulobjects:rels/delete", path, method="DELETE")]
    return domain_object("comment", ident, row["comment"], links, extensions)


def _selectors(state: SiteState) -> Mapping[str, Fields]:
    site = Field(existing_site(state), REQUIRED)
    kinds: dict[str, Fields] = {
        "by_id": {"comment_id": Field(integer, REQUIRED), "site_id": site},
        "query": {"query": query_field("comments")(state)},
        "params": {"host_name": Field(HOST_NAME, REQUIRED), "service_descriptions": Field(list_of(string))},
    }
    needs_site = not state.profile.version.at_least("2.3.0b1")
    return {kind: {**fields, "site_id": site} if needs_site else fields for kind, fields in kinds.items()}


@serves("comments", "delete", **{**by_type("delete_type", _selectors, {}, _PERMISSION), "takes_lock": True})
def delete_comments(context: Context) -> Response:
    body, commands = context.body, context.state.monitoring.commands
    rows = _matching(context, body.get("query"), body.get("site_id"))
    if body["delete_type"] == "by_id":
        rows = [row for row in rows if row["id"] == body["comment_id"]]
    elif body["delete_type"] == "params":
        # CHECKMK_API_MORE: without services, this includes the comments of all services of the host.
        names = body.get("service_descriptions")
        rows = [row for row in rows if row["host_name"] == body["host_name"]]
        rows = [row for row in rows if not names or row["service_description"] in names]
    chosen = [(row["site"], row["id"]) for row in rows]
    commands.submit(lambda: commands.remove("comments", chosen))
    return Response(status=204)
