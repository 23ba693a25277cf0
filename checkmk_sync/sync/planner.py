"""From what is wanted and what is found to what has to be done. Pure functions."""

from __future__ import annotations

import collections
from typing import Any, Mapping, Optional

from ..catalogue.paths import parent_folder
from ..core.arguments import require_type
from ..errors import InventoryError
from .changes import ADOPTED, OWNER, Action, Change, Conflict
from .checks import invalid_folders, kept_folders_warning, refused, refused_name, warnings
from .compare import has_property, merge
from .desired import FOLDER, REMOVE, Desired, Object, Problem
from .kinds import Property
from .limits import Limits
from .observed import Found, Observed
from .ownership import Ownership
from .plan import Plan
from .references import Key, References, ordered
from .renames import probable_renames

__all__ = ["diff"]

Differences = dict[Property, tuple[Any, Any]]


def diff(
    desired: Desired,
    observed: Observed,
    *,
    owner: Optional[str] = None,
    adopt: bool = False,
    undiscovered: tuple[str, ...] = (),
    silent: tuple[str, ...] = (),
    site: str = "",
    keep_folders: bool = False,
    limits: Optional[Limits] = None,
) -> Plan:
    """The plan from what is found to what is wanted; with ``keep_folders`` no folder is deleted, but told of.

    Only properties that the inventory names are compared, labels one by one. Without an owner nothing
    is ever deleted; with one, what is the owner's and not in the inventory is. ``silent`` hosts are scanned only if
    the plan changes them. InventoryError for what Checkmk would refuse: new folders with impossible names, values that
    it does not take, references to what is not there.
    """
    require_type(desired, Desired, "diff needs the result of load(PATH) or from_data(DATA)")
    require_type(observed, Observed, "diff compares with what observe(CLIENT) gives")
    planner = _Planner(desired, observed, Ownership(owner, observed), adopt)
    for wanted in desired.objects.values():
        planner.add(wanted)
    kept = planner.add_deletions(keep_folders)
    references = References(
        desired, observed, {*planner.deleted_keys, *(("folder", path) for path in kept)}, planner.conflicting_keys
    )
    problems = [*invalid_folders(desired, observed), *planner.problems, *references.problems()]
    if problems:
        raise InventoryError(problems)
    changes = ordered([*planner.changes, *references.reference_removals()])
    conflicts = [*planner.conflicts, *references.blocked_deletions()]
    owned = {of for of, found in observed.objects.items() if planner.ownership.holds(found)}
    named = {of for of, wanted in desired.objects.items() if of in observed.objects and not wanted.implied}
    changed = {change.key for change in changes if change.kind == "host"}
    return Plan(
        changes=tuple(changes),
        unchanged=planner.unchanged,
        conflicts=tuple(sorted(conflicts, key=lambda conflict: (conflict.kind, conflict.key))),
        owner=owner,
        owned=len(owned),
        existing=len(owned | named),
        undiscovered=(*undiscovered, *(name for name in silent if name in changed)),
        pending=observed.pending,
        user=observed.user,
        site=site,
        warnings=(*desired.notes, *warnings(desired, observed), *kept_folders_warning(kept)),
        silent=tuple(name for name in silent if name not in changed),
        renames=probable_renames(changes),
        owned_by_kind=dict(collections.Counter(kind for kind, _ in owned)),
        limits=limits or Limits.of(),
    )


