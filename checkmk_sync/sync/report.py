"""The report of an applied plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Collection, Iterator, Mapping, Optional, Sequence

from ..client.nouns.activation import ActivationResult
from ..client.outcomes import Outcome, Status
from ..core.text import escape_unprintable, pluralize, summarize
from ..errors import CheckmkError
from .changes import NEW_NAME, Action, Change
from .compare import has_property
from .kinds import AFTER, BEFORE, FOLDER, HOSTS, KINDS, Property
from .observed import ExistingObject, Observed
from .plan import Plan

_INDEX: Property = ("folder_index",)


@dataclass
class Report:
    """The outcome of each change, and the results of discovery, activation and verification.

    ``discovered`` is the number of hosts that were scanned. ``without_services`` are the hosts on which the scan
    found no services, often because the agent is not reachable. ``not_monitored`` are the new hosts that the monitoring
    core did not load in time. ``activation`` is the last activation, with the changes of all activations of the run.
    ``errors`` contains the errors by stage. ``verified`` is True if the site was read again at the end, and everything
    was as planned.
    """

    plan: Plan
    results: list[tuple[Change, Outcome]] = field(default_factory=list)
    discovered: int = 0
    without_services: tuple[str, ...] = ()
    not_monitored: tuple[str, ...] = ()
    activation: Optional[ActivationResult] = None
    errors: dict[str, CheckmkError] = field(default_factory=dict)
    verified: bool = False
    elapsed_s: float = 0.0

    @classmethod
    def of_nothing(cls, plan: Plan, *, activate: bool = True) -> Report:
        """Return the report of an empty plan. With ``activate`` it contains an activation without any changes."""
        return cls(plan, activation=ActivationResult((), None) if activate else None, verified=True)

    @property
    def ok(self) -> bool:
        """True if all changes were applied and no later stage failed."""
        return not self.errors and all(outcome.status is Status.APPLIED for _, outcome in self.results)

    def count(self, status: Status) -> int:
        return sum(outcome.status is status for _, outcome in self.results)

    def failures(self) -> Iterator[tuple[Change, Outcome]]:
        """Return the results of the changes that were not applied or have an unknown outcome."""
        return (result for result in self.results if result[1].status is not Status.APPLIED)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        changes = [
            {"action": change.action.value, "kind": change.kind, "place": change.location, **outcome.to_dict()}
            for change, outcome in self.results
        ]
        return {
            "ok": self.ok,
            "nothing_to_do": self.plan.is_empty,
            "checksum": self.plan.checksum,
            "verified": self.verified,
            "counts": {status.value: self.count(status) for status in Status},
            "changes": changes,
            "discovered": self.discovered,
            "without_services": list(self.without_services),
            "not_monitored": list(self.not_monitored),
            "activated_changes": None if self.activation is None else len(self.activation.activated),
            "errors": {stage: error.to_dict() for stage, error in self.errors.items()},
            "elapsed_s": round(self.elapsed_s, 3),
        }


def compare_with_site(results: Sequence[tuple[Change, Outcome]], observed: Observed) -> list[tuple[Change, Outcome]]:
    """Return the results, with outcomes corrected to match the current state of the site.

    The state is more reliable than the responses: a write without a response may still have been executed.
    """
    deleted = {
        change.target
        for change, outcome in results
        if change.action is Action.DELETE and outcome.status is Status.APPLIED
    }
    corrected: list[tuple[Change, Outcome]] = []
    replaced: set[tuple[str, ...]] = set()  # the properties that a second step has set
    for change, planned in reversed(results):
        outcome = _corrected(change, planned, observed, deleted, replaced)
        corrected.append((change, outcome))
        if outcome.status is Status.APPLIED:
            replaced.update((*change.target, *path) for path in change.properties)
    return corrected[::-1]


def _corrected(
    change: Change,
    outcome: Outcome,
    observed: Observed,
    deleted: Collection[tuple[str, str]],
    replaced: Collection[tuple[str, ...]],
) -> Outcome:
    existing = observed.objects.get(change.target)
    if existing is None and change.action is not Action.DELETE and change.target in deleted:
        return outcome  # it removed references before the deletion, and was applied if the deletion was
    if change.action is Action.DELETE:
        is_done = existing is None
    else:
        compared = {path: new for path, new in change.new_values.items() if (*change.target, *path) not in replaced}
        is_done = existing is not None and not existing.copies and _is_as_wanted(compared, existing, observed)
    # A value that the site does not show, such as a secret, proves nothing.
    fields = [(KINDS[change.kind].field_at(path), path, new) for path, new in change.new_values.items()]
    now = {} if existing is None else existing.properties
    is_visible = all(field is None or field.is_shown(now.get(path), new) for field, path, new in fields)
    is_visible |= change.action is Action.CREATE and KINDS[change.kind].is_named_by_mark  # the mark is a proof
    stale = None if existing is None else change.staleness(existing)
    is_proof = stale is None and (existing is None or is_visible)
    if is_done and outcome.status is not Status.APPLIED and is_proof:
        return Outcome(outcome.key, Status.APPLIED, note="the site has the wanted state")
    if not is_done and outcome.status is Status.APPLIED:
        note = str(stale) if existing and existing.copies else "was applied, but the site no longer has this state"
        return replace(outcome, status=Status.NOT_APPLIED, note=note)
    return outcome


def _is_as_wanted(wanted: Mapping[Property, Any], existing: ExistingObject, observed: Observed) -> bool:
    now = existing.properties
    for path, value in wanted.items():
        if path == NEW_NAME and existing.kind == HOSTS.name:  # of a rename: a host has its key as its name
            continue
        if path in (AFTER, BEFORE):
            other = observed.objects.get((existing.kind, value))
            if other is None or other.properties[FOLDER] != now[FOLDER]:
                return False
            if (now.get(_INDEX, 0) > other.properties.get(_INDEX, 0)) is (path == BEFORE):
                return False
        elif not has_property(existing.kind, now, path, value):
            return False
    return True


def report_as_text(report: Report, *, limit: int = 20) -> str:
    """Return the report as text: the failures (at most ``limit``), the counts, and the results of later stages."""
    lines, failures = [], list(report.failures())
    for change, outcome in failures[:limit]:
        location = f" ({change.location})" if change.location else ""
        message = f"{outcome.status.value}: {change.action.value} {change.name}{location}: {outcome.reason}"
        lines.append(escape_unprintable(message))
    if len(failures) > limit:
        lines.append(f"  … and {len(failures) - limit} more")
    lines.append("Changes: " + ", ".join(f"{report.count(status)} {status.value}" for status in Status))
    if report.discovered:
        lines.append(f"Discovery: {pluralize(report.discovered, 'host')} scanned")
    for names, problem in (
        (report.without_services, "on which no services were found (is the agent reachable?)"),
        (report.not_monitored, "that the monitoring core has not loaded"),
    ):
        if names:
            lines.append(f"{pluralize(len(names), 'host')} {problem}: {summarize(names, 5)}")
    if report.activation is not None:
        activated = pluralize(len(report.activation.activated), "change is", "changes are")
        lines.append(f"Activation: {activated} active")
    lines += [escape_unprintable(f"{stage} failed: {error}") for stage, error in report.errors.items()]
    lines.append(f"{'Verified' if report.verified else 'Not verified'}, {report.elapsed_s:.1f} s")
    return "\n".join(lines)
