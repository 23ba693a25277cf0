"""Compare the desired state with the observed state, and plan the changes. Nothing here sends a request."""

from __future__ import annotations

import collections
from dataclasses import replace
from typing import Any, Collection, Optional

from ..catalogue.paths import parent_folder
from ..core.arguments import require_type
from ..core.redaction import HIDDEN
from ..errors import InventoryError
from .changes import NEW_NAME, Action, Change, Conflict
from .checks import (
    creation_problems,
    fixed_problems,
    invalid_folders,
    list_problems,
    not_compared_warnings,
    secret_problems,
    value_problems,
    warnings,
)
from .compare import has_property, merge
from .desired import REMOVE, Desired, Object, Problem
from .kinds import ADOPTED, FOLDER, FOLDERS, HOSTS, KINDS, NODES, OWNER, Property
from .limits import Limits
from .observed import ExistingObject, Observed
from .order import in_order
from .ownership import Ownership
from .plan import Plan
from .previous_names import after_renames, name_problems
from .references import Key, References, ordered
from .renames import probable_renames
from .scope import Scope, folder_problems
from .word_effects import is_kept, kept_warning, with_words

Differences = dict[Property, tuple[Any, Any]]


def diff(
    desired: Desired,
    observed: Observed,
    *,
    owner: Optional[str] = None,
    adopt: bool = False,
    site: str = "",
    keep_folders: bool = False,
    limits: Optional[Limits] = None,
    secrets: Collection[str] = (),
    scope: Optional[Scope] = None,
) -> Plan:
    """Return the plan that turns the observed state into the desired state.

    Only properties that the inventory names are compared, and each label is compared on its own. With an owner, the
    plan deletes the owner's objects that are not in the inventory. Without an owner, it deletes only objects with
    ``absent: true``. With ``keep_folders``, it deletes no folders, and a warning lists the empty folders that stay.
    ``secrets`` are the names of secrets that the configuration defines. The plan leaves all objects outside the
    ``scope`` as they are.

    Raises InventoryError for changes that Checkmk would refuse: new folders with invalid names, invalid values, and
    references to objects that do not exist.
    """
    require_type(desired, Desired, "diff needs the result of load(PATH) or from_data(DATA)")
    require_type(observed, Observed, "diff needs the result of observe(CLIENT)")
    scope = scope or Scope()
    desired = scope.restricted(with_words(desired, observed), observed, owner)
    planner = _Planner(desired, observed, Ownership(owner, observed), adopt, scope)
    planner.problems += name_problems(desired)
    observed = planner.add_renames()
    for wanted in desired.objects.values():
        planner.problems += [*secret_problems(wanted, secrets, observed), *list_problems(wanted, observed)]
        planner.add(wanted)
    kept = planner.add_deletions(keep_folders)
    references = References(
        desired, observed, {*planner.deleted_keys, *((FOLDERS.name, path) for path in kept)}, planner.conflicting_keys
    )
    problems = [
        *invalid_folders(desired, observed),
        *folder_problems(desired, observed),
        *planner.problems,
        *references.problems(),
    ]
    if problems:
        raise InventoryError(problems)
    placed = in_order(planner.changes, desired, observed, planner.conflicting_keys)
    only_moved = {change.name for change in placed} - {change.name for change in planner.changes}
    steps = ordered([*placed, *references.reference_removals()])
    changes = [step.hiding_former_secrets() if step.action is Action.UPDATE else step for step in steps]
    conflicts = [*planner.conflicts, *references.blocked_deletions()]
    everything = observed.objects
    inside = {key: found for key, found in everything.items() if scope.contains(found)} if scope else everything
    owned = {key for key, existing in inside.items() if planner.ownership.owns(existing)}
    named = {key for key, wanted in desired.objects.items() if key in inside and not wanted.implied}
    # Objects of a kind without a mark belong to nobody, so all of them count for the limit of deletions.
    unmarked = {key for key in inside if KINDS[key[0]].mark is None}
    return Plan(
        changes=tuple(changes),
        unchanged=planner.unchanged - len(only_moved),
        conflicts=tuple(sorted(conflicts, key=lambda conflict: (conflict.kind, conflict.key))),
        owner=owner,
        owned=len(owned),
        existing=len(owned | named),
        pending=observed.pending,
        user=observed.user,
        site=site,
        warnings=(
            *desired.notes,
            *warnings(desired, observed, kept, planner.secrets_written),
            *not_compared_warnings(planner.not_compared),
            *kept_warning(planner.kept_names, "gone from the inventory"),
        ),
        renames=probable_renames(changes),
        owned_by_kind=dict(collections.Counter(kind for kind, _ in owned | unmarked)),
        scope=scope,
        limits=limits or Limits.of(),
    )


