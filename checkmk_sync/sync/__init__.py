"""Desired state: inventory → plan → review → apply → discover → activate → verified report.

>>> desired = load("hosts.yaml")
>>> plan = make_plan(client, desired, owner="cmdb")
>>> print(plan_as_text(plan)); plan.raise_if_unsafe()
>>> report = apply_plan(client, plan)
"""

from __future__ import annotations

from typing import Optional

from ..catalogue.labels import label_key_problem
from ..client.checkmk import Checkmk, require_client
from ..core.arguments import require_type
from ..errors import SettingsError
from .apply import Options, Step, apply_plan
from .changes import Action, Change, Conflict
from .desired import Desired, Object, Problem
from .limits import Limits
from .mapping import ColumnMap
from .mapping_file import load_map
from .observed import Found, Observed, observe
from .ownership import Ownership
from .plan import Plan
from .planner import diff
from .renames import Rename
from .render import plan_as_markdown, plan_as_text
from .report import Report, report_as_text
from .scans import silent, undiscovered
from .sources import from_data, load, to_data

__all__ = [
    "Action",
    "Change",
    "ColumnMap",
    "Conflict",
    "Desired",
    "Object",
    "Options",
    "Plan",
    "Problem",
    "Rename",
    "Report",
    "Step",
    "apply_plan",
    "diff",
    "from_data",
    "load",
    "load_map",
    "make_plan",
    "plan_as_markdown",
    "plan_as_text",
    "report_as_text",
    "to_data",
]


def make_plan(
    client: Checkmk,
    desired: Desired,
    *,
    owner: Optional[str] = None,
    adopt: bool = False,
    discover: bool = True,
) -> Plan:
    """What has to be done at a site, read fresh; without ``discover`` no host counts as to be scanned.

    SettingsError for an owner that cannot be a label and for adopting without one, InventoryError for what Checkmk
    would refuse: folders that it would not create, values that it does not take, parents that do not exist.
    """
    require_client(client, "make_plan")
    require_type(desired, Desired, "make_plan needs the result of load(PATH) or from_data(DATA)")
    require_type(owner, (str, type(None)), "owner is a text")
    if adopt and owner is None:
        raise SettingsError("who adopts has to be named: give --owner NAME (owner= in Python)", field="owner")
    wrong = None if owner is None else label_key_problem(owner)
    if wrong is not None:
        raise SettingsError(f"{owner!r} cannot be an owner: {wrong}", field="owner")
    observed = observe(client)
    missing, asleep = _unscanned(client, desired, observed, Ownership(owner, observed), adopt) if discover else ((), ())
    return diff(
        desired,
        observed,
        owner=owner,
        adopt=adopt,
        undiscovered=missing,
        silent=asleep,
        site=client.settings.base_url,
        keep_folders=not client.folders.can_delete_empty(),
        limits=Limits.of(client.settings.sync.limits),
    )


def _unscanned(
    client: Checkmk, desired: Desired, observed: Observed, ownership: Ownership, adopt: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The owner's hosts of the inventory whose services were never found: those to scan, and those that are silent."""

    def is_concerned(found: Found) -> bool:
        is_free = found.owner is None or found.owner == ownership.owner
        return ownership.holds(found) or (is_free and (adopt or ownership.owner is None))

    known = {found.key: found for found in observed.of_kind("host") if ("host", found.key) in desired.objects}
    ours = [name for name, found in known.items() if is_concerned(found)]
    missing = tuple(undiscovered(client, ours, any_pending=bool(observed.pending)))
    asleep = set(silent(client, {name: known[name] for name in missing}))
    return tuple(name for name in missing if name not in asleep), tuple(sorted(asleep))