class _Planner:
    def __init__(self, desired: Desired, observed: Observed, ownership: Ownership, adopt: bool) -> None:
        self.desired, self.observed, self.ownership, self.adopt = desired, observed, ownership, adopt
        self.changes: list[Change] = []
        self.conflicts: list[Conflict] = []
        self.problems: list[Problem] = []
        self.unchanged = 0

    @property
    def conflicting_keys(self) -> set[Key]:
        """What is in conflict, and so stays as it is."""
        return {(conflict.kind, conflict.key) for conflict in self.conflicts}

    @property
    def deleted_keys(self) -> set[Key]:
        """What is to be deleted."""
        return {(change.kind, change.key) for change in self.changes if change.action is Action.DELETE}

    def add(self, wanted: Object) -> None:
        """Plan for an object of the inventory."""
        found = self.observed.objects.get((wanted.kind, wanted.key))
        if found is None:
            creation = _create_change(wanted, self.ownership.owner)
            sent = {path: new for path, (_, new) in creation.properties.items() if path != OWNER}
            self.problems += [*refused_name(wanted, self.observed), *refused(wanted, sent, self.observed)]
            self.changes.append(creation)
            return
        differences = {} if wanted.implied else _differences(wanted, found)
        if self._is_in_conflict(wanted, found, bool(differences)):
            self.conflicts.append(self.ownership.conflict(found, wanted))
            return
        sent = {path: merge(new, now) for path, (now, new) in differences.items()}
        self.problems += refused(wanted, sent, self.observed)
        differences.update({} if wanted.implied else self._ownership_labels(found))
        self.unchanged += not differences
        moved = {path: differences.pop(path) for path in (FOLDER,) if path in differences}
        for action, properties in ((Action.MOVE, moved), (Action.UPDATE, differences)):
            if properties:
                self.changes.append(Change(action, found.kind, found.key, properties, found, wanted.location))

    def _is_in_conflict(self, wanted: Object, found: Found, differs: bool) -> bool:
        """What belongs to another owner is never touched; what belongs to nobody only when it is adopted.

        Without an owner nobody's objects are as good as ours. Folders are shared: one that is as wanted is no conflict.
        """
        owner = self.ownership.owner
        if wanted.implied or (owner is None and found.owner is None) or self.ownership.holds(found):
            return False
        if wanted.kind == "folder" and not differs:
            return False
        return not (self.adopt and found.owner in (None, owner))

    def _ownership_labels(self, found: Found) -> Differences:
        """The labels by which an object becomes the owner's, and one is told from its clones."""
        owner, is_ours = self.ownership.owner, self.ownership.holds(found)
        marks: Differences = {}
        if owner is not None and self.adopt and found.owner in (None, owner) and not is_ours:
            marks = {OWNER: (found.owner, owner), ADOPTED: (found.adopted_as, found.key)}
        elif is_ours and found.adopted_as is not None:  # it was moved or renamed since it was adopted
            marks = {ADOPTED: (found.adopted_as, found.key)}
        return {path: (now, new) for path, (now, new) in marks.items() if now != new}

    def add_deletions(self, keep_folders: bool) -> list[str]:
        """Plan to delete the owner's hosts that are not wanted any more, and its folders that are empty without them.

        Returns the folders that are not deleted because of ``keep_folders``.
        """
        if self.ownership.owner is None:
            return []
        if "host" in self.desired.kinds:
            for found in self.observed.of_kind("host"):
                if ("host", found.key) not in self.desired.objects:
                    self._delete(found, {FOLDER: (found.properties[FOLDER], None)})
        kept: list[str] = []
        in_use = self._folders_in_use()
        for path in sorted((found.key for found in self.observed.of_kind("folder")), key=lambda path: -path.count("/")):
            found = self.observed.objects["folder", path]
            is_left = path not in in_use and ("folder", path) not in self.desired.objects and path != "/"
            if is_left and keep_folders and self.ownership.holds(found):
                kept.append(path)
            elif not (is_left and self._delete(found, {})):
                in_use.add(parent_folder(path) or "/")
        return kept

    def _delete(self, found: Found, properties: Mapping[Property, tuple[Any, Any]]) -> bool:
        """Delete what is the owner's; what only looks so is a conflict."""
        if self.ownership.holds(found):
            self.changes.append(Change(Action.DELETE, found.kind, found.key, properties, found))
            return True
        if self.ownership.has_copied_label(found):
            self.conflicts.append(self.ownership.conflict(found))
        return False

    def _folders_in_use(self) -> set[str]:
        """The folders in which hosts lie once the plan is done; those in conflict stay where they are."""
        in_use: set[str] = set()
        deleted_keys, conflicting_keys = self.deleted_keys, self.conflicting_keys
        for found in self.observed.of_kind("host"):
            of = ("host", found.key)
            if of not in deleted_keys:
                wanted = None if of in conflicting_keys else self.desired.objects.get(of)
                named = None if wanted is None else wanted.properties.get(FOLDER)
                in_use.add(found.properties[FOLDER] if named is None else named)
        return in_use


def _create_change(wanted: Object, owner: Optional[str]) -> Change:
    properties = {path: (None, value) for path, value in wanted.properties.items() if value is not REMOVE}
    if wanted.kind == "folder":
        properties.setdefault(("title",), (None, wanted.key.rpartition("/")[2]))
    else:
        properties.setdefault(FOLDER, (None, "/"))
    if owner is not None:
        properties[OWNER] = (None, owner)
    return Change(Action.CREATE, wanted.kind, wanted.key, properties, location=wanted.location)


def _differences(wanted: Object, found: Found) -> Differences:
    """Return the properties that the inventory names and that differ, as (now, wanted)."""
    values = {path: None if value is REMOVE else value for path, value in wanted.properties.items()}
    return {
        path: (found.properties.get(path), value)
        for path, value in values.items()
        if not has_property(found.properties, path, value)
    }
