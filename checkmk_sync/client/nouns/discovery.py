"""Service discovery, of one host or of many."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional

from ...core.arguments import require_string, require_strings
from ...core.call import Reply
from ...core.clock import Deadline
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

__all__ = ["BulkDiscovery", "Discovery", "DiscoveryResult", "DiscoveryRun"]

# Before 2.4 there is one bulk job per site, known by this name: when somebody else starts another one
# right after ours has ended, that is the one that is seen.
OLD_BULK_JOB = "bulk_discovery"

# 2.2 knows modes instead of options; each does at least what the options ask for.
_MODES = ("new", "remove", "fix_all", "only_host_labels", "only_service_labels", "refresh", "tabula_rasa")


@dataclass(frozen=True)
class DiscoveryRun:
    """The background job that scans a host."""

    host: str
    active: bool
    state: str


@dataclass(frozen=True)
class DiscoveryResult:
    """The services that a discovery found on a host, by phase (monitored, undecided, vanished, …)."""

    host: str
    services: Mapping[str, tuple[str, ...]]
    host_labels: Mapping[str, Any]

    def in_phase(self, phase: str) -> tuple[str, ...]:
        """Return the names of the services in a phase."""
        return self.services.get(phase, ())


@dataclass(frozen=True)
class BulkDiscovery:
    """A bulk discovery; ``job`` is its last known state, None if the server had nothing to do."""

    hosts: tuple[str, ...]
    job: Optional[Job]

    @property
    def ok(self) -> bool:
        """Return True if the job ended well. Checkmk: hosts that failed are named in its log only."""
        return self.job is None or self.job.ok

    def raise_for_failure(self) -> None:
        """Raise DiscoveryError, with the end of the job's log, unless the job ended well."""
        if self.job is not None and not self.ok:
            log = "; ".join(self.job.log[-3:]) or "its log says no more"
            hosts = pluralize(len(self.hosts), "host")
            raise DiscoveryError(f"the discovery of {hosts} ended as {self.job.state}: {log}", state=self.job.state)

    def __repr__(self) -> str:
        state = None if self.job is None else self.job.state
        return f"BulkDiscovery({pluralize(len(self.hosts), 'host')}, state={state!r})"


