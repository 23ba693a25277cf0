"""Jobs that take time: activations, discoveries, renames and parent scans. They take effect when they end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence

from . import sample_services as services
from .configuration import Configuration, HostConfig
from .monitoring_core import MonitoredHost, MonitoringCore
from .sample_services import Phases

BULK, RENAME, PARENT_SCAN = "bulk_discovery", "rename-hosts", "parent_scan"  # the IDs of the jobs


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
        """Monitor these hosts from now on, except for those whose tag says that they are offline."""
        now, before = self.configuration.clock.time(), self.monitoring.hosts
        monitored = {
            name: MonitoredHost(
                host,
                self.configuration.effective(host),
                phases.get(name, {}),
                self.monitoring.services_per_host,
                since=before[name].since if name in before else now,
            )
            for name, host in hosts.items()
            if not self.configuration.is_offline(host)
        }
        self.monitoring.load(monitored)


@dataclass
class Job:
    """A background job. ``work`` takes effect when the job ends, and returns its final state and its log."""

    id: str
    ends_at: float
    work: Callable[[], tuple[str, list[str]]]
    state: str = "running"
    log: list[str] = field(default_factory=list)

    @property
    def active(self) -> bool:
        return self.state == "running"

    def finish(self) -> None:
        """End the job now, even if it is not due yet."""
        self.state, self.log = self.work()


@dataclass
class BackgroundJobs:
    """The discoveries, renames and parent scans of a site, by ID. The next ``failing`` discoveries and scans fail."""

    configuration: Configuration
    services_per_host: int
    duration_s: float
    race_s: float
    failing: int = 0
    by_id: dict[str, Job] = field(default_factory=dict)

    def is_active(self, ident: str) -> bool:
        return ident in self.by_id and self.by_id[ident].active

    def visible(self, ident: str) -> Optional[Job]:
        """Return the job, or None if it does not exist or is not visible yet."""
        # Checkmk: a job may not be found right after its start.
        now, job = self.configuration.clock.monotonic(), self.by_id.get(ident)
        return None if job is None or now < job.ends_at - self.duration_s + self.race_s else job

    def finish_due_jobs(self) -> None:
        now = self.configuration.clock.monotonic()
        for job in self.by_id.values():
            if job.active and job.ends_at <= now:
                job.finish()

    def _start(self, ident: str, work: Callable[[], tuple[str, list[str]]]) -> Job:
        job = self.by_id[ident] = Job(ident, self.configuration.clock.monotonic() + self.duration_s, work)
        return job

    def start_rename(self, name: str, new: str, user: str) -> Job:
        return self._start(RENAME, lambda: self._rename(name, new, user))

    def _rename(self, name: str, new: str, user: str) -> tuple[str, list[str]]:
        hosts = self.configuration.hosts
        if name not in hosts or new in hosts:
            return "exception", [f"{name}: cannot be renamed to {new}"]
        self.configuration.rename_host(name, new, user=user)
        return "finished", [f"{name}: renamed to {new}"]

    def start_parent_scan(self, hosts: Sequence[str]) -> Job:
        return self._start(PARENT_SCAN, lambda: self._scan_parents(hosts))

    def _scan_parents(self, hosts: Sequence[str]) -> tuple[str, list[str]]:
        if self.failing > 0:
            self.failing -= 1
            return "exception", ["traceroute: command not found"]
        return "finished", [f"{name}: no gateway found" for name in hosts]

    def start_discovery(self, ident: str, hosts: Sequence[str], options: Mapping[str, bool], user: str) -> Job:
        """Start a discovery. ``options`` select the services to accept when it ends."""
        return self._start(ident, lambda: self._discover(hosts, options, user))

    def _discover(self, hosts: Sequence[str], options: Mapping[str, bool], user: str) -> tuple[str, list[str]]:
        if self.failing > 0:
            self.failing -= 1
            return "exception", ["Error running automation call service-discovery"]
        log = []
        for name in hosts:
            host = self.configuration.hosts.get(name)
            if host is not None:
                self.accept(host, options, user)
            log.append(f"{name}: host not found" if host is None else f"{name}: discovery successful")
        return "finished", log

    def all_phases(self, host: HostConfig) -> dict[int, str]:
        """Return the phase of every service that a scan finds."""
        if services.is_ping_only(self.configuration.effective(host)):
            return {}
        decided = self.configuration.service_phases.get(host.name, {})
        total = len(services.templates(self.services_per_host))
        return {index: decided.get(index, "undecided") for index in range(total)}

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
        self.configuration.service_phases[host.name] = dict(phases)
        text = f"Saved check configuration of host {host.name!r} with {len(phases)} services"
        self.configuration.add_change("set-autochecks", text, user)
