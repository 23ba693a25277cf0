"""Apply a plan: create and change objects, delete, discover services, activate once, and verify."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, replace
from typing import Callable, Iterator, Optional, Sequence

from ..client.checkmk import Checkmk, require_client
from ..client.nouns.activation import PendingChange
from ..client.outcomes import Outcome, Status
from ..config.secrets import reveal_named
from ..core.arguments import require_type
from ..errors import AuthError, BadRequestError, CheckmkError, WaitTimeoutError
from .changes import Action, Change
from .executors import Result, executor_of
from .kinds import HOSTS, KINDS
from .observed import observe
from .plan import Plan
from .report import Report, compare_with_site
from .scans import undiscovered

HOSTS_PER_SCAN = 5000
SECONDS_PER_HOST = 10.0  # extends the time limit of a scan, because hosts that do not answer take long
# The run stops after this many writes with an unknown outcome, because each of them takes up to settle_s seconds.
UNKNOWN_IN_A_ROW = 3
LOADING_S = 60.0  # how long the core may take to load new hosts


@dataclass(frozen=True)
class Step:
    """Progress of one stage, such as "create hosts" or "discovery": ``done`` of ``total`` items."""

    stage: str
    done: int
    total: int


Watch = Callable[[Step], None]


@dataclass(frozen=True)
class Options:
    """The stages that follow the changes.

    ``force_foreign`` also activates the changes of other users. ``timeout_s`` limits the discovery and the activation,
    each in seconds. The limit of the discovery is extended for each host.
    """

    discover: bool = True
    activate: bool = True
    force_foreign: bool = False
    timeout_s: float = 1800.0


def apply_plan(client: Checkmk, plan: Plan, options: Optional[Options] = None, watch: Optional[Watch] = None) -> Report:
    """Apply a plan and return the report. Call ``plan.raise_if_unsafe()`` first.

    ``watch`` is called with a :class:`Step` as the run progresses. Failures do not raise an error. The report lists
    them, and a new plan contains the remaining changes. Wrong credentials stop the run, and so do three writes in a row
    with an unknown outcome. The report then lists the remaining changes as not applied.

    Raises SettingsError, before anything is sent, if the plan refers to a secret that cannot be fetched.
    """
    require_client(client, "apply_plan")
    require_type(plan, Plan, "apply_plan needs the result of make_plan(CLIENT, DESIRED)")
    require_type(options, (Options, type(None)), "options must be Options(discover=…, activate=…)")
    result = "failed"
    try:
        report = _ApplyRun(client, plan, options or Options(), watch or (lambda _step: None)).run()
        result = "ok" if report.ok else "failed"
        return report
    finally:
        client.collector.increment_counter(f"sync_runs.{result}")


class _ApplyRun:
    def __init__(self, client: Checkmk, plan: Plan, options: Options, watch: Watch) -> None:
        self._client, self._options, self._watch = client, options, watch
        self._report = Report(plan)
        settings = client.settings
        # Each secret is fetched once.
        reveal = functools.cache(lambda name: reveal_named(settings.secrets, name, settings.username))
        self._changes = [change.with_secrets(reveal) for change in plan.changes]
        self._stopped_by: Optional[CheckmkError] = None

    def run(self) -> Report:
        report, plan = self._report, self._report.plan
        started = self._client.clock.monotonic()
        renames = [change for change in self._changes if change.action is Action.RENAME]
        self._rename(renames)
        self._apply([change for change in self._changes[len(renames) :] if not change.is_removal])
        self._delete([change for change in self._changes if change.is_removal])
        of_hosts = [(change, outcome) for change, outcome in report.results if change.kind == HOSTS.name]
        applied = [change for change, outcome in of_hosts if outcome.status is Status.APPLIED]
        hosts = [change.key for change in applied if change.action is Action.CREATE]
        gone = {change.key for change, _ in of_hosts if change.action is Action.DELETE}
        not_adopted = {
            change.key
            for change, outcome in of_hosts
            if outcome.status is not Status.APPLIED and change.existing is not None and change.existing.owner is None
        }
        scanned = sorted({*hosts, *plan.undiscovered} - gone - not_adopted)
        if self._options.discover and scanned:
            self._run_stage("discovery", lambda: self._discover(scanned))
        if self._options.activate and (report.results or scanned or plan.own_pending):
            self._run_stage("activation", lambda: self._activate(hosts))
        if report.results or scanned:
            self._run_stage("verification", lambda: self._verify(scanned), only_reads=True)
        else:
            report.verified = not report.errors
        report.elapsed_s = self._client.clock.monotonic() - started
        return report

    def _run_stage(self, stage: str, do: Callable[[], None], *, only_reads: bool = False) -> None:
        """Run a stage that follows the changes. Report its error, because raising it would lose the results so far."""
        # Each further attempt with wrong credentials could lock the account, so the run sends nothing more.
        if self._stopped_by is not None and (isinstance(self._stopped_by, AuthError) or not only_reads):
            return
        try:
            do()
        except AuthError as error:
            self._stop(stage, error)
        except CheckmkError as error:
            self._report.errors[stage] = error

    def _rename(self, changes: Sequence[Change]) -> None:
        """Rename hosts one after the other. If one cannot be renamed, nothing else is changed."""
        for number, change in enumerate(changes):
            # Checkmk renames no host while changes are pending, and each rename is one.
            if self._options.activate and (number or self._report.plan.pending):
                self._run_stage("activation", lambda: self._activate(()))
            if not self._report.errors:
                self._apply([change])
            if not self._report.ok:
                error = CheckmkError(f"{change.name} was not renamed")
                self._stopped_by = next(iter(self._report.errors.values()), error)
                why = f"not started: {self._stopped_by}"
                self._record(*self._missing_results(changes, 0, Status.NOT_APPLIED, None, why))
                return

    def _delete(self, changes: Sequence[Change]) -> None:
        """Delete objects, but only if all creations and moves have been applied."""
        missing = sum(
            change.action in (Action.CREATE, Action.MOVE) and outcome.status is not Status.APPLIED
            for change, outcome in self._report.results
        )
        if missing:
            why = f"held back, because not all creations and moves were applied ({missing} missing)"
            self._record(*((change, Outcome(change.key, Status.NOT_APPLIED, note=why)) for change in changes))
        else:
            self._apply(changes)

    def _apply(self, changes: Sequence[Change]) -> None:
        before = len(self._report.results)
        for (action, kind), group in itertools.groupby(changes, key=lambda change: (change.action, change.kind)):
            self._apply_group(action, kind, list(group))
        if any(outcome.status is not Status.APPLIED for _, outcome in self._report.results[before:]):
            # Another run may have made the same change, or a lost write may have been executed late.
            self._run_stage("verification", self._compare_results, only_reads=True)

    def _apply_group(self, action: Action, kind: str, changes: Sequence[Change]) -> None:
        """Apply the changes of one action and kind. After an unexpected error, the other outcomes are unknown."""
        results, stage = self._report.results, f"{action.value} {kind}s"
        before = len(results)
        if self._stopped_by is None:
            self._watch(Step(stage, 0, len(changes)))
            try:
                self._run_executor(stage, executor_of(action, kind)(self._client, changes), len(changes))
            except AuthError as error:
                self._stop("credentials", error)
            except CheckmkError as error:
                self._record(*self._missing_results(changes, before, Status.UNKNOWN, error))
        why = "not started" if self._stopped_by is None else f"not started: {self._stopped_by}"
        self._record(*self._missing_results(changes, before, Status.NOT_APPLIED, None, why))

    def _run_executor(self, stage: str, run: Iterator[Result], total: int) -> None:
        """Record each result as it arrives, and stop after several writes in a row with an unknown outcome."""
        errors: list[CheckmkError] = []  # of the latest unknown outcomes in a row
        for number, result in enumerate(run, start=1):
            self._record(result)
            self._watch(Step(stage, number, total))
            _, outcome = result
            if outcome.status is not Status.UNKNOWN:
                errors.clear()
            elif outcome.error is not None and outcome.error not in errors[-1:]:  # one call can leave many unknown
                errors.append(outcome.error)
            if len(errors) >= UNKNOWN_IN_A_ROW:
                message = f"the outcome of {len(errors)} writes in a row is unknown; check the network and any proxies."
                self._stop("apply", CheckmkError(f"{message} The last error: {errors[-1]}"))
                return

    def _stop(self, stage: str, error: CheckmkError) -> None:
        self._stopped_by = self._report.errors[stage] = error

    def _missing_results(
        self, changes: Sequence[Change], before: int, status: Status, error: Optional[CheckmkError], note: str = ""
    ) -> list[Result]:
        """Return a result for each change that does not have one yet."""
        recorded = {change.key for change, _ in self._report.results[before:]}
        return [(change, Outcome(change.key, status, error, note)) for change in changes if change.key not in recorded]

    def _record(self, *results: Result) -> None:
        metrics = self._client.collector
        for change, outcome in results:
            self._report.results.append((change, outcome))
            kind, status = change.kind.replace(" ", "_"), outcome.status.name.lower()
            metrics.increment_counter(f"sync_changes.{change.action.value}.{kind}.{status}")
        metrics.set_gauge("sync_changes_left", len(self._report.plan.changes) - len(self._report.results))

    def _compare_results(self) -> None:
        results = self._report.results
        lists: dict[str, set[str]] = {}
        for change, _ in results:
            lists.setdefault(change.kind, set()).update(filter(None, [change.value(KINDS[change.kind].listed_by)]))
        observed = observe(self._client, lists, self._report.plan.owner, lists)
        self._report.results = compare_with_site(results, observed)
        self._report.errors.pop("verification", None)  # left by an earlier comparison that failed

    def _discover(self, hosts: Sequence[str]) -> None:
        self._watch(Step("discovery", 0, len(hosts)))
        for start in range(0, len(hosts), HOSTS_PER_SCAN):
            group = list(hosts[start : start + HOSTS_PER_SCAN])
            self._report.discovered += self._scan(group)
            self._watch(Step("discovery", start + len(group), len(hosts)))

    def _scan(self, hosts: list[str]) -> int:
        """Scan hosts and return the number of scanned hosts. Hosts that no longer exist are left out."""
        try:
            limit_s = self._options.timeout_s + SECONDS_PER_HOST * len(hosts)
            self._client.discovery.bulk(hosts, timeout_s=limit_s).raise_for_failure()
        except BadRequestError as error:
            gone = {int(index) for path in error.fields for index in re.findall(r"hostnames\.(\d+)", path)}
            left = [host for index, host in enumerate(hosts) if index not in gone]
            if not gone or not left:
                raise
            return self._scan(left)
        return len(hosts)

    def _is_approved(self, change: PendingChange) -> bool:
        """Return True for changes that the plan showed as pending, and for all changes of our user."""
        # Changes that another program makes as the same user look like the changes of this run.
        return change.user == self._client.settings.username or change in self._report.plan.pending

    def _activate(self, new_hosts: Sequence[str]) -> None:
        self._watch(Step("activation", 0, 1))
        before = self._report.activation  # there can be one before each rename
        result = self._client.activation.activate(
            force_foreign_changes=self._options.force_foreign,
            timeout_s=self._options.timeout_s,
            approved=self._is_approved,
        )
        activated = (*(() if before is None else before.activated), *result.activated)
        self._report.activation = replace(result, activated=activated)
        try:
            self._client.activation.wait_until_monitored(new_hosts, timeout_s=LOADING_S)
        except WaitTimeoutError:  # the core never loads hosts that are set offline, so this is not a failure
            loaded = self._client.host_status.monitored(new_hosts)
            self._report.not_monitored = tuple(sorted(set(new_hosts) - loaded))
        self._watch(Step("activation", 1, 1))

    def _verify(self, scanned: Sequence[str]) -> None:
        self._watch(Step("verification", 0, 1))
        report = self._report
        self._compare_results()
        if report.activation is not None and self._options.discover:
            report.without_services = tuple(undiscovered(self._client, scanned, any_pending=False))
        report.verified = report.ok
        self._watch(Step("verification", 1, 1))
