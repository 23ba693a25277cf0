"""The typed errors for failed requests, without the request, which contains the secret."""

from __future__ import annotations

import re
from typing import Iterator, Optional

import requests
import urllib3.exceptions

from ..core.call import Call, CallKind
from ..core.clock import Deadline
from ..core.redaction import Redactor
from ..errors import BrokenReplyError, ConnectError, DeadlineError, ReadTimeoutError, TransportError
from .socket_deadlines import TrackedSocket

# OpenSSL's words for a port that speaks http. They differ between versions.
SPEAKS_HTTP = re.compile(r"wrong.version.number|http.request|record layer failure", re.IGNORECASE)
CHUNK_LIMIT = "for a chunk of a stream (timeouts.read_s)"


def failure_of(error: Exception, socket: TrackedSocket, call: Call, redact: Redactor) -> TransportError:
    """Return the typed error for an exception of requests or urllib3. Its ``sent`` is False if no byte was sent."""
    unsent = not socket.sent if socket.connection_seen else _is_connect_failure(error)
    if socket.expired:
        return late_error(socket, call, sent=False if unsent else None)
    text = redact(_root_text(error))
    if unsent:
        hint = "; use http:// in server_url, or the port that speaks https" if SPEAKS_HTTP.search(text) else ""
        if hint and isinstance(error, requests.exceptions.ProxyError):
            hint = "; use http:// in the URL of the proxy"
        return ConnectError(f"cannot connect for {call}: {text}{hint}", call=str(call), sent=False)
    if isinstance(error, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)) or "timed out" in text:
        setting = "bulk_s" if call.kind is CallKind.BULK else "read_s"
        return ReadTimeoutError(f"the site did not answer {call} in time (timeouts.{setting})", call=str(call))
    return BrokenReplyError(f"the connection broke during {call}: {text}", call=str(call))


def late_error(socket: TrackedSocket, call: Call, sent: Optional[bool] = None) -> DeadlineError:
    """Return the error for a call that exceeded the time limit of its socket."""
    return DeadlineError(f"{call} exceeded its time limit {socket.limit}", call=str(call), sent=sent)


def describe_limit(call: Call, deadline: Deadline) -> str:
    """Describe the time limit of a call for messages. The setting is not named if the caller's own limit is shorter."""
    setting = "" if deadline.limit_s == call.deadline_s else " (timeouts.total_s)"
    return f"of {round(deadline.limit_s or 0.0, 3):g} s{setting}"


def without_request(error: Exception) -> Exception:
    """Strip the request and the traceback from an exception, because both contain the Authorization header."""
    if isinstance(error, requests.RequestException):
        error.request = error.response = None
    for inner in (*_wrapped(error), *_causes(error)):
        inner.__traceback__ = None
    return error


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_connect_failure(error: BaseException) -> bool:
    kinds = (requests.ConnectTimeout, urllib3.exceptions.NewConnectionError, urllib3.exceptions.LocationValueError)
    return any(isinstance(inner, kinds) for inner in _wrapped(error))


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and all exceptions wrapped in it. urllib3 keeps them as ``reason`` or in ``args``."""
    inner: Optional[BaseException] = error
    while inner is not None:
        yield inner
        candidates = (getattr(inner, "reason", None), *reversed(inner.args))
        inner = next((found for found in candidates if isinstance(found, BaseException)), None)


def _root_text(error: BaseException) -> str:
    """Return the text of the innermost exception, without the ``repr`` of a connection at its start."""
    *_, root = _wrapped(error)
    return re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", str(root)) or type(root).__name__
