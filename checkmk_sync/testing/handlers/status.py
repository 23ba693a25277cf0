"""The monitoring state of hosts and services, by GET and by POST."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional, Sequence
from urllib.parse import quote_plus

from werkzeug.wrappers import Response

from ..columns import HOST_DEFAULTS, SERVICE_DEFAULTS, chosen
from ..endpoints import PATH_CHECKS, Context, SiteState, endpoint
from ..livestatus import BadQuery, Predicate, about_the_host, compiled
from ..references import HOST_NAME, existing_site
from ..replies import Problem, bad_fields, collection, json_response
from ..validation import REQUIRED, Check, Field, listed, text
from ..version_profile import VersionProfile

__all__: list[str] = []

_HOSTS = "/domain-types/host/collections/all"
_HOST = "/objects/host/<host_name>"
_SERVICES = "/domain-types/service/collections/all"
_OF_HOST = f"{_HOST}/collections/services"
_SHOW = f"{_HOST}/actions/show_service/invoke"
_TABLES: Mapping[str, Mapping[str, Any]] = {"hosts": HOST_DEFAULTS, "services": SERVICE_DEFAULTS}
_IN_EVERY_HOST = ("name",)
_IN_EVERY_SERVICE = ("host_name", "description")


def _columns(state: SiteState, table: str, default: Sequence[str]) -> Field:
    known, unknown = _TABLES[table], state.profile.unknown_columns

    def column(value: Any) -> Any:
        is_known = isinstance(value, str) and value in known and value not in unknown
        return text(value) or (None if is_known else [f"Unknown column: {table}.{value}"])

    return Field(listed(column), list(default), repeated=True)


def _query(state: SiteState, table: str) -> Check:
    known = _TABLES[table].keys() - state.profile.unknown_columns

    def check(value: Any) -> Any:
        try:
            compiled(value, table, known)
        except BadQuery as error:
            return error.said
        return None

    return check


def _asked(state: SiteState, table: str, mandatory: Sequence[str]) -> dict[str, Field]:
    return {
        "sites": Field(listed(existing_site(state)), repeated=True),
        "query": Field(_query(state, table)),
        "columns": _columns(state, table, mandatory),
    }


def _host_asked(state: SiteState) -> dict[str, Field]:
    return _asked(state, "hosts", _IN_EVERY_HOST)


def _service_asked(state: SiteState) -> dict[str, Field]:
    return _asked(state, "services", _IN_EVERY_SERVICE)


def _service_asked_with_host(state: SiteState) -> dict[str, Field]:
    def host(value: Any) -> Any:
        return HOST_NAME(value) or (None if _is_there(state, value) else [f"Host not found: {value!r}"])

    return {**_service_asked(state), "host_name": Field(host)}


def _is_there(state: SiteState, host_name: str) -> bool:
    """Checkmk asks the configuration; here hosts that are only monitored, such as seeded ones, are there as well."""
    return host_name in state.configuration.hosts or state.monitoring.knows(host_name)


def _named_host(context: Context) -> None:
    name = context.params["host_name"]
    wrong = HOST_NAME(name)
    if not wrong and context.endpoint.path != _HOST and not _is_there(context.state, name):
        wrong = [f"Host not found: {name!r}"]
    if wrong:
        raise bad_fields({"host_name": wrong}, 404)


PATH_CHECKS[_HOST] = _named_host


def _get(profile: VersionProfile) -> bool:
    return profile.has_status_get


def _test(asked: Mapping[str, Any], table: str) -> Optional[Predicate]:
    return compiled(asked.get("query"), table, _TABLES[table])


def _with(mandatory: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Checkmk puts mandatory columns that were not asked for in front."""
    return [*(column for column in mandatory if column not in columns), *columns]


def _hosts(context: Context, asked: Mapping[str, Any]) -> Response:
    columns, test = _with(_IN_EVERY_HOST, asked["columns"]), _test(asked, "hosts")
    rows = filter(test, context.state.monitoring.host_rows())
    head = {"id": "host", "domainType": "host", "links": [context.links.self_(_HOSTS)], "extensions": {}}
    return collection(head, (_host_item(context, row, columns) for row in rows))


