"""Reads pending changes, and activates them."""

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
from ..resource import Resource, writes
from ..settling import after_write, poll, settle, wait_for
from ..site import Site
from .hosts import FEW_NAMES, Hosts
from .monitoring import HostStatuses

NAMES_SHOWN = 5  # hosts or changes in an error message
GRACE_S = 2.0  # the core loads most hosts in this time; after it, the configuration is checked for missing hosts
READINGS = 5  # attempts to start an approved activation while other users keep making changes


@dataclass(frozen=True)
class PendingChange:
    """A change that is saved but not active. ``user`` is None for a change made by the site itself.

    ``action`` is the kind of change, such as ``edit-host``, and ``text`` describes it. ``time`` is an ISO 8601 time.
    """

    id: str
    user: Optional[str]
    action: str
    text: str
    time: str

    @classmethod
    def parse(cls, data: Any) -> PendingChange:
        """Return the record of an entry in the API's list. Raises UnexpectedReplyError if it is malformed."""
        action = typed(str, data, "action_name")
        user = typed(str, data, "user_id", default="") or None
        text, time, ident = (typed(str, data, name, default="") for name in ("text", "time", "id"))
        # No version of Checkmk guarantees an ID, so the other members take its place.
        return cls(ident or f"{time} {user} {action} {text}", user, action, text, time)

    def is_foreign_to(self, user: str) -> bool:
        """Return True if another user than ``user`` made the change, and False if the site itself made it."""
        return self.user not in (None, user)  # Checkmk: any user may activate changes of the site itself

    def __str__(self) -> str:
        return escape_invisible(f"{self.user or 'the site itself'}: {self.action}: {self.text}")


Approved = Callable[[PendingChange], bool]


@dataclass(frozen=True)
class ActivationRun:
    """An activation. ``changes`` are the changes that it activates, or empty if the site does not report them.

    ``status_per_site`` maps the IDs of sites to pairs of a state (``success``, ``warning``, ``error`` or None) and a
    text. It is empty before Checkmk 2.4.
    """

    id: str
    is_running: bool
    sites: tuple[str, ...]
    status_per_site: Mapping[str, tuple[Optional[str], str]] = field(default_factory=dict)
    changes: tuple[PendingChange, ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, data: Any) -> ActivationRun:
        """Return the record of an activation object of the API. Raises UnexpectedReplyError if it is malformed."""
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
    """The result of an activation. ``activated`` are the changes that are active now.

    ``run`` is None if no changes were pending. ``elapsed_s`` is the duration in seconds, including all waits.
    """

    activated: tuple[PendingChange, ...] = field(repr=False)
    run: Optional[ActivationRun]
    elapsed_s: float = 0.0


@dataclass(frozen=True)
class _Request:
    """An activation to be started by ``user``."""

    sites: list[str]
    force: bool
    approved: Optional[Approved]
    user: str

    def unapproved(self, pending: Sequence[PendingChange]) -> list[PendingChange]:
        """Return the changes that the activation would include without approval."""
        if self.approved is None:
            return []
        concerned = [change for change in pending if self.force or not change.is_foreign_to(self.user)]
        return [change for change in concerned if not self.approved(change)]


