"""Classify an exception: worth a retry, final, or a sign that the site cannot be reached."""

from __future__ import annotations

import enum
from typing import Any

from ..errors import CheckmkError, CircuitOpenError, ConnectError, ThrottledError, TransportError

_AGAIN = frozenset({408, 429, 502, 503, 504})


class ErrorClass(enum.Enum):
    """The class of a failure.

    RETRYABLE means that the call may succeed if it is repeated. PERMANENT means that it would fail again or must not be
    repeated. CIRCUIT_BREAKING means that the site cannot be reached.
    """

    RETRYABLE = "retryable"
    PERMANENT = "permanent"
    CIRCUIT_BREAKING = "circuit_breaking"


def classify_error(error: BaseException) -> ErrorClass:
    """Return the class of ``error``.

    Timeouts, broken answers, 429 and 502–504 are RETRYABLE. They are PERMANENT for a write that may have happened,
    because repeating the write is not safe. Failed connections and open breakers are CIRCUIT_BREAKING. Errors of
    requests and the built-in timeout and connection errors are classified too.
    """
    if isinstance(error, (CircuitOpenError, ConnectError, ConnectionRefusedError)):
        return ErrorClass.CIRCUIT_BREAKING
    if isinstance(error, TransportError):
        return ErrorClass.RETRYABLE if error.attempted.may_be_repeated else ErrorClass.PERMANENT
    if isinstance(error, (ThrottledError, TimeoutError, ConnectionError)) or _is_of_requests(error):
        return ErrorClass.RETRYABLE
    return ErrorClass.PERMANENT


def is_repeatable(error: BaseException) -> bool:
    """Return True if the call may succeed when it is repeated.

    An open breaker stays open for longer than any retry waits, so CircuitOpenError is not repeatable.
    """
    return not isinstance(error, CircuitOpenError) and classify_error(error) is not ErrorClass.PERMANENT


def retries_are_spent(error: BaseException) -> bool:
    """Return True if a client has already retried the call. Further retries would multiply the number of requests."""
    return isinstance(error, CheckmkError) and error.attempted is not None and error.attempted.retries_spent


def _is_of_requests(error: Any) -> bool:
    """Return True for an exception of requests after which a retry may succeed."""
    # Recognized by its name, because this package does not import requests.
    if not type(error).__module__.startswith("requests."):
        return False
    response = getattr(error, "response", None)
    if response is not None:
        return response.status_code in _AGAIN
    return any(name in ("Timeout", "ConnectionError") for name in (kind.__name__ for kind in type(error).__mro__))
