"""The HTTP server of a simulated site: cheroot, with keep-alive, on a thread of its own."""

from __future__ import annotations

import threading
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection

from .trouble import SOCKET

__all__ = ["Server"]


_Gateway10: Any = wsgi.Gateway_10


class _Gateway(_Gateway10):  # type: ignore[misc]
    """Leaves the connection in the environment, for faults to cut it."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[SOCKET] = self.req.conn.socket
        return environ


_HTTPConnection: Any = HTTPConnection


class _Connection(_HTTPConnection):  # type: ignore[misc]
    def close(self) -> None:
        """Also closes the writer: else, when it is collected, it tries to send to a client that is gone."""
        super().close()
        self.wfile.raw.close()


class Server:
    """Serves a WSGI application until it is closed. Port 0 takes a free one."""

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
        """Clients that hang up and connections that faults cut are no news."""
