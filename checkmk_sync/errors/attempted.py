"""The record of a failed request, which the errors of calls contain as ``attempted``."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Optional

__all__ = ["Attempted", "Delivery"]


class Delivery(enum.Enum):
    """The stage that a request had reached when its call failed."""

    NOT_SENT = "not sent"  # nothing was sent, so a retry is safe
    UNKNOWN = "unknown"  # it was sent, but no usable response arrived
    ANSWERED = "answered"  # the site refused it
    NOTHING_DONE = "nothing done"  # the response or a later read proves that it had no effect


@dataclass(frozen=True)
class Attempted:
    """The facts about a failed call that decide whether it may be repeated.

    ``is_read`` is None if it is unknown whether the call was a read. ``attempts`` is the number of times that the call
    was tried. ``retries_spent`` is True if the client has already made all retries that its settings allow.
    """

    delivery: Delivery
    is_read: Optional[bool] = None
    attempts: int = 1
    retries_spent: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """Return True if repeating the request cannot execute it twice."""
        return bool(self.is_read) or self.delivery in (Delivery.NOT_SENT, Delivery.NOTHING_DONE)

    @property
    def is_uncertain(self) -> bool:
        """Return True if the call is a write that may have been executed although it failed."""
        return not self.is_read and self.delivery is Delivery.UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain data, without ``retries_spent``."""
        return {"delivery": self.delivery.value, "is_read": self.is_read, "attempts": self.attempts}
