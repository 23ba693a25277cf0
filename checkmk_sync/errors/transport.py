"""Errors of calls that got no usable response from the site."""

from __future__ import annotations

from typing import Optional

from .attempted import Attempted, Delivery
from .base import CheckmkError

__all__ = [
    "BrokenReplyError",
    "CircuitOpenError",
    "ConnectError",
    "DeadlineError",
    "GatewayError",
    "ReadTimeoutError",
    "TransportError",
]


class TransportError(CheckmkError):
    """No usable response arrived.

    ``call`` is ``"METHOD path"``. ``sent`` is False if the request was never sent, and None if that is unknown. A site
    continues to work after a client has disconnected. A write that was sent may therefore be executed, even later.
    """

    attempted: Attempted

    def __init__(
        self, message: str, *, call: str = "", sent: Optional[bool] = None, attempted: Optional[Attempted] = None
    ) -> None:
        self.call = call
        self.attempted = attempted or Attempted(Delivery.NOT_SENT if sent is False else Delivery.UNKNOWN)
        super().__init__(message)

    @property
    def sent(self) -> Optional[bool]:
        """False if the request was never sent, None if that is unknown."""
        return False if self.attempted.delivery is Delivery.NOT_SENT else None

    @property
    def attempts(self) -> int:
        """The number of times that the call was tried."""
        return self.attempted.attempts


class ConnectError(TransportError):
    """No connection could be made (DNS, refused, TLS, proxy), so nothing was sent."""


class ReadTimeoutError(TransportError):
    """The connection was made, but the site did not respond in time."""


class BrokenReplyError(TransportError):
    """The connection or the response ended early."""


class CircuitOpenError(TransportError):
    """The circuit breaker is open, because the site failed too often, so the call was not sent.

    ``retry_at`` is the UNIX time at which the next call may be sent.
    """

    def __init__(self, message: str, *, call: str = "", retry_at: float = 0.0) -> None:
        super().__init__(message, call=call, attempted=Attempted(Delivery.NOT_SENT, attempts=0))
        self.retry_at = retry_at


class DeadlineError(TransportError):
    """The call, including its retries and waits, exceeded its total time limit.

    ``queued`` is True if the call was still waiting in the client's queue, so the error says nothing about the site.
    """

    def __init__(self, message: str, *, call: str = "", sent: Optional[bool] = None, queued: bool = False) -> None:
        super().__init__(message, call=call, sent=False if queued else sent)
        self.queued = queued


class GatewayError(TransportError):
    """A web server in front of the site sent a 502, 503 or 504, or another 5xx with its own error page.

    The site may still execute the call. ``retry_after_s`` is the delay in seconds that the server asks for, or None.
    """

    def __init__(self, message: str, *, status: int, call: str = "", retry_after_s: Optional[float] = None) -> None:
        super().__init__(message, call=call)
        self.status, self.retry_after_s = status, retry_after_s
