"""Verbs of desired state. The command line has commands of its own for them, which ask and show on a terminal."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from ..client.checkmk import Checkmk
from ..client.nouns.activation import PendingChange
from ..config.settings import Amount
from ..core.text import pluralize
from ..errors import PlanChangedError, UnsafePlanError
from ..sync import Desired, Options, Plan, Report, Step, apply_plan, from_data, load_map, make_plan
from ..sync.limits import Limits
from ..sync.render import change_as_text
from ..sync.sources import InventoryText, from_text
from .command import TOOL, Argument, Command, Field, Preview, Row, Watch
from .previews import changes_by_user
from .wording import as_arguments

__all__ = ["SYNC_COMMANDS"]

SHOWN = 50  # changes in one answer


def _desired(client: Checkmk, inventory: Optional[Mapping[str, Any]], file: Optional[InventoryText]) -> Desired:
    """Files are read through the configured mapping file, which is the operator's; data is an inventory already."""
    if (inventory is None) == (file is None):
        raise ValueError("give either an inventory or the name of a file with one")
    if file is None:
        return from_data(inventory or {})
    path = client.settings.sync.map
    if path is None:
        return from_text(file)
    mapping = dataclasses.replace(load_map(path), file=os.path.basename(path))  # models need not know where it is
    return from_text(file, mapping=mapping)


def _planned(
    client: Checkmk,
    inventory: Optional[Mapping[str, Any]] = None,
    file: Optional[InventoryText] = None,
    owner: Optional[str] = None,
    adopt: bool = False,
    discover: bool = True,
    allow_changes: Union[int, str, None] = None,
    allow_deletions: Union[int, str, None] = None,
    confirm_deletions: Sequence[str] = (),
) -> Plan:
    plan = make_plan(client, _desired(client, inventory, file), owner=owner, adopt=adopt, discover=discover)
    return plan.permitting(
        allow_changes=allow_changes, allow_deletions=allow_deletions, confirm_deletions=confirm_deletions
    )


def _plan(client: Checkmk, **given: Any) -> Row:
    plan = _planned(client, **given)
    refusal = plan.refusal()
    # How to permit it is nothing to offer to a model.
    why = refusal.why if isinstance(refusal, UnsafePlanError) else refusal
    return {
        "checksum": plan.checksum,
        "counts": plan.counts(),
        "nothing_to_do": plan.is_empty,
        "changes": [change_as_text(change) for change in plan.changes[:SHOWN]],
        "more_changes": max(0, len(plan.changes) - SHOWN),
        "conflicts": [as_arguments(conflict.text) for conflict in plan.conflicts[:SHOWN]],
        "renames": [str(rename) for rename in plan.renames[:SHOWN]],
        "refused": None if why is None else as_arguments(str(why)),
        "warnings": [*plan.warnings, *map(_in_vain, plan.confirmed_in_vain())][:SHOWN],
        "undiscovered": len(plan.undiscovered),
        "silent": len(plan.silent),
        "own_pending": plan.own_pending,
        "foreign_pending": plan.foreign_pending,
    }


def _in_vain(name: str) -> str:
    return f"no deletion is called {name!r}: the plan deletes nothing"


def _preview(client: Checkmk, activate: bool, force_foreign: bool, discover: bool = True, **given: Any) -> Preview:
    plan = _planned(client, discover=discover, **given)
    plan.raise_if_unsafe()
    bound = {"checksum": plan.checksum}
    if plan.is_empty:
        return Preview("The site is as the inventory says.", bound=bound, asks=False)
    options = Options(discover, activate, force_foreign)
    _, foreign = _pending(plan)
    forced = [change.id for change in foreign] if activate and force_foreign else []
    facts = [plan.checksum, sorted(plan.undiscovered), sorted(forced)]
    details = tuple(_details(plan, options))
    return Preview(
        _sentence(plan, options, Limits.of(client.settings.sync.limits)),
        details,
        facts,
        {**bound, "approved": forced},
        too_long=_AT_A_TERMINAL,
    )


