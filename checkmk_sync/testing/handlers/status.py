"""Handlers for the monitoring state of hosts and services, by GET and by POST."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping, Optional, Sequence
from urllib.parse import quote_plus

from werkzeug.wrappers import Response

from ..columns import HOST_DEFAULTS, SERVICE_DEFAULTS, TABLES, selected_columns
from ..endpoints import PATH_CHECKS, Context, SiteState, serves
from ..host_attributes import HOST_NAME
from ..livestatus import compile_query, host_name_predicate, named_hosts, query_check
from ..references import existing_site
from ..replies import Problem, bad_fields, collection, domain_object, json_response
from ..validation import REQUIRED, Check, Field, list_of, member_of, refined, string

_HOSTS = "/domain-types/host/collections/all"
_HOST = "/objects/host/<name>"
_SERVICES = "/domain-types/service/collections/all"
_MANDATORY: Mapping[str, Sequence[str]] = {"hosts": ("name",), "services": ("host_name", "description")}


def _columns(state: SiteState, table: str, default: Sequence[str]) -> Field:
    known = TABLES[table].keys() - state.profile.unknown_columns
    return Field(list_of(member_of(known, f"Unknown column: {table}.{{}}")), list(default), repeated=True)


def _list_fields(table: str) -> Callable[[SiteState], dict[str, Field]]:
    return lambda state: {
        "sites": Field(list_of(existing_site(state)), repeated=True),
        "query": Field(query_check(table, TABLES[table].keys() - state.profile.unknown_columns)),
        "columns": _columns(state, table, _MANDATORY[table]),
    }


_HOST_FIELDS, _SERVICE_FIELDS = _list_fields("hosts"), _list_fields("services")


def _service_fields_with_host(state: SiteState) -> dict[str, Field]:
    return {**_SERVICE_FIELDS(state), "host_name": Field(_known_host(state))}


def _known_host(state: SiteState) -> Check:
    # Checkmk looks only in the configuration. Here, seeded hosts exist too, although they are only monitored.
    def problem(name: str) -> Optional[str]:
        is_known = name in state.configuration.hosts or state.monitoring.knows(name)
        return None if is_known else f"Host not found: {name!r}"

    return refined(HOST_NAME, problem)


def _check_host(context: Context) -> None:
    check = HOST_NAME if context.endpoint.path == _HOST else _known_host(context.state)
    errors = check(context.params["name"])
    if errors:
        raise bad_fields({"host_name": errors}, 404)


PATH_CHECKS[_HOST] = _check_host


def _all_columns(table: str, columns: Sequence[str]) -> list[str]:
    # Checkmk: mandatory columns come first, unless the request names them.
    return [*(column for column in _MANDATORY[table] if column not in columns), *columns]


@serves("host_status", "list", _HOST_FIELDS)
@serves("host_status", "query", body=_HOST_FIELDS)
def list_host_status(context: Context) -> Response:
    arguments = context.query or context.body
    columns = _all_columns("hosts", arguments["columns"])
    matches = compile_query(arguments.get("query"), "hosts", HOST_DEFAULTS)
    names = named_hosts(arguments.get("query"), "name")
    rows = filter(matches, context.state.monitoring.host_rows(names))
    return collection("host", context.links.self_(_HOSTS), (_host_item(context, row, columns) for row in rows))


def _host_item(context: Context, row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    name = row["name"]
    links = [context.links.self_(f"/objects/host/{context.links.quoted(name)}")]
    return domain_object("host", name, name, links, selected_columns(row, columns))


@serves("host_status", "get", lambda state: {"columns": _columns(state, "hosts", _MANDATORY["hosts"])})
def get_host_status(context: Context) -> Response:
    name = context.params["name"]
    row = context.state.monitoring.host_row(name)
    if row is None:
        raise Problem(404, "The requested host was not found", f"The host name {name} did not match any host")
    return json_response(_host_item(context, row, _all_columns("hosts", context.query["columns"])))


@serves("services", "list", _service_fields_with_host)
@serves("services", "query", body=_service_fields_with_host)
@serves("services", "list_of_host", _SERVICE_FIELDS)
@serves("services", "query_of_host", body=_SERVICE_FIELDS)
def list_services(context: Context) -> Response:
    arguments = context.query or context.body
    host = context.params.get("name", arguments.get("host_name"))
    columns = _all_columns("services", arguments["columns"])
    matches = compile_query(arguments.get("query"), "services", SERVICE_DEFAULTS)
    host_matches = None if matches is None else host_name_predicate(arguments["query"])
    names = named_hosts(arguments.get("query"), "host_name") if host is None else [host]
    rows: Iterator[Mapping[str, Any]] = filter(matches, context.state.monitoring.service_rows(names, host_matches))
    items = (_service_item(context, row, columns) for row in rows)
    return collection("service", context.links.self_(_SERVICES), items)


def _service_item(context: Context, row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    host, name = row["host_name"], row["description"]
    path = f"/objects/host/{context.links.quoted(host)}/actions/show_service/invoke"
    path += f"?service_description={quote_plus(name)}"
    link = context.links.link("urn:com.checkmk:rels/show", path, title=f"Show the service {name}")
    return domain_object("service", f"{host}:{name}", f"{name} on {host}", [link], selected_columns(row, columns))


_SHOWN = ("host_name", "description", "state", "state_type", "last_check")


def _show_fields(state: SiteState) -> dict[str, Field]:
    return {"service_description": Field(string, REQUIRED), "columns": _columns(state, "services", _SHOWN)}


@serves("services", "get", _show_fields)
def show_service(context: Context) -> Response:
    # Checkmk: unlike in lists, no column is mandatory.
    host, name = context.params["name"], context.query["service_description"]
    row = next((row for row in context.state.monitoring.service_rows([host]) if row["description"] == name), None)
    if row is None:
        detail = f"The service name {name} did not match any service"
        raise Problem(404, "The requested service was not found", detail)
    ident, columns = f"{host}-{name}", context.query.get("columns", _SHOWN)
    links = [context.links.self_(f"/objects/service/{context.links.quoted(ident)}")]
    return json_response(domain_object("service", ident, f"Service {name}", links, selected_columns(row, columns)))
