"""Reads background jobs of a site, and waits for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ...core.clock import Deadline
from ...errors import CheckmkError, JobError
from ..payload import typed
from ..resource import Resource
from ..settling import wait_for
from ..site import Site

RACE_S = 5.0  # seconds after its start in which a job may be missing or still be UNSTARTED
UNSTARTED = "initialized"  # Checkmk: the state of a job that has never run


@dataclass(frozen=True)
class Job:
    """A background job of the site.

    ``active`` is True while the job runs. ``state`` is ``initialized``, ``running``, ``finished``, ``stopped`` or
    ``exception``. ``log`` contains the lines of output that the site reports. ``site`` is the ID of the site on which
    the job runs, or None if the answer does not contain it.

    The record does not change. :meth:`poll` and :meth:`wait` return a new one.
    """

    id: str
    active: bool
    state: str
    log: tuple[str, ...] = field(default=(), repr=False)
    site: Optional[str] = field(default=None, compare=False)
    _jobs: Optional[Jobs] = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """True if the job has ended with the state ``finished``."""
        return not self.active and self.state == "finished"

    def poll(self) -> Job:
        """Return the job as it is now. Raises NotFoundError if it no longer exists."""
        return self._connected().get(self.id, site=self.site)

    def wait(self, timeout_s: float = 600.0) -> Job:
        """Wait until the job has ended, and return it. See :meth:`.Jobs.wait`."""
        if not self.active and self.state != UNSTARTED:
            return self  # another read could show a later run, because most jobs always have the same ID
        return self._connected().wait(self.id, timeout_s=timeout_s, site=self.site)

    def result(self, timeout_s: float = 600.0) -> tuple[str, ...]:
        """Wait until the job has ended, and return its log. Raises JobError if it has failed."""
        job = self.wait(timeout_s)
        if not job.ok:
            log = f"its log ends with {'; '.join(job.log[-3:])!r}" if job.log else "its log is empty"
            raise JobError(f"the job {job.id} ended as {job.state}; {log}", state=job.state)
        return job.log

    def _connected(self) -> Jobs:
        if self._jobs is None:
            raise CheckmkError(f"the job {self.id} has no client, for example after pickling; use client.jobs")
        return self._jobs

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_jobs": None}  # a client cannot be pickled

    @classmethod
    def parse(cls, data: Any) -> Job:
        """Return the record of a job object of any version. Raises UnexpectedReplyError if it is malformed."""
        ident, active = typed(str, data, "id"), typed(bool, data, "extensions", "active")
        status = typed(dict, data, "extensions", "status", default={})  # 2.4 and later
        where, name = (status, "log_info") if status else (typed(dict, data, "extensions"), "logs")
        logs = typed(dict, where, name, default={}).values()
        lines = tuple(str(line) for entries in logs if isinstance(entries, list) for line in entries)
        site = typed(str, data, "extensions", "site_id", default="") or None
        return cls(ident, active, typed(str, where, "state"), lines, site)


class Jobs(Resource):
    """Background jobs of the site, as ``client.jobs``.

    Before Checkmk 2.4, only the job of the bulk discovery can be read.
    """

    noun = "jobs"

    @property
    def shows_all(self) -> bool:
        """True if the site shows all background jobs, and not only the bulk discovery (Checkmk 2.4 and later)."""
        return self._supports("get", "site_id")

    def get(self, job_id: str, *, site: Optional[str] = None) -> Job:
        """Return a job by its ID. Raises NotFoundError if it does not exist.

        ``site`` is the ID of the site on which the job runs. It is ignored if the site's version does not support it.
        """
        query = {"site_id": site} if site is not None and self._supports("get", "site_id") else {}
        return self.connect(self._read(Job.parse, "get", path={"job": job_id}, query=query))

    def connect(self, job: Job) -> Job:
        """Return the record with this noun, so that it can be read again."""
        return replace(job, _jobs=self)

    def wait(self, job_id: str, *, timeout_s: float = 600.0, site: Optional[str] = None) -> Job:
        """Wait until a job has ended, and return it.

        The job may have failed; check :attr:`.Job.ok`. Raises WaitTimeoutError after ``timeout_s`` seconds, and
        NotFoundError if the job does not exist. ``site`` is as in :meth:`get`.

        A new job may be missing or ``initialized`` for a moment. During the first 5 seconds, the wait therefore
        continues in both cases.
        """
        return self.wait_until(job_id, Deadline(self._site.clock, timeout_s), site=site)

    def wait_until(self, job_id: str, deadline: Deadline, *, site: Optional[str] = None) -> Job:
        """Wait like :meth:`wait`, but until a :class:`.Deadline`. Raises WaitTimeoutError when it has passed."""
        race = Deadline(self._site.clock, RACE_S)

        def ended(short_site: Site) -> Optional[Job]:
            job = self._with_site(short_site).get(job_id, site=site)
            return None if job.active or (job.state == UNSTARTED and not race.expired) else job

        return self.connect(wait_for(self._site, ended, deadline, f"the job {job_id}", unseen_s=RACE_S))

    def started(self, job_id: str) -> Job:
        """Return a job that was just started, as soon as it runs or has ended.

        Raises NotFoundError if the site does not know the job after 5 seconds. A job that is still ``initialized`` then
        is returned.
        """
        race = Deadline(self._site.clock, RACE_S)

        def started(short_site: Site) -> Optional[Job]:
            job = self._with_site(short_site).get(job_id)
            return None if job.state == UNSTARTED and not (job.active or race.expired) else job

        return self.connect(wait_for(self._site, started, race, f"the start of the job {job_id}", unseen_s=RACE_S))
