"""Pending changes and their activation."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

from ...core.arguments import describe_type, require_strings
from ...core.clock import Deadline
from ...core.text import escape_invisible, pluralize, summarize
from ...errors import (
    ActivationError,
    CheckmkError,
    ForbiddenError,
    LockedError,
    NotFoundError,
    PlanChangedError,
    PreconditionError,
    UnprocessableError,
    WaitTimeoutError,
)
from ..payload import items_of, typed
from ..resource import Resource, parsing, writes
from ..settling import after_write, poll, settle, wait_for
from ..site import Site
from .host_reads import absent_hosts
from .monitoring import HostStatuses

__all__ = ["Activation", "ActivationResult", "ActivationRun", "PendingChange"]

NAMES_SHOWN = 5  # in an error
GRACE_S = 2.0  # in which the core loads most hosts; only then the configuration is asked for those that are missing
READINGS = 5  # of what is pending, while others go on changing it


@dataclass(frozen=True)
class PendingChange:
    """One change that is saved but not active; ``user`` is None for changes of the site itself.

    Where the site gives a change no id, all that tells it from others makes one.
    """

    id: str
    user: Optional[str]
    action: str
    text: str
    time: str

    @classmethod
    def parse(cls, data: Any) -> PendingChange:
        """From an entry of the API's list."""
        action = typed(str, data, "action_name")
        user = typed(str, data, "user_id", default="") or None
        text, time, ident = (typed(str, data, name, default="") for name in ("text", "time", "id"))
        # Checkmk: no version promises the id.
        return cls(ident or f"{time} {user} {action} {text}", user, action, text, time)

    def is_foreign_to(self, user: str) -> bool:
        """True when it is another user's. Checkmk: changes of the site itself are nobody's, and are activated by
        whoever activates."""
        return self.user not in (None, user)

    def __str__(self) -> str:
        return escape_invisible(f"{self.user or 'the site itself'}: {self.action}: {self.text}")


Approved = Callable[[PendingChange], bool]


@dataclass(frozen=True)
class ActivationRun:
    """An activation; ``status_per_site`` maps site ids to (state, text), empty before 2.4; ``changes`` are what it
    activates, as far as the site tells."""

    id: str
    is_running: bool
    sites: tuple[str, ...]
    status_per_site: Mapping[str, tuple[Optional[str], str]] = field(default_factory=dict)
    changes: tuple[PendingChange, ...] = ()

    @classmethod
    def parse(cls, data: Any) -> ActivationRun:
        """From the object that the API sends."""
        extensions = typed(dict, data, "extensions")
        status = {}
        for entry in typed(list, extensions, "status_per_site", default=[]):
            texts = (typed(str, entry, name, default="") for name in ("status_text", "status_details"))
            state = typed(str, entry, "state", default="") or None
            status[typed(str, entry, "site")] = (state, " ".join(filter(None, texts)))
        sites = tuple(str(site) for site in typed(list, extensions, "sites", default=[]))
        changes = tuple(map(PendingChange.parse, typed(list, extensions, "changes", default=[])))
        return cls(typed(str, data, "id"), typed(bool, extensions, "is_running"), sites, status, changes)


@dataclass(frozen=True)
class ActivationResult:
    """``activated`` changes are active now; ``run`` is None when there was nothing to do."""

    activated: tuple[PendingChange, ...]
    run: Optional[ActivationRun]
    elapsed_s: float = 0.0

    def __repr__(self) -> str:
        run = None if self.run is None else self.run.id
        changes = pluralize(len(self.activated), "change")
        return f"ActivationResult({changes} activated, run={run!r}, {self.elapsed_s:.1f} s)"


@dataclass(frozen=True)
class _Start:
    """What is to be started, and by whom."""

    sites: list[str]
    force: bool
    approved: Optional[Approved]
    user: str

    def body(self) -> dict[str, Any]:
        return {"redirect": False, "sites": self.sites, "force_foreign_changes": self.force}

    def if_match(self, etag: Optional[str]) -> str:
        """Checkmk: the ETag changes with every new change of anybody. So "*" is the one that works, but only that
        of the list which was looked at lets nothing slip in between. Old versions give none."""
        return "*" if self.approved is None else etag or "*"

    def raise_if_unapproved(self, pending: Sequence[PendingChange]) -> None:
        """PlanChangedError when the activation would take something along that was not approved."""
        others = self.unapproved(pending)
        if others:
            said = pluralize(len(others), "pending change was", "pending changes were")
            raise PlanChangedError(f"nothing was activated: {said} not approved ({_few(others)})")

    def unapproved(self, pending: Sequence[PendingChange]) -> list[PendingChange]:
        if self.approved is None:
            return []
        concerned = [change for change in pending if self.force or not change.is_foreign_to(self.user)]
        return [change for change in concerned if not self.approved(change)]