class Discovery(Resource):
    """``client.discovery``."""

    noun = "discovery"

    def __init__(self, site: Site, jobs: Jobs) -> None:
        super().__init__(site)
        self._jobs = jobs

    @writes
    def start(self, host: str, mode: str = "fix_all") -> None:
        """Start discovery of a host: new, remove, fix_all, only_host_labels, only_service_labels, refresh
        or tabula_rasa.

        The last two scan the host in the background (see :meth:`wait`), the others accept what the last
        scan found and are done on return. ConflictError while a scan of the host runs.
        """
        require_string(host, "host")
        if mode not in _MODES:
            raise ValueError(f"{mode!r} is no mode of discovery: {', '.join(_MODES)}")
        # A redirect means "started in the background"; following it would end in a loop.
        self._perform("start", body={"host_name": host, "mode": mode}, object_names=(host,))

    def status(self, host: str) -> DiscoveryRun:
        """Return the state of the host's scan: ``initialized`` if none has ever run."""

        require_string(host, "host")

        def parse(data: Any) -> DiscoveryRun:
            extensions = typed(dict, data, "extensions")
            return DiscoveryRun(host, typed(bool, extensions, "active"), typed(str, extensions, "state"))

        return self._read(parse, "run", path={"name": host})

    def wait(self, host: str, *, timeout_s: float = 300.0) -> DiscoveryRun:
        """Wait until the scan of a host has ended, and return it. WaitTimeoutError after ``timeout_s`` seconds.

        A scan that has never run may just have been started, so some seconds pass before it is returned as
        ``initialized``.
        """
        deadline, race = Deadline(self._site.clock, timeout_s), Deadline(self._site.clock, RACE_S)

        def ended(site: Site) -> Optional[DiscoveryRun]:
            run = self._with_site(site).status(host)
            return None if run.active or (run.state == UNSTARTED and not race.expired) else run

        return wait_for(self._site, ended, deadline, f"the discovery of {host}", unseen_s=RACE_S)

    def result(self, host: str) -> DiscoveryResult:
        """Return the result of the last discovery. Checkmk may contact the host for it: this can take long."""

        require_string(host, "host")

        def parse(data: Any) -> DiscoveryResult:
            phases: dict[str, list[str]] = {}
            for entry in typed(dict, data, "extensions", "check_table").values():
                phases.setdefault(typed(str, entry, "value"), []).append(
                    typed(str, entry, "extensions", "service_name")
                )
            labels = typed(dict, data, "extensions", "host_labels", default={})
            return DiscoveryResult(host, {phase: tuple(found) for phase, found in phases.items()}, labels)

        return self._read(parse, "result", path={"name": host})

    def results(self, hosts: Iterable[str], *, limit_s: float = 30.0) -> dict[str, DiscoveryResult]:
        """Return the results of some hosts, as far as the site answers within ``limit_s`` seconds in total.

        Each host is asked for once. Hosts without an answer are left out.
        """
        found: dict[str, DiscoveryResult] = {}
        there = self._with_site(self._site.with_time_limit(limit_s))
        for host in require_strings(hosts, "hosts"):
            try:
                found[host] = there.result(host)
            except TransportError:  # a site that is slow or away stays so
                break
            except CheckmkError:
                continue
        return found

    @writes
    def discover(self, host: str, *, rescan: bool = True, timeout_s: float = 300.0) -> DiscoveryResult:
        """Scan a host, accept everything found, and return it. DiscoveryError if the scan failed."""
        Deadline(self._site.clock, timeout_s)  # TypeError before anything is started
        if rescan:
            self._start_or_join(host)
            with after_write(f"the scan of {host} was started, but its end cannot be seen"):
                run = self.wait(host, timeout_s=timeout_s)
            if run.state != "finished":
                raise DiscoveryError(f"the discovery of {host} ended as {run.state}", state=run.state)
        self.start(host, "fix_all")
        with after_write(f"the services of {host} were accepted, but cannot be read"):
            return self.result(host)

    @writes
    def set_phase(self, host: str, check_type: str, item: Optional[str], phase: str) -> None:
        """Move one service to a phase, such as ``monitored`` or ``ignored``."""
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
        """Scan many hosts in one job of the server.

        By default new services are monitored and labels updated, and vanished services stay. With ``wait`` the returned
        job has ended. While another bulk discovery runs (before 2.4 only one may), this one waits for its end. If the
        answer to the start is lost it is started again, because scanning twice finds the same.
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
        with after_write("the bulk discovery was started, but its end cannot be seen"):
            job_id = self._job_id(reply)
            if job_id is None:
                return BulkDiscovery(names, None)
            job = self._jobs.wait_until(job_id, deadline) if wait else self._jobs.started(job_id)
        return BulkDiscovery(names, job)

    def _start_or_join(self, host: str) -> None:
        """Start a scan; again if the answer is lost, because scanning twice finds the same."""
        with contextlib.suppress(ConflictError):  # a scan is running already: its result is as good
            try:
                self.start(host, "refresh")
            except CheckmkError as error:
                if not is_uncertain(error):
                    raise
                self.start(host, "refresh")

    def _start_bulk(self, names: tuple[str, ...], options: Mapping[str, bool], deadline: Deadline) -> Reply:
        body: dict[str, Any] = {"hostnames": list(names), "do_full_scan": True, "ignore_errors": True, "bulk_size": 50}
        row = self._site.operation(self.noun, "bulk")
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
                lost_answers += 1
                if not is_uncertain(error) or lost_answers > 2:
                    raise
        raise WaitTimeoutError("another bulk discovery did not end in time", waited_s=deadline.elapsed_s())

    def _job_id(self, reply: Reply) -> Optional[str]:
        """Return the id of the job; None if nothing had to be started (204). Checkmk: up to 2.3 the answer is the job,
        later a redirect to it."""
        if reply.status == 204:
            return None
        if reply.status < 300:
            return OLD_BULK_JOB
        path = self._site.transport.path_below_api(reply.headers.get("Location") or "")
        prefix = "/objects/background_job/"
        if not path.startswith(prefix):
            raise UnexpectedReplyError(f"the bulk discovery redirects to {path}, not to a job")
        return path[len(prefix) :].partition("?")[0]
