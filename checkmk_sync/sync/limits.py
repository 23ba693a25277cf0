"""Two independent limits: how many objects a plan may change, and how many it may delete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Mapping, Optional, Union

from ..config.amounts import Amount
from ..config.settings import SyncLimits
from ..core.text import pluralize
from ..errors import SettingsError

AmountLike = Union[int, str, None]  # 40, "40" or "30%"
FEW = 10  # with fewer existing objects, changes are not limited by a percentage


def _amount(given: Union[int, str], field: str) -> Amount:
    try:
        return Amount.parse(given)
    except ValueError as error:
        raise SettingsError(f"{field} {error}", field=field) from None


@dataclass(frozen=True)
class Limits:
    """The limits for ``changes`` to existing objects (updates, moves and adoptions) and for ``deletions``."""

    changes: Amount
    deletions: Amount

    @classmethod
    def of(cls, settings: Optional[SyncLimits] = None) -> Limits:
        """Return the configured limits, or the default limits."""
        settings = settings or SyncLimits()
        return cls(Amount.parse(settings.changes), Amount.parse(settings.deletions))

    def with_overrides(self, changes: AmountLike = None, deletions: AmountLike = None) -> Limits:
        """Return a copy that uses the given amounts instead. Raises SettingsError for an invalid amount."""
        limits = self if changes is None else replace(self, changes=_amount(changes, "allow_changes"))
        return limits if deletions is None else replace(limits, deletions=_amount(deletions, "allow_deletions"))

    def changes_problem(self, changed: int, existing: int) -> Optional[str]:
        """Return why ``changed`` of ``existing`` objects are too many; None if they are allowed."""
        limit = self.changes
        if limit.percent is None:
            return None if changed <= (limit.number or 0) else f"at most {limit} may change"
        if changed * 100 <= limit.percent * existing or (limit.percent and existing < FEW):
            return None
        return f"at most {limit} of {pluralize(existing, 'existing object')} may change"

    def deletions_problem(self, deleted: Mapping[str, int], owned: Mapping[str, int]) -> Optional[str]:
        """Return why the deletions, counted by kind, are too many; None if they are allowed.

        A percentage refers to the owner's objects of a kind. Above 0 % it allows at least one deletion of each kind.
        """
        limit = self.deletions
        if limit.percent is None:
            return None if sum(deleted.values()) <= (limit.number or 0) else f"at most {limit} may be deleted"
        for kind, number in sorted(deleted.items()):
            most = max(1, int(limit.percent * owned.get(kind, 0) / 100)) if limit.percent else 0
            if number > most:
                return f"at most {most} of your {pluralize(owned.get(kind, 0), kind)} may be deleted ({limit})"
        return None
