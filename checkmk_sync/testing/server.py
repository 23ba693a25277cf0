"""The HTTP server of a simulated site, which is cheroot with keep-alive in a separate thread."""

from __future__ import annotations

import re
import threading
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from .fault_middleware import SOCKET

_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#]+)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)

_Gateway10: Any = wsgi.Gateway_10


class _Gateway(_Gateway10):  # type: ignore[misc]
    """A gateway that adds the socket to the WSGI environment, so that faults can reset the connection."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[SOCKET] = self.req.conn.socket
        environ["REQUEST_URI"] = self.req.target.raw.decode("latin-1")
        if self.req.target.authority:
            environ["HTTP_HOST"] = self.req.target.authority.decode("latin-1")
        return environ


class _Target:
    """A reader that rewrites the request line, because cheroot refuses targets that Apache accepts.

    Apache collapses repeated slashes in the path. It also accepts absolute targets, whose authority replaces ``Host``.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self.raw = self.authority = b""

    def readline(self, *size: int) -> bytes:
        line: bytes = self._source.readline(*size)
        method, _, rest = line.partition(b" ")
        target, blank, protocol = rest.rpartition(b" ")
        if not blank or not target:
            return line
        self.raw = target
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is not None:
            self.authority, target = absolute["authority"], absolute["rest"]
            target = target if target.startswith(b"/") else b"/" + target
        path, mark, query = target.partition(b"?")
        return b" ".join([method, re.sub(rb"/{2,}", b"/", path) + mark + query, protocol])


class _Request(HTTPRequest):
    def read_request_line(self) -> bool:
        source: Any = getattr(self, "rfile")  # noqa: B009 - cheroot has no types
        self.rfile = self.target = _Target(source)
        try:
            return bool(super().read_request_line())  # type: ignore[no-untyped-call]
        finally:
            self.rfile = source


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request

    def close(self) -> None:
        super().close()
        # Otherwise the finaliser of the writer tries to send to a client that has disconnected.
        self.wfile.raw.close()


class Server:
    """A server for a WSGI application, which runs until it is closed. Port 0 selects a free port."""

    def __init__(self, app: Any, host: str, port: int, *, threads: int = 16) -> None:
        # cheroot, because the server of werkzeug closes the connection after each answer.
        self._server: Any = wsgi.Server((host, port), app, numthreads=threads, timeout=15, request_queue_size=128)
        self._server.gateway = _Gateway
        self._server.ConnectionClass = _Connection
        self._server.shutdown_timeout = 1
        self._server.expiration_interval = 0.02  # seconds; stop() waits for this interval to end
        # Ignore errors of clients that disconnect and of connections that a fault has reset.
        setattr(self._server, "error_log", lambda *_, **__: None)  # noqa: B010 - mypy takes error_log for a method
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name="checkmk-sync-site", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.bind_addr[1])

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.stop()
        self._thread.join(timeout=5)
