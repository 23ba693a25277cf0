"""The outcomes of writes: applied, not applied, or unknown if neither is proven."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..errors import BatchError, CheckmkError


class Status(enum.Enum):
    """The state of one write: ``APPLIED``, ``NOT_APPLIED``, or ``UNKNOWN`` if neither is proven."""

    APPLIED = "applied"  # the site has the change
    NOT_APPLIED = "not applied"  # the site does not have the change
    UNKNOWN = "unknown"  # the answer was lost, and reading the site has proven nothing


WORST_FIRST = (Status.UNKNOWN, Status.NOT_APPLIED, Status.APPLIED)


def is_uncertain(error: CheckmkError) -> bool:
    """Return True if a write that failed with ``error`` may have been applied nevertheless."""
    return error.attempted is not None and error.attempted.is_uncertain


@dataclass(frozen=True)
class Outcome:
    """The outcome of one item of a bulk call.

    * ``key`` identifies the item, such as the name of a host.
    * ``status`` is a :class:`.Status`.
    * ``error`` is the reason why the item was not applied or its outcome is unknown, and None if it was applied.
    * ``note`` is a remark for people, such as "found by reading after a lost answer"; it is usually empty.
    """

    key: str
    status: Status
    error: Optional[CheckmkError] = None
    note: str = ""

    @classmethod
    def failed(cls, key: str, error: CheckmkError) -> Outcome:
        """Return the outcome of a write that failed with ``error``.

        Its status is UNKNOWN if the write may have been applied nevertheless, and NOT_APPLIED otherwise.
        """
        return cls(key, Status.UNKNOWN if is_uncertain(error) else Status.NOT_APPLIED, error)

    @property
    def reason(self) -> str:
        """The message of ``error``, or ``note`` if there is no error."""
        return str(self.error) if self.error is not None else self.note

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data, with the keys ``key``, ``status``, ``error`` and ``note``.

        ``status`` is the value of the :class:`.Status`, such as ``"not applied"``. ``error`` is a dictionary or None.
        """
        error = None if self.error is None else self.error.to_dict()
        return {"key": self.key, "status": self.status.value, "error": error, "note": self.note}


Progress = Callable[[Outcome], None]


class Outcomes(tuple[Outcome, ...]):
    """A tuple with an :class:`.Outcome` for each item of a bulk call.

    The outcomes are in the order in which they became known, which can differ from the order of the items.

    >>> outcomes = cmk.hosts.bulk_create([{"host_name": "web01"}, {"host_name": "web02"}])
    >>> for outcome in [*outcomes.not_applied, *outcomes.unknown]:
    ...     print(outcome.key, outcome.status.value, outcome.reason)
    """

    def _with(self, status: Status) -> list[Outcome]:
        return [outcome for outcome in self if outcome.status is status]

    @property
    def applied(self) -> list[Outcome]:
        """The outcomes of the items that were applied."""
        return self._with(Status.APPLIED)

    @property
    def not_applied(self) -> list[Outcome]:
        """The outcomes of the items that were not applied. Each contains the error."""
        return self._with(Status.NOT_APPLIED)

    @property
    def unknown(self) -> list[Outcome]:
        """The outcomes of the items that may or may not have been applied. Check the site before you repeat them."""
        return self._with(Status.UNKNOWN)

    @property
    def ok(self) -> bool:
        """True if every item was applied."""
        return all(outcome.status is Status.APPLIED for outcome in self)

    def raise_for_failures(self) -> None:
        """Raise BatchError, with these outcomes, unless every item was applied."""
        if not self.ok:
            first = [*self.not_applied, *self.unknown][0]
            raise BatchError(
                f"{len(self.not_applied)} of {len(self)} items were not applied and {len(self.unknown)} are unknown; "
                f"the first is {first.key}: {first.reason}",
                outcomes=self,
            )

    def __repr__(self) -> str:
        return (
            f"Outcomes({len(self.applied)} applied, {len(self.not_applied)} not applied, {len(self.unknown)} unknown)"
        )
