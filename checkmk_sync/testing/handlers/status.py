"""The monitoring state of hosts and services, by GET and by POST."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Optional
from urllib.parse import quote_plus

from werkzeug.wrappers import Response

from ..context import Context, endpoint
from ..core import HOST_COLUMNS, SERVICE_COLUMNS
from ..http import Problem, bad_fields, collection, json_response
from ..livestatus import BadQuery, Predicate, about_the_host, compiled
from ..profile import Profile
from ..schema import REQUIRED, Field, anything, listed, text
from .hosts import HOST_NAME

__all__: list[str] = []

_HOSTS = "/domain-types/host/collections/all"
_SERVICES = "/domain-types/service/collections/all"
_OF_HOST = "/objects/host/<host_name>/collections/services"


def _asked(*columns: str) -> dict[str, Field]:
    texts = listed(text)
    return {
        "sites": Field(texts, repeated=True),
        "query": Field(anything),
        "columns": Field(texts, list(columns), repeated=True),
    }


_HOST_ASKED = _asked("name")
_SERVICE_ASKED = _asked("host_name", "description")
_HOST_FILTER = {"host_name": Field(HOST_NAME)}


def _get(profile: Profile) -> bool:
    return profile.has_status_get


def _known(columns: Iterable[str], table: str, known: frozenset[str]) -> list[str]:
    found = [column.rpartition(".")[2] for column in columns]
    wrong = {str(i): [f"Unknown column: {table}.{name}"] for i, name in enumerate(found) if name not in known}
    if wrong:
        raise bad_fields({"columns": wrong})
    return found


def _test(asked: Mapping[str, Any], table: str, known: frozenset[str]) -> Optional[Predicate]:
    try:
        return compiled(asked.get("query"), table, known)
    except BadQuery as error:
        raise bad_fields({"query": [str(error)]}) from None


def _filtered(
    context: Context, asked: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], test: Optional[Predicate]
) -> Iterator[Mapping[str, Any]]:
    sites = asked.get("sites")
    if sites and context.setup.site not in sites:
        wrong = {str(index): [f"Site {name!r} does not exist."] for index, name in enumerate(sites)}
        raise bad_fields({"sites": wrong})
    return iter(rows) if test is None else filter(test, rows)


def _chosen(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    return {column: row[column] for column in columns}


def _hosts(context: Context, asked: Mapping[str, Any]) -> Response:
    columns = _known(asked["columns"], "hosts", HOST_COLUMNS)
    test = _test(asked, "hosts", HOST_COLUMNS)
    rows = _filtered(context, asked, context.world.core.host_rows(), test)
    head = {"id": "host", "domainType": "host", "links": [context.links.self_(_HOSTS)], "extensions": {}}
    return collection(head, (_host_item(context, row, columns) for row in rows))


def _host_item(context: Context, row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    name = row["name"]
    return {
        "domainType": "host",
        "id": name,
        "title": name,
        "links": [context.links.self_(f"/objects/host/{context.links.quoted(name)}")],
        "members": {},
        "extensions": _chosen(row, ["name", *columns]),
    }


@endpoint("GET", _HOSTS, query=_HOST_ASKED, exists=_get)
def list_host_status(context: Context) -> Response:
    return _hosts(context, context.query)


@endpoint("POST", _HOSTS, body=_HOST_ASKED, exists=lambda profile: profile.has_host_status_post)
def query_host_status(context: Context) -> Response:
    return _hosts(context, context.body)


@endpoint("GET", "/objects/host/<host_name>", query={"columns": Field(listed(text), ["name"], repeated=True)})
def get_host_status(context: Context) -> Response:
    name = context.params["host_name"]
    columns = _known(context.query["columns"], "hosts", HOST_COLUMNS)
    row = next((row for row in _rows_of_host(context, name)), None)
    if row is None:
        raise Problem(404, "The requested host was not found", f"The host name {name} did not match any host")
    item = _host_item(context, row, columns)
    item["extensions"] = _chosen(row, columns)
    return json_response(item)


def _rows_of_host(context: Context, name: str) -> Iterator[Mapping[str, Any]]:
    core = context.world.core
    return (row for row in core.host_rows() if row["name"] == name) if core.knows(name) else iter(())


def _services(context: Context, asked: Mapping[str, Any], host: Optional[str]) -> Response:
    columns = _known(asked["columns"], "services", SERVICE_COLUMNS)
    core = context.world.core
    if host is not None and not core.knows(host):
        raise bad_fields(
            {"host_name": [f"Host not found: {host!r}"]}, status=404 if host in context.params.values() else 400
        )
    test = _test(asked, "services", SERVICE_COLUMNS)
    only = None if test is None else about_the_host(asked["query"])
    rows = _filtered(context, asked, core.service_rows(host, only), test)
    head = {"id": "service", "domainType": "service", "links": [context.links.self_(_SERVICES)], "extensions": {}}
    return collection(head, (_service_item(context, row, columns) for row in rows))


def _service_item(context: Context, row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
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
        "extensions": _chosen(row, columns),
    }


@endpoint("GET", _SERVICES, query={**_SERVICE_ASKED, **_HOST_FILTER}, exists=_get)
def list_services(context: Context) -> Response:
    return _services(context, context.query, context.query.get("host_name"))


def _post(profile: Profile) -> bool:
    return profile.has_service_status_post


@endpoint("POST", _SERVICES, body={**_SERVICE_ASKED, **_HOST_FILTER}, exists=_post)
def query_services(context: Context) -> Response:
    return _services(context, context.body, context.body.get("host_name"))


@endpoint("GET", _OF_HOST, query=_SERVICE_ASKED, exists=_get)
def list_services_of_host(context: Context) -> Response:
    return _services(context, context.query, context.params["host_name"])


@endpoint("POST", _OF_HOST, body=_SERVICE_ASKED, exists=_post)
def query_services_of_host(context: Context) -> Response:
    return _services(context, context.body, context.params["host_name"])


_SHOWN = {
    "service_description": Field(text, REQUIRED),
    "columns": Field(listed(text), ["host_name", "description", "state", "state_type", "last_check"], repeated=True),
}


@endpoint("GET", "/objects/host/<host_name>/actions/show_service/invoke", query=_SHOWN)
def show_service(context: Context) -> Response:
    host, name = context.params["host_name"], context.query["service_description"]
    columns = _known(context.query["columns"], "services", SERVICE_COLUMNS)
    rows = context.world.core.service_rows(host) if context.world.core.knows(host) else iter(())
    row = next((row for row in rows if row["description"] == name), None)
    if row is None:
        raise Problem(404, "The requested service was not found", f"The service {name!r} did not match any service")
    item = _service_item(context, row, columns)
    item["id"] = f"{host}-{name}"
    return json_response(item)
