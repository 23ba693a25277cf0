"""Background jobs of a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from ...core.clock import Deadline
from ..payload import typed
from ..resource import Resource
from ..settling import wait_for
from ..site import Site

__all__ = ["RACE_S", "UNSTARTED", "Job", "Jobs"]

RACE_S = 5.0  # how long after its start a job may not be found yet, or not have left UNSTARTED
UNSTARTED = "initialized"  # Checkmk: the state of a job that has never run


@dataclass(frozen=True)
class Job:
    """``state`` is initialized, running, finished, stopped or exception; ``log`` is what it printed last."""

    id: str
    active: bool
    state: str
    log: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """True when it ended well."""
        return not self.active and self.state == "finished"

    @classmethod
    def parse(cls, data: Any) -> Job:
        """From any of the shapes in which the versions describe a job."""
        ident, active = typed(str, data, "id"), typed(bool, data, "extensions", "active")
        status = typed(dict, data, "extensions", "status", default={})  # 2.4 and later
        where, name = (status, "log_info") if status else (typed(dict, data, "extensions"), "logs")
        logs = typed(dict, where, name, default={}).values()
        lines = tuple(str(line) for entries in logs if isinstance(entries, list) for line in entries)
        return cls(ident, active, typed(str, where, "state"), lines)


class Jobs(Resource):
    """``client.jobs``: before 2.4 only the bulk discovery is a job that can be asked for."""

    noun = "jobs"

    def get(self, job_id: str, *, site: Optional[str] = None) -> Job:
        """The state of a job. NotFoundError where there is none of that id."""
        query = {"site_id": site} if site is not None and self._supports("get", "site_id") else {}
        return self._read(Job.parse, "get", path={"job": job_id}, query=query)

    def wait(self, job_id: str, *, timeout_s: float = 600.0, site: Optional[str] = None) -> Job:
        """Wait until a job has ended, well or not, and return it. WaitTimeoutError after ``timeout_s`` seconds.

        A job that is not found may just have been started, so NotFoundError comes some seconds later. For the same
        reason some seconds pass before a job that has never run is returned as it is.
        """
        return self.wait_until(job_id, Deadline(self._site.clock, timeout_s), site=site)

    def wait_until(self, job_id: str, deadline: Deadline, *, site: Optional[str] = None) -> Job:
        """Wait until a job has ended, and return it. WaitTimeoutError at the deadline."""
        race = Deadline(self._site.clock, RACE_S)

        def ended(short_site: Site) -> Optional[Job]:
            job = self._with_site(short_site).get(job_id, site=site)
            return None if job.active or (job.state == UNSTARTED and not race.expired) else job

        return wait_for(self._site, ended, deadline, f"the job {job_id}", unseen_s=RACE_S)

    def started(self, job_id: str) -> Job:
        """Return a job that was just started: like :meth:`get`, as soon as it is found."""
        race = Deadline(self._site.clock, RACE_S)

        def started(short_site: Site) -> Optional[Job]:
            job = self._with_site(short_site).get(job_id)
            return None if job.state == UNSTARTED and not (job.active or race.expired) else job

        return wait_for(self._site, started, race, job_id, unseen_s=RACE_S)
