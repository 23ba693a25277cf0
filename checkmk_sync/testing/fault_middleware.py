"""Faults as they happen on the wire."""

from __future__ import annotations

import errno
import gzip
import json
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Optional

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from .crash import crash_response
from .faults import Fault
from .replies import PROBLEM

if TYPE_CHECKING:
    from .app import SiteApp

__all__ = ["SOCKET", "Trouble"]

SOCKET = "checkmk_sync.socket"  # where the server leaves the connection in the environment
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
_TEXTS: Mapping[int, tuple[str, str]] = {
    429: ("Too Many Requests", "Slow down."),
    502: ("Bad Gateway", "The proxy server received an invalid response from an upstream server."),
    503: ("Service Unavailable", "Checkmk: Site Not Started"),
    504: ("Gateway Timeout", "The gateway did not receive a timely response from the upstream server."),
}


class Trouble:
    """Answers a request as the site does, unless a fault strikes."""

    def __init__(self, app: SiteApp) -> None:
        self._app = app
        self._later: list[threading.Timer] = []
        self._closed = threading.Event()  # ends all waits, for nobody waits for the answers of a closed site
        self._lock_freed = threading.Event()
        self._instead: Mapping[str, Callable[[Fault], Response]] = {
            "status": _gateway_page,
            "lock": self._lock_failure,
            "redirect": lambda _fault: Response(status=302, headers={"Location": "https://login.invalid/?from=api"}),
            "answer": _foreign_answer,
            "html": lambda _fault: Response(_PAGE.format("Login", "Please log in"), content_type="text/html"),
        }

    def answer(self, request: Request, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = self._app.path_below_api(request)
        fault = None if path is None else self._app.state.faults.strike(request.method, path)
        if self._app.latency_s:
            time.sleep(self._app.latency_s)
        if fault is None:
            return self._app.handle(request)(environ, start_response)
        if fault.kind == "crash":
            return crash_response(self._app.state, request)(environ, start_response)
        if fault.kind in self._instead:
            return self._instead[fault.kind](fault)(environ, start_response)
        if fault.kind == "reset_before":
            _reset(environ)
        if fault.kind == "late":
            self._do_later(request, fault.seconds)
            _reset(environ)
        if fault.kind == "late_page":
            self._do_later(request, fault.seconds)
            return _gateway_page(fault)(environ, start_response)
        if fault.kind == "slow":
            self._closed.wait(fault.seconds)
        response = self._app.handle(request)
        if fault.kind == "reset_after":
            self._app.forget_last()
            _reset(environ)
        if fault.kind == "crash_after":
            return crash_response(self._app.state, request)(environ, start_response)
        if fault.kind == "answer_after":
            return _foreign_answer(fault)(environ, start_response)
        if fault.kind == "repeat":
            response = self._app.handle(_again(request))
        return self._spoiled(response, fault, environ, start_response)

    def do_standing(self, faults: Iterable[Fault]) -> None:
        """End the faults that are not about a request, and begin others."""
        self._lock_freed.set()
        self._app.state.activations.failing = self._app.state.discovery.failing = 0
        for fault in faults:
            if fault.kind == "hold_lock":
                self._hold_lock(fault.seconds)
            elif fault.kind == "fail_activation":
                self._app.state.activations.failing += fault.times or 1
            else:
                self._app.state.discovery.failing += fault.times or 1

    def close(self) -> None:
        """What was to happen later does not happen."""
        self._closed.set()
        self._lock_freed.set()
        for timer in self._later:
            timer.cancel()

    def _hold_lock(self, seconds: float) -> None:
        lock = self._app.state.configuration.lock
        held, freed = threading.Event(), threading.Event()
        self._lock_freed = freed

        def hold() -> None:
            with lock:
                held.set()
                freed.wait(seconds)

        threading.Thread(target=hold, daemon=True).start()
        held.wait()

    def _do_later(self, request: Request, seconds: float) -> None:
        timer = threading.Timer(seconds, self._app.handle, [_again(request)])  # the connection is gone by then
        timer.daemon = True
        self._later = [t for t in self._later if t.is_alive()] + [timer]
        timer.start()

    def _lock_failure(self, fault: Fault) -> Response:
        self._closed.wait(fault.seconds)
        detail = "Couldn't lock the Checkmk configuration. Another process is running that holds this lock."
        return _problem(500, {"title": "An exception occurred.", "status": 500, "detail": detail})

    def _spoiled(
        self, response: Response, fault: Fault, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        if fault.kind == "gzip":
            _compress(response)
        elif fault.kind == "foreign_location" and "Location" in response.headers:
            response.headers["Location"] = "http://behind-the-proxy.invalid" + response.headers["Location"]
        elif fault.kind == "truncate":
            body = response.get_data()
            response.set_data(body[: len(body) // 2])
        elif fault.kind == "cut":
            body = response.get_data()
            response.headers["Content-Length"] = str(len(body))
            response.response = _then_reset(body[: len(body) // 2], environ)
        elif fault.kind == "drip":
            body = response.get_data()
            response.headers["Content-Length"] = str(len(body))
            response.response = self._dripping(body, fault.seconds, environ)
        return response(environ, start_response)

    def _dripping(self, body: bytes, seconds: float, environ: Mapping[str, Any]) -> Iterator[bytes]:
        for index in range(len(body)):
            yield body[index : index + 1]
            if self._closed.wait(seconds):
                _reset(environ)


def _problem(status: int, body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), status, content_type=PROBLEM)


def _again(request: Request) -> Request:
    """Return a copy of a request that does not need its connection."""
    builder = EnvironBuilder(
        method=request.method,
        path=request.environ["PATH_INFO"].encode("latin-1").decode("utf-8"),
        query_string=request.query_string.decode("latin-1"),
        headers=list(request.headers.items()),
        data=request.get_data(),
    )
    return Request(builder.get_environ())


def _foreign_answer(fault: Fault) -> Response:
    if fault.body is None:
        response = Response(status=fault.status, content_type=fault.content_type or None)
    elif isinstance(fault.body, str):
        response = Response(fault.body, fault.status, content_type=fault.content_type or "text/html")
    else:
        kind = fault.content_type or "application/json"
        response = Response(json.dumps(fault.body), fault.status, content_type=kind)
    if fault.content_type == "" and fault.body is None:
        response.headers.pop("Content-Type", None)
    return response


def _gateway_page(fault: Fault) -> Response:
    title, text = _TEXTS.get(fault.status, ("Error", "Something went wrong."))
    response = Response(_PAGE.format(title, text), fault.status, content_type="text/html; charset=iso-8859-1")
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response


def _reset(environ: Mapping[str, Any]) -> None:
    """Close the connection the hard way; the server then drops it without a word."""
    connection: Optional[socket.socket] = environ.get(SOCKET)
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError(errno.ECONNRESET, "reset by a fault")


def _then_reset(body: bytes, environ: Mapping[str, Any]) -> Iterator[bytes]:
    yield body
    time.sleep(0.05)  # a reset overtakes what is still on its way
    _reset(environ)


def _compress(response: Response) -> None:
    response.set_data(gzip.compress(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    if "ETag" in response.headers:
        response.headers["ETag"] = response.headers["ETag"].rstrip('"') + '-gzip"'
