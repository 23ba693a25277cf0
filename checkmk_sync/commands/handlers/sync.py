"""The code of the commands for desired state."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Iterator, Mapping, Optional, Sequence

from ...client.checkmk import Checkmk
from ...client.nouns.activation import PendingChange
from ...config.amounts import Amount
from ...core.text import pluralize
from ...errors import PlanChangedError, SettingsError, UnsafePlanError
from ...sync import Desired, Options, Plan, Report, apply_plan, from_data, load_map, make_plan
from ...sync.limits import Limits
from ...sync.render import change_as_text
from ...sync.sources import InventoryText, from_text
from ..command import MAX_SHOWN, Preview, Row, Watch, as_arguments
from .previews import changes_by_user


def _desired(client: Checkmk, inventory: Optional[Mapping[str, Any]], file: Optional[InventoryText]) -> Desired:
    """Return the desired state from an inventory or a file. Files are read through the configured mapping file."""
    if (inventory is None) == (file is None):
        raise ValueError("give either an inventory or a file, but not both")
    if file is None:
        return from_data(inventory or {})
    path = client.settings.sync.map
    if path is None:
        return from_text(file)
    # The base name hides the operator's path from language models.
    mapping = dataclasses.replace(load_map(path), file=os.path.basename(path))
    return from_text(file, mapping=mapping)


def plan_with(
    client: Checkmk,
    desired: Desired,
    *,
    owner: Optional[str] = None,
    adopt: bool = False,
    discover: bool = True,
    renames: Sequence[str] = (),
    **permissions: Any,
) -> Plan:
    """Return a plan for the arguments that plan and apply share. ``permissions`` are limits and confirmations."""
    pairs = {old: new for old, _, new in (text.partition("=") for text in renames)}
    if len(pairs) < len(set(renames)):
        raise SettingsError("a host cannot have two new names; give each OLD once", field="renames")
    plan = make_plan(client, desired, owner=owner, adopt=adopt, discover=discover, renames=pairs)
    return plan.with_permissions(**permissions)


def unused_confirmations(plan: Plan) -> list[str]:
    """Return a warning for each confirmed deletion, if the plan deletes nothing."""
    return [
        f"the confirmed deletion of {name!r} has no effect, because the plan deletes nothing"
        for name in plan.unmatched_confirmations()
    ]


def _plan_of(
    client: Checkmk,
    inventory: Optional[Mapping[str, Any]] = None,
    file: Optional[InventoryText] = None,
    **arguments: Any,
) -> Plan:
    return plan_with(client, _desired(client, inventory, file), **arguments)


def plan(client: Checkmk, **arguments: Any) -> Row:
    plan = _plan_of(client, **arguments)
    refusal = plan.refusal()
    # A model must not read how to permit an unsafe plan: only a person decides that.
    why = refusal.why if isinstance(refusal, UnsafePlanError) else refusal
    return {
        **plan.to_dict(),
        "nothing_to_do": plan.is_empty,
        "changes": [change_as_text(change) for change in plan.changes[:MAX_SHOWN]],
        "more_changes": max(0, len(plan.changes) - MAX_SHOWN),
        "conflicts": [as_arguments(conflict.text) for conflict in plan.conflicts[:MAX_SHOWN]],
        "renames": [str(rename) for rename in plan.renames[:MAX_SHOWN]],
        "refused": None if why is None else as_arguments(str(why)),
        "warnings": [*plan.warnings, *unused_confirmations(plan)][:MAX_SHOWN],
        "undiscovered": len(plan.undiscovered),
        "silent": len(plan.silent),
    }


def preview(client: Checkmk, activate: bool, force_foreign: bool, discover: bool = True, **arguments: Any) -> Preview:
    plan = _plan_of(client, discover=discover, **arguments)
    plan.raise_if_unsafe()
    fixed = {"checksum": plan.checksum}
    if plan.is_empty:
        return Preview("The site matches the inventory.", fixed_arguments=fixed, needs_approval=False)
    options = Options(discover, activate, force_foreign)
    forced = [change.id for change in _foreign(plan)] if activate and force_foreign else []
    return Preview(
        _summary(plan, options, Limits.of(client.settings.sync.limits)),
        tuple(_details(plan, options)),
        [plan.checksum, sorted(plan.undiscovered), sorted(forced)],
        {**fixed, "approved": forced},
        too_long="With an owner, do not split the inventory, because missing objects are deleted. A person must apply "
        "it with checkmk-sync apply. Without an owner, do it in smaller parts.",
    )


def _summary(plan: Plan, options: Options, configured: Limits) -> str:
    then = ["discover new hosts"] * options.discover + ["activate"] * options.activate
    counts = ", ".join(f"{number} {kind}" for kind, number in plan.counts().items())
    owner = f" for the owner {plan.owner}" if plan.owner is not None else ""
    lifted = "".join(
        f" THE LIMIT IS RAISED by allow_{kind}: the plan {plan.describe_size()}, but by default {limit}."
        for kind, limit in plan.exceeded_limits(configured).items()
    )
    lifted += "".join(f" CONFIRMED although it was probably renamed: {rename}." for rename in plan.renames)
    return (
        f"Apply {pluralize(len(plan.changes), 'change')} to {plan.site}{owner} ({counts}), "
        f"then {' and '.join(then) or 'stop'}.{lifted} Checksum of the plan: {plan.checksum}."
    )


def _details(plan: Plan, options: Options) -> Iterator[str]:
    """Yield a line for each effect of an apply, including all changes that its activation includes."""
    yield from (change_as_text(change, whole=True) for change in plan.changes)
    yield from (f"Warning: {warning}" for warning in plan.warnings)
    if options.discover and plan.undiscovered:
        yield f"Also scanned, because they have no services yet: {', '.join(sorted(plan.undiscovered))}"
    if not options.activate:
        return
    others = _foreign(plan)
    own = [change for change in plan.pending if not change.is_foreign_to(plan.user)]
    if own:
        yield "Also activated, because these changes are already pending:"
        yield from changes_by_user(own)
    if others:
        yield (
            "FORCED: these changes of other users are activated as well:"
            if options.force_foreign
            else "The site refuses to activate anything while these changes of other users are pending:"
        )
        yield from changes_by_user(others)


def apply(
    client: Checkmk,
    activate: bool,
    force_foreign: bool,
    watch: Watch,
    discover: bool = True,
    checksum: Optional[str] = None,
    approved: Optional[Sequence[str]] = None,
    **arguments: Any,
) -> Row:
    plan = _plan_of(client, discover=discover, **arguments)
    plan.raise_if_unsafe(checksum=checksum)
    if plan.is_empty:
        return _result(Report.of_nothing(plan, activate=activate))
    if activate and force_foreign and approved is not None:
        _refuse_unseen(plan, approved)
    options = Options(discover, activate, force_foreign)
    return _result(apply_plan(client, plan, options, lambda step: watch(step.stage, step.done, step.total)))


def _result(report: Report) -> Row:
    """Return a report as a row of limited size."""
    failures = [
        f"{outcome.status.value}: {change.name}: {as_arguments(outcome.reason)}"
        for change, outcome in report.failures()
    ]
    return {
        **report.to_dict(),
        "without_services": list(report.without_services[:MAX_SHOWN]),
        "failures": failures[:MAX_SHOWN],
        "errors": {stage: as_arguments(str(error)) for stage, error in report.errors.items()},
        "failed": [(change.name, outcome.status.value) for change, outcome in report.failures()],
    }


def _foreign(plan: Plan) -> list[PendingChange]:
    """Return the pending changes of other users. Their activation needs force; every activation includes the others."""
    return [change for change in plan.pending if change.is_foreign_to(plan.user)]


def _refuse_unseen(plan: Plan, approved: Sequence[str]) -> None:
    """Raise PlanChangedError for pending changes of other users that are not in ``approved``.

    The checksum of the plan does not cover them, because other users make and activate changes at any time.
    """
    unseen = [change for change in _foreign(plan) if change.id not in approved]
    if unseen:
        count = pluralize(len(unseen), "change")
        raise PlanChangedError(f"{count} of other users would be activated without approval: {unseen[0]}")


def check_amount(amount: Any) -> None:
    """Raise ValueError unless ``amount`` is a whole number or a percentage."""
    Amount.parse(amount)
