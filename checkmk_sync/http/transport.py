"""The transport of a client. Every request to the site passes through :meth:`Transport.perform`."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import time
from typing import Any, Generator, Iterable, Iterator, Optional
from urllib.parse import unquote, urlencode, urlsplit

import requests
import urllib3.exceptions

from ..cache import ReplyCache
from ..config.secrets import warn_caller
from ..config.settings import Settings
from ..core.call import JSON, Call, Reply, require_etag
from ..core.clock import Clock, Deadline, SystemClock
from ..core.redaction import HIDDEN, Redactor
from ..errors import Attempted, CheckmkError, ConnectError, Delivery, UnexpectedReplyError
from ..metrics import MetricsCollector
from ..metrics.calls import CallCost, CallMetrics
from ..recovery import BreakerState, CircuitBreaker, RequestLimits, RetryBudget, RetryPolicy
from .adapter import CheckmkAdapter, Exchange, is_json
from .error_replies import error_from_reply
from .failures import late_error, without_request
from .options import proxy_and_tls_options
from .proof import is_from_endpoint, lack_of_proof

# The values of the metric `breaker_state`.
_BREAKER_GAUGE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}

# requests waits until a chunk is complete. Small chunks yield items sooner, and do not time out on slow connections.
STREAM_PIECE_BYTES = 32_768
# Chunks that arrive quickly are joined, because handling each one costs as much as decoding several items.
PIECES_AT_ONCE, QUICK_S = 4, 0.01


class InsecureTransportWarning(UserWarning):
    """A warning that the secret may be exposed: it is sent over http://, or to a server that is not verified."""


