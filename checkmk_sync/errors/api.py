"""Errors for the status codes with which a site refuses a call."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from .attempted import Attempted, Delivery
from .base import CheckmkError

__all__ = [
    "ApiError",
    "AuthError",
    "BadRequestError",
    "ConflictError",
    "ForbiddenError",
    "LockedError",
    "NotFoundError",
    "PreconditionError",
    "ServerError",
    "ThrottledError",
    "UnprocessableError",
]


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
        super().__init__(self._sentence())

    @property
    def attempts(self) -> int:
        """The number of times that the call was tried."""
        return self.attempted.attempts

    def _sentence(self) -> str:
        message = "; ".join(f"{path}: {' '.join(texts)}" for path, texts in self.fields.items()) or self.detail
        where = f" ({self.call})" if self.call else ""
        return f"{self.status} {self.title}{': ' + message if message else ''}{where}"

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