_AT_A_TERMINAL = (
    "With an owner an inventory must not be split, for what is not in it is deleted: a person has to apply it with "
    "the command line. Without one, do it in smaller parts."
)


def _sentence(plan: Plan, options: Options, configured: Limits) -> str:
    then = [
        word for word, wanted in (("discover new hosts", options.discover), ("activate", options.activate)) if wanted
    ]
    counts = ", ".join(f"{number} {what}" for what, number in plan.counts().items())
    owner = f" for the owner {plan.owner}" if plan.owner is not None else ""
    lifted = "".join(
        f" THE BRAKE IS LIFTED by allow_{what}: the plan {plan.size()}, where by default {said}."
        for what, said in plan.excess(configured).items()
    )
    lifted += "".join(f" CONFIRMED although it was probably renamed: {rename}." for rename in plan.renames)
    return (
        f"Apply {pluralize(len(plan.changes), 'change')} to {plan.site}{owner} ({counts}), "
        f"then {' and '.join(then) or 'stop'}.{lifted} Checksum of the plan: {plan.checksum}."
    )


def _details(plan: Plan, options: Options) -> Iterator[str]:
    """All that is done, and all that an activation takes along."""
    yield from (change_as_text(change, whole=True) for change in plan.changes)
    yield from (f"Warning: {warning}" for warning in plan.warnings)
    if options.discover and plan.undiscovered:
        yield f"Also scanned, for their services were never found: {', '.join(sorted(plan.undiscovered))}"
    if not options.activate:
        return
    own, others = _pending(plan)
    if own:
        yield "Also activated, for it is pending already:"
        yield from changes_by_user(own)
    if others:
        yield (
            "FORCED: also activated are these changes of other users:"
            if options.force_foreign
            else "The site refuses to activate anything while these changes of other users are pending:"
        )
        yield from changes_by_user(others)


def _apply(
    client: Checkmk,
    activate: bool,
    force_foreign: bool,
    watch: Watch,
    discover: bool = True,
    checksum: Optional[str] = None,
    approved: Optional[Sequence[str]] = None,
    **given: Any,
) -> Row:
    plan = _planned(client, discover=discover, **given)
    plan.raise_if_unsafe(checksum=checksum)
    if plan.is_empty:
        return _told(Report.of_nothing(plan, activate=activate))
    if activate and force_foreign and approved is not None:
        _refuse_others(plan, approved)

    def told(step: Step) -> None:
        watch(step.stage, step.done, step.total)

    return _told(apply_plan(client, plan, Options(discover, activate, force_foreign), told))


def _told(report: Report) -> Row:
    """A report as an answer of bounded size."""
    whole = report.to_dict()
    failures = [
        f"{outcome.status.value}: {change.name}: {as_arguments(outcome.reason)}"
        for change, outcome in report.failures()
    ]
    names = ("ok", "nothing_to_do", "checksum", "verified", "counts", "discovered", "activated_changes")
    return {
        **{name: whole[name] for name in names},
        "without_services": whole["without_services"][:SHOWN],
        "failures": failures[:SHOWN],
        "errors": {stage: as_arguments(str(error)) for stage, error in report.errors.items()},
        "failed": [(change.name, outcome.status.value) for change, outcome in report.failures()],
    }


def _pending(plan: Plan) -> tuple[list[PendingChange], list[PendingChange]]:
    """What an activation takes along anyway, and what only one that forces it does."""
    foreign = [change for change in plan.pending if change.is_foreign_to(plan.user)]
    return [change for change in plan.pending if not change.is_foreign_to(plan.user)], foreign


def _refuse_others(plan: Plan, approved: Sequence[str]) -> None:
    """The checksum does not count the changes of others, for they come and go; who forces them has to see them."""
    known = frozenset(approved)
    late = [change for change in _pending(plan)[1] if change.id not in known]
    if late:
        said = f"{pluralize(len(late), 'change')} of other users that nobody has seen would be activated as well"
        raise PlanChangedError(f"{said}: {late[0]}")


