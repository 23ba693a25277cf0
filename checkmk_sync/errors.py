"""Every error that this library raises.

::

    CheckmkError                      pickles, keeps its cause, ``to_dict()`` has no secret
    ├─ SettingsError                  a wrong or missing setting: .file .line .field
    ├─ MissingExtraError              an optional package is needed: .extra
    ├─ TransportError                 no usable answer: .sent is False (never sent) or None (unknown)
    │  ├─ ConnectError                no connection, so nothing was sent
    │  ├─ ReadTimeoutError            connected, but no answer in time
    │  ├─ BrokenReplyError            the connection or the answer broke off
    │  ├─ CircuitOpenError            not tried: the site failed too often; .retry_at
    │  ├─ DeadlineError               the total time for the call is over
    │  └─ GatewayError                502, 503 or 504 from a web server in front of the site
    ├─ ApiError                       the site answered no: .status .title .detail .fields .ext
    │  ├─ BadRequestError 400   AuthError 401   ForbiddenError 403   NotFoundError 404
    │  ├─ ConflictError 409   PreconditionError 412, 428   UnprocessableError 422
    │  └─ LockedError 423   ThrottledError 429   ServerError 500
    ├─ UnexpectedReplyError           an answer that the API does not define
    ├─ ReplyTooLargeError             an answer larger than the caller has room for: .limit_bytes
    ├─ WaitTimeoutError               a job or an activation did not end in time
    ├─ BatchError                     a batch stopped early: .outcomes
    ├─ ActivationError                changes were not activated: .status_per_site .pending
    └─ SyncError
       ├─ InventoryError              mistakes in the inventory: .problems
       ├─ UnsafePlanError             the plan changes more than is allowed
       ├─ PlanChangedError            not the plan that was reviewed
       └─ NotOwnedError               the plan would touch what somebody else owns
"""

from __future__ import annotations

import pickle
from typing import Any, Mapping, Optional, Sequence

__all__ = [
    "ActivationError",
    "ApiError",
    "AuthError",
    "BadRequestError",
    "BatchError",
    "BrokenReplyError",
    "CheckmkError",
    "CircuitOpenError",
    "ConflictError",
    "ConnectError",
    "DeadlineError",
    "ForbiddenError",
    "GatewayError",
    "InventoryError",
    "LockedError",
    "MissingExtraError",
    "NotFoundError",
    "NotOwnedError",
    "PlanChangedError",
    "PreconditionError",
    "ReadTimeoutError",
    "ReplyTooLargeError",
    "ServerError",
    "SettingsError",
    "SyncError",
    "ThrottledError",
    "TransportError",
    "UnexpectedReplyError",
    "UnprocessableError",
    "UnsafePlanError",
    "WaitTimeoutError",
]


class CheckmkError(Exception):
    """The base of all errors of this library; the facts are attributes, ``str()`` is one sentence."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the constructor with `args` only, and lose the cause.
        return _rebuild, (type(self), self.args, dict(self.__dict__), _picklable(self.__cause__))

    def to_dict(self) -> dict[str, Any]:
        """The error as plain data for logs and ``--json``: its class, its message and its facts."""
        facts = {key: value for key, value in self.__dict__.items() if not key.startswith("_")}
        return {"error": type(self).__name__, "message": str(self), **facts}


def _rebuild(
    kind: type[CheckmkError], args: tuple[Any, ...], state: dict[str, Any], cause: Optional[BaseException]
) -> CheckmkError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _picklable(cause: Optional[BaseException]) -> Optional[BaseException]:
    """The cause, or what it said where it holds things (sockets, locks) that do not pickle."""
    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - our own dump
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
        return RuntimeError(f"{type(cause).__name__}: {cause}")
    return cause


class SettingsError(CheckmkError):
    """A setting is missing or wrong. ``file`` and ``line`` (from 1) say where, ``field`` which one."""

    def __init__(
        self, message: str, *, file: Optional[str] = None, line: Optional[int] = None, field: Optional[str] = None
    ) -> None:
        self.file, self.line, self.field = file, line, field
        super().__init__(f"{located(file, line)}{message}")


def located(file: Optional[str], line: Optional[int]) -> str:
    """``"file:line: "`` with what is known of it."""
    if file is None:
        return ""
    return f"{file}: " if line is None else f"{file}:{line}: "


class MissingExtraError(CheckmkError, ImportError):
    """A feature needs an optional package; the message names the extra to install."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(f"{feature} needs the extra '{extra}': pip install 'checkmk_sync[{extra}]'")


class TransportError(CheckmkError):
    """There is no usable answer.

    ``sent`` is False when the request surely never reached the site, None when that is unknown: the
    site keeps working after a client has hung up, so a write may have happened or may still happen.
    ``call`` is ``"METHOD path"``, ``attempts`` how often it was tried, ``repeatable`` whether trying
    again is safe: it was never sent, or only reads.
    """

    def __init__(self, message: str, *, call: str = "", sent: Optional[bool] = None, attempts: int = 1) -> None:
        self.call, self.sent, self.attempts = call, sent, attempts
        self.repeatable = sent is False
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
    """The total time for this call, repeats and waiting included, is over."""