class Transport:
    """The transport of one client, which sends calls to one site as one user. Safe to use from many threads."""

    def __init__(self, settings: Settings, *, clock: Optional[Clock] = None) -> None:
        _warn_if_insecure(settings)
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        retention, recovery = settings.metrics, settings.recovery
        self.metrics = MetricsCollector(
            retention.retention_hours, cleanup_interval=retention.cleanup_interval, clock=self.clock
        )
        self.call_metrics = CallMetrics(self.metrics, self.clock)
        self.version_text: Optional[str] = None  # as reported by the site; None before the first answer
        self.edition: Optional[str] = None
        self.retry = RetryPolicy.from_settings(recovery.retry, clock=self.clock, budget=RetryBudget())
        self.breaker = CircuitBreaker.from_settings(recovery.circuit_breaker, clock=self.clock)
        self.metrics.set_gauge("breaker_state", _BREAKER_GAUGE[self.breaker.state])
        self.breaker.listen(self._breaker_changed)
        self._base_url = requests.Request("GET", settings.base_url).prepare().url  # percent-encoded once
        options = proxy_and_tls_options(settings)
        self._authorization, self._redact = _credentials(settings, options["proxies"].values())
        self._adapter = CheckmkAdapter(
            retry=self.retry,
            limits=RequestLimits(settings.limits, metrics=self.metrics, clock=self.clock),
            breaker=self.breaker,
            metrics=self.metrics,
            timeouts=settings.timeouts,
            max_reply_bytes=settings.limits.max_reply_mb * 2**20,
            redact=self._redact,
            **options,
        )
        self.cache = ReplyCache(settings, self.metrics, self.clock)
        self._closed = False
        self._has_sent = False

    def perform(self, call: Call) -> Reply:
        """Perform a call and return the site's answer. For a streamed call, pass the reply to :meth:`chunks`.

        Raises a TransportError if no usable answer arrived, an ApiError if the site refused the call, or an
        UnexpectedReplyError if the answer does not prove that a write was executed. The error's ``attempted`` tells
        whether the call may have been executed.
        """
        return self.call_metrics.measure(call, self._read_or_write)

    def _read_or_write(self, call: Call, cost: CallCost) -> Reply:
        if self._closed:
            attempted = Attempted(Delivery.NOT_SENT, call.is_read, attempts=0, retries_spent=True)
            raise ConnectError("the client is closed", call=str(call), attempted=attempted)
        if call.is_read:
            return self.cache.get_or_fetch(call, lambda: self._send(call, cost))
        self.cache.invalidate(call)  # also before the write, because this process may end before the answer arrives
        try:
            return self._send(call, cost)
        finally:
            self.cache.invalidate(call)

    def _send(self, call: Call, cost: CallCost) -> Reply:
        """Send a call and return the site's answer. Any error that it raises has ``attempted`` set."""
        self._has_sent = True
        exchange = self._build_exchange(call, cost)
        try:
            return self._parse_response(exchange, self._adapter.send(exchange))
        except CheckmkError as error:
            failure = error
        # Raised outside the except block, so that the traceback contains no frame with the request.
        retried = self.settings.recovery.retry.max_retries > 0
        raise failure.with_attempted(
            is_read=call.is_read, attempts=cost.attempts, retries_spent=retried
        ) from failure.__cause__

    def _build_exchange(self, call: Call, cost: CallCost) -> Exchange:
        # Checked before the headers exist, so that no frame in a traceback contains them.
        etag = None if call.etag is None else require_etag(call.etag)
        headers = {
            "Authorization": self._authorization,
            "Accept": call.accept,
            "User-Agent": "checkmk_sync",
            "Accept-Encoding": "gzip, deflate",
        }
        if etag is not None:
            headers["If-Match"] = etag
        body = None
        if call.body is not None:  # Checkmk: a request without a body must not have a Content-Type
            body = json.dumps(call.body, allow_nan=False).encode()
            headers["Content-Type"] = JSON
        if call.method != "GET":
            headers["Content-Length"] = str(len(body or b""))
        query = f"?{urlencode(call.query)}" if call.query else ""
        total_s = self.settings.timeouts.total_s
        limit_s = total_s if call.deadline_s is None else min(call.deadline_s, total_s)
        url = f"{self._base_url}{call.path}{query}"
        return Exchange(call, url, headers, body, Deadline(self.clock, limit_s), cost)

    def _parse_response(self, exchange: Exchange, response: requests.Response) -> Reply:
        """Return the answer as a Reply. Raises an error for a refusal or an answer that the API does not define."""
        call, status, headers = exchange.call, response.status_code, response.headers
        # The edition first: another thread that finds a version must also find an edition.
        self.edition = headers.get("X-Checkmk-Edition", self.edition)
        self.version_text = headers.get("X-Checkmk-Version", self.version_text)
        if status >= 400:
            raise error_from_reply(status, headers, exchange.response_body, call=call, redact=self._redact)
        data = response if call.stream else exchange.response_json
        if status == 200 and call.accept == JSON and (data is None or not is_json(response)):
            kind = headers.get("Content-Type", "data of an unknown type")
            if call.stream:
                exchange.socket.release()
                response.close()
            raise UnexpectedReplyError(
                f"the answer to {call} is {kind}, not JSON; is {self.settings.server_url} a Checkmk server?",
                call=str(call),
            )
        reply = Reply(call, status, headers, data, exchange.deadline.elapsed_s(), body=exchange.response_body)
        if status != 200 or call.expected or call.is_raw or call.accept != JSON:
            self._check_proof(reply)
        return reply

    def _check_proof(self, reply: Reply) -> None:
        """Raise UnexpectedReplyError unless the API defines this answer to the call."""
        call, location = reply.call, reply.headers.get("Location") or ""
        may_redirect = is_from_endpoint(reply) if call.is_raw else any(answer.location for answer in call.expected)
        if reply.status >= 300 and not may_redirect:
            shown = repr(self._redact(location)[:200])
            problem = (
                f"the answer to {call} is a redirect to {shown}, which the API does not send; "
                "is there a login page in front of the site?"
            )
        else:
            is_redirect = reply.status >= 300 and bool(call.expected)
            problem = lack_of_proof(call, reply, self.path_below_api(location) if is_redirect else "")
        if problem:
            raise UnexpectedReplyError(problem, call=str(call), status=reply.status)

    def chunks(self, reply: Reply) -> Generator[bytes, None, None]:
        """Yield the body of a streamed reply in chunks. Closing the iterator frees the connection.

        Raises a TransportError if a chunk does not arrive in time or the connection breaks.
        """
        response: requests.Response = reply.data
        exchange: Any = response.request
        received = 0
        try:
            pieces = response.iter_content(STREAM_PIECE_BYTES)
            pace = _PieceTime(self.settings.timeouts.read_s)
            while True:
                started = time.monotonic()
                with self._adapter.stream_slot(exchange, pace.left_s):
                    piece = b"".join(_available_pieces(pieces)) if received else next(pieces, b"")
                if not piece:
                    break
                received += len(piece)
                pace.received(len(piece), time.monotonic() - started)
                yield piece
            if exchange.socket.expired:
                raise late_error(exchange.socket, reply.call)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._adapter.translate_error(error, exchange) from without_request(error)
        finally:
            exchange.socket.release()
            response.close()
            self.metrics.increment_counter("bytes_received", received)

    def path_below_api(self, href: str) -> str:
        """Return the part of a link or ``Location`` after the base URL of the API, such as ``/objects/host_config/a``.

        Raises UnexpectedReplyError if the link does not lead to the API.
        """
        # The base URL itself is not compared, because the site's links may contain a wrong host or scheme.
        try:
            link = urlsplit(href)
        except ValueError:
            link = urlsplit("")
        _, marker, below = link.path.partition("/check_mk/api/")
        version, slash, path = below.partition("/")
        if not (marker and version and slash):
            raise UnexpectedReplyError(f"the link {self._redact(href)!r} does not lead to the API")
        return f"/{path}" + (f"?{link.query}" if link.query else "")

    @property
    def has_connections(self) -> bool:
        """True if the client may have open connections."""
        return not self._closed and self._has_sent

    def close(self) -> None:
        """Wake sleeping calls and close the idle connections and the cache. Later calls raise ConnectError."""
        self._closed = True
        if isinstance(self.clock, SystemClock):
            self.clock.stop()
        self._adapter.close()
        self.cache.close()

    def _breaker_changed(self, state: BreakerState) -> None:
        self.metrics.set_gauge("breaker_state", _BREAKER_GAUGE[state])
        self.metrics.increment_counter(f"breaker_transitions.{state.value}")


