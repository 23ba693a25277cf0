"""The code of the commands that show the problems and the status of a site."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any, Collection, Iterable, Mapping, Optional

from ...catalogue.states import HostState
from ...client.checkmk import Checkmk
from ...client.problems import Problem, group_problems
from ...client.query import Filter, column, unhandled_host_problems, unhandled_problems
from ...client.records import WORST_FIRST
from ..command import CountedRows, Row
from . import hosts, services
from .search import compiled_search, has_labels

_STATES = [state.name for state in (*HostState, *WORST_FIRST)]


def problems(
    client: Checkmk,
    host: Optional[str],
    search: Optional[str],
    label: Mapping[str, str],
    state: Collection[str],
    handled: bool,
    hard: bool,
    group_by: Optional[str],
) -> CountedRows:
    matches = None if search is None else compiled_search(search).match
    query: Optional[Filter] = column("state_type") == 1 if hard else None
    found = [
        problem
        for problem in client.problems(handled=handled, host=host, query=query)
        if has_labels(problem.labels, label)
        and (not state or problem.state.name.lower() in state)
        and (matches is None or any(map(matches, (problem.host, problem.object.service, problem.output))))
    ]
    found.sort(key=_worst_first)
    rows = map(_row, found)
    if group_by is not None:
        groups = sorted(group_problems(found, group_by).items())
        rows = ({"group": name, **_row(problem)} for name, members in groups for problem in members)  # type: ignore[assignment]
    return CountedRows(rows, Counter(problem.state.name.lower() for problem in found))


def of_hosts(client: Checkmk, **arguments: Any) -> CountedRows:
    """Return the rows of the deprecated command ``hosts problems``."""
    return _counted(hosts.status(client, only=unhandled_host_problems(), **arguments))


def of_services(client: Checkmk, **arguments: Any) -> CountedRows:
    """Return the rows of the deprecated command ``services problems``."""
    return _counted(services.list_all(client, only=unhandled_problems(), **arguments))


def _counted(rows: Iterable[Row]) -> CountedRows:
    ordered = sorted(rows, key=lambda row: _STATES.index(row["state"]))
    return CountedRows(ordered, Counter(row["state"].lower() for row in ordered))


def _worst_first(problem: Problem) -> tuple[bool, int, str, str]:
    state = problem.state
    rank = state.value if isinstance(state, HostState) else WORST_FIRST.index(state)
    return bool(problem.service), rank, *problem.object


def _row(problem: Problem) -> Row:
    acknowledged = problem.acknowledgement
    return {
        "state": problem.state.name,
        "host": problem.host,
        "service": problem.object.service,
        "since": _iso(problem.since),
        "plugin_output": problem.output,
        "hard": problem.hard,
        "acknowledged": acknowledged is not None,
        "acknowledged_by": None if acknowledged is None else acknowledged.author,
        "acknowledgement": None if acknowledged is None else acknowledged.comment,
        "downtime": problem.downtime,
        "downtime_until": _iso(problem.downtime_until),
        "folder": problem.folder,
        "groups": list(problem.groups),
    }


def _iso(moment: Optional[dt.datetime]) -> Optional[str]:
    return None if moment is None else moment.isoformat()


def status(client: Checkmk) -> Row:
    found = client.status()
    return {
        "site": found.version.site,
        "checkmk": found.version.checkmk,
        "edition": found.version.edition,
        "hosts": _counts(found.hosts),
        "services": _counts(found.services),
        "unhandled_problems": {"hosts": found.unhandled_hosts, "services": found.unhandled_services},
        "handled_problems": {"hosts": found.handled_hosts, "services": found.handled_services},
        "downtimes": found.downtimes,
        "pending_changes": found.pending_changes,
        "activating": found.activating,
    }


def _counts(states: Mapping[str, int]) -> dict[str, int]:
    return {name.lower(): count for name, count in states.items()}
