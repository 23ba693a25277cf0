"""Bring a site to a desired state: read an inventory, make a plan, review it, apply it, and verify the result.

>>> desired = load("hosts.yaml")
>>> plan = make_plan(client, desired, owner="cmdb")
>>> print(plan_as_text(plan)); plan.raise_if_unsafe()
>>> report = apply_plan(client, plan)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Mapping, Optional, Union

from ..catalogue.labels import label_key_problem
from ..client.checkmk import Checkmk, require_client
from ..core.arguments import require_type
from ..errors import SettingsError
from .apply import Options, Step, apply_plan
from .changes import Action, Change, Conflict
from .desired import Desired, Object, Problem
from .kinds import FOLDERS, HOSTS, KINDS
from .limits import Limits
from .lists import lists_in_use, with_known_lists
from .mapping import ColumnMap
from .mapping_file import load_map
from .observed import Observed, observe
from .pages.plans import plan_as_html, report_as_html
from .pages.site import Finding, SiteOverview, overview_as_html, overview_as_text, site_overview
from .plan import Plan
from .plan_files import load_plan, save_plan
from .planner import diff
from .previous_names import with_renames
from .renames import Rename
from .render import plan_as_markdown, plan_as_text
from .report import Report, report_as_text
from .scans import silent, undiscovered
from .schema import inventory_schema, mapping_schema
from .scope import Scope
from .site_attributes import with_site_attributes, with_tags_in_use
from .sources import from_data, load, to_data
from .word_effects import with_words

__all__ = [
    "Action",
    "Change",
    "ColumnMap",
    "Conflict",
    "Desired",
    "Finding",
    "Object",
    "Options",
    "Plan",
    "Problem",
    "Rename",
    "Report",
    "Scope",
    "SiteOverview",
    "Step",
    "apply_plan",
    "diff",
    "from_data",
    "inventory_schema",
    "load",
    "load_map",
    "load_plan",
    "make_plan",
    "mapping_schema",
    "overview_as_html",
    "overview_as_text",
    "plan_as_html",
    "plan_as_markdown",
    "plan_as_text",
    "report_as_html",
    "report_as_text",
    "save_plan",
    "site_overview",
    "to_data",
]


def make_plan(
    client: Checkmk,
    desired: Desired,
    *,
    owner: Optional[str] = None,
    adopt: bool = False,
    discover: bool = True,
    renames: Optional[Mapping[str, str]] = None,
    only: Union[Scope, Iterable[str]] = (),
) -> Plan:
    """Read the site and return the plan that brings it to the desired state. Only kinds of the inventory are read.

    With ``discover``, the plan also lists the hosts in the inventory that it may change and that have no services yet.
    Applying the plan runs a service discovery on them. ``renames`` are the previous names of hosts, as ``{OLD: NEW}``.

    ``only`` limits the plan to a :class:`Scope`, such as ``["folder:/linux/**", "kind:hosts"]``. All other objects stay
    as they are.

    Raises SettingsError if the owner cannot be the value of a label, if ``adopt`` is given without an owner, and for an
    unknown kind or folder in ``only``. Raises InventoryError for changes that Checkmk would refuse: folders with
    invalid names, invalid values, references to objects that do not exist, and fields that this version or edition does
    not have.
    """
    require_client(client, "make_plan")
    require_type(desired, Desired, "make_plan needs the result of load(PATH) or from_data(DATA)")
    desired = with_renames(desired, renames or {})
    require_type(owner, (str, type(None)), "owner must be a string")
    if adopt and owner is None:
        raise SettingsError("adopt needs an owner; give --owner NAME (owner= in Python)", field="owner")
    problem = None if owner is None else label_key_problem(owner)
    if problem is not None:
        raise SettingsError(f"the owner {owner!r} is not valid: {problem}", field="owner")
    scope = Scope.parse(only)
    named = {name for name in desired.kinds if KINDS[name].is_named_by_mark and scope.has_kind(name)}
    if owner is None and named:
        plural = " and ".join(sorted(KINDS[name].section.replace("_", " ") for name in named))
        raise SettingsError(
            f"{plural} need an owner, because its mark contains their names; give --owner NAME (owner= in Python)",
            field="owner",
        )
    # Not desired.kinds: an inventory can consist of folders that are only implied, such as the root folder.
    kinds = {kind for kind, _ in desired.objects if kind in named or not KINDS[kind].is_named_by_mark}
    in_use = lists_in_use(client, kinds.intersection(desired.kinds))
    observed = observe(client, kinds, owner, in_use)
    if scope:
        scope.raise_for_unknown(_known_folders(client, scope, desired, observed))
    desired = scope.restricted(with_words(desired, observed), observed, owner)
    observed = with_known_lists(client, desired, observed, in_use)
    observed = with_site_attributes(client, desired, observed)
    plan = diff(
        desired,
        observed,
        owner=owner,
        adopt=adopt,
        site=client.settings.base_url,
        keep_folders=not client.folders.can_delete_empty(),
        limits=Limits.of(client.settings.sync.limits),
        secrets=tuple(client.settings.secrets),
        scope=scope,
    )
    plan = with_tags_in_use(client, plan)
    return _with_scans(client, plan, desired, observed) if discover else plan


def _known_folders(client: Checkmk, scope: Scope, desired: Desired, observed: Observed) -> set[str]:
    """Return the folders of the site and of the inventory."""
    if scope.folders and FOLDERS.name not in observed.kinds:
        return {folder.path for folder in client.folders.each()}
    return {key for kind, key in (*desired.objects, *observed.objects) if kind == FOLDERS.name}


def _with_scans(client: Checkmk, plan: Plan, desired: Desired, observed: Observed) -> Plan:
    """Return the plan with the hosts of the inventory that need a service discovery, and with the silent hosts."""
    in_conflict = {(conflict.kind, conflict.key) for conflict in plan.conflicts}
    ours = desired.objects.keys() - in_conflict
    hosts = {host.key: host for host in observed.of_kind(HOSTS.name) if (host.kind, host.key) in ours}
    missing = list(undiscovered(client, hosts, any_pending=bool(observed.pending)))
    changed = {change.key for change in plan.changes if change.kind == HOSTS.name}
    unchanged_silent = set(silent(client, {name: hosts[name] for name in missing})) - changed
    scanned = tuple(name for name in missing if name not in unchanged_silent)
    return replace(plan, undiscovered=scanned, silent=tuple(sorted(unchanged_silent)))
