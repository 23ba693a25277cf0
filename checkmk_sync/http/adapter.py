"""The adapter that sends a request, with retries, limits and the circuit breaker around each attempt."""

from __future__ import annotations

import contextlib
import json
import logging
import operator
import os
from typing import Any, ContextManager, Iterator, Mapping, Optional

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from .. import errors
from ..config.settings import Timeouts
from ..core import cancellation
from ..core.call import JSON, Call, CallKind
from ..core.clock import Deadline
from ..core.fork import ForkSafe
from ..core.redaction import Redactor
from ..metrics import MetricsCollector
from ..metrics.calls import CallCost
from ..recovery import BreakerState, CircuitBreaker, RequestLimits, RetryPolicy
from .error_replies import error_from_reply, is_of_a_gateway, retry_after_s
from .failures import CHUNK_LIMIT, describe_limit, failure_of, late_error, without_request
from .socket_deadlines import POOL_CLASSES, SOCKET_DEADLINES, TrackedSocket

log = logging.getLogger("checkmk_sync")

LARGE_PIECE_BYTES = 2 * 2**20  # larger than most answers, because joining chunks copies them
BODY_PIECE_BYTES = 64 * 2**10
MAX_ERROR_BODY_BYTES = 2**20  # for status 400 and above; the rest of an error page adds nothing


class Exchange(requests.PreparedRequest):
    """A call in progress: the prepared request, its deadline, and the answer of the successful attempt.

    The constructor sets the final URL, headers and body. It does not call ``prepare``, which would parse the URL and
    check each header again, and consult a cookie jar.
    """

    def __init__(
        self, call: Call, url: str, headers: dict[str, str], body: Optional[bytes], deadline: Deadline, cost: CallCost
    ) -> None:
        super().__init__()
        self.method, self.url, self.body = call.method, url, body
        self.headers = headers  # type: ignore[assignment]  # requests and urllib3 only look up names
        self.call, self.is_read, self.deadline, self.cost = call, call.is_read, deadline, cost
        self.is_exclusive = call.is_exclusive
        self.socket: TrackedSocket  # of the last attempt
        self.response_body: bytes = b""  # decompressed; empty for a stream
        self.response_json: Any = None  # decoded from response_body; with a body_limit, the body itself