class Activation(Resource):
    """Pending changes and their activation, as ``client.activation``."""

    noun = "activation"

    def pending(self) -> list[PendingChange]:
        """Return the changes of all users that are saved but not active."""
        return self._pending()[0]

    def _pending(self) -> tuple[list[PendingChange], Optional[str]]:
        """Return the pending changes and the ETag of their list."""
        return self._record(lambda data, etag: (list(map(PendingChange.parse, items_of(data))), etag), "pending")

    def running(self) -> list[ActivationRun]:
        """Return the activations that are currently running."""
        return self._read(lambda data: list(map(ActivationRun.parse, items_of(data))), "running")

    def get(self, run_id: str) -> ActivationRun:
        """Return an activation by its ID. Raises NotFoundError if the site does not know it, or has forgotten it."""
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
        """Activate the pending changes of ``sites`` (default: all sites), and verify that they are active.

        >>> cmk.activation.activate(wait_for_hosts=["web01"]).activated

        If nothing is pending, the call succeeds. If another activation is running, the call waits for its end first.

        * ``sites``: IDs of sites. Some changes may stay pending for other sites. Before Checkmk 2.4, ActivationError is
          raised in this case, because the site does not report whether it is a failure.
        * ``force_foreign_changes``: also activate changes of other users.
        * ``timeout_s``: the limit for the entire call, in seconds.
        * ``wait_for_hosts``: also wait until the monitoring core knows these hosts. If one of them is not configured,
          WaitTimeoutError is raised after a few seconds, although the changes are active.
        * ``approved``: a function that returns True for a :class:`.PendingChange` that may be activated. If it returns
          False for one, nothing is activated and PlanChangedError is raised. It is called for changes of other users
          only if these are forced.

        Raises ForbiddenError without the permission, or if there are changes of other users that are not forced.
        Raises WaitTimeoutError at the time limit, and ActivationError if a site fails or changes are unexpectedly still
        pending. If ETag locking is switched off, the site may activate a change that was made after the approval; this
        raises ActivationError as well.
        """
        sites = require_strings(sites, "sites")
        names = require_strings(wait_for_hosts, "wait_for_hosts")
        if not (approved is None or callable(approved)):
            raise TypeError(f"approved must be a function of a pending change, not {describe_type(approved)}")
        deadline = Deadline(self._site.clock, timeout_s)
        request = _Request(sites, force_foreign_changes, approved, self._site.settings.username)
        before, run = self._start(request, deadline)
        still_pending = set[str]()
        if run is not None:
            taken_along = request.unapproved(run.changes)
            with after_write("the activation was started, but its result is unknown"):
                run = self._wait_for_end(run, before, deadline)
                still_pending = self._verify(before, run, sites)
            if taken_along:
                changes = summarize(taken_along, NAMES_SHOWN, "; ")
                raise ActivationError(
                    f"the site also activated changes that were not approved: {changes}; "
                    "ETag locking may be switched off on the site"
                )
        self._wait_until_monitored(names, deadline, only_configured=True)
        activated = tuple(change for change in before if change.id not in still_pending)
        return ActivationResult(activated, run, deadline.elapsed_s())

    def wait_until_monitored(self, names: Sequence[str], *, timeout_s: float = 60.0) -> None:
        """Wait until the monitoring core knows all these hosts, which takes some seconds after an activation.

        Raises WaitTimeoutError, which names the missing hosts, after ``timeout_s`` seconds. The core never loads hosts
        with the tag ``offline``.
        """
        self._wait_until_monitored(require_strings(names, "names"), Deadline(self._site.clock, timeout_s))

    def _wait_until_monitored(self, names: Sequence[str], deadline: Deadline, *, only_configured: bool = False) -> None:
        missing, absent = set(names), set[str]()
        grace = Deadline(self._site.clock, GRACE_S if only_configured else None)

        def all_loaded(site: Site) -> Optional[bool]:
            missing.difference_update(HostStatuses(site).monitored(missing))
            if missing and grace.expired:
                grace.at = float("inf")  # the configuration is read only once
                with contextlib.suppress(CheckmkError):  # the wait continues without this information
                    absent.update(_absent_hosts(site, missing))
            return None if missing and not absent else True

        if not missing:
            return
        try:
            wait_for(self._site, all_loaded, deadline, f"loading {pluralize(len(missing), 'host')} into the core")
        except WaitTimeoutError as error:
            message = f"{error} (not loaded: {summarize(sorted(missing), NAMES_SHOWN)})"
            raise WaitTimeoutError(message, waited_s=error.waited_s) from error.__cause__
        if absent:
            message = f"the changes are active, but these hosts are not configured: {', '.join(sorted(absent))}"
            raise WaitTimeoutError(message, waited_s=deadline.elapsed_s())

    def _start(self, request: _Request, deadline: Deadline) -> tuple[Sequence[PendingChange], Optional[ActivationRun]]:
        """Return the pending changes and the run that activates them, which is None if nothing is pending."""
        pending, etag = self._pending()
        readings = 1
        for _ in poll(self._site.clock, deadline):
            unapproved = request.unapproved(pending)
            if unapproved:
                count = pluralize(len(unapproved), "pending change was", "pending changes were")
                changes = summarize(unapproved, NAMES_SHOWN, "; ")
                raise PlanChangedError(f"nothing was activated: {count} not approved ({changes})")
            if not pending:
                return pending, None
            try:
                return pending, self._run(request, pending, etag)
            except LockedError:  # another activation is running; ours starts after it
                if request.approved is not None:  # the other one activates some of the changes
                    pending, etag = self._pending()
            except PreconditionError as error:
                if request.approved is None:
                    raise
                if readings == READINGS:
                    message = "nothing was activated: the pending changes changed each time after they were read"
                    raise PlanChangedError(message) from error
                pending, etag = self._pending()
                readings += 1
        message = f"another activation did not end within {deadline.limit_s:g} s; try again later"
        raise WaitTimeoutError(message, waited_s=deadline.elapsed_s())

    def _run(self, request: _Request, pending: Sequence[PendingChange], etag: Optional[str]) -> ActivationRun:
        """Start the activation and return its run, which is empty if another user has activated the changes already."""
        body = {"redirect": False, "sites": request.sites, "force_foreign_changes": request.force}
        # CHECKMK_API 7: the ETag changes with every new change of any user, so "*" is the reliable choice. Only the
        # ETag of the approved list keeps out later changes. Old versions do not send one.
        if_match = "*" if request.approved is None else etag or "*"
        try:
            return self._read(ActivationRun.parse, "start", body=body, etag=if_match)
        except (LockedError, PreconditionError):  # the caller may retry
            raise
        except UnprocessableError:  # nothing is left to activate (CHECKMK_API 10.16)
            return ActivationRun("", False, tuple(request.sites), dict.fromkeys(request.sites, (None, "")))
        except ForbiddenError as error:
            raise _with_other_users(error, pending, request.user) from error
        except CheckmkError as error:
            return settle(self._site, error, lambda site: self._with_site(site)._find_started(pending))

    def _find_started(self, before: Sequence[PendingChange]) -> Optional[ActivationRun]:
        """Return the run whose start was not answered, an empty run if its changes are no longer pending, or None."""
        ids = {change.id for change in before}  # a run without these changes was started by another user
        for run in self.running():
            if not run.changes or ids <= {change.id for change in run.changes}:
                return run
        return None if self._still_pending(before) else ActivationRun("", False, ())

    def _wait_for_end(self, run: ActivationRun, before: Sequence[PendingChange], deadline: Deadline) -> ActivationRun:
        if not run.is_running and not run.id:
            return run

        def ended(site: Site) -> Optional[ActivationRun]:
            there = self._with_site(site)
            try:
                current = there.get(run.id)
            except NotFoundError as error:
                # The site no longer knows the run, so the pending changes show whether it succeeded.
                if any(other.id == run.id for other in there.running()):
                    return None
                if there._still_pending(before):
                    raise error.with_attempted(f"{error}, and its changes are still pending") from None
                return ActivationRun(run.id, False, run.sites)
            return None if current.is_running else current

        return wait_for(self._site, ended, deadline, "the activation")

    def _still_pending(self, before: Iterable[PendingChange]) -> set[str]:
        return {change.id for change in before} & {change.id for change in self.pending()}

    def _verify(self, before: Sequence[PendingChange], run: ActivationRun, sites: Sequence[str]) -> set[str]:
        """Return the IDs of changes that are still pending. Raises ActivationError if the activation has failed."""
        # CHECKMK_API 10.16: before 2.4 only changes that are still pending show that an activation has failed.
        failed = {site: text for site, (state, text) in run.status_per_site.items() if state == "error"}
        pending = self._still_pending(before)
        may_be_pending = bool(sites) and set(sites) <= set(run.status_per_site)
        if failed or (pending and not may_be_pending):
            reason = "; ".join(f"{site}: {text}" for site, text in failed.items()) or "the site gives no reason"
            if sites and not failed:
                reason = "for other sites or because of a failure; the site does not report which"
            changes = pluralize(len(pending), "change is", "changes are")
            message = f"the activation failed, {changes} still pending ({reason})"
            raise ActivationError(message, status_per_site=failed, pending=len(pending))
        return pending


