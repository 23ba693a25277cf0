"""The only place where guards meet HTTP: one adapter below all sessions of a client."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from typing import Any, Iterator, Optional

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
    CheckmkError,
    ConnectError,
    DeadlineError,
    GatewayError,
    ReadTimeoutError,
    ReplyTooLargeError,
    ThrottledError,
    TransportError,
)
from ..metrics.calls import spent
from ..recovery import Guards, Task
from .error_replies import api_error, is_of_a_gateway, retry_after_s
from .socket_deadlines import POOL_CLASSES, WATCHDOG, Exchange

__all__ = ["CallRequest", "CheckmkAdapter", "bare", "decoded", "is_json"]

log = logging.getLogger("checkmk_sync")

READ_BYTES = 2 * 2**20  # more than most answers: to join pieces is to copy them
PIECE_BYTES = 64 * 2**10
REFUSAL_BYTES = 2**20  # of an answer of 400 and above; the rest of a page says nothing more


class CallRequest(requests.PreparedRequest):
    """A prepared request that knows which call it is; the decoded answer is left on it as ``data``."""

    call: Call
    deadline: Deadline
    generation: Optional[str]
    epoch: int
    exchange: Exchange
    data: Any = None
    attempts = 0

    def prepare_url(self, url: Any, *_: Any) -> None:
        """Take it as it is. It is quoted, and requests would look at each character of it twice."""
        self.url = url


class CheckmkAdapter(HTTPAdapter):
    """Sends with guards around it and reads the body inside them.

    requests reads bodies after the adapter has returned, so a cut body would escape guards that only
    wrap ``send``. Raises one typed error; answers of the site itself are returned as they are.
    """

    def __init__(
        self, guards: Guards, timeouts: Timeouts, *, pool_size: int, max_reply_bytes: float, redact: Redactor
    ) -> None:
        # One retry layer: urllib3's would multiply with ours and repeat what is not safe to repeat.
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=0)
        self._guards, self._timeouts, self._redact = guards, timeouts, redact
        self._max_reply_bytes = max_reply_bytes
        self._closed = False
        self._process = os.getpid()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def close(self) -> None:
        """Send nothing more; calls under way keep their deadlines."""
        self._closed = True
        super().close()  # type: ignore[no-untyped-call,unused-ignore]

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        call: Call = request.call
        task = Task(
            name=f"{call.noun}.{call.verb}",
            attempt=lambda: self._attempt(request, args, kwargs),
            may_retry=lambda error: not self._closed and _is_safe_to_repeat(call, error),
            deadline=request.deadline,
            lane="read" if call.is_read else "write",
            probe=call.probe,
        )
        return self._guards.run(task)

    def _attempt(self, request: CallRequest, args: Any, kwargs: Any) -> requests.Response:
        call, exchange = request.call, Exchange()
        cancellation.check()
        if self._closed:
            raise ConnectError("the client is closed", call=str(call), sent=False)
        if self._process != os.getpid():
            self._leave_connections()
        kwargs["timeout"] = self._limits(call, request.deadline)
        started = request.deadline.elapsed_s()
        spent().attempts += 1
        request.attempts += 1
        self._count("sent", len(request.body or b""))
        if not call.is_read:
            cancellation.count_write()
        try:
            # What becomes of a write has to be known, so only reads are cut short when nobody wants them any more.
            stopping = cancellation.on_stop(exchange.expire) if call.is_read else contextlib.nullcontext()
            with exchange.current(), WATCHDOG.watch(exchange, request.deadline.remaining_s()), stopping:
                # Looked up late, for `responses` patches HTTPAdapter.send.
                response = super().send(request, *args, **kwargs)
                size = self._read(request, response, exchange)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self.failure(error, exchange, call) from bare(error)
        except BaseException as error:  # such as Ctrl-C: the frames below hold the headers
            raise error.with_traceback(None) from error.__cause__
        if exchange.expired:  # a body without a length just ends when its socket is shut
            response.close()
            _check_stopped(call)
            raise DeadlineError(f"no complete answer within {request.deadline.limit_s:g} s", call=str(call))
        request.exchange = exchange
        if not call.stream:
            exchange.release()
        log.debug("%s -> %d in %.3f s", call, response.status_code, request.deadline.elapsed_s() - started)
        self._guards.metrics.increment_counter(f"replies.{response.status_code}")
        self._count("received", size)
        self._refuse_gateway(response, call)
        if not call.stream and call.body_limit is None:
            request.data = decoded(response, call)
        return response

    def _leave_connections(self) -> None:
        """After a fork they are the parent's as well: two processes on one get each other's answers."""
        self.proxy_manager: dict[str, Any] = {}
        self.init_poolmanager(self._pool_connections, self._pool_maxsize)  # type: ignore[attr-defined,unused-ignore]
        self._process = os.getpid()

    def _read(self, request: CallRequest, response: requests.Response, exchange: Exchange) -> int:
        """Read the body, unless it is for a stream, and return its size. ReplyTooLargeError beyond the limit."""
        call = request.call
        if response.status_code == 200 and call.stream:
            return 0
        if response.status_code == 200 and call.body_limit is not None:
            request.data = _read_up_to(response, call.body_limit, call)
            return len(request.data)
        is_refusal = response.status_code >= 400
        limit = REFUSAL_BYTES if is_refusal else self._max_reply_bytes
        pieces, size = [], 0
        # A small answer can decompress to a large one, so the size is counted piece by piece, and so is the time.
        for piece in response.iter_content(PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > limit or exchange.expired:
                response.close()
                break
        if size > limit and not is_refusal:
            raise _too_large(limit, call)
        response._content = b"".join(pieces)  # what `response.content` would have read
        return size

    @contextlib.contextmanager
    def reading(self, request: CallRequest, limit_s: float) -> Iterator[None]:
        """Around reading a piece of a streamed body: it counts as a read under way, and its time is limited."""
        deadline = None if request.call.deadline_s is None else request.deadline
        with self._guards.reading(deadline):
            left_s = float("inf") if deadline is None else deadline.remaining_s()
            stopping = cancellation.on_stop(request.exchange.expire)
            with WATCHDOG.watch(request.exchange, min(limit_s, left_s)), stopping:
                yield
            cancellation.check()  # a body without a length just ends when its socket is shut

    def _limits(self, call: Call, deadline: Deadline) -> tuple[float, float]:
        read_s = self._timeouts.bulk_s if call.kind is CallKind.BULK else self._timeouts.read_s
        left = max(deadline.remaining_s(), 0.001)
        return min(self._timeouts.connect_s, left), min(read_s, left)

    def _count(self, way: str, size: int) -> None:
        self._guards.metrics.increment_counter(f"bytes_{way}", size)
        cost = spent()
        setattr(cost, f"bytes_{way}", getattr(cost, f"bytes_{way}") + size)

    def _refuse_gateway(self, response: requests.Response, call: Call) -> None:
        """Raise for what a web server in front of the site says instead of it."""
        status = response.status_code
        if status == 429:
            raise api_error(status, response.headers, response.content, call=call, redact=self._redact)
        if status >= 500 and is_of_a_gateway(status, response.headers, response.content):
            said = api_error(status, response.headers, response.content, call=call, redact=self._redact)
            wait = retry_after_s(response.headers)
            raise GatewayError(str(said), status=status, call=str(call), retry_after_s=wait)

    def failure(self, error: Exception, exchange: Exchange, call: Call) -> CheckmkError:
        """What an exception of requests or urllib3 means, with what is known about the request's fate; Stopped
        where it came from stopping the work."""
        unsent = not exchange.sent if exchange.connection_seen else _is_connect_failure(error)
        sent: Optional[bool] = False if unsent else None
        text = self._redact(_root_text(error))
        if exchange.expired:
            _check_stopped(call)
            limit = "read_s, for each piece of a stream" if call.stream else "total_s"
            return DeadlineError(f"the time for {call} is over (timeouts.{limit})", call=str(call), sent=sent)
        if unsent:
            return ConnectError(f"no connection for {call}: {text}", call=str(call), sent=False)
        if isinstance(error, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)) or "timed out" in text:
            return ReadTimeoutError(f"no answer in time to {call}", call=str(call))
        return BrokenReplyError(f"the connection broke during {call}: {text}", call=str(call))


def _check_stopped(call: Call) -> None:
    if call.is_read:
        cancellation.check()


def _read_up_to(response: requests.Response, limit: float, call: Call) -> bytes:
    pieces, size = [], 0
    for piece in _large_pieces(response, int(min(READ_BYTES, limit + 1))):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            response.close()
            raise _too_large(limit, call)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(limit: float, call: Call) -> ReplyTooLargeError:
    size = f"{limit / 2**20:g} MB" if limit >= 2**20 else f"{limit:.0f} bytes"
    message = f"the answer to {call} is larger than {size} (limits.max_reply_mb)"
    return ReplyTooLargeError(message, limit_bytes=int(limit), call=str(call))


def _large_pieces(response: requests.Response, size: int) -> Iterator[bytes]:
    """For each costs as much as decoding some items."""
    if response.raw.closed:  # whoever listens in between has read it
        return response.iter_content(size)
    encoded = "Content-Encoding" in response.headers  # urllib3 copies what it may have to decode
    return iter(lambda: response.raw.read(size, decode_content=encoded), b"")


def decoded(response: requests.Response, call: Call) -> Any:
    """The JSON in a body, None where there is none. BrokenReplyError where it is cut."""
    if call.accept != JSON or response.status_code >= 300 or not response.content or not is_json(response):
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"the JSON of the answer to {call} is broken", call=str(call)) from error


def is_json(response: requests.Response) -> bool:
    """True when the answer says that it is JSON."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == JSON


