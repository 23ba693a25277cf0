"""The HTTP server of a simulated site: cheroot, with keep-alive, on a thread of its own."""

from __future__ import annotations

import re
import threading
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from .fault_middleware import SOCKET

__all__ = ["Server"]

_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#]+)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)

_Gateway10: Any = wsgi.Gateway_10


class _Gateway(_Gateway10):  # type: ignore[misc]
    """Puts the connection into the environment, so that faults can reset it."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[SOCKET] = self.req.conn.socket
        environ["REQUEST_URI"] = self.req.target.raw.decode("latin-1")
        if self.req.target.authority:
            environ["HTTP_HOST"] = self.req.target.authority.decode("latin-1")
        return environ


class _Target:
    """Rewrites the request line, because cheroot refuses targets that Apache accepts.

    Apache collapses repeated slashes in the path, and accepts absolute targets, whose authority replaces ``Host``.
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


_HTTPRequest: Any = HTTPRequest


class _Request(_HTTPRequest):  # type: ignore[misc]
    def read_request_line(self) -> bool:
        source: Any = getattr(self, "rfile")  # noqa: B009 - cheroot has no types
        self.rfile = self.target = _Target(source)
        try:
            return bool(super().read_request_line())
        finally:
            self.rfile = source


_HTTPConnection: Any = HTTPConnection


class _Connection(_HTTPConnection):  # type: ignore[misc]
    RequestHandlerClass = _Request

    def close(self) -> None:
        """Close the writer too; otherwise its finaliser tries to send to a client that is gone."""
        super().close()
        self.wfile.raw.close()


class Server:
    """Serves a WSGI application until it is closed. Port 0 is any free port."""

    def __init__(self, app: Any, host: str, port: int, *, threads: int = 16) -> None:
        # werkzeug's own server answers "Connection: close" every time.
        self._server: Any = wsgi.Server((host, port), app, numthreads=threads, timeout=15, request_queue_size=128)
        self._server.gateway = _Gateway
        self._server.ConnectionClass = _Connection
        self._server.shutdown_timeout = 1
        self._server.expiration_interval = 0.02  # stopping waits for its end
        setattr(self._server, "error_log", self._ignore)  # noqa: B010 - mypy takes it for a method
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

    @staticmethod
    def _ignore(msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Ignore errors of clients that hang up and of connections that faults reset."""
