"""Desired state: inventory → plan → review → apply → discover → activate → verified report.

>>> desired = load("hosts.yaml")
>>> plan = make_plan(client, desired, owner="cmdb")
>>> print(plan_as_text(plan)); plan.raise_if_unsafe()
>>> report = apply_plan(client, plan)
"""

from __future__ import annotations

import re
from typing import Optional

from ..client import Checkmk
from ..errors import SettingsError
from .apply import Options, Step, apply_plan
from .changes import Action, Change, Conflict
from .desired import Desired, Object, Problem
from .mapping import ColumnMap
from .mapping_file import load_map
from .observe import observe, undiscovered
from .plan import Plan, diff
from .render import plan_as_markdown, plan_as_text
from .report import Report, report_as_text
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


def make_plan(client: Checkmk, desired: Desired, *, owner: Optional[str] = None, adopt: bool = False) -> Plan:
    """What has to be done at a site, read fresh.

    SettingsError for an owner that cannot be a label and for adopting without one, InventoryError for folders that
    Checkmk would not create.
    """
    if adopt and owner is None:
        raise SettingsError("who adopts has to be named: give --owner NAME (owner= in Python)", field="owner")
    if owner is not None and not re.fullmatch(r"[^\s:]([^:\r\n]*[^\s:])?", owner):
        raise SettingsError(f"{owner!r} cannot be an owner: a text without ':' is needed", field="owner")
    observed = observe(client)
    owners = {owner, None} if adopt else {owner}
    ours = {found.key for found in observed.objects.values() if found.kind == "host" and found.owner in owners}
    known = {wanted.key for wanted in desired.of_kind("host") if ("host", wanted.key) in observed.objects}
    missing = undiscovered(client, known & ours, any_pending=bool(observed.pending))
    return diff(
        desired,
        observed,
        owner=owner,
        adopt=adopt,
        undiscovered=tuple(missing),
        site=client.settings.base_url,
        keep_folders=not client.folders.can_delete_empty(),
    )