class CheckmkAdapter(ForkSafe, HTTPAdapter):
    """A requests adapter that applies retries, limits and the circuit breaker to each request.

    The body is read inside these guards. requests reads it after the adapter has returned, so guards around ``send``
    alone would miss a connection that breaks in the middle of a body.

    Answers of the site itself are returned, whatever their status. Any other outcome raises one typed error.
    """

    LOCKS = ()
    _pool: Any  # the connection pool of the server, or None before the first request

    def __init__(
        self,
        *,
        retry: RetryPolicy,
        limits: RequestLimits,
        breaker: CircuitBreaker,
        metrics: MetricsCollector,
        timeouts: Timeouts,
        max_reply_bytes: float,
        redact: Redactor,
        verify: Any,
        proxies: Mapping[str, str],
    ) -> None:
        # urllib3's retries would multiply with ours, and would repeat writes that are not safe to repeat.
        HTTPAdapter.__init__(self, pool_connections=2, pool_maxsize=limits.reads.limit + 1, max_retries=0)
        self._limits, self._breaker, self._metrics = limits, breaker, metrics
        self._timeouts, self._max_reply_bytes, self._redact = timeouts, max_reply_bytes, redact
        self._options: dict[str, Any] = {"verify": verify, "proxies": proxies}
        self._closed = False
        ForkSafe.__init__(self)
        metrics.set_gauge("requests_in_flight", 0)

        guarded = limits.guard(breaker.guard(self._attempt))

        def try_once(exchange: Exchange) -> requests.Response:
            breaker.check()  # so that a call that would be refused does not wait for a slot first
            return guarded(exchange)

        self._send = retry.guard(
            try_once, may_retry=self._may_retry, deadline=operator.attrgetter("deadline"), on_retry=self._on_retry
        )
        # A health check (``call.probe``) is sent once. The breaker neither refuses it nor counts its result.
        self._send_probe = limits.guard(self._attempt)

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        """Send an :class:`Exchange` as ``retry(limit(breaker(attempt)))`` and return its answer."""
        return self._send_probe(request) if request.call.probe else self._send(request)

    def _may_retry(self, error: Exception, exchange: Exchange) -> bool:
        # An open breaker stays open for longer than any retry waits.
        if self._closed or self._breaker.state is BreakerState.OPEN:
            return False
        if isinstance(error, errors.ThrottledError):  # 429 comes from a proxy, so the site has done nothing
            return True
        if isinstance(error, errors.DeadlineError) or not isinstance(error, errors.TransportError):
            return False
        # Some reads are POST requests, so the method does not tell which calls may be repeated. A request that was
        # never sent may always be repeated.
        return exchange.call.is_repeatable or error.sent is False

    def _on_retry(self, error: Exception, wait_s: float, exchange: Exchange) -> None:
        call = exchange.call
        log.info("%s.%s failed, retrying in %.1f s: %s", call.noun, call.verb, wait_s, error)
        self._metrics.increment_counter("retries")
        self._metrics.record_timing("retry_wait", wait_s)

    def _attempt(self, exchange: Exchange) -> requests.Response:
        """Send the request once and read the answer."""
        call, remaining_s, sent = exchange.call, exchange.deadline.remaining_s(), len(exchange.body or b"")
        cancellation.check()
        if self._closed:
            raise errors.ConnectError("the client is closed", call=str(call), sent=False)
        if self._process != os.getpid():  # a program in C, such as a web server, has forked without Python's hooks
            self.reset_after_fork()
        exchange.socket = TrackedSocket(describe_limit(call, exchange.deadline))
        exchange.cost.attempts += 1
        exchange.cost.bytes_sent += sent
        self._metrics.increment_counters({"attempts": 1, "bytes_sent": sent})
        try:
            with (
                self._metrics.in_progress("requests_in_flight"),
                SOCKET_DEADLINES.limit(exchange.socket, remaining_s),
                self._cancel_read_or_count_write(exchange),
            ):
                # `send` is looked up for each call, because the test library `responses` patches HTTPAdapter.send.
                response = super().send(exchange, timeout=self._timeout(call, remaining_s), **self._options)
                self._read_body(exchange, response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self.translate_error(error, exchange) from without_request(error)
        except BaseException as error:  # such as Ctrl-C; the frames below contain the Authorization header
            raise error.with_traceback(None) from error.__cause__
        self._check_and_decode(exchange, response)
        return response

    def _cancel_read_or_count_write(self, exchange: Exchange) -> ContextManager[None]:
        if exchange.is_read:
            return cancellation.on_stop(exchange.socket.expire)
        cancellation.count_write()  # a write is never cut short, because its outcome must be known
        return contextlib.nullcontext()

    def _timeout(self, call: Call, remaining_s: float) -> tuple[float, float]:
        """Return the timeouts in seconds: for connecting, and between two chunks of the answer."""
        read_s = self._timeouts.bulk_s if call.kind is CallKind.BULK else self._timeouts.read_s
        # Until the connection exists, no socket can be shut at the deadline, so the deadline limits this timeout.
        return min(self._timeouts.connect_s, max(remaining_s, 0.001)), read_s

    def _read_body(self, exchange: Exchange, response: requests.Response) -> None:
        """Read the body, unless the call streams it. Raises ReplyTooLargeError if it exceeds the limit."""
        call, is_ok, is_refusal = exchange.call, response.status_code == 200, response.status_code >= 400
        if is_ok and call.stream:
            return
        limit, origin, piece_bytes = self._max_reply_bytes, " (limits.max_reply_mb)", BODY_PIECE_BYTES
        if is_refusal:
            limit = MAX_ERROR_BODY_BYTES
        elif is_ok and call.body_limit is not None:
            limit, origin = call.body_limit, ", the limit of this call"
            piece_bytes = int(min(LARGE_PIECE_BYTES, limit + 1))
        pieces, size = [], 0
        # A small answer can decompress to a large one, so size and time are checked after each chunk.
        for piece in _pieces(response, piece_bytes):
            pieces.append(piece)
            size += len(piece)
            if size > limit or exchange.socket.expired:
                response.close()
                break
        if size > limit and not is_refusal:
            message = f"the answer to {call} is larger than {limit / 2**20:g} MB{origin}"
            raise errors.ReplyTooLargeError(message, limit_bytes=int(limit), call=str(call))
        exchange.response_body = b"".join(pieces)

    def _check_and_decode(self, exchange: Exchange, response: requests.Response) -> None:
        """Count the answer and decode it. Raises an error if it is incomplete, not valid JSON, or not from the site."""
        call, status, response_body = exchange.call, response.status_code, exchange.response_body
        if exchange.socket.expired:  # without Content-Length, a shut socket looks like the end of the body
            response.close()
            self._check_stopped(exchange)
            raise late_error(exchange.socket, call)
        if not call.stream:
            exchange.socket.release()
        log.debug("%s -> %d in %.3f s", call, status, exchange.deadline.elapsed_s())
        exchange.cost.bytes_received += len(response_body)
        self._metrics.increment_counters({f"replies.{status}": 1, "bytes_received": len(response_body)})
        if status >= 429:
            self._raise_gateway_error(exchange, response)
        if not call.stream:
            exchange.response_json = _decoded(exchange, response) if call.body_limit is None else response_body

    def _raise_gateway_error(self, exchange: Exchange, response: requests.Response) -> None:
        """Raise an error if a web server in front of the site sent the answer."""
        status, headers, call = response.status_code, response.headers, exchange.call
        is_of_gateway = status >= 500 and is_of_a_gateway(status, headers, exchange.response_body)
        if status != 429 and not is_of_gateway:
            return
        error = error_from_reply(status, headers, exchange.response_body, call=call, redact=self._redact)
        if not is_of_gateway:
            raise error
        raise errors.GatewayError(str(error), status=status, call=str(call), retry_after_s=retry_after_s(headers))

    def translate_error(self, error: Exception, exchange: Exchange) -> errors.TransportError:
        """Return the typed error for an exception of requests or urllib3.

        Raises Stopped if the exception occurred because the caller's work was stopped.
        """
        if isinstance(error, requests.ConnectTimeout) and exchange.deadline.expired:
            exchange.socket.expire()  # the deadline limited the connect timeout
        failure = failure_of(error, exchange.socket, exchange.call, self._redact)
        if exchange.socket.expired:
            self._check_stopped(exchange)
        return failure

    def _check_stopped(self, exchange: Exchange) -> None:
        if exchange.is_read:
            cancellation.check()

    @contextlib.contextmanager
    def stream_slot(self, exchange: Exchange, limit_s: float) -> Iterator[None]:
        """Hold a read slot while the block reads one chunk of a streamed body, for at most ``limit_s`` seconds."""
        deadline = None if exchange.call.deadline_s is None else exchange.deadline
        with self._limits.reading(deadline):
            remaining_s = float("inf") if deadline is None else deadline.remaining_s()
            call_ends_first = remaining_s < limit_s
            exchange.socket.limit = describe_limit(exchange.call, exchange.deadline) if call_ends_first else CHUNK_LIMIT
            stopping = cancellation.on_stop(exchange.socket.expire)
            with SOCKET_DEADLINES.limit(exchange.socket, min(limit_s, remaining_s)), stopping:
                yield
            cancellation.check()  # without Content-Length, a shut socket looks like the end of the body

    def close(self) -> None:
        """Refuse further requests. Requests in flight continue until their deadlines."""
        self._closed, self._pool = True, None
        super().close()  # type: ignore[no-untyped-call,unused-ignore]

    def reset_after_fork(self) -> None:
        """Forget all connections, because two processes on one connection would receive each other's answers."""
        self.proxy_manager: dict[str, Any] = {}
        self.init_poolmanager(self._pool_connections, self._pool_maxsize)  # type: ignore[attr-defined,unused-ignore]
        self._pool, self._process = None, os.getpid()

    # A client has a single server. So these overrides skip work that requests repeats for each request.

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """Return the connection pool of the server."""
        if self._pool is None:  # requests would look up the pool by a dozen attributes for each request
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self.cert_verify(pool, request.url, verify, cert)
            if self._closed:  # do not keep it: urllib3 closes the connections of a pool once nothing refers to it
                return pool
            self._pool = pool
        return self._pool

    def cert_verify(self, conn: Any, *args: Any) -> None:
        """Set the certificates of a pool, unless it already has them."""
        if conn is not self._pool:
            super().cert_verify(conn, *args)  # type: ignore[no-untyped-call,unused-ignore]

    def request_url(self, request: Any, proxies: Any) -> str:
        """Return the request target: a full URL for a proxy, otherwise the path and query."""
        # The search starts at 8, after "https://".
        return super().request_url(request, proxies) if proxies else request.url[request.url.index("/", 8) :]

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        """Return the answer without its cookies, so that no login session is reused for the next request."""
        response = requests.Response()
        response.status_code, response.reason, response.raw = resp.status, resp.reason, resp
        # requests would copy the headers, which costs as much as decoding the JSON. urllib3's headers ignore case too.
        response.headers = resp.headers
        response.url, response.request, response.connection = req.url, req, self
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager


def is_json(response: requests.Response) -> bool:
    """Return True if the Content-Type of the answer is JSON."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == JSON


def _decoded(exchange: Exchange, response: requests.Response) -> Any:
    """Return the decoded body, or None if the answer is not a JSON body. Raises BrokenReplyError if it is not valid."""
    call = exchange.call
    if response.status_code >= 300 or not exchange.response_body or not is_json(response):
        return None
    try:
        return json.loads(exchange.response_body)
    except (ValueError, RecursionError) as error:
        raise errors.BrokenReplyError(f"the answer to {call} is not valid JSON", call=str(call)) from error


def _pieces(response: requests.Response, size: int) -> Iterator[bytes]:
    """Yield the body in chunks of at most ``size`` bytes, directly from urllib3 because that is faster."""
    if response.raw.closed:  # a library in between, such as a recorder, has already read the body
        return response.iter_content(size)
    encoded = "Content-Encoding" in response.headers  # decode_content=True makes urllib3 copy each chunk
    return iter(lambda: response.raw.read(size, decode_content=encoded), b"")
