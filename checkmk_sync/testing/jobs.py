"""Jobs that take time: activations, discoveries and renames. They take effect when they end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from . import sample_services as services
from .configuration import Configuration, HostConfig, iso_time
from .monitoring_core import MonitoredHost, MonitoringCore
from .sample_services import Phases

__all__ = ["BULK", "ActivationJob", "Activations", "DiscoveryJobs", "Job", "Renames"]

BULK = "bulk_discovery"


@dataclass
class ActivationJob:
    """One activation. ``snapshot`` is the configuration that it activates."""

    id: str
    ends_at: float
    started: str
    forced: bool
    changes: list[dict[str, Any]]
    snapshot: Mapping[str, HostConfig]
    phases: Mapping[str, Phases]
    fails: bool
    ended: Optional[str] = None

    @property
    def is_running(self) -> bool:
        return self.ended is None


@dataclass
class Activations:
    """All activations. The next ``failing`` activations fail."""

    configuration: Configuration
    monitoring: MonitoringCore
    duration_s: float
    core_delay_s: float
    runs: dict[str, ActivationJob] = field(default_factory=dict)
    failing: int = 0
    _loading: list[tuple[float, ActivationJob]] = field(default_factory=list)

    def running(self) -> Optional[ActivationJob]:
        return next((run for run in self.runs.values() if run.is_running), None)

    def start(self, *, forced: bool) -> ActivationJob:
        fails, self.failing = self.failing > 0, max(0, self.failing - 1)
        run = ActivationJob(
            id=str(uuid.uuid4()),
            ends_at=self.configuration.clock.monotonic() + self.duration_s,
            started=self.configuration.now(),
            forced=forced,
            changes=list(self.configuration.changes),
            snapshot=dict(self.configuration.hosts),
            phases=dict(self.configuration.service_phases),
            fails=fails,
        )
        self.runs[run.id] = run
        return run

    def finish_due_jobs(self) -> None:
        now = self.configuration.clock.monotonic()
        for run in self.runs.values():
            if run.is_running and run.ends_at <= now:
                run.ended = self.configuration.now()
                if not run.fails:
                    done = {change["id"] for change in run.changes}
                    self.configuration.changes[:] = [c for c in self.configuration.changes if c["id"] not in done]
                    self._loading.append((run.ends_at + self.core_delay_s, run))
        while self._loading and self._loading[0][0] <= now:
            run = self._loading.pop(0)[1]
            self.load(run.snapshot, run.phases)

    def load(self, hosts: Mapping[str, HostConfig], phases: Mapping[str, Phases]) -> None:
        """Monitor these hosts from now on, and reuse the entries of unchanged hosts."""
        now, before = self.configuration.clock.time(), self.monitoring.hosts
        total = self.monitoring.services_per_host
        loaded = {}
        for name, host in hosts.items():
            host_phases, old = phases.get(name, {}), before.get(name)
            folders = self.configuration.folder_changes
            if old is not None and old.config is host and old.phases == host_phases and old.folder_changes == folders:
                loaded[name] = old
            else:
                since, effective = now if old is None else old.since, self.configuration.effective(host)
                loaded[name] = MonitoredHost(host, effective, host_phases, total, since, folders)
        self.monitoring.hosts = loaded


@dataclass
class Job:
    """A background job. The ``options`` of a discovery select the services to accept when it ends."""

    id: str
    hosts: tuple[str, ...]
    options: Mapping[str, bool]
    ends_at: float
    started: str
    user: str
    state: str = "running"
    log: list[str] = field(default_factory=list)

    @property
    def active(self) -> bool:
        return self.state == "running"


@dataclass
class Renames:
    """Renames of hosts, one at a time. ``jobs`` contains the last one, if any."""

    configuration: Configuration
    duration_s: float
    jobs: list[Job] = field(default_factory=list)
    _new: str = ""

    @property
    def active(self) -> bool:
        return any(job.active for job in self.jobs)

    def start(self, host: HostConfig, new: str, user: str) -> None:
        clock = self.configuration.clock
        ends_at = clock.monotonic() + self.duration_s
        self.jobs, self._new = [Job("rename-hosts", (host.name,), {}, ends_at, iso_time(clock), user)], new

    def finish_due_jobs(self) -> None:
        if self.active and self.jobs[0].ends_at <= self.configuration.clock.monotonic():
            self.finish()

    def finish(self) -> None:
        """Apply the rename in progress."""
        job, hosts = self.jobs[0], self.configuration.hosts
        (name,) = job.hosts
        if name in hosts and self._new not in hosts:
            self.configuration.rename_host(name, self._new, user=job.user)
            job.state = "finished"
            job.log.append(f"{name}: renamed to {self._new}")
        else:
            job.state = "exception"
            job.log.append(f"{name}: cannot be renamed to {self._new}")


@dataclass
class DiscoveryJobs:
    """Scans of single hosts and bulk discoveries."""

    configuration: Configuration
    services_per_host: int
    duration_s: float
    race_s: float
    scans: dict[str, Job] = field(default_factory=dict)
    bulk: dict[str, Job] = field(default_factory=dict)
    failing: int = 0

    def all_phases(self, host: HostConfig) -> dict[int, str]:
        """Return the phase of every service that a scan finds."""
        if services.is_ping_only(self.configuration.effective(host)):
            return {}
        decided = self.configuration.service_phases.get(host.name, {})
        total = len(services.templates(self.services_per_host))
        return {index: decided.get(index, "undecided") for index in range(total)}

    def start_scan(self, host: HostConfig, options: Mapping[str, bool], user: str) -> None:
        self.scans[host.name] = self._job(f"service_discovery-{host.name}", [host.name], options, user)

    def start_bulk(self, hosts: Sequence[str], options: Mapping[str, bool], user: str, *, single: bool) -> Job:
        ident = BULK if single else f"{BULK}-{uuid.uuid4()}"
        job = self._job(ident, hosts, options, user)
        self.bulk[ident] = job
        return job

    @staticmethod
    def not_started(ident: str) -> Job:
        return Job(ident, (), {}, 0.0, "", "", state="initialized")

    def _job(self, ident: str, hosts: Sequence[str], options: Mapping[str, bool], user: str) -> Job:
        clock = self.configuration.clock
        return Job(ident, tuple(hosts), options, clock.monotonic() + self.duration_s, iso_time(clock), user)

    def visible(self, job: Optional[Job]) -> Optional[Job]:
        """Return the job, or None if it does not exist or is not visible yet."""
        # Checkmk: a job may not be found right after its start.
        now = self.configuration.clock.monotonic()
        return None if job is None or now < job.ends_at - self.duration_s + self.race_s else job

    def finish_due_jobs(self) -> None:
        now = self.configuration.clock.monotonic()
        for job in [*self.scans.values(), *self.bulk.values()]:
            if job.active and job.ends_at <= now:
                self._finish(job)

    def _finish(self, job: Job) -> None:
        if self.failing > 0:
            self.failing -= 1
            job.state = "exception"
            job.log.append("Error running automation call service-discovery")
            return
        for name in job.hosts:
            host = self.configuration.hosts.get(name)
            if host is None:
                job.log.append(f"{name}: host not found")
                continue
            self.accept(host, job.options, job.user)
            job.log.append(f"{name}: discovery successful")
        job.state = "finished"

    def accept(self, host: HostConfig, options: Mapping[str, bool], user: str) -> None:
        """Apply the options of a discovery to the services of a host."""
        phases = dict(self.configuration.service_phases.get(host.name, {}))
        if options.get("monitor_undecided_services"):
            known = self.all_phases(host)
            phases.update({index: "monitored" for index, phase in known.items() if phase == "undecided"})
        if options.get("remove_vanished_services"):
            phases = {index: phase for index, phase in phases.items() if phase != "vanished"}
        self.decide(host, phases, user)

    def decide(self, host: HostConfig, phases: Phases, user: str) -> None:
        """Store the phases of a host, and add a pending change if they differ."""
        if phases == self.configuration.service_phases.get(host.name, {}):
            return
        all_monitored = services.all_monitored(self.services_per_host)  # shared by all hosts with these phases
        self.configuration.service_phases[host.name] = all_monitored if phases == all_monitored else dict(phases)
        text = f"Saved check configuration of host {host.name!r} with {len(phases)} services"
        self.configuration.add_change("set-autochecks", text, user)
