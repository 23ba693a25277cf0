"""The outcome of each item of a batch: applied, not applied, or unknown. Never a guess."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..errors import BatchError, CheckmkError

__all__ = ["WORST_FIRST", "Outcome", "Outcomes", "Progress", "Status", "is_uncertain"]


class Status(enum.Enum):
    """APPLIED: the site has it. NOT_APPLIED: the site does not have it. UNKNOWN: nothing proves either."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"


WORST_FIRST = (Status.UNKNOWN, Status.NOT_APPLIED, Status.APPLIED)


def is_uncertain(error: CheckmkError) -> bool:
    """Return True if a write that failed like this may have happened all the same."""
    return error.attempted is not None and error.attempted.is_uncertain


@dataclass(frozen=True)
class Outcome:
    """The outcome of one item. ``key`` names it, ``error`` says why it was not applied or is unknown; ``note`` says
    more, such as that a lost answer was settled by reading."""

    key: str
    status: Status
    error: Optional[CheckmkError] = None
    note: str = ""

    @classmethod
    def failed(cls, key: str, error: CheckmkError) -> Outcome:
        """Return the outcome of a write that failed: unknown if the error leaves open whether it was applied."""
        return cls(key, Status.UNKNOWN if is_uncertain(error) else Status.NOT_APPLIED, error)

    @property
    def reason(self) -> str:
        """The error, or else the note, as a text."""
        return str(self.error) if self.error is not None else self.note

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        error = None if self.error is None else self.error.to_dict()
        return {"key": self.key, "status": self.status.value, "error": error, "note": self.note}


Progress = Callable[[Outcome], None]


class Outcomes(tuple[Outcome, ...]):
    """The outcomes of a batch, in the order in which they became known."""

    def _with(self, status: Status) -> list[Outcome]:
        return [outcome for outcome in self if outcome.status is status]

    @property
    def applied(self) -> list[Outcome]:
        """The items that the site has."""
        return self._with(Status.APPLIED)

    @property
    def not_applied(self) -> list[Outcome]:
        """The items that the site does not have, each with the error that says why."""
        return self._with(Status.NOT_APPLIED)

    @property
    def unknown(self) -> list[Outcome]:
        """The items for which nothing proves either: look at the site before you repeat them."""
        return self._with(Status.UNKNOWN)

    @property
    def ok(self) -> bool:
        """True when all were applied."""
        return all(outcome.status is Status.APPLIED for outcome in self)

    def raise_for_failures(self) -> None:
        """Raise BatchError unless all were applied."""
        if not self.ok:
            first = [*self.not_applied, *self.unknown][0]
            raise BatchError(
                f"{len(self.not_applied)} of {len(self)} not applied, {len(self.unknown)} unknown; "
                f"first: {first.key}: {first.reason}",
                outcomes=self,
            )

    def __repr__(self) -> str:
        return (
            f"Outcomes({len(self.applied)} applied, {len(self.not_applied)} not applied, {len(self.unknown)} unknown)"
        )
