"""``perform(Call) -> Reply``: the one way to a site."""

from __future__ import annotations

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
from ..core.redaction import Redactor
from ..errors import Attempted, CheckmkError, ConnectError, DeadlineError, Delivery, UnexpectedReplyError
from ..metrics import MetricsCollector
from ..metrics.calls import CallCost, CallMetrics
from ..recovery import BreakerState, CircuitBreaker, RequestLimits, RetryBudget, RetryPolicy
from .adapter import CheckmkAdapter, Exchange, is_json
from .auth import CheckmkAuth
from .error_replies import error_from_reply
from .failures import without_request
from .options import proxy_and_tls_options
from .proof import lack_of_proof

__all__ = ["InsecureTransportWarning", "Transport"]


# The values of the gauge `breaker_state`.
_BREAKER_GAUGE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}

# Requests waits for a whole piece: the smaller it is, the sooner items leave, and slow lines deliver it in time.
STREAM_PIECE_BYTES = 32_768
# Where they come quickly, some are taken at once: each turn costs as much as decoding some items.
PIECES_AT_ONCE, QUICK_S = 4, 0.01


class InsecureTransportWarning(UserWarning):
    """The secret travels unprotected."""


class Transport:
    """Sends calls to one site as one user; safe to use from many threads."""

    def __init__(self, settings: Settings, *, clock: Optional[Clock] = None) -> None:
        _warn_if_insecure(settings)
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        retention, recovery = settings.metrics, settings.recovery
        self.metrics = MetricsCollector(
            retention.retention_hours, cleanup_interval=retention.cleanup_interval, clock=self.clock
        )
        self.call_metrics = CallMetrics(self.metrics, self.clock)
        self.version_text: Optional[str] = None  # as the site names it, with the first answer that says it
        self.edition: Optional[str] = None
        self.retry = RetryPolicy.from_settings(recovery.retry, clock=self.clock, budget=RetryBudget())
        self.breaker = CircuitBreaker.from_settings(recovery.circuit_breaker, clock=self.clock)
        self.metrics.set_gauge("breaker_state", _BREAKER_GAUGE[self.breaker.state])
        self.breaker.listen(self._breaker_changed)
        self._base_url = requests.Request("GET", settings.base_url).prepare().url  # quoted once
        options = proxy_and_tls_options(settings)
        self._auth, self._redact = _credentials(settings, options["proxies"].values())
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
        """Return the site's answer to a call; the ``data`` of a streamed one is for :meth:`chunks` only.

        Raises one error of :mod:`checkmk_sync.errors`, whose ``attempted`` says what became of the call: a
        TransportError without a usable answer, an ApiError when the site said no, an UnexpectedReplyError for an
        answer that does not prove a write.
        """
        return self.call_metrics.measure(call, self._read_or_write)

    def _read_or_write(self, call: Call, cost: CallCost) -> Reply:
        if self._closed:
            attempted = Attempted(Delivery.NOT_SENT, call.is_read, attempts=0, retries_spent=True)
            raise ConnectError("the client is closed", call=str(call), attempted=attempted)
        if call.is_read:
            return self.cache.get_or_fetch(call, lambda: self._send(call, cost))
        self.cache.invalidate(call)  # before the write, because this process may end before its answer
        try:
            return self._send(call, cost)
        finally:
            self.cache.invalidate(call)

    def _send(self, call: Call, cost: CallCost) -> Reply:
        """Send a call and return the site's answer, or raise the one error that says what became of the call."""
        self._has_sent = True
        exchange = self._build_exchange(call, cost)
        try:
            return self._parse_response(exchange, self._adapter.send(exchange))
        except CheckmkError as error:
            failure = error
        # Raised out here, so that no frame which holds the request is part of the traceback.
        retried = self.settings.recovery.retry.max_retries > 0
        raise failure.with_attempted(
            is_read=call.is_read, attempts=cost.attempts, retries_spent=retried
        ) from failure.__cause__

    def _build_exchange(self, call: Call, cost: CallCost) -> Exchange:
        etag = None if call.etag is None else require_etag(call.etag)  # no frame that fails may hold the headers
        headers = {
            "Authorization": self._auth.header,
            "Accept": call.accept,
            "User-Agent": "checkmk_sync",
            "Accept-Encoding": "gzip, deflate",
        }
        if etag is not None:
            headers["If-Match"] = etag
        body = None
        if call.body is not None:  # Checkmk: without a body there must be no Content-Type either
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
        """Return the answer as a reply. Raises an error for a refusal, and for an answer that is not the API's."""
        call, status, headers = exchange.call, response.status_code, response.headers
        self.version_text = headers.get("X-Checkmk-Version", self.version_text)
        self.edition = headers.get("X-Checkmk-Edition", self.edition)
        if status >= 400:
            raise error_from_reply(status, headers, exchange.response_body, call=call, redact=self._redact)
        data = response if call.stream else exchange.response_json
        if status == 200 and call.accept == JSON and (data is None or not is_json(response)):
            kind = headers.get("Content-Type", "without a type")
            if call.stream:
                exchange.socket.release()
                response.close()
            raise UnexpectedReplyError(
                f"the answer to {call} is {kind}, not JSON; is {self.settings.server_url} a Checkmk server?",
                call=str(call),
            )
        reply = Reply(call, status, headers, data, exchange.deadline.elapsed_s(), body=exchange.response_body)
        if status != 200 or call.expected:
            self._check_proof(reply)
        return reply

    def _check_proof(self, reply: Reply) -> None:
        """Raise UnexpectedReplyError unless the answer is one that the API gives to the call."""
        call, location = reply.call, reply.headers.get("Location") or ""
        if reply.status >= 300 and not any(answer.location for answer in call.expected):
            shown = repr(self.redacted(location)[:200])
            problem = (
                f"the answer to {call} is a redirect to {shown}, which the API does not give; "
                "is there a login page in front of the site?"
            )
        else:
            problem = lack_of_proof(call, reply, self.path_below_api(location) if reply.status >= 300 else "")
        if problem:
            raise UnexpectedReplyError(problem, call=str(call), status=reply.status)

    def chunks(self, reply: Reply) -> Generator[bytes, None, None]:
        """The body of a streamed reply in pieces; closing the iterator frees the connection."""
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
                raise DeadlineError(f"the answer to {reply.call} came too slowly", call=str(reply.call))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._adapter.translate_error(error, exchange) from without_request(error)
        finally:
            exchange.socket.release()
            response.close()
            self.metrics.increment_counter("bytes_received", received)

    def path_below_api(self, href: str) -> str:
        """The part of a link or ``Location`` below the API's base URL; what stands before it may be wrong."""
        try:
            link = urlsplit(href)
        except ValueError:
            link = urlsplit("")
        _, marker, below = link.path.partition("/check_mk/api/")
        version, slash, path = below.partition("/")
        if not (marker and version and slash):
            raise UnexpectedReplyError(f"the link {self.redacted(href)!r} does not lead to the API")
        return f"/{path}" + (f"?{link.query}" if link.query else "")

    def redacted(self, text: str) -> str:
        """``text`` without our secrets."""
        return self._redact(text)

    @property
    def has_connections(self) -> bool:
        """True if there may be connections to close."""
        return not self._closed and self._has_sent

    def close(self) -> None:
        """Wake sleeping calls and close all connections; calls made later raise ConnectError."""
        self._closed = True
        if isinstance(self.clock, SystemClock):
            self.clock.stop()
        self._adapter.close()
        self.cache.close()

    def _breaker_changed(self, state: BreakerState) -> None:
        self.metrics.set_gauge("breaker_state", _BREAKER_GAUGE[state])
        self.metrics.increment_counter(f"breaker_transitions.{state.value}")


