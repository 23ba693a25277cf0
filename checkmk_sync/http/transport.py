"""``perform(Call) -> Reply``: the one way to a site."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any, Generator, Iterable, Iterator, Optional
from urllib.parse import unquote, urlencode, urlsplit

import requests
import urllib3.exceptions

from ..cache import Cache
from ..config.secrets import warn_caller
from ..config.settings import Settings
from ..core.call import JSON, Call, Reply
from ..core.clock import Clock, Deadline, SystemClock
from ..core.redaction import Redactor
from ..errors import Attempted, CheckmkError, ConnectError, DeadlineError, Delivery, UnexpectedReplyError
from ..metrics import MetricsCollector
from ..recovery import CircuitBreaker, Guards, InFlight, RateLimit, RetryBudget, RetryPolicy
from .adapter import CallRequest, CheckmkAdapter, bare, decoded, is_json
from .auth import CheckmkAuth
from .error_replies import api_error
from .proof import objection
from .sessions import PlainSession, environment, furnish

__all__ = ["InsecureTransportWarning", "Transport"]


# Requests waits for a whole piece: the smaller it is, the sooner items leave, and slow lines deliver it in time.
PIECE_BYTES = 32_768
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
        kept = settings.metrics
        self.metrics = MetricsCollector(kept.retention_hours, cleanup_interval=kept.cleanup_interval, clock=self.clock)
        self.version_text: Optional[str] = None  # as the site names it, with the first answer that says it
        self.edition: Optional[str] = None
        self._base_url = requests.Request("GET", settings.base_url).prepare().url  # quoted once
        self._options = environment(settings)
        self._auth, self._redact = _credentials(settings, self._options["proxies"].values())
        self.guards = _guards(settings, self.metrics, self.clock)
        self._adapter = CheckmkAdapter(
            self.guards,
            settings.timeouts,
            pool_size=settings.limits.reads_in_flight + 1,
            max_reply_bytes=settings.limits.max_reply_mb * 2**20,
            redact=self._redact,
        )
        self.cache = Cache(settings, self.metrics, self.clock)
        self._plain = PlainSession()
        furnish(self._plain, self._adapter)
        furnish(self.cache.session, self._adapter)
        self._closed = False
        self._has_sent = False

    def perform(self, call: Call) -> Reply:
        """Return the site's answer to a call; the ``data`` of a streamed one is for :meth:`chunks` only.

        Raises one error of :mod:`checkmk_sync.errors`, whose ``attempted`` says what became of the call: a
        TransportError without a usable answer, an ApiError when the site said no, an UnexpectedReplyError for an
        answer that does not prove a write.
        """
        if self._closed:
            attempted = Attempted(Delivery.NOT_SENT, call.is_read, attempts=0, retries_spent=True)
            raise ConnectError("the client is closed", call=str(call), attempted=attempted)
        generation = self.cache.generation(call)
        if generation is None or call.fresh:
            return self._exchange(call, generation)
        return self.cache.reply(call, generation, lambda: self._exchange(call, generation))

    def _exchange(self, call: Call, generation: Optional[str]) -> Reply:
        """Ask the site; with a ``generation`` the answer is kept for others."""
        self._has_sent = True
        request = self._prepare(call)
        request.generation, request.epoch = generation, self.cache.epoch
        session = self._plain if generation is None or call.fresh else self.cache.session
        # What the adapter has not read, or not as a whole, requests must not read either.
        unread = call.stream or call.body_limit is not None
        if not call.is_read:
            self.cache.forget(call)  # whatever becomes of this process meanwhile
        try:
            response = session.send(request, stream=unread, allow_redirects=False, **self._options)
            reply = self._reply(request, response, bool(getattr(response, "from_cache", False)))
            self._check_proof(reply)
            if call.fresh:
                self.cache.keep(request, response)
            return reply
        except CheckmkError as error:
            failure = error
        finally:
            if not call.is_read:
                self.cache.forget(call)
        # Raised out here, so that no frame which holds the request is part of the traceback.
        retried = self.settings.recovery.retry.max_retries > 0
        raise failure.with_attempted(
            is_read=call.is_read, attempts=request.attempts, retries_spent=retried
        ) from failure.__cause__

    def _check_proof(self, reply: Reply) -> None:
        """Raise UnexpectedReplyError unless the answer is one that the API gives to the call."""
        call, location = reply.call, reply.header("Location") or ""
        if reply.status >= 300 and not any(answer.location for answer in call.answers):
            shown = repr(self.redacted(location)[:200])
            wrong = (
                f"the answer to {call} is a redirect to {shown}, which the API does not give; "
                "is there a login page in front of the site?"
            )
        else:
            wrong = objection(call, reply, self.rebase(location) if reply.status >= 300 else "")
        if wrong:
            raise UnexpectedReplyError(wrong, call=str(call), status=reply.status)

    def chunks(self, reply: Reply) -> Generator[bytes, None, None]:
        """The body of a streamed reply in pieces; closing the iterator frees the connection."""
        response: requests.Response = reply.data
        request: Any = response.request
        received = 0
        try:
            pieces = response.iter_content(PIECE_BYTES)
            pace = _Pace(self.settings.timeouts.read_s)
            while True:
                started = time.monotonic()
                with self._adapter.reading(request, pace.left_s):
                    piece = b"".join(_at_hand(pieces)) if received else next(pieces, b"")
                if not piece:
                    break
                received += len(piece)
                pace.got(len(piece), time.monotonic() - started)
                yield piece
            if request.exchange.expired:
                raise DeadlineError(f"the answer to {reply.call} came too slowly", call=str(reply.call))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._adapter.failure(error, request.exchange, reply.call) from bare(error)
        finally:
            request.exchange.release()
            response.close()
            self.metrics.increment_counter("bytes_received", received)

    def rebase(self, href: str) -> str:
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
    def is_open(self) -> bool:
        """True if there may be connections to close."""
        return not self._closed and self._has_sent

    def close(self) -> None:
        """Wake sleeping calls and close all connections; calls made later raise ConnectError."""
        self._closed = True
        if isinstance(self.clock, SystemClock):
            self.clock.stop()
        self._plain.close()
        self.cache.session.close()  # type: ignore[no-untyped-call]
        self.cache.close()

    def _prepare(self, call: Call) -> CallRequest:
        headers = {"Accept": call.accept, "User-Agent": "checkmk_sync", "Accept-Encoding": "gzip, deflate"}
        if call.etag is not None:
            headers["If-Match"] = call.etag
        body = None
        if call.body is not None:  # Checkmk: without a body there must be no Content-Type either
            body = json.dumps(call.body, allow_nan=False).encode()
            headers["Content-Type"] = JSON
        query = f"?{urlencode(call.query)}" if call.query else ""
        request = CallRequest()
        url = f"{self._base_url}{call.path}{query}"
        request.prepare(method=call.method, url=url, headers=headers, data=body, auth=self._auth, hooks={})
        request.call = call
        total_s = self.settings.timeouts.total_s
        limit_s = total_s if call.deadline_s is None else min(call.deadline_s, total_s)
        request.deadline = Deadline(self.clock, limit_s)
        return request

    def _reply(self, request: CallRequest, response: requests.Response, from_cache: bool) -> Reply:
        call, status = request.call, response.status_code
        self.version_text = response.headers.get("X-Checkmk-Version", self.version_text)
        self.edition = response.headers.get("X-Checkmk-Edition", self.edition)
        if status >= 400:
            raise api_error(status, response.headers, response.content, call=call, redact=self._redact)
        data: Any = response if call.stream else request.data
        if from_cache:
            data = decoded(response, call)
        if status == 200 and call.accept == JSON and (data is None or not is_json(response)):
            kind = response.headers.get("Content-Type", "without a type")
            if call.stream:
                request.exchange.release()
                response.close()
            raise UnexpectedReplyError(
                f"the answer to {call} is {kind}, not JSON; is {self.settings.server_url} a Checkmk server?",
                call=str(call),
            )
        headers = dict(response.headers.items())
        elapsed_s = 0.0 if from_cache else request.deadline.elapsed_s()
        is_whole = not from_cache and not call.stream and call.body_limit is None
        size = len(response.content) if is_whole else 0
        return Reply(call, status, headers, data, elapsed_s, from_cache, size)


def _at_hand(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The next piece, and after one that came quickly some more."""
    started = time.monotonic()
    for piece in itertools.islice(pieces, PIECES_AT_ONCE):
        yield piece
        if time.monotonic() - started > QUICK_S:
            return


