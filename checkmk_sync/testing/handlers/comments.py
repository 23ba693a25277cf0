"""Handlers for comments."""

from __future__ import annotations

import functools
from typing import Any, Callable, Mapping

from werkzeug.wrappers import Response

from .. import selectors as select
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


def _kinds(kind: str, names: select.Fields) -> Callable[[SiteState], Mapping[str, select.Fields]]:
    def kinds(state: SiteState) -> Mapping[str, select.Fields]:
        found = select.target_kinds(state, kind, existing_host(state), names)
        del found[f"{kind}group"]  # there are no comments for groups
        if kind == "host":
            # CHECKMK_API_MORE: the query is not declared as required, and Checkmk crashes without it.
            found["host_by_query"] = {"query": Field(found["host_by_query"]["query"].check)}
        return found

    return kinds


_SERVICE = {"service_description": Field(string, REQUIRED)}
_NOTHING = {"host_by_query": "any host", "service_by_query": "any service names"}


@serves("comments", "on_hosts", **_by_type("comment_type", _kinds("host", {}), _TEXT))
@serves("comments", "on_services", **_by_type("comment_type", _kinds("service", _SERVICE), _TEXT))
def add_comments(context: Context) -> Response:
    targets = select.targets_of(context, context.body["comment_type"])
    if not targets:
        title = f"The query did not match {_NOTHING[context.body['comment_type']]}"
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