def _available_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The next piece, and after one that came quickly some more."""
    started = time.monotonic()
    for piece in itertools.islice(pieces, PIECES_AT_ONCE):
        yield piece
        if time.monotonic() - started > QUICK_S:
            return


class _PieceTime:
    """How long the next piece of a stream may take. Time that the consumer takes does not count; but an answer
    that drips must not go on for ever, so the time is given anew only for each ``LEAST_BYTES``."""

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


def _credentials(settings: Settings, proxies: Iterable[str]) -> tuple[CheckmkAuth, Redactor]:
    """In a function of its own: no frame that may be in a traceback holds the secret."""
    secret = settings.password.reveal(settings.username)
    # The environment may name proxies as well.
    quoted = [password for password in map(_password_in, proxies) if password]
    redact = Redactor([secret, *quoted, *map(unquote, quoted)], settings.username)
    return CheckmkAuth(settings.username, secret), redact


def _password_in(url: str) -> str:
    """Return the password in a URL; empty for none, and for what is not a URL: that is refused when it is used."""
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def _warn_if_insecure(settings: Settings) -> None:
    if settings.server_url.startswith("http://") and not settings.is_loopback:
        warn_caller("http:// sends the password unencrypted; use https://", InsecureTransportWarning)
    elif not settings.verify:
        warn_caller("TLS certificates are not verified (verify: false)", InsecureTransportWarning)
