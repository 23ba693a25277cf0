"""The plan: a value. Pure functions from what is wanted and what is found to what has to be done."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from ..errors import InventoryError, NotOwnedError, PlanChangedError, UnsafePlanError
from ..names import OWNER_LABEL, parent_folder
from ..resources.activation import PendingChange
from .changes import OWNER, Action, Change, Conflict
from .compare import is_as_wanted
from .desired import FOLDER, REMOVE, Desired, Object, Property
from .doubts import folders_that_stay, impossible, warnings
from .observe import Found, Observed

__all__ = ["Plan", "diff"]

CHECKSUM_ROUNDS = 50_000  # some hundredths of a second
BRAKE_SHARE = 0.3
BRAKE_FROM = 10  # existing objects; fewer may all change


@dataclass(frozen=True)
class Plan:
    """What has to be done, in order. Comparable, printable (see ``render``) and refusable.

    ``owned`` counts the objects of the owner, ``existing`` those and what else the inventory names and
    the site holds. ``undiscovered`` names hosts whose services were never found, ``pending`` are the changes
    that wait for activation: those of ``user`` are our own, and those of nobody are the site's. ``site`` is the
    address of the site that was read, ``warnings`` say what can be meant, but rarely is.
    """

    changes: tuple[Change, ...]
    unchanged: int
    conflicts: tuple[Conflict, ...] = ()
    owner: Optional[str] = None
    owned: int = 0
    existing: int = 0
    undiscovered: tuple[str, ...] = ()
    pending: tuple[PendingChange, ...] = ()
    user: str = ""
    site: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def own_pending(self) -> int:
        """How many changes of our own wait for activation."""
        return sum(change.user == self.user for change in self.pending)

    @property
    def foreign_pending(self) -> int:
        """How many changes of others do."""
        return sum(change.is_foreign_to(self.user) for change in self.pending)

    @property
    def is_empty(self) -> bool:
        """True when nothing differs, nothing waits for its discovery and nothing of ours is pending."""
        return not (self.changes or self.conflicts or self.undiscovered or self.own_pending)

    def count(self, action: Action, kind: Optional[str] = None) -> int:
        """How many changes of an action there are."""
        return sum(change.action is action and kind in (None, change.kind) for change in self.changes)

    def counts(self) -> dict[str, int]:
        """``{"create": …, "move": …, "update": …, "delete": …, "unchanged": …, "conflicts": …}``."""
        found = {action.value: self.count(action) for action in Action}
        return {**found, "unchanged": self.unchanged, "conflicts": len(self.conflicts)}

    @property
    def checksum(self) -> str:
        """Names the plan: what is to be changed, discovered and activated, where and for whom. Whoever reviewed
        it can demand exactly it.

        Secrets count, so it takes long to try which one gives the checksum of a plan that was shown.
        """
        changes = [change.exactly() for change in self.changes]
        own = sorted((change.id, str(change)) for change in self.pending if not change.is_foreign_to(self.user))
        plan = [self.site, self.owner, changes, sorted(self.undiscovered), own]
        text = json.dumps(plan, sort_keys=True)
        return hashlib.pbkdf2_hmac("sha256", text.encode(), b"checkmk_sync", CHECKSUM_ROUNDS).hex()[:16]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "checksum": self.checksum,
            "site": self.site,
            "owner": self.owner,
            "owned": self.owned,
            "existing": self.existing,
            "counts": self.counts(),
            "changes": [change.to_dict() for change in self.changes],
            "conflicts": [str(conflict) for conflict in self.conflicts],
            "undiscovered": list(self.undiscovered),
            "own_pending": self.own_pending,
            "foreign_pending": self.foreign_pending,
            "pending": [str(change) for change in self.pending],
            "warnings": list(self.warnings),
        }

    def risky(self) -> int:
        """How many existing objects the plan deletes, moves, updates or adopts."""
        return len({(change.kind, change.key) for change in self.changes if change.action is not Action.CREATE})

    def alarm(self) -> str:
        """Why the brake holds, unless it is lifted; empty when it does not."""
        risky = self.risky()
        if self.existing < BRAKE_FROM or risky <= BRAKE_SHARE * self.existing:
            return ""
        return f"the plan deletes or changes {risky} of {self.existing} existing objects, more than 30 %"

    def way_out(self) -> str:
        """What can be done about the conflicts."""
        owners = {conflict.owner for conflict in self.conflicts}
        if self.owner is None:
            name = str(next(iter(owners))) if len(owners) == 1 else "NAME"
            return f"did you forget --owner {shlex.quote(name)}?"
        if None in owners:
            return "take over what belongs to nobody with --adopt, or take it out of the inventory"
        return f"take them out of the inventory, or have their owner's label {OWNER_LABEL} taken away first"

    def raise_if_unsafe(self, *, allow_changes: Optional[int] = None, checksum: Optional[str] = None) -> None:
        """Refuse what must not be done unasked.

        NotOwnedError for conflicts. PlanChangedError when the plan is not the one with ``checksum``.
        UnsafePlanError when more than 30 % of the existing objects that are owned or in the inventory
        (at least 10) are deleted or changed and ``allow_changes`` is not at least their number.
        """
        if self.conflicts:
            first = "; ".join(map(str, self.conflicts[:3]))
            more = f" and {len(self.conflicts) - 3} more" if len(self.conflicts) > 3 else ""
            raise NotOwnedError(f"{first}{more}: {self.way_out()}")
        if checksum is not None and checksum != self.checksum:
            raise PlanChangedError(
                f"the plan is {self.checksum}, not the reviewed {checksum}: "
                "the site or the inventory changed; review it anew"
            )
        alarm, risky = self.alarm(), self.risky()
        if alarm and (allow_changes or 0) < risky:
            way_out = f"if that is meant, give --allow-changes {risky} (allow_changes={risky} in Python)"
            raise UnsafePlanError(alarm, way_out)


def diff(
    desired: Desired,
    observed: Observed,
    *,
    owner: Optional[str] = None,
    adopt: bool = False,
    undiscovered: tuple[str, ...] = (),
    site: str = "",
    keep_folders: bool = False,
) -> Plan:
    """The plan from what is found to what is wanted; with ``keep_folders`` no folder is deleted, but told of.

    Only properties that the inventory names are compared, labels one by one. Without an owner nothing
    is ever deleted; with one, what carries its label and is not in the inventory is. InventoryError for
    folders that are missing and that Checkmk would not create.
    """
    problems = [*impossible(desired, observed)]
    if problems:
        raise InventoryError(problems)
    changes: list[Change] = []
    conflicts: list[Conflict] = []
    unchanged = 0
    for (kind, key), wanted in desired.objects.items():
        found = observed.objects.get((kind, key))
        if found is None:
            changes.append(_creation(wanted, owner))
            continue
        differences = {} if wanted.implied else _differences(wanted, found)
        conflict = None if wanted.implied else _conflict(wanted, found, owner, adopt, bool(differences))
        if conflict is not None:
            conflicts.append(conflict)
            continue
        if adopt and owner is not None and found.owner is None and not wanted.implied:
            differences[OWNER] = (None, owner)
        unchanged += not differences
        changes += _alterations(found, differences, wanted.place)
    owned = {of for of, found in observed.objects.items() if owner is not None and found.owner == owner}
    named = {of for of, wanted in desired.objects.items() if of in observed.objects and not wanted.implied}
    kept: list[Change] = []
    if owner is not None:
        for change in _deletions(desired, observed, owner, {(found.kind, found.key) for found in conflicts}):
            (kept if keep_folders and change.kind == "folder" else changes).append(change)
    return Plan(
        changes=tuple(sorted(changes, key=lambda change: change.rank)),
        unchanged=unchanged,
        conflicts=tuple(sorted(conflicts, key=lambda conflict: (conflict.kind, conflict.key))),
        owner=owner,
        owned=len(owned),
        existing=len(owned | named),
        undiscovered=undiscovered,
        pending=observed.pending,
        user=observed.user,
        site=site,
        warnings=(*desired.notes, *warnings(desired, observed), *(folders_that_stay([change.key for change in kept]))),
    )


def _creation(wanted: Object, owner: Optional[str]) -> Change:
    properties = {path: (None, value) for path, value in wanted.properties.items() if value is not REMOVE}
    if wanted.kind == "folder":
        properties.setdefault(("title",), (None, wanted.key.rpartition("/")[2]))
    else:
        properties.setdefault(FOLDER, (None, "/"))
    if owner is not None:
        properties[OWNER] = (None, owner)
    return Change(Action.CREATE, wanted.kind, wanted.key, properties, place=wanted.place)


def _differences(wanted: Object, found: Found) -> dict[Property, tuple[Any, Any]]:
    differences: dict[Property, tuple[Any, Any]] = {}
    for path, value in wanted.properties.items():
        now = found.properties.get(path)
        if value is REMOVE:
            if path in found.properties:
                differences[path] = (now, None)
        elif path not in found.properties or not is_as_wanted(path, value, now):
            differences[path] = (now, value)
    return differences


def _conflict(wanted: Object, found: Found, owner: Optional[str], adopt: bool, differs: bool) -> Optional[Conflict]:
    """What belongs to another owner is never touched; what belongs to nobody only when it is adopted.

    Without an owner nobody's objects are as good as ours. Folders are shared: one that is as wanted is no conflict.
    """
    if found.owner == owner:
        return None
    if wanted.kind == "folder" and not differs:
        return None
    if found.owner is None and adopt:
        return None
    return Conflict(wanted.kind, wanted.key, found.owner, wanted.place)


def _alterations(found: Found, differences: Mapping[Property, tuple[Any, Any]], place: str) -> Iterator[Change]:
    moved: dict[Property, tuple[Any, Any]] = {path: values for path, values in differences.items() if path == FOLDER}
    rest = {path: values for path, values in differences.items() if path != FOLDER}
    if moved:
        yield Change(Action.MOVE, found.kind, found.key, moved, found, place)
    if rest:
        yield Change(Action.UPDATE, found.kind, found.key, rest, found, place)


def _deletions(desired: Desired, observed: Observed, owner: str, conflicts: set[tuple[str, str]]) -> Iterator[Change]:
    """Our hosts that are not wanted any more, and our folders that are empty without them."""
    doomed: set[str] = set()
    if "host" in desired.kinds:
        for (kind, key), found in observed.objects.items():
            if kind == "host" and found.owner == owner and (kind, key) not in desired.objects:
                doomed.add(key)
                place: dict[Property, tuple[Any, Any]] = {FOLDER: (found.properties[FOLDER], None)}
                yield Change(Action.DELETE, kind, key, place, found)
    in_use = _folders_in_use(desired, observed, doomed, conflicts)
    for path in sorted((key for kind, key in observed.objects if kind == "folder"), key=lambda p: -p.count("/")):
        found = observed.objects["folder", path]
        if found.owner == owner and path not in in_use and ("folder", path) not in desired.objects:
            yield Change(Action.DELETE, "folder", path, {}, found)
        else:
            parent = parent_folder(path)
            if parent is not None:
                in_use.add(parent)


def _folders_in_use(
    desired: Desired, observed: Observed, doomed: set[str], conflicts: set[tuple[str, str]]
) -> set[str]:
    """The folders in which hosts lie once the plan is done; those in conflict stay where they are."""
    in_use: set[str] = set()
    for (kind, key), found in observed.objects.items():
        if kind == "host" and key not in doomed:
            wanted = None if (kind, key) in conflicts else desired.objects.get((kind, key))
            named = None if wanted is None else wanted.properties.get(FOLDER)
            in_use.add(found.properties[FOLDER] if named is None else named)
    return in_use
