"""One attempt to send a request, and the guards around it."""

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

from ..config.settings import Timeouts
from ..core import cancellation
from ..core.call import JSON, Call, CallKind
from ..core.clock import Deadline
from ..core.redaction import Redactor
from ..errors import (
    BrokenReplyError,
    ConnectError,
    DeadlineError,
    GatewayError,
    ReplyTooLargeError,
    ThrottledError,
    TransportError,
)
from ..metrics import MetricsCollector
from ..metrics.calls import CallCost
from ..recovery import BreakerState, CircuitBreaker, RequestLimits, RetryPolicy
from .error_replies import error_from_reply, is_of_a_gateway, retry_after_s
from .failures import failure_of, without_request
from .socket_deadlines import POOL_CLASSES, SOCKET_DEADLINES, TrackedSocket

__all__ = ["CheckmkAdapter", "Exchange", "is_json"]

log = logging.getLogger("checkmk_sync")

LARGE_PIECE_BYTES = 2 * 2**20  # more than most answers, because joining pieces copies them
BODY_PIECE_BYTES = 64 * 2**10
MAX_ERROR_BODY_BYTES = 2**20  # of an answer of 400 and above; the rest of a page adds nothing


class Exchange(requests.PreparedRequest):
    """One call on its way: its request, its deadline, and the answer of the attempt that succeeded.

    The request is built as it is sent. requests would parse the URL and check each header again, and ask a cookie jar.
    """

    def __init__(
        self,
        call: Call,
        url: str,
        headers: dict[str, str],
        body: Optional[bytes],
        deadline: Deadline,
        cost: CallCost,
    ) -> None:
        super().__init__()
        self.method, self.url, self.body = call.method, url, body
        self.headers = headers  # type: ignore[assignment]  # requests and urllib3 only look names up
        self.call, self.is_read, self.deadline, self.cost = call, call.is_read, deadline, cost
        self.socket: TrackedSocket  # of the last attempt
        self.response_body: bytes = b""  # the body, unpacked; empty for a stream
        self.response_json: Any = None  # the JSON in it