def _available_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the next chunk, and up to PIECES_AT_ONCE in total while they arrive within QUICK_S seconds."""
    started = time.monotonic()
    for piece in itertools.islice(pieces, PIECES_AT_ONCE):
        yield piece
        if time.monotonic() - started > QUICK_S:
            return


class _PieceTime:
    """The seconds left for the next chunk of a stream. The time that the consumer takes does not count.

    They are reset to ``read_s`` after each LEAST_BYTES, not after each byte. So an answer that trickles in cannot
    continue forever.
    """

    LEAST_BYTES = 4096

    def __init__(self, read_s: float) -> None:
        self._read_s = self.left_s = read_s
        self._bytes = 0

    def received(self, size: int, took_s: float) -> None:
        self._bytes += size
        if self._bytes >= self.LEAST_BYTES:
            self._bytes, self.left_s = 0, self._read_s
        else:
            self.left_s = max(self.left_s - took_s, 0.001)


class _HiddenText(str):
    """A string whose ``repr()`` is hidden, because tracebacks and logs can show the attributes of its owner."""

    def __repr__(self) -> str:
        return f"'{HIDDEN}'"


def _credentials(settings: Settings, proxies: Iterable[str]) -> tuple[str, Redactor]:
    # A separate function, so that no frame of a traceback contains the secret.
    secret = settings.password.reveal(settings.username)
    # The URL of a proxy may contain a password, even if it comes from the environment.
    quoted = [password for password in map(_password_in, proxies) if password]
    redact = Redactor([secret, *quoted, *map(unquote, quoted)], settings.username)
    return _HiddenText(authorization_header(settings.username, secret)), redact


def authorization_header(username: str, secret: str) -> str:
    """Return ``Bearer USER SECRET``, or Basic credentials if a Bearer header cannot carry them."""
    # Header values are Latin-1 and lose spaces at their end. Checkmk decodes Basic credentials as UTF-8.
    bearer = f"Bearer {username} {secret}"
    with contextlib.suppress(UnicodeEncodeError):
        bearer.encode("latin-1")
        if bearer == bearer.strip() and not secret.startswith(" "):
            return bearer
    return f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"


def _password_in(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:  # not a URL; it is refused when it is used
        return ""


def _warn_if_insecure(settings: Settings) -> None:
    if settings.server_url.startswith("http://") and not settings.is_loopback:
        warn_caller("http:// sends the password unencrypted; use https://", InsecureTransportWarning)
    elif not settings.verify:
        warn_caller("TLS certificates are not verified (verify: false)", InsecureTransportWarning)
