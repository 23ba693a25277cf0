"""Handlers for downtimes."""

from __future__ import annotations

import functools
from typing import Any, Callable, Mapping, Sequence

from werkzeug.wrappers import Response

from ...catalogue.downtimes import RECURRENCES
from .. import selectors as select
from ..core_commands import MonitoredObject, Row
from ..endpoints import Context, SiteState, serves
from ..host_attributes import HOST_NAME
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..validation import REQUIRED, Field, choice, integer, integer_between, list_of, object_by_type, string, unique
from . import entries

_ACTIONS = "/domain-types/downtime/actions"
_by_type = functools.partial(select.by_type, permission="action.downtimes")
_WHEN: select.Fields = {
    "start_time": Field(select.moment, REQUIRED),
    "end_time": Field(select.moment, REQUIRED),
    "recur": Field(choice("fixed", *RECURRENCES), "fixed"),
    "duration": Field(integer_between(0), 0),
    "comment": Field(string),
}


def _on_hosts(state: SiteState) -> Mapping[str, select.Fields]:
    return select.target_kinds(state, "host", select.monitored_host(state))


def _on_services(state: SiteState) -> Mapping[str, select.Fields]:
    names = {"service_descriptions": Field(unique(list_of(string)), REQUIRED)}
    # CHECKMK_API_MORE: only the services must be monitored.
    return select.target_kinds(state, "service", HOST_NAME, names)


@serves("downtimes", "on_hosts", **_by_type("downtime_type", _on_hosts, _WHEN))
@serves("downtimes", "on_services", **_by_type("downtime_type", _on_services, _WHEN))
def create_downtimes(context: Context) -> Response:
    body, kind, monitoring = context.body, context.body["downtime_type"], context.state.monitoring
    # CHECKMK_API_MORE: services that are not monitored are ignored, as long as one of them is.
    targets = [o for o in select.targets_of(context, kind) if kind != "service" or monitoring.find(o)]
    if not targets and kind.endswith("_by_query"):
        detail = "The provided query returned an empty list so no downtime was set"
        raise Problem(422, f"Query did not match any {kind[: -len('_by_query')]}", detail)
    if not targets:
        # CHECKMK_API_MORE: an object that is not monitored is an error of authorization.
        of = kind[: -len("group")]
        group = f"{of}s for {of} group: {body.get(f'{kind}_name')}"
        named = f"the requested resource: {body.get('service_descriptions')}"
        raise Problem(401, "Unauthorized", f"Cannot find {named if kind == 'service' else group}")
    start, end = select.unix_time(body["start_time"]), select.unix_time(body["end_time"])
    if end <= start:
        raise bad_fields({"end_time": ["The end time must be after the start time."]})
    values = {
        **select.texts(context, f"Downtime for {_shown(body, kind, targets)}"),
        "start_time": start,
        "end_time": end,
        "recurring": ("fixed", *RECURRENCES).index(body["recur"]),
        "fixed": int(not body["duration"]),
        "duration": body["duration"] * 60,
    }
    add = monitoring.commands.add_downtime
    return select.handed_over(context, lambda: [add(target, values) for target in targets])


def _shown(body: Mapping[str, Any], kind: str, targets: Sequence[MonitoredObject]) -> str:
    """Return the targets as in the comment of a downtime without one."""
    if kind.endswith("group"):
        return f"{kind} {body[f'{kind}_name']!r}"
    if kind == "service_by_query":
        return f"service {', '.join('@'.join(target[::-1]) for target in targets)}"
    if kind == "service":
        return f"services {', '.join(body['service_descriptions'])!r}@{body['host_name']!r}"
    return f"host {body['host_name']!r}" if kind == "host" else f"hosts {', '.join(host for host, _ in targets)}"


@serves("downtimes", "list", lambda state: entries.list_fields(state, "downtimes"))
def list_downtimes(context: Context) -> Response:
    query = context.query
    rows = entries.selected(
        context,
        "downtimes",
        ("=", "host_name", query.get("host_name")),
        ("~", "service_description", query.get("service_description")),
        ("=", "is_service", {"both": None, "host": "0", "service": "1"}[query["downtime_type"]]),
    )
    link = context.links.self_("/domain-types/downtime/collections/all")
    return collection("downtime", link, [_item(context, row) for row in rows])


@serves("downtimes", "get", entries.one_fields)
def get_downtime(context: Context) -> Response:
    return json_response(_item(context, entries.one(context, "downtimes")))


def _item(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    ident, profile = str(row["id"]), context.profile
    flag: Callable[[int], Any] = bool if profile.downtimes_have_booleans else lambda value: "yes" if value else "no"
    extensions = {
        **entries.extensions(row),
        "is_service": flag(row["is_service"]),
        "start_time": select.iso_time(row["start_time"]),
        "end_time": select.iso_time(row["end_time"]),
        "recurring": flag(row["recurring"]),
    }
    if profile.shows_downtime_mode:
        minutes = {"type": "flexible", "duration_minutes": row["duration"] // 60}
        extensions["mode"] = {"type": "fixed"} if row["fixed"] else minutes
    selector = {"delete_type": "by_id", "downtime_id": ident, "site_id": row["site"]}
    links = [
        context.links.self_(f"/objects/downtime/{ident}?site_id={row['site']}"),
        entries.delete_link(context.links, f"{_ACTIONS}/delete/invoke", "POST", body_params=selector),
    ]
    of = f"service: {row['service_description']}" if row["is_service"] else f"host: {row['host_name']}"
    return domain_object("downtime", ident, f"Downtime for {of}", links, extensions)


def _selectors(state: SiteState) -> Mapping[str, select.Fields]:
    kinds = entries.selectors(state, "downtimes", string)
    if state.profile.version.at_least("2.4.0b1"):
        for kind in ("host", "service"):
            kinds[f"{kind}group"] = {f"{kind}group_name": select.group_field(state, kind)}
    return kinds


@serves("downtimes", "delete", **_by_type("delete_type", _selectors, {}))
def delete_downtimes(context: Context) -> Response:
    ids = entries.ids(entries.chosen(context, "downtimes", context.body["delete_type"]))
    return select.handed_over(context, lambda: context.state.monitoring.commands.remove("downtimes", ids))


def _not_zero(value: Any) -> Any:
    return integer(value) or (None if value else ["The value cannot be zero."])


_ENDS: Mapping[str, select.Fields] = {
    "absolute": {"value": Field(select.moment, REQUIRED)},
    "relative": {"value": Field(_not_zero, REQUIRED)},
}
_CHANGES: select.Fields = {"end_time": Field(object_by_type(_ENDS, "modify_type")), "comment": Field(string)}


@serves("downtimes", "modify", **_by_type("modify_type", _selectors, _CHANGES))
def modify_downtimes(context: Context) -> Response:
    body, end = context.body, context.body.get("end_time")
    if end is None and "comment" not in body:
        raise Problem(400, "No modification specified", "You must especify at least one field to modify")
    ids = entries.ids(entries.chosen(context, "downtimes", body["modify_type"]))

    def change(row: Row) -> Row:
        changes: Row = {"comment": select.one_line(body["comment"])} if "comment" in body else {}
        if end is not None:
            is_absolute = end["modify_type"] == "absolute"
            value = select.unix_time(end["value"]) if is_absolute else row["end_time"] + 60 * end["value"]
            changes["end_time"] = value
        return changes

    return select.handed_over(context, lambda: context.state.monitoring.commands.change_downtimes(ids, change))
