"""The plan: an immutable list of all changes, with the checks that refuse an unsafe plan."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Iterable, Mapping, Optional, Sequence

from ..client.nouns.activation import PendingChange
from ..core.arguments import require_iterable
from ..core.text import close_matches, pluralize, summarize
from ..errors import NotOwnedError, PlanChangedError, SyncError, UnsafePlanError
from .changes import Action, Change, Conflict
from .limits import AmountLike, Limits
from .renames import Rename
from .scope import Scope

CHECKSUM_ROUNDS = 50_000  # takes some hundredths of a second
SHOWN = 3  # conflicts, renames or names in one error message
_OPTIONS = {"changes": "--allow-changes", "deletions": "--allow-deletions"}


@dataclass(frozen=True)
class Plan:
    """All changes in the order in which they are applied, with the facts that a reviewer needs.

    ``unchanged`` is the number of objects in the inventory that are already as wanted. ``owned`` is the number of the
    owner's objects on the site, and ``owned_by_kind`` the same number by kind. ``existing`` also counts objects on the
    site that the inventory names but the owner does not own.

    ``undiscovered`` are the hosts that need a service discovery. ``silent`` are the hosts on which a scan has found
    nothing since they were last changed. ``pending`` are all changes that wait for activation. Changes of ``user`` are
    our own, and changes without a user were made by the site itself. ``site`` is the address of the site.

    ``scope`` is the part of the inventory and of the site to which the plan is limited. The numbers count only objects
    inside.

    ``warnings`` point out probable mistakes. ``renames`` are the deletions that are probably renames. ``limits`` and
    ``confirmed`` (the names of objects whose deletion is confirmed) are the permissions. ``is_saved`` marks a plan that
    was loaded from a file. Comparing two plans ignores the permissions and this mark.
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
    silent: tuple[str, ...] = ()
    renames: tuple[Rename, ...] = ()
    owned_by_kind: Mapping[str, int] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    limits: Limits = field(default_factory=Limits.of, compare=False)
    confirmed: frozenset[str] = field(default=frozenset(), compare=False)
    is_saved: bool = field(default=False, compare=False, repr=False)

    @property
    def own_pending(self) -> int:
        """The number of our own changes that wait for activation."""
        return sum(change.user == self.user for change in self.pending)

    @property
    def foreign_pending(self) -> int:
        """The number of other users' changes that wait for activation."""
        return sum(change.is_foreign_to(self.user) for change in self.pending)

    @property
    def is_empty(self) -> bool:
        """True if the plan has no changes and no conflicts, and there is nothing to discover or activate."""
        return not (self.changes or self.conflicts or self.undiscovered or self.own_pending)

    def count(self, action: Action, kind: Optional[str] = None) -> int:
        """Return the number of changes with this action, for one kind of object or for all."""
        return sum(change.action is action and kind in (None, change.kind) for change in self.changes)

    def counts(self) -> dict[str, int]:
        """Return the number of changes by action, plus the number of ``"unchanged"`` objects and of ``"conflicts"``."""
        counts = {action.value: self.count(action) for action in Action}
        return {**counts, "unchanged": self.unchanged, "conflicts": len(self.conflicts)}

    @property
    def checksum(self) -> str:
        """A short hash of the site, owner, scope, changes, hosts to discover, and pending changes to activate.

        Pass the checksum of a reviewed plan to :meth:`raise_if_unsafe` to apply exactly that plan.
        """
        # The checksum covers secrets. The slow hash makes it expensive to guess them by trying values until it matches.
        changes = [change.checksum_data() for change in self.changes]
        own = sorted((change.id, str(change)) for change in self.pending if not change.is_foreign_to(self.user))
        plan = [self.site, self.owner, changes, sorted(self.undiscovered), own, *self.scope.texts]
        text = json.dumps(plan, sort_keys=True)
        return hashlib.pbkdf2_hmac("sha256", text.encode(), b"checkmk_sync", CHECKSUM_ROUNDS).hex()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        refusal = self.refusal()
        return {
            "checksum": self.checksum,
            "site": self.site,
            "owner": self.owner,
            "only": list(self.scope.texts),
            "owned": self.owned,
            "existing": self.existing,
            "counts": self.counts(),
            "changes": [change.to_dict() for change in self.changes],
            "conflicts": [conflict.text for conflict in self.conflicts],
            "renames": [rename.to_dict() for rename in self.renames],
            "refused": None if refusal is None else str(refusal),
            "undiscovered": list(self.undiscovered),
            "silent": list(self.silent),
            "own_pending": self.own_pending,
            "foreign_pending": self.foreign_pending,
            "pending": [str(change) for change in self.pending],
            "warnings": list(self.warnings),
        }

    def changed_count(self) -> int:
        """Return the number of existing objects that the plan moves, updates or adopts. Deletions do not count."""
        others = {
            (change.kind, change.key) for change in self.changes if change.action in (Action.CREATE, Action.DELETE)
        }
        return len({(change.kind, change.key) for change in self.changes} - others)

    def deleted_counts(self) -> dict[str, int]:
        """Return the number of objects that the plan deletes, by kind."""
        kinds = Counter(change.kind for change in self.changes if change.action is Action.DELETE)
        return dict(sorted(kinds.items()))

    def with_permissions(
        self,
        *,
        allow_changes: AmountLike = None,
        allow_deletions: AmountLike = None,
        confirm_deletions: Iterable[str] = (),
    ) -> Plan:
        """Return a copy of the plan with other limits and further confirmed deletions.

        Raises SettingsError for a limit that is neither a number nor a percentage, and UnsafePlanError for a confirmed
        name that is not among the deletions. If the plan deletes nothing, confirmed names are ignored.
        """
        limits = self.limits.with_overrides(allow_changes, allow_deletions)
        confirmed = self.confirmed.union(require_iterable(confirm_deletions, "confirm_deletions"))
        plan = replace(self, limits=limits, confirmed=confirmed)
        unknown = plan.unmatched_confirmations()
        # Without deletions, an earlier run may already have deleted the confirmed objects.
        if unknown and plan.deleted_counts():
            problems = (f"the plan does not delete {name!r}{plan._suggest_deletion(name)}" for name in unknown[:SHOWN])
            hint = "leave it out, or give --confirm-delete the name of an object that the plan deletes"
            raise UnsafePlanError("; ".join(problems), hint)
        return plan

    def unmatched_confirmations(self) -> list[str]:
        """Return the confirmed names that match no deletion of the plan."""
        return sorted(self.confirmed.difference(self._deletions()))

    def _deletions(self) -> list[str]:
        return [change.key for change in self.changes if change.action is Action.DELETE]

    def _suggest_deletion(self, name: str) -> str:
        """Return ``"; did you mean …?"`` with the old name of a rename, or a similar name among the deletions."""
        renamed = [rename.old for rename in self.renames if rename.new == name]
        folded = {key.casefold(): key for key in self._deletions() if key not in self.confirmed}
        meant = renamed or [folded[key] for key in close_matches(name.casefold(), folded)]
        return f"; did you mean {meant[0]!r}?" if meant else ""

    def raise_if_unsafe(
        self,
        *,
        allow_changes: AmountLike = None,
        allow_deletions: AmountLike = None,
        confirm_deletions: Iterable[str] = (),
        checksum: Optional[str] = None,
    ) -> None:
        """Raise an error if the plan must not be applied without further permission.

        Raises NotOwnedError for conflicts, and PlanChangedError if the plan has another ``checksum``. Raises
        UnsafePlanError if the plan changes more existing objects than ``allow_changes``, or deletes more objects than
        ``allow_deletions``. Both are numbers or percentages, and replace the configured limits. Also raises
        UnsafePlanError if a deletion is probably a rename and ``confirm_deletions`` does not name it. Invalid
        permissions raise the errors of :meth:`with_permissions`.
        """
        plan = self.with_permissions(
            allow_changes=allow_changes, allow_deletions=allow_deletions, confirm_deletions=confirm_deletions
        )
        if plan.conflicts:
            hints = "; or ".join(dict.fromkeys(conflict.hint for conflict in plan.conflicts[:SHOWN]))
            raise NotOwnedError(f"{summarize(plan.conflicts, SHOWN, '; ')}; {hints}")
        if checksum is not None and checksum != self.checksum:
            raise PlanChangedError(
                f"the plan has the checksum {self.checksum}, not the reviewed {checksum}, "
                "because the site or the inventory changed; review the new plan"
            )
        unconfirmed = [rename for rename in plan.renames if not rename.is_confirmed(plan.confirmed)]
        if unconfirmed:
            options = [f"--confirm-delete {shlex.quote(rename.old)}" for rename in unconfirmed]
            raise UnsafePlanError(
                f"{summarize(unconfirmed, SHOWN, '; ')}; this is probably a rename, and a deletion loses the history",
                f"{_rename_advice(unconfirmed)}, or confirm the deletion with {summarize(options, SHOWN, ' ')}",
            )
        exceeded = plan.exceeded_limits()
        if exceeded:
            numbers = {"changes": plan.changed_count(), "deletions": sum(plan.deleted_counts().values())}
            allow = " and ".join(f"{_OPTIONS[limit]} {numbers[limit]}" for limit in exceeded)
            arguments = ", ".join(f"allow_{limit}={numbers[limit]}" for limit in exceeded)
            why = f"the plan {plan.describe_size()}: {', and '.join(exceeded.values())}"
            raise UnsafePlanError(why, f"if this is intended, give {allow} ({arguments} in Python)")

    def refusal(self) -> Optional[SyncError]:
        """Return the error that :meth:`raise_if_unsafe` raises without further permissions; None if it raises none."""
        try:
            self.raise_if_unsafe()
        except SyncError as error:
            return error
        return None

    def exceeded_limits(self, limits: Optional[Limits] = None) -> dict[str, str]:
        """Return the exceeded limits (``"changes"``, ``"deletions"``), each with a message."""
        limits = limits or self.limits
        problems = {
            "changes": limits.changes_problem(self.changed_count(), self.existing),
            "deletions": limits.deletions_problem(self.deleted_counts(), self.owned_by_kind),
        }
        return {limit: problem for limit, problem in problems.items() if problem is not None}

    def describe_size(self) -> str:
        """Return the number of existing objects that the plan changes and deletes, as a phrase for messages."""
        changes = f"changes {self.changed_count()} of {pluralize(self.existing, 'existing object')}"
        deletions = [
            f"{number} of {pluralize(self.owned_by_kind.get(kind, 0), kind)}"
            for kind, number in self.deleted_counts().items()
        ]
        return f"{changes} and deletes {' and '.join(deletions) or 'nothing'}"


def _rename_advice(renames: Sequence[Rename]) -> str:
    names = [shlex.quote(f"{rename.old}={rename.new}") for rename in renames if rename.kind == "host"]
    options = [f"--rename {pair}" for pair in names]
    return f"rename it with {summarize(options, SHOWN, ' ')}" if options else "rename it on the site first"
