"""Handlers for downtimes."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from werkzeug.wrappers import Response

from ..columns import TABLES
from ..core_commands import RECURRENCES, MonitoredObject, Row
from ..endpoints import Context, SiteState, serves
from ..host_attributes import HOST_NAME
from ..livestatus import compile_query
from ..references import existing_site
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..selectors import (
    Fields,
    by_type,
    existing_group,
    iso_time,
    matching,
    moment,
    monitored_host,
    nothing_found,
    one_line,
    query_field,
    unix_time,
)
from ..validation import (
    REQUIRED,
    Check,
    Field,
    choice,
    integer,
    integer_between,
    list_of,
    object_by_type,
    string,
    unique,
)

_LIST = "/domain-types/downtime/collections/all"
_DELETE = "/domain-types/downtime/actions/delete/invoke"
_PERMISSION = "action.downtimes"
_WHEN: Fields = {
    "start_time": Field(moment, REQUIRED),
    "end_time": Field(moment, REQUIRED),
    "recur": Field(choice(*RECURRENCES), "fixed"),
    "duration": Field(integer_between(0), 0),
    "comment": Field(string),
}


def _on_hosts(state: SiteState) -> Mapping[str, Fields]:
    return {
        "host": {"host_name": Field(monitored_host(state), REQUIRED)},
        "hostgroup": {"hostgroup_name": existing_group("host")(state)},
        "host_by_query": {"query": query_field("hosts")(state)},
    }


def _on_services(state: SiteState) -> Mapping[str, Fields]:
    names = {"service_descriptions": Field(unique(list_of(string)), REQUIRED)}
    return {
        # CHECKMK_API_MORE: only the services must be monitored.
        "service": {"host_name": Field(HOST_NAME, REQUIRED), **names},
        "servicegroup": {"servicegroup_name": existing_group("service")(state)},
        "service_by_query": {"query": query_field("services")(state)},
    }


@serves("downtimes", "on_hosts", **by_type("downtime_type", _on_hosts, _WHEN, _PERMISSION))
def create_host_downtime(context: Context) -> Response:
    body, kind = context.body, context.body["downtime_type"]
    if kind == "host":
        return _create(context, [(body["host_name"], "")], f"Downtime for host {body['host_name']!r}")
    if kind == "hostgroup":
        return _create_for_group(context, "host", body["hostgroup_name"])
    found = matching(context, "hosts")
    return _create(context, found, f"Downtime for hosts {', '.join(host for host, _ in found)}", "host")


@serves("downtimes", "on_services", **by_type("downtime_type", _on_services, _WHEN, _PERMISSION))
def create_service_downtime(context: Context) -> Response:
    body, kind = context.body, context.body["downtime_type"]
    if kind == "servicegroup":
        return _create_for_group(context, "service", body["servicegroup_name"])
    if kind == "service_by_query":
        found = matching(context, "services")
        return _create(context, found, f"Downtime for service {', '.join('@'.join(o[::-1]) for o in found)}", "service")
    host, names = body["host_name"], body["service_descriptions"]
    # CHECKMK_API_MORE: services that are not monitored are ignored, as long as one of them is.
    found = [(host, name) for name in names if context.state.monitoring.find((host, name))]
    if not found:
        raise nothing_found(f"Cannot find the requested resource: {names}")
    return _create(context, found, f"Downtime for services {', '.join(names)!r}@{host!r}")


def _create_for_group(context: Context, kind: str, name: str) -> Response:
    members = context.state.monitoring.group_members(f"{kind}groups", name)
    if not members:
        raise nothing_found(f"Cannot find {kind}s for {kind} group: {name}")
    return _create(context, members, f"Downtime for {kind}group {name!r}")


def _create(context: Context, targets: list[MonitoredObject], text: str, queried: str = "") -> Response:
    if queried and not targets:
        detail = "The provided query returned an empty list so no downtime was set"
        raise Problem(422, f"Query did not match any {queried}", detail)
    body, commands = context.body, context.state.monitoring.commands
    start, end = unix_time(body["start_time"]), unix_time(body["end_time"])
    if end <= start:
        raise bad_fields({"end_time": ["The end time must be after the start time."]})
    values = {
        "start_time": start,
        "end_time": end,
        "recurring": RECURRENCES[body["recur"]],
        "fixed": int(not body["duration"]),
        "duration": body["duration"] * 60,
    }
    comment = one_line(body.get("comment") or text)

    def schedule() -> None:
        for target in targets:
            commands.add_downtime(target, context.user.name, comment, values)

    commands.submit(schedule)
    return Response(status=204)


def _list_fields(state: SiteState) -> Fields:
    return {
        "host_name": Field(HOST_NAME),
        "service_description": Field(string),
        "downtime_type": Field(choice("host", "service", "both"), "both"),
        "query": Field(query_field("downtimes")(state).check),
        "site_id": Field(existing_site(state)),
    }


@serves("downtimes", "list", _list_fields)
def list_downtimes(context: Context) -> Response:
    query = context.query
    parts = [("=", "host_name", query.get("host_name")), ("~", "service_description", query.get("service_description"))]
    parts.append(("=", "is_service", {"both": None, "host": "0", "service": "1"}[query["downtime_type"]]))
    rows = _selected(context, _all_of(parts, query.get("query")), query.get("site_id"))
    return collection("downtime", context.links.self_(_LIST), [_item(context, row) for row in rows])


@serves("downtimes", "get", lambda state: {"site_id": Field(existing_site(state), REQUIRED)})
def get_downtime(context: Context) -> Response:
    ident = context.params["key"]
    found = [row for row in _selected(context, None, context.query["site_id"]) if str(row["id"]) == ident]
    if not found:
        detail = f"The downtime id {ident} did not match any downtime"
        raise Problem(404, "The requested downtime was not found", detail)
    return json_response(_item(context, found[0]))


def _selected(context: Context, matches: Any, site: Any = None) -> list[Mapping[str, Any]]:
    rows = filter(matches, context.state.monitoring.command_rows("downtimes"))
    return [row for row in rows if site in (None, row["site"])]


def _all_of(parts: list[tuple[str, str, Any]], query: Any = None) -> Any:
    """Return the predicate of comparisons, of which those with None do not count, and of a query."""
    wanted = [{"op": op, "left": column, "right": value} for op, column, value in parts if value is not None]
    own = compile_query({"op": "and", "expr": wanted} if wanted else {}, "downtimes", TABLES["downtimes"])
    given = compile_query(query, "downtimes", TABLES["downtimes"])
    tests = [test for test in (own, given) if test is not None]
    return lambda row: all(test(row) for test in tests)


def _item(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    ident, profile = str(row["id"]), context.profile
    flag: Callable[[int], Any] = bool if profile.downtimes_have_booleans else lambda value: "yes" if value else "no"
    extensions = {
        "site_id": row["site"],
        "host_name": row["host_name"],
        "author": row["author"],
        "is_service": flag(row["is_service"]),
        "start_time": iso_time(row["start_time"]),
        "end_time": iso_time(row["end_time"]),
        "recurring": flag(row["recurring"]),
        "comment": row["comment"],
    }
    if row["is_service"]:
        extensions["service_description"] = row["service_description"]
    if profile.shows_downtime_mode:
        minutes = {"type": "flexible", "duration_minutes": row["duration"] // 60}
        extensions["mode"] = {"type": "fixed"} if row["fixed"] else minutes
    links = [context.links.self_(f"/objects/downtime/{ident}?site_id={row['site']}")]
    delete = context.links.link("urn:org.restfulobjects:rels/delete", _DELETE, method="POST")
    links.append({**delete, "body_params": {"delete_type": "by_id", "downtime_id": ident, "site_id": row["site"]}})
    of = f"service: {row['service_description']}" if row["is_service"] else f"host: {row['host_name']}"
    return domain_object("downtime", ident, f"Downtime for {of}", links, extensions)


def _selectors(state: SiteState) -> Mapping[str, Fields]:
    kinds: dict[str, Fields] = {
        "by_id": {"downtime_id": Field(string, REQUIRED), "site_id": Field(existing_site(state), REQUIRED)},
        "params": {"host_name": Field(HOST_NAME, REQUIRED), "service_descriptions": Field(list_of(string))},
        "query": {"query": query_field("downtimes")(state)},
    }
    if state.profile.version.at_least("2.4.0b1"):
        kinds["hostgroup"] = {"hostgroup_name": existing_group("host")(state)}
        kinds["servicegroup"] = {"servicegroup_name": existing_group("service")(state)}
    return kinds


def _chosen(context: Context, kind: str) -> list[tuple[str, int]]:
    """Return the sites and ids of the downtimes that the body selects."""
    body = context.body
    if kind.endswith("group"):
        # CHECKMK_API_MORE: the name of the group is a regular expression.
        matches = _all_of([("~~", f"{kind[:-5]}_groups", body[f"{kind}_name"])])
    else:
        matches = _all_of([("=", "host_name", body.get("host_name"))], body.get("query"))
    rows = _selected(context, matches, body.get("site_id"))
    if kind == "by_id":
        rows = [row for row in rows if str(row["id"]) == body["downtime_id"]]
    if kind == "params":
        # CHECKMK_API_MORE: without services, only the downtimes of the host itself.
        names = body.get("service_descriptions") or [""]
        rows = [row for row in rows if row["service_description"] in names]
    return [(row["site"], row["id"]) for row in rows]


@serves("downtimes", "delete", **by_type("delete_type", _selectors, {}, _PERMISSION))
def delete_downtimes(context: Context) -> Response:
    chosen, commands = _chosen(context, context.body["delete_type"]), context.state.monitoring.commands
    commands.submit(lambda: commands.remove("downtimes", chosen))
    return Response(status=204)


def _not_zero(value: Any) -> Any:
    return integer(value) or (None if value else ["The value cannot be zero."])


_END: Check = object_by_type(
    {"absolute": {"value": Field(moment, REQUIRED)}, "relative": {"value": Field(_not_zero, REQUIRED)}}, "modify_type"
)
_CHANGES: Fields = {"end_time": Field(_END), "comment": Field(string)}


@serves("downtimes", "modify", **by_type("modify_type", _selectors, _CHANGES, _PERMISSION))
def modify_downtimes(context: Context) -> Response:
    body, commands = context.body, context.state.monitoring.commands
    if "end_time" not in body and "comment" not in body:
        raise Problem(400, "No modification specified", "You must especify at least one field to modify")
    chosen = _chosen(context, body["modify_type"])

    def change(row: Row) -> Mapping[str, Any]:
        changes: Row = {"comment": one_line(body["comment"])} if "comment" in body else {}
        if "end_time" in body:
            value = body["end_time"]["value"]
            is_absolute = body["end_time"]["modify_type"] == "absolute"
            changes["end_time"] = unix_time(value) if is_absolute else row["end_time"] + 60 * value
        return changes

    commands.submit(lambda: commands.change_downtimes(chosen, change))
    return Response(status=204)
