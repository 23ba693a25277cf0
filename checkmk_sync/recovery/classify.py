"""What kind of failure an exception is: worth another try, final, or a sign that the site is away."""

from __future__ import annotations

import enum
from typing import Any

from ..errors import CheckmkError, CircuitOpenError, ConnectError, ThrottledError, TransportError

__all__ = ["ErrorClass", "classify_error", "is_repeatable", "retries_are_spent"]

_AGAIN = frozenset({408, 429, 502, 503, 504})


class ErrorClass(enum.Enum):
    """RETRYABLE may succeed when repeated; PERMANENT will not, or must not be repeated; CIRCUIT_BREAKING
    says that nobody is there to ask."""

    RETRYABLE = "retryable"
    PERMANENT = "permanent"
    CIRCUIT_BREAKING = "circuit_breaking"


def classify_error(error: BaseException) -> ErrorClass:
    """The class of ``error``.

    Timeouts, broken answers, 429 and 502–504 are RETRYABLE, unless they belong to a write that may have
    happened: repeating that is not safe, so it is PERMANENT. No connection and an open breaker are
    CIRCUIT_BREAKING. Errors of requests and the built-in timeout and connection errors are understood too.
    """
    if isinstance(error, (CircuitOpenError, ConnectError, ConnectionRefusedError)):
        return ErrorClass.CIRCUIT_BREAKING
    if isinstance(error, TransportError):
        return ErrorClass.RETRYABLE if error.attempted.may_be_repeated else ErrorClass.PERMANENT
    if isinstance(error, (ThrottledError, TimeoutError, ConnectionError)) or _is_of_requests(error):
        return ErrorClass.RETRYABLE
    return ErrorClass.PERMANENT


def is_repeatable(error: BaseException) -> bool:
    """Whether another try makes sense: nothing that is PERMANENT, and no open breaker, which outlasts any wait."""
    return not isinstance(error, CircuitOpenError) and classify_error(error) is not ErrorClass.PERMANENT


def retries_are_spent(error: BaseException) -> bool:
    """Return True if a client has repeated the call already: repeating it again would multiply the two."""
    return isinstance(error, CheckmkError) and error.attempted is not None and error.attempted.retries_spent


def _is_of_requests(error: Any) -> bool:
    """True for what requests raises and another try may heal; told by its shape, for nothing here knows HTTP."""
    if not type(error).__module__.startswith("requests."):
        return False
    response = getattr(error, "response", None)
    if response is not None:
        return response.status_code in _AGAIN
    return any(name in ("Timeout", "ConnectionError") for name in (kind.__name__ for kind in type(error).__mro__))
