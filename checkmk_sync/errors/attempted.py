"""The outcome of a request, attached to every error of a call."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Optional

__all__ = ["Attempted", "Delivery"]


class Delivery(enum.Enum):
    """How far a request got before its call failed."""

    NOT_SENT = "not sent"  # nothing was sent, so a retry is safe
    UNKNOWN = "unknown"  # it was sent, but no usable response arrived
    ANSWERED = "answered"  # the site refused it
    NOTHING_DONE = "nothing done"  # the response or a later read proves that it had no effect


@dataclass(frozen=True)
class Attempted:
    """The outcome of a failed call.

    ``is_read`` is None if the error does not come from a client that knows the request. ``attempts`` is the number of
    times that the call was tried. ``retries_spent`` is True if a client has already used all retries that its settings
    allow.
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
        """Return True if a write may have been executed although it failed."""
        return not self.is_read and self.delivery is Delivery.UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        return {"delivery": self.delivery.value, "is_read": self.is_read, "attempts": self.attempts}