class CheckmkAdapter(HTTPAdapter):
    """Sends requests with guards around them, and reads the bodies inside the guards.

    requests reads bodies after the adapter has returned, so a body that breaks off would escape guards that only wrap
    ``send``. Raises one typed error. Answers of the site itself are returned, whatever their status.
    """

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
        # One retry layer: urllib3's would multiply with ours and repeat what is not safe to repeat.
        super().__init__(pool_connections=2, pool_maxsize=limits.reads.limit + 1, max_retries=0)
        self._limits, self._breaker, self._metrics = limits, breaker, metrics
        self._timeouts, self._max_reply_bytes, self._redact = timeouts, max_reply_bytes, redact
        self._options: dict[str, Any] = {"verify": verify, "proxies": proxies}
        self._pool: Any = None
        self._closed = False
        self._process = os.getpid()
        metrics.set_gauge("requests_in_flight", 0)

        guarded = limits.guard(breaker.guard(self._attempt))

        def try_once(exchange: Exchange) -> requests.Response:
            breaker.check()  # a call that would be refused need not wait for its turn
            return guarded(exchange)

        self._send = retry.guard(
            try_once,
            may_retry=self._may_retry,
            deadline=operator.attrgetter("deadline"),
            on_retry=self._on_retry,
        )
        # A probe is tried once, and the breaker ignores its result.
        self._send_probe = limits.guard(self._attempt)

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        """Return the answer to an :class:`Exchange`: ``retry(limit(breaker(attempt)))``."""
        return self._send_probe(request) if request.call.probe else self._send(request)

    def _may_retry(self, error: Exception, exchange: Exchange) -> bool:
        """Reads, whatever their method; what was never sent; and 429, which a proxy says instead of the site."""
        # An open breaker is not asked again: its wait is longer than any retry's.
        if self._closed or self._breaker.state is BreakerState.OPEN:
            return False
        if isinstance(error, ThrottledError):
            return True
        if isinstance(error, DeadlineError) or not isinstance(error, TransportError):
            return False
        return exchange.call.is_repeatable or error.sent is False

    def _on_retry(self, error: Exception, wait_s: float, exchange: Exchange) -> None:
        call = exchange.call
        log.info("%s.%s failed, trying again in %.1f s: %s", call.noun, call.verb, wait_s, error)
        self._metrics.increment_counter("retries")
        self._metrics.record_timing("retry_wait", wait_s)

    def _attempt(self, exchange: Exchange) -> requests.Response:
        """Send the request once, and read the answer."""
        call, remaining_s, sent = exchange.call, exchange.deadline.remaining_s(), len(exchange.body or b"")
        cancellation.check()
        if self._closed:
            raise ConnectError("the client is closed", call=str(call), sent=False)
        if self._process != os.getpid():
            self._drop_inherited_connections()
        exchange.socket = TrackedSocket()
        exchange.cost.attempts += 1
        exchange.cost.bytes_sent += sent
        self._metrics.increment_counters({"attempts": 1, "bytes_sent": sent})
        try:
            with (
                self._metrics.in_progress("requests_in_flight"),
                SOCKET_DEADLINES.limit(exchange.socket, remaining_s),
                self._cancel_read_or_count_write(exchange),
            ):
                # Looked up late, because `responses` patches HTTPAdapter.send.
                response = super().send(exchange, timeout=self._timeout(call, remaining_s), **self._options)
                self._read_body(exchange, response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self.translate_error(error, exchange) from without_request(error)
        except BaseException as error:  # such as Ctrl-C: the frames below hold the headers
            raise error.with_traceback(None) from error.__cause__
        self._check_and_decode(exchange, response)
        return response

    def _cancel_read_or_count_write(self, exchange: Exchange) -> ContextManager[None]:
        """Cut a read short if its work is stopped. The outcome of a write has to be known."""
        if exchange.is_read:
            return cancellation.on_stop(exchange.socket.expire)
        cancellation.count_write()
        return contextlib.nullcontext()

    def _timeout(self, call: Call, remaining_s: float) -> tuple[float, float]:
        """Return the time limits in seconds: to connect, and between two pieces of the answer."""
        read_s = self._timeouts.bulk_s if call.kind is CallKind.BULK else self._timeouts.read_s
        remaining_s = max(remaining_s, 0.001)
        return min(self._timeouts.connect_s, remaining_s), min(read_s, remaining_s)

    def _read_body(self, exchange: Exchange, response: requests.Response) -> None:
        """Read the body, unless it is for a stream. ReplyTooLargeError beyond the limit."""
        call = exchange.call
        if response.status_code == 200 and call.stream:
            return
        if response.status_code == 200 and call.body_limit is not None:
            exchange.response_body = exchange.response_json = _read_up_to(response, call.body_limit, call)
            return
        is_refusal = response.status_code >= 400
        limit = MAX_ERROR_BODY_BYTES if is_refusal else self._max_reply_bytes
        pieces, size = [], 0
        # A small answer can decompress to a large one, so the size is counted piece by piece, and so is the time.
        for piece in _pieces(response, BODY_PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > limit or exchange.socket.expired:
                response.close()
                break
        if size > limit and not is_refusal:
            raise _too_large(limit, call)
        exchange.response_body = b"".join(pieces)

    def _check_and_decode(self, exchange: Exchange, response: requests.Response) -> None:
        """Count an answer and decode it. Raises the error for one that is not complete, or not the site's own."""
        call, status, response_body = exchange.call, response.status_code, exchange.response_body
        if exchange.socket.expired:  # a body without a length just ends when its socket is shut
            response.close()
            self._check_stopped(exchange)
            raise DeadlineError(f"no complete answer within {exchange.deadline.limit_s:g} s", call=str(call))
        if not call.stream:
            exchange.socket.release()
        log.debug("%s -> %d in %.3f s", call, status, exchange.deadline.elapsed_s())
        exchange.cost.bytes_received += len(response_body)
        self._metrics.increment_counters({f"replies.{status}": 1, "bytes_received": len(response_body)})
        if status >= 429:
            self._raise_gateway_error(exchange, response)
        if not call.stream and call.body_limit is None:
            exchange.response_json = _decoded(exchange, response)

    def _raise_gateway_error(self, exchange: Exchange, response: requests.Response) -> None:
        """Raise the error for an answer of a web server in front of the site."""
        status, headers, call = response.status_code, response.headers, exchange.call
        is_of_gateway = status >= 500 and is_of_a_gateway(status, headers, exchange.response_body)
        if status != 429 and not is_of_gateway:
            return
        error = error_from_reply(status, headers, exchange.response_body, call=call, redact=self._redact)
        if not is_of_gateway:
            raise error
        raise GatewayError(str(error), status=status, call=str(call), retry_after_s=retry_after_s(headers))

    def translate_error(self, error: Exception, exchange: Exchange) -> TransportError:
        """Return the error that an exception of requests or urllib3 means; Stopped if stopping the work caused it."""
        failure = failure_of(error, exchange.socket, exchange.call, self._redact)
        if exchange.socket.expired:
            self._check_stopped(exchange)
        return failure

    def _check_stopped(self, exchange: Exchange) -> None:
        if exchange.is_read:
            cancellation.check()

    @contextlib.contextmanager
    def stream_slot(self, exchange: Exchange, limit_s: float) -> Iterator[None]:
        """Around reading a piece of a streamed body: it counts as a read under way, and its time is limited."""
        deadline = None if exchange.call.deadline_s is None else exchange.deadline
        with self._limits.reading(deadline):
            remaining_s = float("inf") if deadline is None else deadline.remaining_s()
            stopping = cancellation.on_stop(exchange.socket.expire)
            with SOCKET_DEADLINES.limit(exchange.socket, min(limit_s, remaining_s)), stopping:
                yield
            cancellation.check()  # a body without a length just ends when its socket is shut

    def close(self) -> None:
        """Send nothing more; calls under way keep their deadlines."""
        self._closed, self._pool = True, None
        super().close()  # type: ignore[no-untyped-call,unused-ignore]

    def _drop_inherited_connections(self) -> None:
        """After a fork they are the parent's as well: two processes on one get each other's answers."""
        self.proxy_manager: dict[str, Any] = {}
        self.init_poolmanager(self._pool_connections, self._pool_maxsize)  # type: ignore[attr-defined,unused-ignore]
        self._pool, self._process = None, os.getpid()

    # Steps of requests that one server needs only once, or not at all

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """Return the pool of connections to the one server. requests would look it up by a dozen attributes."""
        if self._pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self.cert_verify(pool, request.url, verify, cert)
            if self._closed:  # urllib3 closes the connections of a pool when nothing refers to it any more
                return pool
            self._pool = pool
        return self._pool

    def cert_verify(self, conn: Any, *args: Any) -> None:
        """Set the certificates of a pool; for ours this is done once."""
        if conn is not self._pool:
            super().cert_verify(conn, *args)  # type: ignore[no-untyped-call,unused-ignore]

    def request_url(self, request: Any, proxies: Any) -> str:
        """Return the target of the request line."""
        return super().request_url(request, proxies) if proxies else request.url[request.url.index("/", 8) :]

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        """Return the answer without its cookies: the session of a login must not be kept for the next request."""
        response = requests.Response()
        response.status_code, response.reason, response.raw = resp.status, resp.reason, resp
        response.headers = (
            resp.headers
        )  # these ignore case as well, and copying them costs as much as decoding the JSON
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
    """Return True if the answer says that it is JSON."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == JSON


def _decoded(exchange: Exchange, response: requests.Response) -> Any:
    """Return the JSON in the body, None where there is none. BrokenReplyError if it is incomplete."""
    call = exchange.call
    if call.accept != JSON or response.status_code >= 300 or not exchange.response_body or not is_json(response):
        return None
    try:
        return json.loads(exchange.response_body)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"the JSON of the answer to {call} is broken", call=str(call)) from error


def _read_up_to(response: requests.Response, limit: float, call: Call) -> bytes:
    pieces, size = [], 0
    for piece in _pieces(response, int(min(LARGE_PIECE_BYTES, limit + 1))):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            response.close()
            raise _too_large(limit, call)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _pieces(response: requests.Response, size: int) -> Iterator[bytes]:
    """Yield the body in pieces of at most this size, without the layers of requests in between."""
    if response.raw.closed:  # a library that listens in between, such as a recorder, has read it
        return response.iter_content(size)
    encoded = "Content-Encoding" in response.headers  # urllib3 copies what it may have to decode
    return iter(lambda: response.raw.read(size, decode_content=encoded), b"")


def _too_large(limit: float, call: Call) -> ReplyTooLargeError:
    size = f"{limit / 2**20:g} MB" if limit >= 2**20 else f"{limit:.0f} bytes"
    message = f"the answer to {call} is larger than {size} (limits.max_reply_mb)"
    return ReplyTooLargeError(message, limit_bytes=int(limit), call=str(call))