class _Planner:
    def __init__(self, desired: Desired, observed: Observed, ownership: Ownership, adopt: bool, scope: Scope) -> None:
        self.desired, self.observed, self.ownership, self.adopt = desired, observed, ownership, adopt
        self.scope, self.named = scope, desired.objects.keys() | desired.outside
        self.changes: list[Change] = []
        self.conflicts: list[Conflict] = []
        self.problems: list[Problem] = []
        self.unchanged = 0
        self.kept_names: list[str] = []  # the owner's objects that only keep protects from deletion
        self.secrets_written = 0  # existing objects whose secrets are written
        self.not_compared: dict[str, list[Object]] = {}  # by the name of the field, except secrets

    @property
    def conflicting_keys(self) -> set[Key]:
        """The objects in conflict, which the plan must not change."""
        return {(conflict.kind, conflict.key) for conflict in self.conflicts}

    @property
    def deleted_keys(self) -> set[Key]:
        """The objects that the plan deletes."""
        return {(change.kind, change.key) for change in self.changes if change.action is Action.DELETE}

    def add_renames(self) -> Observed:
        """Plan the renames of hosts, and return the state after them, on which all other changes are based."""
        names: dict[str, str] = {}
        previous = {wanted.target: wanted.previous for wanted in self.desired.objects.values() if wanted.previous}
        self.ownership = replace(self.ownership, previous=previous)
        for (kind, new), old in previous.items():
            wanted, existing = self.desired.objects[kind, new], self.observed.objects.get((kind, old))
            if existing is None or (kind, old) in self.desired.objects or old in names:  # done before, or a mistake
                continue
            if (kind, new) in self.observed.objects:
                why = f"cannot be the new name of {old}, because hosts with both names exist"
                hint = f"delete one of them, or remove the previous name {old}"
                self.conflicts.append(Conflict(kind, new, existing.owner, why, hint, wanted.location))
            elif not self._add_conflict(wanted, existing, differs=True):
                names[old] = new
                self.problems += creation_problems(wanted, self.observed)
                name = {NEW_NAME: (old, new)}
                self.changes.append(Change(Action.RENAME, kind, new, name, existing, wanted.location))
        if names:
            self.observed = after_renames(self.observed, names)
            self.ownership = replace(self.ownership, observed=self.observed)
        return self.observed

    def add(self, wanted: Object) -> None:
        """Plan the changes for one object of the inventory."""
        existing = self.observed.objects.get((wanted.kind, wanted.key))
        if existing is None or wanted.absent:
            self._add_missing(wanted) if existing is None else self._add_absent(wanted, existing)
            return
        differences = {} if wanted.implied else _differences(wanted, existing)
        if KINDS[wanted.kind].noun is not None or self.desired.secrets_always:
            differences.update(self._not_shown(wanted, existing, differences))
        if self._add_conflict(wanted, existing, bool(differences)) or self._changes_type(wanted, differences):
            return
        sent = {path: merge(new, now) for path, (now, new) in differences.items()}
        self.problems += [*value_problems(wanted, sent, self.observed), *fixed_problems(wanted, sent)]
        differences.update({} if wanted.implied else self._ownership_labels(existing))
        self.unchanged += not differences
        moved = {path: differences.pop(path) for path in (FOLDER,) if path in differences}
        for action, properties in ((Action.MOVE, moved), (Action.UPDATE, differences)):
            if properties:
                self.changes.append(Change(action, existing.kind, existing.key, properties, existing, wanted.location))

    def _not_shown(self, wanted: Object, existing: ExistingObject, differences: Differences) -> Differences:
        """Return the values that the site does not show and that are written nevertheless."""
        kind, sent = KINDS[wanted.kind], Differences()
        fields = {path: field for path in wanted.properties if (field := kind.field_at(path)) is not None}
        needed = {fields[path].only_with for path in differences if path in fields}
        replaces = kind.noun is not None and kind.noun.replaces and bool(differences)
        for path, new in wanted.properties.items():
            field, now, refers = fields.get(path), existing.properties.get(path), bool(kind.secret_names(path, new))
            is_shown = field is None or field.is_shown(now, new)
            if path in differences or new is REMOVE or (is_shown and not refers):
                continue
            # An update that replaces the object would write the mask of a secret.
            is_sent = field is not None and (field.name in needed or (field.holds_secrets and replaces))
            if self.desired.secrets_always or is_sent:
                sent[path] = (HIDDEN if kind.is_secret(path) else kind.with_references(path, now, new), new)
            elif field is not None and not (field.secret or refers):
                self.not_compared.setdefault(field.name, []).append(wanted)
        secrets = (path for path, (_, new) in sent.items() if kind.is_secret(path) or kind.secret_names(path, new))
        self.secrets_written += self.desired.secrets_always and any(secrets)
        return sent

    def _add_missing(self, wanted: Object) -> None:
        if wanted.absent:
            self.unchanged += 1
            return
        kind, owner = KINDS[wanted.kind], self.ownership.owner
        named = {path: value for path, value in wanted.properties.items() if value is not REMOVE}
        sent = {**kind.defaults(wanted.key), **named}
        self.problems += [*creation_problems(wanted, self.observed), *value_problems(wanted, sent, self.observed)]
        if owner is not None and kind.mark is not None:
            sent[OWNER] = owner
        properties = {path: (None, value) for path, value in sent.items()}
        self.changes.append(Change(Action.CREATE, kind.name, wanted.key, properties, location=wanted.location))

    def _add_absent(self, wanted: Object, existing: ExistingObject) -> None:
        if KINDS[wanted.kind].mark == "labels" and not self.ownership.owns(existing):
            self.conflicts.append(self.ownership.conflict(existing, wanted))
        elif wanted.kind != FOLDERS.name and not self._add_conflict(wanted, existing, differs=True):
            self._add_deletion(existing, wanted.location)

    def _add_conflict(self, wanted: Object, existing: ExistingObject, differs: bool) -> bool:
        """Add a conflict and return True if the object belongs to another owner, or has no owner and is not adopted.

        A plan without an owner may change objects without an owner. Objects of a kind without a mark belong to nobody.
        """
        owner = self.ownership.owner
        if wanted.implied or KINDS[wanted.kind].mark is None:
            return False
        if (owner is None and existing.owner is None) or self.ownership.owns(existing):
            return False
        if wanted.kind == FOLDERS.name and not differs:  # several owners may share a folder
            return False
        if self.adopt and existing.owner in (None, owner) and not existing.copies:
            return False
        self.conflicts.append(self.ownership.conflict(existing, wanted))
        return True

    def _changes_type(self, wanted: Object, differences: Differences) -> bool:
        """Add a conflict and return True if a host would have to become a cluster, or a cluster a host."""
        if wanted.kind != HOSTS.name or None not in differences.get(NODES, ()):
            return False
        now, new = ("host", "cluster") if differences[NODES][0] is None else ("cluster", "host")
        why = f"is a {now}, and Checkmk cannot change it to a {new}"
        hint = f"delete the {now} first, or keep it a {now} in the inventory"
        owner = self.observed.objects[wanted.target].owner
        self.conflicts.append(Conflict(wanted.kind, wanted.key, owner, why, hint, wanted.location))
        return True

    def _ownership_labels(self, existing: ExistingObject) -> Differences:
        """Return the changes of the labels that mark an object as the owner's and distinguish it from its clones."""
        owner, is_ours = self.ownership.owner, self.ownership.owns(existing)
        labels: Differences = {}
        if KINDS[existing.kind].mark is None:
            return labels
        if owner is not None and self.adopt and existing.owner in (None, owner) and not is_ours:
            labels = {OWNER: (existing.owner, owner), ADOPTED: (existing.adopted_as, existing.key)}
        elif is_ours and existing.adopted_as is not None:  # moved or renamed after its adoption
            labels = {ADOPTED: (existing.adopted_as, existing.key)}
        return {path: (now, new) for path, (now, new) in labels.items() if now != new}

    def add_deletions(self, keep_folders: bool) -> list[str]:
        """Plan the deletion of the owner's objects missing from the inventory, and of the owner's empty folders.

        Objects other than folders are deleted only if the inventory contains objects of their kind. With
        ``keep_folders``, the folders are kept. Return the paths of the folders that are kept.
        """
        if self.ownership.owner is None:
            return []
        for existing in self.observed.objects.values():
            kind, is_named = KINDS[existing.kind], (existing.kind, existing.key) in self.named
            if kind.mark is not None and kind is not FOLDERS and kind.name in self.desired.kinds and not is_named:
                self._delete(existing)
        kept: list[str] = []
        in_use = self._folders_in_use()
        conflicting, folders = self.conflicting_keys, self.desired.of_kind(FOLDERS.name)
        absent = {wanted.key: wanted for wanted in folders if wanted.absent and wanted.target not in conflicting}
        for existing in sorted(self.observed.of_kind(FOLDERS.name), key=lambda folder: -folder.key.count("/")):
            path, wanted = existing.key, absent.get(existing.key)
            is_wanted = path == "/" or ((FOLDERS.name, path) in self.named and wanted is None)
            is_left = path not in in_use and not is_wanted
            if is_left and keep_folders and self.ownership.owns(existing) and self.scope.contains(existing):
                kept.append(path)
            elif not (is_left and self._delete(existing, wanted)):
                in_use.setdefault(parent_folder(path) or "/", existing.name)
                if wanted is not None:
                    why = f"is absent in the inventory, but still contains {in_use[path]}"
                    hint = "remove its entry, or delete or move what it contains"
                    self.conflicts.append(Conflict(*wanted.target, existing.owner, why, hint, wanted.location))
        return kept

    def _delete(self, existing: ExistingObject, wanted: Optional[Object] = None) -> bool:
        """Plan the deletion of an object and return True if it is the owner's. A copied owner label is a conflict.

        Objects outside the scope stay, and so do objects that are kept. ``wanted`` is the entry with ``absent: true``.
        """
        if not self.scope.contains(existing):
            return False
        if self.ownership.owns(existing) and wanted is None and is_kept(existing, self.desired.keeps):
            self.kept_names.append(existing.name)
            return False
        if self.ownership.owns(existing):
            self._add_deletion(existing, "" if wanted is None else wanted.location)
            return True
        if self.ownership.has_copied_label(existing):  # a person must decide about a clone
            self.conflicts.append(self.ownership.conflict(existing))
        return False

    def _add_deletion(self, existing: ExistingObject, location: str) -> None:
        properties = {path: (now, None) for path, now in existing.properties.items() if path == FOLDER}
        self.changes.append(Change(Action.DELETE, existing.kind, existing.key, properties, existing, location))

    def _folders_in_use(self) -> dict[str, str]:
        """Return the folders that will contain hosts after the plan, each with the name of one of them.

        Hosts in conflict stay in their folders.
        """
        in_use: dict[str, str] = {}
        deleted_keys, conflicting_keys = self.deleted_keys, self.conflicting_keys
        for existing in self.observed.of_kind(HOSTS.name):
            key = (existing.kind, existing.key)
            if key not in deleted_keys:
                wanted = None if key in conflicting_keys else self.desired.objects.get(key)
                folder = None if wanted is None else wanted.properties.get(FOLDER)
                in_use.setdefault(folder or existing.properties[FOLDER], existing.name)
        return in_use


def _differences(wanted: Object, existing: ExistingObject) -> Differences:
    """Return the properties that differ from the inventory, as (now, wanted)."""
    values = {path: None if value is REMOVE else value for path, value in wanted.properties.items()}
    kind = KINDS[existing.kind]
    return {
        path: (kind.with_references(path, existing.properties.get(path), value), value)
        for path, value in values.items()
        if not has_property(existing.kind, existing.properties, path, value)
    }
