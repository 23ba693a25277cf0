"""WSGI middleware that applies scripted faults to the requests of a simulated site."""

from __future__ import annotations

import errno
import gzip
import io
import json
import socket
import struct
import threading
import time
from typing import Any, Iterable, Iterator, Mapping, Optional

from werkzeug.wrappers import Request, Response

from .app import SiteApp
from .crash import crash_response
from .faults import Fault
from .replies import PROBLEM

SOCKET = "checkmk_sync.socket"  # key of the client's socket in the WSGI environment
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
_TEXTS: Mapping[int, tuple[str, str]] = {
    429: ("Too Many Requests", "Slow down."),
    502: ("Bad Gateway", "The proxy server received an invalid response from an upstream server."),
    503: ("Service Unavailable", "Checkmk: Site Not Started"),
    504: ("Gateway Timeout", "The gateway did not receive a timely response from the upstream server."),
}


class FaultMiddleware:
    """WSGI middleware that passes requests to the site, unless a fault matches them."""

    def __init__(self, app: SiteApp, latency_s: float) -> None:
        self._app, self._latency_s = app, latency_s
        self._timers: list[threading.Timer] = []
        self._closed = threading.Event()  # ends all waits, because nobody reads the answers of a closed site any longer
        self._lock_released = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        path = self._app.path_below_api(request)
        fault = None if path is None else self._app.state.faults.match(request.method, path)
        time.sleep(self._latency_s)
        if fault is None:
            response = self._app.respond(request)
        else:
            response = self._without_site(request, fault) or self._through_site(request, fault)
        return response(environ, start_response)

    def start_lasting(self) -> None:
        """Replace the lasting faults, which hold the lock or apply to the next job instead of a request."""
        state = self._app.state
        self._lock_released.set()
        state.activations.failing = state.jobs.failing = 0
        for fault in state.faults.lasting:
            if fault.kind == "hold_lock":
                self._hold_lock(fault.seconds)
            elif fault.kind == "fail_activation":
                state.activations.failing += fault.times or 1
            else:
                state.jobs.failing += fault.times or 1

    def close(self) -> None:
        """Cancel all faults that have not happened yet."""
        self._closed.set()
        self._lock_released.set()
        for timer in self._timers:
            timer.cancel()

    def _without_site(self, request: Request, fault: Fault) -> Optional[Response]:
        """Return the answer of a fault that bypasses the site or delays the request. Return None for other faults."""
        kind = fault.kind
        if kind == "crash":
            return crash_response(self._app.state, request)
        if kind == "lock":
            self._closed.wait(fault.seconds)
            detail = "Couldn't lock the Checkmk configuration. Another process is running that holds this lock."
            body = {"title": "An exception occurred.", "status": 500, "detail": detail}
            return Response(json.dumps(body), 500, content_type=PROBLEM)
        if kind == "redirect":
            return Response(status=302, headers={"Location": "https://login.invalid/?from=api"})
        if kind == "answer":
            return _scripted_answer(fault)
        if kind == "html":
            return Response(_PAGE.format("Login", "Please log in"), content_type="text/html")
        if kind in ("late", "late_page"):
            self._respond_later(request, fault.seconds)
        if kind in ("late", "reset_before"):
            _reset(request.environ)
        return _gateway_page(fault) if kind in ("status", "late_page") else None

    def _through_site(self, request: Request, fault: Fault) -> Response:
        if fault.kind == "slow":
            self._closed.wait(fault.seconds)
        response = self._app.respond(request)
        if fault.kind == "reset_after":
            self._app.mark_unanswered()
            _reset(request.environ)
        if fault.kind == "crash_after":
            return crash_response(self._app.state, request)
        if fault.kind == "answer_after":
            return _scripted_answer(fault)
        if fault.kind == "repeat":
            return self._app.respond(_detached(request))
        self._damage(response, fault, request.environ)
        return response

    def _damage(self, response: Response, fault: Fault, environ: Mapping[str, Any]) -> None:
        if fault.kind == "foreign_location" and "Location" in response.headers:
            response.headers["Location"] = "http://behind-the-proxy.invalid" + response.headers["Location"]
        if fault.kind not in ("gzip", "truncate", "cut", "drip"):
            return
        body = response.get_data()
        if fault.kind == "gzip":
            response.set_data(gzip.compress(body))
            response.headers.update({"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
            if "ETag" in response.headers:
                response.headers["ETag"] = response.headers["ETag"].rstrip('"') + '-gzip"'
        elif fault.kind == "truncate":
            response.set_data(body[: len(body) // 2])
        else:
            response.headers["Content-Length"] = str(len(body))
            if fault.kind == "cut":
                response.response = _then_reset(body[: len(body) // 2], environ)
            else:
                response.response = self._dripping(body, fault.seconds, environ)

    def _hold_lock(self, seconds: float) -> None:
        lock = self._app.state.configuration.lock
        held, released = threading.Event(), threading.Event()
        self._lock_released = released

        def hold() -> None:
            with lock:
                held.set()
                released.wait(seconds)

        threading.Thread(target=hold, daemon=True).start()
        held.wait()

    def _respond_later(self, request: Request, seconds: float) -> None:
        timer = threading.Timer(seconds, self._app.respond, [_detached(request)])
        timer.daemon = True
        self._timers = [t for t in self._timers if t.is_alive()] + [timer]
        timer.start()

    def _dripping(self, body: bytes, seconds: float, environ: Mapping[str, Any]) -> Iterator[bytes]:
        for index in range(len(body)):
            yield body[index : index + 1]
            if self._closed.wait(seconds):
                _reset(environ)


def _detached(request: Request) -> Request:
    """Return a copy of a request that does not depend on its connection."""
    body = request.get_data()
    environ = {**request.environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    del environ[SOCKET]
    return Request(environ)


def _scripted_answer(fault: Fault) -> Response:
    """Return the answer that a fault describes: an empty body, a text or JSON."""
    if fault.body is None:
        response = Response(status=fault.status, content_type=fault.content_type or None)
        if not fault.content_type:
            response.headers.pop("Content-Type", None)
        return response
    is_text = isinstance(fault.body, str)
    content_type = fault.content_type or ("text/html" if is_text else "application/json")
    return Response(fault.body if is_text else json.dumps(fault.body), fault.status, content_type=content_type)


def _gateway_page(fault: Fault) -> Response:
    title, text = _TEXTS.get(fault.status, ("Error", "Something went wrong."))
    response = Response(_PAGE.format(title, text), fault.status, content_type="text/html; charset=iso-8859-1")
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response


def _reset(environ: Mapping[str, Any]) -> None:
    """Reset the connection, so that the server sends nothing more."""
    connection: Optional[socket.socket] = environ.get(SOCKET)
    if connection is not None:
        # A linger time of 0 makes close() send RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError(errno.ECONNRESET, "reset by a fault")


def _then_reset(body: bytes, environ: Mapping[str, Any]) -> Iterator[bytes]:
    yield body
    time.sleep(0.05)  # seconds; a reset discards bytes that are still on their way
    _reset(environ)