class GatewayError(TransportError):
    """A web server in front of the site answered 502, 503 or 504; the site may still execute the call."""

    def __init__(
        self, message: str, *, status: int, call: str = "", retry_after_s: Optional[float] = None, attempts: int = 1
    ) -> None:
        super().__init__(message, call=call, sent=None, attempts=attempts)
        self.status, self.retry_after_s = status, retry_after_s


class ApiError(CheckmkError):
    """The site answered that it will not do this.

    ``fields`` is the server's tree of field messages, flattened to ``{"entries.0.host_name": ["…"]}``;
    ``ext`` is what the endpoint adds (for bulk calls the hosts that failed).
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        fields: Optional[Mapping[str, Sequence[str]]] = None,
        ext: Optional[Mapping[str, Any]] = None,
        call: str = "",
        attempts: int = 1,
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.fields = {path: list(texts) for path, texts in (fields or {}).items()}
        self.ext = dict(ext or {})
        self.call, self.attempts = call, attempts
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        said = "; ".join(f"{path}: {' '.join(texts)}" for path, texts in self.fields.items()) or self.detail
        where = f" ({self.call})" if self.call else ""
        return f"{self.status} {self.title}{': ' + said if said else ''}{where}"

    def to_dict(self) -> dict[str, Any]:
        """As for every error, without ``ext``: it can repeat what was sent."""
        facts = super().to_dict()
        del facts["ext"]
        return facts


class BadRequestError(ApiError):
    """400: the request does not validate, or a rule of Checkmk forbids it, or a bulk call failed in part."""


class AuthError(ApiError):
    """401: the site does not accept the credentials. It is never tried again, for the account may get locked."""


class ForbiddenError(ApiError):
    """403, or a 401 that is about permissions: the credentials are right, the user may not do this."""


class NotFoundError(ApiError):
    """404: there is no such object, or the user may not see it."""


class ConflictError(ApiError):
    """409: something else is going on or still in use."""


class PreconditionError(ApiError):
    """412 or 428: the object was changed since it was read."""


class UnprocessableError(ApiError):
    """422: understood, but there is nothing to do it to."""


class LockedError(ApiError):
    """423: an activation is running."""


class ThrottledError(ApiError):
    """429: a proxy in front of the site throttles (Checkmk itself never does); ``retry_after_s`` is its wish."""

    def __init__(self, *args: Any, retry_after_s: Optional[float] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retry_after_s = retry_after_s


class ServerError(ApiError):
    """500: Checkmk crashed or an automation failed. For a write that says nothing about what was done, unless
    ``nothing_done``: then a look at the site has shown that it was not."""

    nothing_done = False


class UnexpectedReplyError(CheckmkError):
    """The answer is none that the API defines: not JSON, JSON of another shape, or a redirect.

    ``nothing_done`` where it surely changed nothing. Else it may have: a proxy can put such an answer in the
    place of the site's.
    """

    def __init__(self, message: str, *, call: str = "", nothing_done: bool = False) -> None:
        self.call, self.nothing_done = call, nothing_done
        super().__init__(message)


class ReplyTooLargeError(CheckmkError):
    """The answer is larger than ``limit_bytes``; it was not read to its end."""

    def __init__(self, message: str, *, limit_bytes: int, call: str = "") -> None:
        self.limit_bytes, self.call = limit_bytes, call
        super().__init__(message)


class WaitTimeoutError(CheckmkError):
    """What was waited for did not happen within ``waited_s`` seconds; it may still go on."""

    def __init__(self, message: str, *, waited_s: float) -> None:
        self.waited_s = waited_s
        super().__init__(message)


class BatchError(CheckmkError):
    """A batch could not go on or partly failed; ``outcomes`` holds one outcome for each item tried."""

    def __init__(self, message: str, *, outcomes: Sequence[Any]) -> None:
        self.outcomes = outcomes
        super().__init__(message)

    def to_dict(self) -> dict[str, Any]:
        facts = super().to_dict()
        facts["outcomes"] = [outcome.to_dict() for outcome in self.outcomes]
        return facts


class ActivationError(CheckmkError):
    """An activation ended, but changes are not active.

    ``status_per_site`` maps the site id to what the server said of it, ``pending`` counts the changes left.
    """

    def __init__(
        self, message: str, *, status_per_site: Optional[Mapping[str, str]] = None, pending: Optional[int] = None
    ) -> None:
        self.status_per_site, self.pending = dict(status_per_site or {}), pending
        super().__init__(message)


class SyncError(CheckmkError):
    """A synchronisation was refused."""


class InventoryError(SyncError):
    """The inventory has mistakes; ``problems`` lists all of them, each with file and line."""

    def __init__(self, problems: Sequence[Any]) -> None:
        self.problems = list(problems)
        lines = [str(problem) for problem in self.problems]
        head = lines[0] if len(lines) == 1 else f"{len(lines)} mistakes in the inventory:"
        super().__init__("\n  ".join([head, *(lines if len(lines) > 1 else ())]))

    def to_dict(self) -> dict[str, Any]:
        facts = super().to_dict()
        facts["problems"] = [str(problem) for problem in self.problems]
        return facts


class UnsafePlanError(SyncError):
    """The plan changes or deletes more than was allowed."""


class PlanChangedError(SyncError):
    """The plan is not the one whose checksum was reviewed."""


class NotOwnedError(SyncError):
    """The plan would change something that this owner has not created."""
