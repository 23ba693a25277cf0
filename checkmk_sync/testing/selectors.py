"""The selectors of commands: a host, services, a group or a query, and the objects that they select."""

from __future__ import annotations

import datetime
from types import MappingProxyType
from typing import Any, Callable, Iterable, Mapping, Optional

from werkzeug.wrappers import Response

from .columns import TABLES
from .core_commands import MonitoredObject
from .endpoints import Context, SiteState
from .host_attributes import HOST_NAME
from .livestatus import compile_query, named_hosts, query_check
from .references import existing_host
from .validation import REQUIRED, Check, Field, member_of, object_by_type, refined, string

Fields = Mapping[str, Field]


def _anything(_value: Any) -> Any:
    """Accept every value, because :func:`by_type` checks it."""
    return None


def by_type(
    member: str, kinds: Callable[[SiteState], Mapping[str, Fields]], shared: Fields, permission: str
) -> dict[str, Any]:
    """Return the arguments of an endpoint for commands. The fields of its body depend on the value of ``member``."""

    def fields(state: SiteState) -> dict[str, Field]:
        names = {name for kind in kinds(state).values() for name in kind}
        defaults = {name: field.default for name, field in shared.items() if field.default is not REQUIRED}
        return {name: Field(_anything, defaults.get(name)) for name in (member, *shared, *sorted(names))}

    def check(state: SiteState) -> Check:
        return object_by_type({kind: {**shared, **more} for kind, more in kinds(state).items()}, member)

    # CHECKMK_API_MORE: commands do not take the configuration lock.
    return {"body": fields, "schema_check": check, "permissions": (permission,), "takes_lock": False}


def query_field(state: SiteState, table: str) -> Field:
    return Field(query_check(table, TABLES[table].keys() - state.profile.unknown_columns), REQUIRED)


def monitored_host(state: SiteState) -> Check:
    text = "Host {!r} should be monitored but it's not. Activate the configuration?"
    return refined(HOST_NAME, lambda name: None if state.monitoring.host_row(name) else text.format(name))


def configured_and_monitored_host(state: SiteState) -> Check:
    exists, is_monitored = existing_host(state), monitored_host(state)
    return lambda name: exists(name) or is_monitored(name)


def group_field(state: SiteState, kind: str, *, monitored: bool = False) -> Field:
    """Return the field of a host group or service group, which must exist and, if ``monitored``, have members."""
    exists = member_of(state.configuration.objects[f"{kind}_groups"], "Group missing: {!r}")
    text = "Group {!r} should be monitored but it's not. Activate the configuration?"
    members = state.monitoring.group_members

    def problem(name: str) -> Optional[str]:
        return None if not monitored or members(f"{kind}groups", name) else text.format(name)

    return Field(refined(exists, problem), REQUIRED)


def target_kinds(
    state: SiteState, kind: str, host: Check, names: Fields = MappingProxyType({}), **group: bool
) -> dict[str, Fields]:
    """Return the fields of each way to select hosts or services: by name, by group and by query.

    ``kind`` is "host" or "service". ``host`` checks the name of a host, and ``names`` are the fields with the names of
    services. ``group`` are arguments of :func:`group_field`.
    """
    return {
        kind: {"host_name": Field(host, REQUIRED), **names},
        f"{kind}group": {f"{kind}group_name": group_field(state, kind, **group)},
        f"{kind}_by_query": {"query": query_field(state, f"{kind}s")},
    }


def targets_of(context: Context, kind: str) -> list[MonitoredObject]:
    """Return the hosts or services that the body selects."""
    body = context.body
    if kind.endswith("_by_query"):
        return _matching(context, f"{kind.partition('_')[0]}s")
    if kind.endswith("group"):
        return context.state.monitoring.group_members(f"{kind}s", body[f"{kind}_name"])
    names = body.get("service_descriptions") or [body.get("service_description", "")]
    return [(body["host_name"], name) for name in names]


def _matching(context: Context, table: str) -> list[MonitoredObject]:
    """Return the hosts or services that match the query of the body."""
    monitoring, query = context.state.monitoring, context.body["query"]
    matches = compile_query(query, table, TABLES[table])
    names = named_hosts(query, "name" if table == "hosts" else "host_name")
    if table == "hosts":
        return [(row["name"], "") for row in filter(matches, monitoring.host_rows(names))]
    rows: Iterable[Mapping[str, Any]] = filter(matches, monitoring.service_rows(names))
    return [(row["host_name"], row["description"]) for row in rows]


def handed_over(context: Context, command: Callable[[], object]) -> Response:
    """Hand a command over to the core, and return the answer to it."""
    context.state.monitoring.commands.submit(command)
    return Response(status=204)


def one_line(text: str) -> str:
    return text.replace("\n", "")


def texts(context: Context, default: str = "") -> dict[str, Any]:
    """Return the author and the comment of a command."""
    return {"author": context.user.name, "comment": one_line(context.body.get("comment") or default)}


def unix_time(text: str) -> int:
    """Return the UNIX time of an ISO text. Times without a zone are those of the server, which uses UTC."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)).timestamp())


def iso_time(unix: float) -> str:
    return datetime.datetime.fromtimestamp(int(unix), datetime.timezone.utc).isoformat()


def _time_problem(text: str) -> Optional[str]:
    try:
        unix_time(text)
    except (ValueError, OverflowError):
        return "Not a valid datetime."
    return None


moment = refined(string, _time_problem)