class _Pace:
    """How long the next piece of a stream may take. Time that the consumer takes does not count; but an answer
    that drips must not go on for ever, so the time is given anew only for each ``LEAST_BYTES``."""

    LEAST_BYTES = 4096

    def __init__(self, read_s: float) -> None:
        self._read_s = self.left_s = read_s
        self._bytes = 0

    def got(self, size: int, took_s: float) -> None:
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


def _guards(settings: Settings, metrics: MetricsCollector, clock: Clock) -> Guards:
    recovery, limits = settings.recovery, settings.limits
    per_second = limits.requests_per_second
    return Guards(
        metrics=metrics,
        retry=RetryPolicy.from_settings(recovery.retry, clock=clock, budget=RetryBudget()),
        breaker=CircuitBreaker.from_settings(recovery.circuit_breaker, clock=clock),
        # Checkmk: every Setup write takes one lock of the whole site, so a second one at a time only
        # occupies a worker that waits.
        lanes={"read": InFlight(limits.reads_in_flight), "write": InFlight(1)},
        rate=None if per_second is None else RateLimit(per_second, clock=clock),
    )


def _warn_if_insecure(settings: Settings) -> None:
    if settings.server_url.startswith("http://") and not settings.is_loopback:
        warn_caller("http:// sends the password unencrypted; use https://", InsecureTransportWarning)
    elif not settings.verify:
        warn_caller("TLS certificates are not verified (verify: false)", InsecureTransportWarning)
