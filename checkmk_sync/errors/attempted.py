"""The fate of a request, attached to every error of a call."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Optional

__all__ = ["Attempted", "Delivery"]


class Delivery(enum.Enum):
    """How far a request got."""

    NOT_SENT = "not sent"  # it never left, so repeating it is safe
    UNKNOWN = "unknown"  # it left, and no usable answer came back
    ANSWERED = "answered"  # the site itself refused it
    NOTHING_DONE = "nothing done"  # it had no effect: the answer, or a later reading, proves that


@dataclass(frozen=True)
class Attempted:
    """How a call went.

    ``is_read`` is None where no client knows what the request was for. ``attempts`` counts how often it was tried.
    ``retries_spent`` says that a client has already repeated it as far as its settings allow.
    """

    delivery: Delivery
    is_read: Optional[bool] = None
    attempts: int = 1
    retries_spent: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """Return True if repeating the request cannot do its work twice."""
        return bool(self.is_read) or self.delivery in (Delivery.NOT_SENT, Delivery.NOTHING_DONE)

    @property
    def is_uncertain(self) -> bool:
        """Return True if a write may have happened although it failed."""
        return not self.is_read and self.delivery is Delivery.UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return {"delivery": self.delivery.value, "is_read": self.is_read, "attempts": self.attempts}