_GIVEN = (
    Argument(
        "inventory",
        "The desired state: an object with the lists hosts and folders, as in an inventory file.",
        dict,
        example={"hosts": [{"name": "web01", "folder": "/linux", "attributes": {"ipaddress": "192.0.2.10"}}]},
    ),
    Argument("file", "Or the name of an inventory file in the folder that the server was given.", "file"),
    Argument(
        "owner",
        "Label created objects with this owner, and delete its objects that are not in the inventory.",
        example="cmdb",
    ),
    Argument("adopt", "Take over existing hosts and folders of the inventory that have no owner.", bool, default=False),
    Argument(
        "allow_changes",
        "Allow this many existing objects to change, as a number or a percentage such as 40 %.",
        "amount",
        check=Amount.parse,
    ),
    Argument(
        "allow_deletions",
        "Allow this many deletions, as a number or a percentage of the owner's objects of a kind.",
        "amount",
        check=Amount.parse,
    ),
    Argument(
        "confirm_deletions", "Names of hosts and folders to delete although they were probably renamed.", many=True
    ),
    Argument("discover", "Scan hosts for services.", bool, default=True),
)
_COUNTS = Field("counts", "Counts by kind.", dict[str, int])

SYNC_COMMANDS = (
    Command(
        "sync",
        "plan",
        "Show the changes that bring the site to the state of an inventory. Changes nothing.",
        "checkmk-sync plan hosts.yaml --owner cmdb",
        _plan,
        _GIVEN,
        fields=(
            Field("checksum", "Checksum of the plan; it changes with the site and with the inventory."),
            _COUNTS,
            Field("nothing_to_do", "True if the site matches the inventory.", bool),
            Field("changes", f"The first {SHOWN} changes.", list[str], foreign=True),
            Field("more_changes", "Number of changes that are not shown.", int),
            Field("conflicts", "Objects that must not be changed: the plan is refused.", list[str], foreign=True),
            Field("renames", "Deletions that are probably renames and have to be confirmed.", list[str], foreign=True),
            Field("refused", "Why the plan would not be applied.", Optional[str], foreign=True),
            Field(
                "warnings", "Doubts about the inventory, and rows of it that were left out.", list[str], foreign=True
            ),
            Field("undiscovered", "Number of hosts that need a scan.", int),
            Field("silent", "Number of hosts on which a scan found nothing.", int),
            Field("own_pending", "Own changes that are not active yet.", int),
            Field("foreign_pending", "Pending changes of other users.", int),
        ),
        faces=(TOOL,),
    ),
    Command(
        "sync",
        "apply",
        "Bring the site to the state of an inventory: apply in bulk, discover new hosts, activate once, verify.",
        "checkmk-sync apply hosts.yaml --owner cmdb",
        _apply,
        (
            *_GIVEN,
            Argument("activate", "Activate at the end.", bool, default=True),
            Argument("force_foreign", "Also activate pending changes of other users.", bool, default=False),
        ),
        writes=True,
        destructive=True,
        alone=True,
        fields=(
            Field("ok", "True if everything was applied and no later step failed.", bool),
            Field("nothing_to_do", "True if the site was in the desired state already.", bool),
            Field("checksum", "Checksum of the plan."),
            Field("verified", "True if a final read found everything as planned.", bool),
            _COUNTS,
            Field("discovered", "Number of scanned hosts.", Optional[int]),
            Field("activated_changes", "Number of activated changes.", Optional[int]),
            Field("without_services", "Scanned hosts on which nothing was found.", Optional[list[str]]),
            Field("failures", f"The first {SHOWN} changes that were not applied.", list[str], foreign=True),
            Field("errors", "Failures of discovery, activation and verification.", dict[str, str], foreign=True),
        ),
        preview=_preview,
        idempotent=True,
        watched=True,
        faces=(TOOL,),
    ),
)
