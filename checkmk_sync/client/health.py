"""The result of a health check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..errors import CheckmkError
from ..recovery import BreakerState
from .records import Version


@dataclass(frozen=True)
class Health:
    """The result of a health check.

    * ``ok`` is True if the site answered with its version; otherwise ``error`` is the reason.
    * ``version`` is the answer, or None if the check failed.
    * ``latency_s`` is the duration of the check in seconds, including retries.
    * ``breaker`` is the state of the circuit breaker after the check.
    * ``pending`` is the number of changes that wait for an activation. It is None if it was not requested or could not
      be read.
    """

    ok: bool
    version: Optional[Version]
    latency_s: float
    breaker: BreakerState
    error: Optional[CheckmkError] = None
    pending: Optional[int] = None
