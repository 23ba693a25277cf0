"""Discovers the services of one host or of many."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Optional

from ...core.arguments import require_string, require_strings
from ...core.call import Reply
from ...core.clock import Deadline
from ...core.grouping import grouped
from ...core.text import pluralize
from ...errors import (
    CheckmkError,
    ConflictError,
    DiscoveryError,
    TransportError,
    UnexpectedReplyError,
    WaitTimeoutError,
)
from ..outcomes import is_uncertain
from ..payload import typed, value_of
from ..resource import Resource, writes
from ..settling import after_write, poll, settle, wait_for
from ..site import Site
from .jobs import RACE_S, UNSTARTED, Job, Jobs

# Before 2.4 there is one bulk job per site, and this is its ID. If another user starts a job right after ours has
# ended, reading this ID returns the other one.
OLD_BULK_JOB = "bulk_discovery"

# CHECKMK_API 10.15
_MODES = ("new", "remove", "fix_all", "only_host_labels", "only_service_labels", "refresh", "tabula_rasa")


@dataclass(frozen=True)
class DiscoveryRun:
    """The background job that scans a host. ``active`` and ``state`` are as in :class:`.Job`."""

    host: str
    active: bool
    state: str


@dataclass(frozen=True)
class DiscoveryResult:
    """The services that a discovery has found on a host.

    ``services`` maps phases, such as ``monitored``, ``undecided`` (new) and ``vanished``, to the names of the services.
    ``host_labels`` are the labels that the discovery has found, in the form of the API.
    """

    host: str
    services: Mapping[str, tuple[str, ...]]
    host_labels: Mapping[str, Any]

    def in_phase(self, phase: str) -> tuple[str, ...]:
        """Return the names of the services in a phase. The result is empty for an unknown phase."""
        return self.services.get(phase, ())


@dataclass(frozen=True)
class BulkDiscovery:
    """A bulk discovery of ``hosts``. ``job`` is its :class:`.Job` as last read, or None if there was nothing to do."""

    hosts: tuple[str, ...] = field(repr=False)
    job: Optional[Job]

    @property
    def ok(self) -> bool:
        """True if the job has finished or was not needed, and False while it runs.

        Single hosts may have failed nevertheless. Checkmk reports them only in ``job.log``.
        """
        return self.job is None or self.job.ok

    def raise_for_failure(self) -> None:
        """Raise DiscoveryError, with the last lines of the job's log, if the job has ended without success.

        A job that still runs has not failed, so no error is raised for it.
        """
        if self.job is not None and not self.job.active and not self.job.ok:
            hosts, last_lines = pluralize(len(self.hosts), "host"), "; ".join(self.job.log[-3:])
            log = f"its log ends with {last_lines!r}" if last_lines else "its log is empty"
            raise DiscoveryError(f"the discovery of {hosts} ended as {self.job.state}; {log}", state=self.job.state)


class Discovery(Resource):
    """The discovery of services, as ``client.discovery``.

    New services are monitored after the next activation.

    >>> cmk.discovery.discover("web01")
    >>> cmk.discovery.bulk(["web01", "web02"]).raise_for_failure()
    >>> cmk.activation.activate()
    """

    noun = "discovery"

    def __init__(self, site: Site, jobs: Jobs) -> None:
        super().__init__(site)
        self._jobs = jobs

    @writes
    def start(self, host: str, mode: str = "fix_all") -> None:
        """Start a discovery of a host.

        Two modes scan the host in the background; :meth:`wait` waits for the end:

        * ``refresh`` scans the host.
        * ``tabula_rasa`` removes all services of the host and scans it.

        The other modes accept results of the last scan, and are complete when the method returns:

        * ``new`` monitors new services.
        * ``remove`` removes vanished services.
        * ``fix_all`` accepts all changes.
        * ``only_host_labels`` and ``only_service_labels`` (Checkmk 2.3.0p3 and later) update labels.

        Raises BadRequestError if the host does not exist, ConflictError while a scan of the host runs, and ValueError
        for an unknown mode.
        """
        require_string(host, "host")
        if mode not in _MODES:
            raise ValueError(f"unknown mode {mode!r}; use one of {', '.join(_MODES)}")
        # A redirect means that the scan was started in the background. It leads to a wait endpoint that redirects to
        # itself until the scan has ended (CHECKMK_API 10.15).
        self._perform("start", body={"host_name": host, "mode": mode}, object_names=(host,))

    def status(self, host: str) -> DiscoveryRun:
        """Return the last scan of a host, which may still run.

        Its state is ``initialized`` if the host has never been scanned. Raises NotFoundError if the host does not
        exist.
        """

        require_string(host, "host")

        def parse(data: Any) -> DiscoveryRun:
            extensions = typed(dict, data, "extensions")
            return DiscoveryRun(host, typed(bool, extensions, "active"), typed(str, extensions, "state"))

        return self._read(parse, "run", path={"name": host})

    def wait(self, host: str, *, timeout_s: float = 300.0) -> DiscoveryRun:
        """Wait until the scan of a host has ended, and return it. Its ``state`` shows whether it was successful.

        Raises WaitTimeoutError after ``timeout_s`` seconds. A new scan may be ``initialized`` for a moment, so the wait
        continues in that state during the first 5 seconds.
        """
        deadline, race = Deadline(self._site.clock, timeout_s), Deadline(self._site.clock, RACE_S)

        def ended(site: Site) -> Optional[DiscoveryRun]:
            run = self._with_site(site).status(host)
            return None if run.active or (run.state == UNSTARTED and not race.expired) else run

        return wait_for(self._site, ended, deadline, f"the discovery of {host}", unseen_s=RACE_S)

    def result(self, host: str) -> DiscoveryResult:
        """Return the result of the last discovery. Raises NotFoundError if the host does not exist.

        The request can take up to ``timeouts.bulk_s`` seconds, because Checkmk may contact the host.
        """

        require_string(host, "host")

        def parse(data: Any) -> DiscoveryResult:
            table = typed(dict, data, "extensions", "check_table").values()
            phases = grouped((typed(str, row, "value"), typed(str, row, "extensions", "service_name")) for row in table)
            labels = typed(dict, data, "extensions", "host_labels", default={})
            return DiscoveryResult(host, {phase: tuple(found) for phase, found in phases.items()}, labels)

        return self._read(parse, "result", path={"name": host})

    def results(self, hosts: Iterable[str], *, limit_s: float = 30.0) -> dict[str, DiscoveryResult]:
        """Return the results of several hosts, by the name of the host.

        The method takes at most ``limit_s`` seconds in total. Each result is requested once. Hosts without an answer in
        this time are omitted, and so are hosts for which the request fails.
        """
        found: dict[str, DiscoveryResult] = {}
        there = self._with_site(self._site.with_time_limit(limit_s))
        for host in require_strings(hosts, "hosts"):
            try:
                found[host] = there.result(host)
            except TransportError:  # the other hosts would use up the time as well
                break
            except CheckmkError:
                continue
        return found

    @writes
    def discover(self, host: str, *, rescan: bool = True, timeout_s: float = 300.0) -> DiscoveryResult:
        """Scan a host, accept all changes that were found, and return the result.

        If a scan of the host is already running, the method waits for it instead of starting another one. With
        ``rescan=False``, it accepts the results of the last scan. Raises DiscoveryError if the scan fails, and
        WaitTimeoutError if it takes longer than ``timeout_s`` seconds.
        """
        Deadline(self._site.clock, timeout_s)  # raises a TypeError before anything is started
        if rescan:
            self._start_or_join(host)
            with after_write(f"the scan of {host} was started, but its result is unknown"):
                run = self.wait(host, timeout_s=timeout_s)
            if run.state != "finished":
                raise DiscoveryError(f"the discovery of {host} ended as {run.state}", state=run.state)
        self.start(host, "fix_all")
        with after_write(f"the services of {host} were accepted, but cannot be read"):
            return self.result(host)

    @writes
    def set_phase(self, host: str, check_type: str, item: Optional[str], phase: str) -> None:
        """Move one service of a host to a phase, such as ``monitored``, ``undecided`` or ``ignored``.

        ``check_type`` is the name of the service's check plugin, such as ``df``. ``item`` is the item of the plugin,
        such as ``/var``, or None if the plugin has no items. Raises NotFoundError if the host does not exist, and
        BadRequestError for an unknown phase.
        """
        require_string(host, "host")
        body = {"check_type": check_type, "service_item": item, "target_phase": phase}

        def is_in_phase(data: Any) -> Optional[bool]:
            for entry in typed(dict, data, "extensions", "check_table").values():
                service = typed(dict, entry, "extensions")
                if (service.get("check_plugin_name"), service.get("service_item")) == (check_type, item):
                    return value_of(entry, "value") == phase or None
            return None

        try:
            self._perform("set_phase", path={"name": host}, body=body)
        except CheckmkError as error:
            settle(
                self._site, error, lambda site: self._with_site(site)._read(is_in_phase, "result", path={"name": host})
            )

    @writes
    def bulk(
        self,
        hosts: Iterable[str],
        *,
        monitor_undecided: bool = True,
        remove_vanished: bool = False,
        update_labels: bool = True,
        wait: bool = True,
        timeout_s: float = 1800.0,
    ) -> BulkDiscovery:
        """Scan many hosts in one background job of the site, and accept the results.

        * ``monitor_undecided``: monitor new services.
        * ``remove_vanished``: remove services that no longer exist on the host.
        * ``update_labels``: update the labels of hosts and services.
        * ``wait``: wait for the end of the job. With ``wait=False``, the method returns as soon as the job has started;
          call ``client.jobs.wait(result.job.id)`` later, unless ``result.job`` is None.
        * ``timeout_s``: the limit for the entire call, in seconds.

        If the job fails, the method does not raise an error; call :meth:`.BulkDiscovery.raise_for_failure`. Raises
        BadRequestError if a host does not exist.

        Checkmk before 2.4 runs only one bulk discovery at a time, so the method first waits for the end of another one.
        Raises WaitTimeoutError if both together take longer than ``timeout_s``.
        """
        names = tuple(require_strings(hosts, "hosts"))
        if not names:
            return BulkDiscovery((), None)
        options = {
            "monitor_undecided_services": monitor_undecided,
            "remove_vanished_services": remove_vanished,
            "update_service_labels": update_labels,
            "update_host_labels": update_labels,
        }
        deadline = Deadline(self._site.clock, timeout_s)
        reply = self._start_bulk(names, options, deadline)
        with after_write("the bulk discovery was started, but its result is unknown"):
            job_id = self._job_id(reply)
            if job_id is None:
                return BulkDiscovery(names, None)
            job = self._jobs.wait_until(job_id, deadline) if wait else self._jobs.started(job_id)
        return BulkDiscovery(names, job)

    def _start_or_join(self, host: str) -> None:
        """Start a scan. Start it again if the answer is lost, because a second scan has the same result."""
        with contextlib.suppress(ConflictError):  # a scan that is already running has the same result
            try:
                self.start(host, "refresh")
            except CheckmkError as error:
                if not is_uncertain(error):
                    raise
                self.start(host, "refresh")

    def _start_bulk(self, names: tuple[str, ...], options: Mapping[str, bool], deadline: Deadline) -> Reply:
        body: dict[str, Any] = {"hostnames": list(names), "do_full_scan": True, "ignore_errors": True, "bulk_size": 50}
        row = self._site.operation(self.noun, "bulk")
        # Checkmk 2.2 has modes instead of options. The mode does at least what the options request.
        if row is None or "mode" not in row.body:
            body["options"] = dict(options)
        elif options["remove_vanished_services"]:
            body["mode"] = "fix_all" if options["monitor_undecided_services"] else "remove"
        else:
            body["mode"] = "new" if options["monitor_undecided_services"] else "only_host_labels"
        lost_answers = 0
        for _ in poll(self._site.clock, deadline):
            try:
                return self._perform("bulk", body=body)
            except ConflictError:
                continue
            except CheckmkError as error:
                lost_answers += 1  # started again, because a second scan has the same result
                if not is_uncertain(error) or lost_answers > 2:
                    raise
        message = f"another bulk discovery did not end within {deadline.limit_s:g} s; try again later"
        raise WaitTimeoutError(message, waited_s=deadline.elapsed_s())

    def _job_id(self, reply: Reply) -> Optional[str]:
        """Return the ID of the job, or None if there was nothing to do (204)."""
        if reply.status == 204:
            return None
        if reply.status < 300:  # CHECKMK_API 10.15: up to 2.3 the answer is the job, later a redirect to it
            return OLD_BULK_JOB
        path = self._site.transport.path_below_api(reply.headers.get("Location") or "")
        prefix = "/objects/background_job/"
        if not path.startswith(prefix):
            raise UnexpectedReplyError(f"the bulk discovery redirects to {path} instead of a job")
        return path[len(prefix) :].partition("?")[0]
