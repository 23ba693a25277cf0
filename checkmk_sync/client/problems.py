"""Reads the problems of a site: what is down, since when, and who handles it."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from ..catalogue.states import HostState, ServiceState
from ..core.grouping import grouped
from ..errors import ForbiddenError
from .nouns.acknowledgements import ACKNOWLEDGEMENT_COLUMNS, Acknowledgement
from .nouns.activation import Activation
from .nouns.commanding import entries_of
from .nouns.downtimes import Downtimes
from .nouns.monitoring import SERVICE_COUNTS, HostStatuses, Services
from .query import Filter, column, everything, unhandled_host_problems, unhandled_problems
from .records import Version
from .resource import Resource
from .site import Site
from .targets import MonitoredObject, ObjectRecord

_DOWNTIMES, _OF_HOST = "downtimes_with_extra_info", "host_downtimes_with_extra_info"
_START, _END, _FIXED = 5, 6, 7  # The official documents: the members of these columns.
_COLUMNS = (
    *("last_state_change", "state_type", "plugin_output", "scheduled_downtime_depth", "labels", "groups", _DOWNTIMES),
    *ACKNOWLEDGEMENT_COLUMNS,
)


@dataclass(frozen=True)
class Problem(ObjectRecord):
    """A host that is not up, or a service that is not OK.

    * ``object`` is the host or service. ``host`` and ``service`` are its names; ``service`` is None for a host.
    * ``since`` is the time of the last change of the state. It is None if the core does not know it.
    * ``hard`` is False while the core still repeats the check before it accepts the state.
    * ``acknowledgement`` is None if the problem is not acknowledged.
    * ``downtime`` is True if the object, or the host of the service, is in a downtime. ``downtime_until`` is its end,
      or None for a flexible downtime, because the core does not report when that ends.
    * ``folder`` is the folder of the host, or None if the host does not come from the setup of Checkmk.
    """

    state: Union[HostState, ServiceState]
    since: Optional[dt.datetime]
    hard: bool
    output: str
    acknowledgement: Optional[Acknowledgement]
    downtime: bool
    downtime_until: Optional[dt.datetime]
    folder: Optional[str]
    labels: Mapping[str, str]
    groups: tuple[str, ...]

    @property
    def handled(self) -> bool:
        """True if the problem is acknowledged, or the object or its host is in a downtime."""
        return self.downtime or self.acknowledgement is not None

    def values(self, by: str) -> list[str]:
        """Return the groups of the problem: by ``host``, ``folder``, ``group``, or ``label:KEY``.

        A problem can belong to several groups, and without a value it belongs to the group ``""``. Raises ValueError
        for another text.
        """
        kind, _, key = by.partition(":")
        if kind == "label" and key:
            return [self.labels.get(key, "")]
        found = {"host": [self.host], "folder": [self.folder or ""], "group": list(self.groups) or [""]}
        if by not in found:
            raise ValueError(f"problems can be grouped by host, folder, group or label:KEY, not by {by!r}")
        return found[by]


def group_problems(problems: Iterable[Problem], by: str) -> dict[str, list[Problem]]:
    """Return problems by ``host``, ``folder``, ``group`` (of hosts or services) or ``label:KEY``.

    >>> group_problems(cmk.problems(), "folder")

    A problem of several groups occurs in each of them. Raises ValueError if ``by`` is not valid.
    """
    return grouped((value, problem) for problem in problems for value in problem.values(by))


class Problems(Resource):
    """The problems of hosts and services, as ``client.problems()``."""

    noun = "problems"

    def __call__(
        self, *, handled: bool = False, host: Optional[str] = None, query: Optional[Filter] = None
    ) -> Iterator[Problem]:
        """Yield the problems of hosts, and then those of services.

        >>> for problem in cmk.problems():
        ...     print(problem.object, problem.state.name, problem.since, problem.output)
        >>> cmk.acknowledgements.set(Target.objects(p.object for p in cmk.problems() if p.service), comment="on it")

        By default, only unhandled problems are included: they are not acknowledged, and neither the object nor its host
        is in a downtime. Services of hosts that are not up are omitted, because the problem of the host covers them.
        With ``handled=True``, all problems are included.

        ``host`` is the name of a host or a pattern such as ``web*``, and ``query`` is a :class:`.Filter` that applies
        to the columns of hosts and of services. :func:`.group_problems` groups the result.
        """
        more = everything() if query is None else query
        any_problem = (column("state") != 0) & (column("has_been_checked") == 1)
        hosts = any_problem if handled else unhandled_host_problems()
        # A host without a check command has the state 0 although it is pending.
        services = any_problem if handled else unhandled_problems() & (column("host_state") == 0)
        now = self._site.clock.time()
        for found in HostStatuses(self._site).each(search=host, query=hosts & more, columns=(*_COLUMNS, "filename")):
            yield _problem(MonitoredObject(found.name), found.state, found.columns, now)
        of_service = (*_COLUMNS, "host_filename", "host_scheduled_downtime_depth", _OF_HOST)
        for row in Services(self._site).each(host=host, query=services & more, columns=of_service):
            yield _problem(MonitoredObject(row.host_name, row.name), row.state, row.columns, now)


def _problem(of: MonitoredObject, state: Union[HostState, ServiceState], row: Mapping[str, Any], now: float) -> Problem:
    names = (_DOWNTIMES, _OF_HOST) if of.service else (_DOWNTIMES,)
    entries = [entry for name in names for entry in entries_of(row, name, 11)]
    # The core lists flexible downtimes before they start, and with the end of their period.
    ends = [entry[_END] for entry in entries if entry[_FIXED] and entry[_START] <= now]
    changed = row["last_state_change"]
    return Problem(
        of,
        state,
        dt.datetime.fromtimestamp(changed, dt.timezone.utc) if changed else None,
        bool(row["state_type"]),
        row["plugin_output"],
        Acknowledgement.of_row(of, row) if row["acknowledged"] else None,
        bool(row["scheduled_downtime_depth"] or row.get("host_scheduled_downtime_depth")),
        dt.datetime.fromtimestamp(max(ends), dt.timezone.utc) if ends else None,
        _folder(row["host_filename" if of.service else "filename"]),
        row["labels"],
        tuple(row["groups"]),
    )


def _folder(filename: str) -> Optional[str]:
    # Checkmk: the setup writes the hosts of the folder /a/b to /wato/a/b/hosts.mk.
    match = re.fullmatch(r"/wato(/.*)?/hosts\.mk", filename)
    return None if match is None else match[1] or "/"


@dataclass(frozen=True)
class SiteStatus:
    """The status of a site at a glance.

    * ``hosts`` and ``services`` are the numbers of monitored objects by the name of their state, such as ``DOWN``.
    * ``unhandled_hosts`` and ``unhandled_services`` are the numbers of :meth:`.Checkmk.problems`.
    * ``handled_hosts`` and ``handled_services`` are the numbers of problems that are acknowledged or in a downtime.
      Other services of hosts that are not up are in neither number.
    * ``downtimes`` is the number of downtimes, including those that start later.
    * ``pending_changes`` is None if the user may not see them.
    * ``activating`` is True while an activation runs.
    """

    version: Version
    hosts: Mapping[str, int]
    services: Mapping[str, int]
    unhandled_hosts: int
    unhandled_services: int
    handled_hosts: int
    handled_services: int
    downtimes: int
    pending_changes: Optional[int]
    activating: bool


def read_status(site: Site, version: Version) -> SiteStatus:
    """Return the status of the site, as :meth:`.Checkmk.status` does."""
    hosts: collections.Counter[str] = collections.Counter({state.name: 0 for state in HostState})
    services: collections.Counter[str] = collections.Counter({state.name: 0 for state in ServiceState})
    for host in HostStatuses(site).each(columns=tuple(SERVICE_COUNTS.values())):
        hosts[host.state.name] += 1
        for state, name in SERVICE_COUNTS.items():
            services[state.name] += host[name]
    down: set[str] = set()
    unhandled, handled = collections.Counter[bool](), collections.Counter[bool]()
    for problem in Problems(site)(handled=True):  # the problems of hosts come first
        is_service = bool(problem.service)
        if not is_service:
            down.add(problem.host)
        if problem.handled or not is_service or problem.host not in down:
            (handled if problem.handled else unhandled)[is_service] += 1
    downtimes = sum(1 for _ in Downtimes(site).each())
    activation, pending = Activation(site), None
    with contextlib.suppress(ForbiddenError):  # the user may lack the permission to see pending changes
        pending = len(activation.pending())
    running = bool(activation.running())
    problems = (unhandled[False], unhandled[True], handled[False], handled[True])
    return SiteStatus(version, dict(hosts), dict(services), *problems, downtimes, pending, running)