def bare(error: Exception) -> Exception:
    """The exception without its request and its frames: both hold the Authorization header."""
    if isinstance(error, requests.RequestException):
        error.request = error.response = None
    for inner in (*_chain(error), *_causes(error)):
        inner.__traceback__ = None
    return error


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_safe_to_repeat(call: Call, error: Exception) -> bool:
    """Reads, whatever their method; what was never sent; and 429, which a proxy says instead of the site."""
    if isinstance(error, ThrottledError):
        return True
    if isinstance(error, DeadlineError) or not isinstance(error, TransportError):
        return False
    return call.is_repeatable or error.sent is False


def _is_connect_failure(error: BaseException) -> bool:
    kinds = (requests.ConnectTimeout, urllib3.exceptions.NewConnectionError, urllib3.exceptions.LocationValueError)
    return any(isinstance(inner, kinds) for inner in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those wrapped in it: urllib3 keeps them as ``reason`` or among the arguments."""
    inner: Optional[BaseException] = error
    while inner is not None:
        yield inner
        wrapped = (getattr(inner, "reason", None), *reversed(inner.args))
        inner = next((found for found in wrapped if isinstance(found, BaseException)), None)


def _root_text(error: BaseException) -> str:
    """What the innermost exception says, without the object it says it of."""
    *_, root = _chain(error)
    return re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", str(root)) or type(root).__name__
