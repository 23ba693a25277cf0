"""Verbs of desired state. The command line has commands of its own for them, which ask and show on a terminal."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ..client import Checkmk
from ..names import counted
from ..sync import Desired, Options, Plan, Step, apply_plan, from_data, make_plan, plan_as_text
from ..sync.render import change_as_text
from ..sync.sources import InventoryText, from_text
from .verb import TOOL, Argument, Field, Intent, Row, Verb, Watch

__all__ = ["SYNC_VERBS"]

SHOWN = 50  # changes in one answer


def _desired(inventory: Optional[Mapping[str, Any]], file: Optional[InventoryText]) -> Desired:
    if (inventory is None) == (file is None):
        raise ValueError("give either an inventory or the name of a file with one")
    return from_text(file) if file is not None else from_data(inventory or {})


def _planned(
    client: Checkmk,
    inventory: Optional[Mapping[str, Any]] = None,
    file: Optional[InventoryText] = None,
    owner: Optional[str] = None,
    adopt: bool = False,
) -> Plan:
    return make_plan(client, _desired(inventory, file), owner=owner, adopt=adopt)


def _plan(client: Checkmk, **given: Any) -> Row:
    plan = _planned(client, **given)
    return {
        "checksum": plan.checksum,
        "counts": plan.counts(),
        "nothing_to_do": plan.is_empty,
        "changes": [change_as_text(change) for change in plan.changes[:SHOWN]],
        "more_changes": max(0, len(plan.changes) - SHOWN),
        "conflicts": [str(conflict) for conflict in plan.conflicts[:SHOWN]],
        "undiscovered": len(plan.undiscovered),
        "own_pending": plan.own_pending,
        "foreign_pending": plan.foreign_pending,
    }


def _preview(
    client: Checkmk, allow_changes: Optional[int], discover: bool, activate: bool, force_foreign: bool, **given: Any
) -> Optional[Intent]:
    plan = _planned(client, **given)
    plan.raise_if_unsafe(allow_changes=allow_changes)
    if plan.is_empty:
        return None
    then = [word for word, wanted in (("discover new hosts", discover), ("activate", activate)) if wanted]
    others = ", also changes of other users" if activate and force_foreign else ""
    counts = ", ".join(f"{number} {what}" for what, number in plan.counts().items())
    sentence = (
        f"Apply {counted(len(plan.changes), 'change')} to {plan.site} ({counts}), then {' and '.join(then) or 'stop'}"
        f"{others}. Checksum of the plan: {plan.checksum}."
    )
    facts = [plan.checksum, plan.own_pending, sorted(plan.undiscovered)]
    return Intent(sentence, tuple(plan_as_text(plan, limit=20).splitlines()), facts, {"checksum": plan.checksum})


def _apply(
    client: Checkmk,
    allow_changes: Optional[int],
    discover: bool,
    activate: bool,
    force_foreign: bool,
    watch: Watch,
    checksum: Optional[str] = None,
    **given: Any,
) -> Row:
    plan = _planned(client, **given)
    plan.raise_if_unsafe(allow_changes=allow_changes, checksum=checksum)
    if plan.is_empty:
        return {"ok": True, "checksum": plan.checksum, "verified": True, "counts": {}, "failures": [], "errors": {}}

    def told(step: Step) -> None:
        watch(step.stage, step.done, step.total)

    report = apply_plan(client, plan, Options(discover, activate, force_foreign), told)
    whole = report.to_dict()
    failures = [f"{outcome.status.value}: {change.name}: {outcome.reason}" for change, outcome in report.failures()]
    return {
        **{name: whole[name] for name in ("ok", "checksum", "verified", "counts", "discovered", "activated_changes")},
        "without_services": whole["without_services"][:SHOWN],
        "failures": failures[:SHOWN],
        "errors": {stage: str(error) for stage, error in report.errors.items()},
        "failed": [(change.name, outcome.status.value) for change, outcome in report.failures()],
    }


_GIVEN = (
    Argument(
        "inventory",
        "What is wanted: an object with the lists hosts and folders, as in an inventory file.",
        dict,
        example={"hosts": [{"name": "web01", "folder": "/linux", "attributes": {"ipaddress": "192.0.2.10"}}]},
    ),
    Argument("file", "Or the name of an inventory file in the folder that the server was given.", "file"),
    Argument("owner", "Mark what is created as this owner's, and delete what is its and not wanted.", example="cmdb"),
    Argument("adopt", "Take over hosts of the inventory that exist and belong to nobody.", bool, default=False),
)
_COUNTS = Field("counts", "How many there are of each kind.", dict[str, int])

SYNC_VERBS = (
    Verb(
        "sync",
        "plan",
        "Show what has to change so that the site is as an inventory says. Changes nothing.",
        "checkmk-sync plan hosts.yaml --owner cmdb",
        _plan,
        _GIVEN,
        fields=(
            Field("checksum", "Names the plan: it changes when the site or the inventory does."),
            _COUNTS,
            Field("nothing_to_do", "True when the site is as wanted.", bool),
            Field("changes", f"The first {SHOWN} changes.", list[str], foreign=True),
            Field("more_changes", "How many changes are not shown.", int),
            Field("conflicts", "Objects that belong to somebody else: the plan is refused.", list[str], foreign=True),
            Field("undiscovered", "Hosts whose services were never found.", int),
            Field("own_pending", "Own changes that are not active yet.", int),
            Field("foreign_pending", "Pending changes of other users.", int),
        ),
        faces=(TOOL,),
    ),
    Verb(
        "sync",
        "apply",
        "Bring the site to what an inventory says: apply the plan in bulk, discover new hosts, activate once, verify.",
        "checkmk-sync apply hosts.yaml --owner cmdb",
        _apply,
        (
            *_GIVEN,
            Argument("allow_changes", "Allow deleting or changing this many existing objects.", int),
            Argument("discover", "Scan new hosts for services.", bool, default=True),
            Argument("activate", "Activate at the end.", bool, default=True),
            Argument("force_foreign", "Also activate pending changes of other users.", bool, default=False),
        ),
        writes=True,
        destructive=True,
        fields=(
            Field("ok", "True when everything was applied and nothing that followed failed.", bool),
            Field("checksum", "That of the plan."),
            Field("verified", "True when a last reading found everything as planned.", bool),
            _COUNTS,
            Field("discovered", "How many hosts were scanned.", Optional[int]),
            Field("activated_changes", "How many changes were activated.", Optional[int]),
            Field("without_services", "Scanned hosts on which nothing was found.", Optional[list[str]]),
            Field("failures", f"The first {SHOWN} changes that were not applied.", list[str], foreign=True),
            Field("errors", "What failed of discovery, activation and verification.", dict[str, str], foreign=True),
        ),
        preview=_preview,
        idempotent=True,
        watched=True,
        faces=(TOOL,),
    ),
)