_FOREIGN = re.compile(r"\bforeign changes\b|\bother users\b", re.IGNORECASE)
_NO_PERMISSION = re.compile(r"\black the permission\b")  # one permission is called "Activate foreign changes"


def _with_other_users(error: ForbiddenError, before: Sequence[PendingChange], user: str) -> ForbiddenError:
    foreign = [change for change in before if change.is_foreign_to(user)]
    others = sorted({str(change.user) for change in foreign})
    if not (others and _FOREIGN.search(error.detail)) or _NO_PERMISSION.search(error.detail):
        return error
    pending = pluralize(len(foreign), "pending change is", "pending changes are")
    advice = "let them activate first, or use force_foreign_changes (needs the permission to activate foreign changes)"
    detail = f"{error.detail} {pending} from {', '.join(others)}; {advice}".strip()
    return ForbiddenError(error.status, error.title, detail, call=error.call)


def _absent_hosts(site: Site, names: set[str]) -> set[str]:
    """Return the names of the hosts that are not configured. Hosts that the user cannot see are not included."""
    hosts, absent = Hosts(site), set[str]()
    unlisted = names - {host.name for host in hosts.each(names=sorted(names))}  # absent, or hidden from the user
    for name in sorted(unlisted)[:FEW_NAMES]:
        with contextlib.suppress(ForbiddenError):
            if hosts.find(name, fresh=True) is None:
                absent.add(name)
    return absent