def _host_item(context: Context, row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    name = row["name"]
    return {
        "domainType": "host",
        "id": name,
        "title": name,
        "links": [context.links.self_(f"/objects/host/{context.links.quoted(name)}")],
        "members": {},
        "extensions": chosen(row, columns),
    }


@endpoint("GET", _HOSTS, query=_host_asked, exists=_get)
def list_host_status(context: Context) -> Response:
    return _hosts(context, context.query)


@endpoint("POST", _HOSTS, body=_host_asked, exists=lambda profile: profile.has_host_status_post)
def query_host_status(context: Context) -> Response:
    return _hosts(context, context.body)


def _one_host_asked(state: SiteState) -> dict[str, Field]:
    return {"columns": _columns(state, "hosts", _IN_EVERY_HOST)}


@endpoint("GET", _HOST, query=_one_host_asked)
def get_host_status(context: Context) -> Response:
    name = context.params["host_name"]
    row = context.state.monitoring.host_row(name)
    if row is None:
        raise Problem(404, "The requested host was not found", f"The host name {name} did not match any host")
    return json_response(_host_item(context, row, _with(_IN_EVERY_HOST, context.query["columns"])))


def _services(context: Context, asked: Mapping[str, Any], host: Optional[str]) -> Response:
    columns, test = _with(_IN_EVERY_SERVICE, asked["columns"]), _test(asked, "services")
    only = None if test is None else about_the_host(asked["query"])
    rows: Iterator[Mapping[str, Any]] = filter(test, context.state.monitoring.service_rows(host, only))
    head = {"id": "service", "domainType": "service", "links": [context.links.self_(_SERVICES)], "extensions": {}}
    return collection(head, (_service_item(context, row, columns) for row in rows))


def _service_item(context: Context, row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    host, name = row["host_name"], row["description"]
    show = f"/objects/host/{context.links.quoted(host)}/actions/show_service/invoke"
    link = context.links.link(
        "urn:com.checkmk:rels/show",
        f"{show}?service_description={quote_plus(name)}",
        title=f"Show the service {name}",
    )
    return {
        "domainType": "service",
        "id": f"{host}:{name}",
        "title": f"{name} on {host}",
        "links": [link],
        "members": {},
        "extensions": chosen(row, columns),
    }


@endpoint("GET", _SERVICES, query=_service_asked_with_host, exists=_get)
def list_services(context: Context) -> Response:
    return _services(context, context.query, context.query.get("host_name"))


def _post(profile: VersionProfile) -> bool:
    return profile.has_service_status_post


@endpoint("POST", _SERVICES, body=_service_asked_with_host, exists=_post)
def query_services(context: Context) -> Response:
    return _services(context, context.body, context.body.get("host_name"))


@endpoint("GET", _OF_HOST, query=_service_asked, exists=_get)
def list_services_of_host(context: Context) -> Response:
    return _services(context, context.query, context.params["host_name"])


@endpoint("POST", _OF_HOST, body=_service_asked, exists=_post)
def query_services_of_host(context: Context) -> Response:
    return _services(context, context.body, context.params["host_name"])


def _shown(state: SiteState) -> dict[str, Field]:
    default = ("host_name", "description", "state", "state_type", "last_check")
    return {"service_description": Field(text, REQUIRED), "columns": _columns(state, "services", default)}


@endpoint("GET", _SHOW, query=_shown)
def show_service(context: Context) -> Response:
    """Checkmk: unlike in lists, no column is mandatory."""
    host, name = context.params["host_name"], context.query["service_description"]
    row = next((row for row in context.state.monitoring.service_rows(host) if row["description"] == name), None)
    if row is None:
        detail = f"The service name {name} did not match any service"
        raise Problem(404, "The requested service was not found", detail)
    ident = f"{host}-{name}"
    return json_response(
        {
            "domainType": "service",
            "id": ident,
            "title": f"Service {name}",
            "links": [context.links.self_(f"/objects/service/{context.links.quoted(ident)}")],
            "members": {},
            "extensions": chosen(row, context.query["columns"]),
        }
    )
