"""Errors of calls: no usable response arrived, or the site refused the call."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, TypeVar

from .base import Attempted, CheckmkError, Delivery

A = TypeVar("A", bound="ApiError")


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


class ApiError(CheckmkError):
    """The site refused the call.

    ``status`` is the HTTP status code; ``title`` and ``detail`` are the texts of the response. ``fields`` contains the
    messages about fields, as a flat mapping such as ``{"entries.0.host_name": ["…"]}``. ``ext`` contains additional
    data of the endpoint; after a bulk call, it names the hosts that failed. ``call`` is ``"METHOD path"``.
    """

    attempted: Attempted

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        fields: Optional[Mapping[str, Sequence[str]]] = None,
        ext: Optional[Mapping[str, Any]] = None,
        call: str = "",
        attempted: Optional[Attempted] = None,
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.fields = {path: list(texts) for path, texts in (fields or {}).items()}
        self.ext = dict(ext or {})
        self.call = call
        # A 500 means that the site crashed, perhaps after it had executed the call.
        self.attempted = attempted or Attempted(Delivery.UNKNOWN if status >= 500 else Delivery.ANSWERED)
        message = "; ".join(f"{path}: {' '.join(texts)}" for path, texts in self.fields.items()) or detail
        where = f" ({call})" if call else ""
        super().__init__(f"{status} {title}{': ' + message if message else ''}{where}")

    @property
    def attempts(self) -> int:
        """The number of times that the call was tried."""
        return self.attempted.attempts

    def with_texts(self: A, **texts: Any) -> A:
        """Return a copy with another ``title``, ``detail``, ``fields`` or ``ext``."""
        facts = {"title": self.title, "detail": self.detail, "fields": self.fields, "ext": self.ext, **texts}
        return type(self)(self.status, **facts, call=self.call, attempted=self.attempted)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data, without ``ext``."""
        facts = super().to_dict()
        del facts["ext"]  # it can quote the request, which may contain secrets
        return facts


class BadRequestError(ApiError):
    """400: the request is not valid, a rule of Checkmk forbids it, or a bulk call failed in part."""


class AuthError(ApiError):
    """401: the site rejects the credentials. The call is never retried, because that could lock the account."""


class ForbiddenError(ApiError):
    """403, or a 401 about permissions: the credentials are valid, but the user lacks a permission."""


class NotFoundError(ApiError):
    """404: the object does not exist, or the user has no permission to see it."""


class ConflictError(ApiError):
    """409: another operation is running, or the object is still in use."""


class PreconditionError(ApiError):
    """412 or 428: the object has changed since it was read."""


class UnprocessableError(ApiError):
    """422: the request is valid, but there is nothing to apply it to."""


class LockedError(ApiError):
    """423: an activation is running."""


class ThrottledError(ApiError):
    """429: a proxy in front of the site limits the rate of requests.

    ``retry_after_s`` is the delay in seconds that the proxy asks for, or None.
    """

    # Checkmk itself never sends a 429.
    def __init__(self, *args: Any, retry_after_s: Optional[float] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retry_after_s = retry_after_s


class ServerError(ApiError):
    """500: Checkmk crashed or an automation failed. Before that, it may have executed a write."""
