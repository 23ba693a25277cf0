"""There is no usable answer."""

from __future__ import annotations

from typing import Optional

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
    """There is no usable answer.

    ``sent`` is False when the request surely never reached the site, None when that is unknown: the
    site keeps working after a client has hung up, so a write may have happened or may still happen.
    ``call`` is ``"METHOD path"``, ``attempts`` how often it was tried, ``repeatable`` whether trying
    again is safe: it was never sent, or only reads. ``is_read`` says whether it only reads (None where no
    client knows), ``given_up`` that a client which repeats calls has done so as far as it may.
    """

    def __init__(self, message: str, *, call: str = "", sent: Optional[bool] = None, attempts: int = 1) -> None:
        self.call, self.sent, self.attempts = call, sent, attempts
        self.repeatable = sent is False
        self.is_read: Optional[bool] = None
        self.given_up = False
        super().__init__(message)


class ConnectError(TransportError):
    """No connection could be made (DNS, refused, TLS, proxy): nothing was sent."""


class ReadTimeoutError(TransportError):
    """The site was reached but did not answer in time."""


class BrokenReplyError(TransportError):
    """The connection or the answer broke off in the middle."""


class CircuitOpenError(TransportError):
    """The call was not tried because the site failed too often; ``retry_at`` is a UNIX time."""

    def __init__(self, message: str, *, call: str = "", retry_at: float = 0.0) -> None:
        super().__init__(message, call=call, sent=False, attempts=0)
        self.retry_at = retry_at


class DeadlineError(TransportError):
    """The total time for this call, repeats and waiting included, is over.

    ``queued`` is True when it still stood in this program's own queue, which says nothing of the site.
    """

    def __init__(
        self, message: str, *, call: str = "", sent: Optional[bool] = None, attempts: int = 1, queued: bool = False
    ) -> None:
        super().__init__(message, call=call, sent=False if queued else sent, attempts=attempts)
        self.queued = queued


class GatewayError(TransportError):
    """A web server in front of the site answered 502, 503, 504, or any other 5xx with a page of its own; the site
    may still execute the call."""

    def __init__(
        self, message: str, *, status: int, call: str = "", retry_after_s: Optional[float] = None, attempts: int = 1
    ) -> None:
        super().__init__(message, call=call, sent=None, attempts=attempts)
        self.status, self.retry_after_s = status, retry_after_s