def _few(changes: Sequence[PendingChange]) -> str:
    return summarize(changes, NAMES_SHOWN, "; ")


class Activation(Resource):
    """``client.activation``."""

    noun = "activation"

    def pending(self) -> list[PendingChange]:
        """The changes that are saved but not active, of all users."""
        return self._pending()[0]

    def _pending(self) -> tuple[list[PendingChange], Optional[str]]:
        """The pending changes, and the ETag of just this list."""
        reply = self._perform("pending")
        with parsing(reply):
            return [PendingChange.parse(entry) for entry in items_of(reply.data)], reply.etag

    def running(self) -> list[ActivationRun]:
        """The activations that run now."""
        return self._read(lambda data: [ActivationRun.parse(entry) for entry in items_of(data)], "running")

    def get(self, run_id: str) -> ActivationRun:
        """An activation by its id. NotFoundError when the site does not know it, or no more."""
        return self._read(ActivationRun.parse, "get", path={"run": run_id})

    @writes
    def activate(
        self,
        *,
        sites: Sequence[str] = (),
        force_foreign_changes: bool = False,
        timeout_s: float = 900.0,
        wait_for_hosts: Iterable[str] = (),
        approved: Optional[Approved] = None,
    ) -> ActivationResult:
        """Activate all pending changes (of ``sites``, else of all) and wait until that is done and verified.

        Nothing pending is a success. ForbiddenError names the changes of other users unless they are
        forced. ActivationError when it ended but a site failed, or changes are still pending that might not
        be; WaitTimeoutError after ``timeout_s`` seconds in all. With ``wait_for_hosts`` it also waits until
        the monitoring core answers for these hosts. If one of them is not configured, WaitTimeoutError says so after a
        few seconds; the changes are active then.

        With ``sites`` some changes may stay pending for others. Before 2.4 nothing tells that from a failure,
        so there it is an ActivationError as well.

        ``approved(change)`` binds it to what somebody agreed to: PlanChangedError, and nothing is activated, when
        anything is pending for which it is false. Changes of other users are left to the site unless they are
        forced, for it refuses them. A site on which the locking by ETag is switched off may take along what comes in
        the moment between the look and the start: then that is told, as an ActivationError.
        """
        sites = require_strings(sites, "sites")
        names = require_strings(wait_for_hosts, "wait_for_hosts")
        if not (approved is None or callable(approved)):
            raise TypeError(f"approved is a function of a pending change, not {describe_type(approved)}")
        deadline = Deadline(self._site.clock, timeout_s)
        start = _Start(sites, force_foreign_changes, approved, self._site.settings.username)
        before, run = self._started_or_joined(start, deadline)
        left = set[str]()
        if run is not None:
            taken_along = start.unapproved(run.changes)
            with after_write("the activation was started, but its end cannot be seen"):
                run = self._ended(run, before, deadline)
                left = self._verified(before, run, sites)
            if taken_along:
                said = f"activated as well, though not approved: {_few(taken_along)}"
                raise ActivationError(f"{said}; the site does not hold to the list that was looked at")
        self._wait_until_monitored(names, deadline, only_configured=True)
        activated = tuple(change for change in before if change.id not in left)
        return ActivationResult(activated, run, deadline.elapsed_s())

    def wait_until_monitored(self, names: Sequence[str], *, timeout_s: float = 60.0) -> None:
        """Wait until the core answers for all these hosts: after an activation that takes some seconds.

        WaitTimeoutError, which names those that are missing, after ``timeout_s`` seconds; hosts with the tag
        "offline" are never loaded.
        """
        self._wait_until_monitored(require_strings(names, "names"), Deadline(self._site.clock, timeout_s))

    def _wait_until_monitored(self, names: Sequence[str], deadline: Deadline, *, only_configured: bool = False) -> None:
        missing, absent = set(names), set[str]()
        grace = Deadline(self._site.clock, GRACE_S if only_configured else None)

        def all_there(site: Site) -> Optional[bool]:
            missing.difference_update(HostStatuses(site).monitored(missing))
            if missing and grace.expired:
                grace.at = float("inf")  # once is enough
                with contextlib.suppress(CheckmkError):  # then waiting will tell
                    absent.update(absent_hosts(site, missing))
            return None if missing and not absent else True

        if not missing:
            return
        try:
            wait_for(self._site, all_there, deadline, f"loading {pluralize(len(missing), 'host')} into the core")
        except WaitTimeoutError as error:
            said = f"{error}: not loaded: {summarize(sorted(missing), NAMES_SHOWN)}"
            raise WaitTimeoutError(said, waited_s=error.waited_s) from error.__cause__
        if absent:
            said = f"the changes are active, but not configured, so never loaded: {', '.join(sorted(absent))}"
            raise WaitTimeoutError(said, waited_s=deadline.elapsed_s())

    def _started_or_joined(
        self, start: _Start, deadline: Deadline
    ) -> tuple[Sequence[PendingChange], Optional[ActivationRun]]:
        """What was pending, and the run that activates it; None when nothing was."""
        before, etag = self._pending()
        read = 1
        for _ in poll(self._site.clock, deadline):
            start.raise_if_unapproved(before)
            if not before:
                return before, None
            try:
                return before, self._run(start, before, etag)
            except LockedError:  # another activation runs; ours starts after it
                if start.approved is not None:  # and what it has activated is pending no more
                    before, etag = self._pending()
            except PreconditionError as error:
                if start.approved is None:
                    raise
                if read == READINGS:
                    said = "nothing was activated: what is pending changed each time right after it was read"
                    raise PlanChangedError(said) from error
                before, etag = self._pending()
                read += 1
        raise WaitTimeoutError("another activation did not end in time", waited_s=deadline.elapsed_s())

    def _run(self, start: _Start, before: Sequence[PendingChange], etag: Optional[str]) -> ActivationRun:
        """Return the run that activates what was pending, which another user may have activated already."""
        try:
            return self._read(ActivationRun.parse, "start", body=start.body(), etag=start.if_match(etag))
        except (LockedError, PreconditionError):  # the caller may try again
            raise
        except UnprocessableError:  # nothing is left to activate there
            return ActivationRun("", False, tuple(start.sites), dict.fromkeys(start.sites, (None, "")))
        except ForbiddenError as error:
            raise _naming_others(error, before, start.user) from error
        except CheckmkError as error:
            return settle(self._site, error, lambda site: self._via(site)._started(before))

    def _started(self, before: Sequence[PendingChange]) -> Optional[ActivationRun]:
        """The run whose start got no answer: it runs now, or its changes are gone. Any other is somebody else's."""
        ids = {change.id for change in before}
        for run in self.running():
            if not run.changes or ids <= {change.id for change in run.changes}:
                return run
        return None if self._still_pending(before) else ActivationRun("", False, ())

    def _ended(self, run: ActivationRun, before: Sequence[PendingChange], deadline: Deadline) -> ActivationRun:
        if not run.is_running and not run.id:
            return run

        def ended(site: Site) -> Optional[ActivationRun]:
            here = self._via(site)
            try:
                now = here.get(run.id)
            except NotFoundError as error:  # forgotten already: the pending changes tell how it went
                if any(other.id == run.id for other in here.running()):
                    return None
                if here._still_pending(before):
                    raise error.with_attempted(f"{error}, and its changes are still pending") from None
                return ActivationRun(run.id, False, run.sites)
            return None if now.is_running else now

        return wait_for(self._site, ended, deadline, "the activation")

    def _still_pending(self, before: Iterable[PendingChange]) -> set[str]:
        return {change.id for change in before} & {change.id for change in self.pending()}

    def _verified(self, before: Sequence[PendingChange], run: ActivationRun, sites: Sequence[str]) -> set[str]:
        """The changes that may still be pending. Checkmk: an activation that ended may have failed, and before
        2.4 only what is still pending shows it."""
        failed = {site: text for site, (state, text) in run.status_per_site.items() if state == "error"}
        left = self._still_pending(before)
        may_be_left = bool(sites) and set(sites) <= set(run.status_per_site)
        if failed or (left and not may_be_left):
            said = "; ".join(f"{site}: {text}" for site, text in failed.items()) or "the site gives no reason"
            if sites and not failed:
                said = "for other sites, or because it failed: this site does not tell"
            raise ActivationError(
                f"the activation failed, {pluralize(len(left), 'change is', 'changes are')} still pending ({said})",
                status_per_site=failed,
                pending=len(left),
            )
        return left


_FOREIGN = re.compile(r"\bforeign changes\b|\bother users\b", re.IGNORECASE)
_NO_PERMISSION = re.compile(r"\black the permission\b")  # Checkmk: one is called "Activate foreign changes"


def _naming_others(error: ForbiddenError, before: Sequence[PendingChange], user: str) -> ForbiddenError:
    others = sorted({str(change.user) for change in before if change.is_foreign_to(user)})
    if not (others and _FOREIGN.search(error.detail)) or _NO_PERMISSION.search(error.detail):
        return error
    foreign = sum(change.is_foreign_to(user) for change in before)
    pending = pluralize(foreign, "pending change is", "pending changes are")
    detail = (
        f"{pending} of {', '.join(others)}: let them activate, or force it "
        f"(force_foreign_changes, needs the permission to activate foreign changes)"
    )
    return ForbiddenError(error.status, error.title, f"{error.detail} {detail}".strip(), call=error.call)
