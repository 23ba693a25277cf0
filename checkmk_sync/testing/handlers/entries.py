"""The common parts of the handlers of downtimes and comments: filters, selectors, and reading one of them."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .. import selectors as select
from ..columns import TABLES
from ..endpoints import Context, SiteState
from ..host_attributes import HOST_NAME
from ..livestatus import compile_query, named_hosts
from ..references import existing_site
from ..replies import Links, Problem
from ..validation import REQUIRED, Check, Field, choice, list_of, string

Rows = list[Mapping[str, Any]]


def list_fields(state: SiteState, table: str) -> select.Fields:
    return {
        "host_name": Field(HOST_NAME),
        "service_description": Field(string),
        "downtime_type": Field(choice("host", "service", "both"), "both"),
        "query": Field(select.query_field(state, table).check),
        "site_id": Field(existing_site(state)),
    }


def one_fields(state: SiteState) -> select.Fields:
    return {"site_id": Field(existing_site(state), REQUIRED)}


def selected(context: Context, table: str, *comparisons: tuple[str, str, Optional[str]]) -> Rows:
    """Return the rows of the site and the query of a request, for which all ``comparisons`` hold.

    A comparison consists of an operator, a column and a value. Comparisons with None are ignored.
    """
    given = {**context.query, **context.body}
    wanted = [{"op": op, "left": column, "right": value} for op, column, value in comparisons if value is not None]
    matches = compile_query({"op": "and", "expr": wanted} if wanted else {}, table, TABLES[table])
    names = named_hosts(given.get("query"), "host_name")
    rows = filter(matches, context.state.monitoring.command_rows(table, names))
    matches = compile_query(given.get("query"), table, TABLES[table])
    return [row for row in filter(matches, rows) if given.get("site_id") in (None, row["site"])]


def one(context: Context, table: str) -> Mapping[str, Any]:
    """Return the row with the ID in the path. Raises Problem 404 if it does not exist."""
    ident, kind = context.params["key"], table[:-1]
    for row in selected(context, table):
        if str(row["id"]) == ident:
            return row
    detail = f"The {kind} id {ident} did not match any {kind}"
    raise Problem(404, f"The requested {kind} was not found", detail)


def selectors(state: SiteState, table: str, ident: Check) -> dict[str, select.Fields]:
    """Return the fields of each way to select downtimes or comments. ``ident`` checks an ID."""
    return {
        "by_id": {f"{table[:-1]}_id": Field(ident, REQUIRED), **one_fields(state)},
        "params": {"host_name": Field(HOST_NAME, REQUIRED), "service_descriptions": Field(list_of(string))},
        "query": {"query": select.query_field(state, table)},
    }


def chosen(context: Context, table: str, kind: str) -> Rows:
    """Return the rows that the body selects."""
    body, comparisons = context.body, [("=", "host_name", context.body.get("host_name"))]
    if kind.endswith("group"):
        # CHECKMK_API_MORE: the name of the group is a regular expression.
        comparisons = [("~~", f"{kind[:-5]}_groups", body[f"{kind}_name"])]
    rows = selected(context, table, *comparisons)
    if kind == "by_id":
        return [row for row in rows if str(row["id"]) == str(body[f"{table[:-1]}_id"])]
    names = body.get("service_descriptions")
    if kind == "params" and table == "downtimes" and not names:
        names = [""]  # CHECKMK_API_MORE: only downtimes of the host itself, but comments of all its services
    return [row for row in rows if not names or row["service_description"] in names]


def extensions(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that downtimes and comments have in common."""
    shared = {"site_id": row["site"], **{name: row[name] for name in ("host_name", "author", "comment")}}
    return {**shared, "service_description": row["service_description"]} if row["is_service"] else shared


def delete_link(links: Links, path: str, method: str, **more: Any) -> dict[str, Any]:
    return {**links.link("urn:org.restfulobjects:rels/delete", path, method=method), **more}


def ids(rows: Rows) -> list[tuple[str, int]]:
    return [(row["site"], row["id"]) for row in rows]
