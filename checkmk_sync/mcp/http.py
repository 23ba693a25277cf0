"""The server over HTTP: for this machine, or behind a proxy that speaks TLS; with a token for whoever calls."""

from __future__ import annotations

import contextlib
import errno
import hmac
import logging
import os
import re
import socket
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Generator, MutableMapping, Optional

import anyio.to_thread
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from ..core.private_files import is_open_to_others
from ..errors import SettingsError
from .shutdown import Ending

__all__ = ["Listener", "application", "serve_http", "token_from"]

TOKEN_VARIABLE = "CHECKMK_MCP_TOKEN"  # noqa: S105 - its name
SHORTEST_TOKEN = 16
MAX_BODY = 16 * 2**20
MOST_CONNECTIONS = 200  # more get a 503, before the process runs out of files
ANSWERED_S = 2  # how long the answers of the last calls may take to be sent
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Listener:
    """Where to listen, and who may call. ``names`` are further names by which the server is called, such as that
    of a proxy; with ``writes`` its tools change the site. SettingsError for what would be open to others."""

    host: str = "127.0.0.1"
    port: int = 8765
    token: Optional[str] = None
    behind_tls: bool = False
    names: tuple[str, ...] = ()
    writes: bool = False

    def __post_init__(self) -> None:
        if self.token is not None and not re.fullmatch(r"[!-~]+", self.token):
            raise SettingsError("the token is to be printable ASCII without blanks", field="token-file")
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise SettingsError(f"the token is shorter than {SHORTEST_TOKEN} characters", field="token-file")
        if self.writes and self.token is None:
            raise SettingsError(
                "with --allow-writes whoever can reach this port could change the site, which are all users and "
                f"programs of this machine: give --token-file FILE, or set {TOKEN_VARIABLE}; "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one",
                field="token-file",
            )
        if self.host not in _LOOPBACK and not (self.token and self.behind_tls):
            raise SettingsError(
                f"{self.host} is open to other machines: that needs a token, and --behind-tls to say that a proxy "
                "in front of it speaks TLS",
                field="host",
            )
        if self.behind_tls and not self.names:
            raise SettingsError("--behind-tls needs --name with the name by which clients call the proxy", field="name")

    def url(self, port: int) -> str:
        """Where clients call it; the proxy's address where there is one and the server's is not of this machine."""
        if self.host not in _LOOPBACK:
            return f"https://{self.names[0]}/mcp"
        return f"http://{_in_url(self.host)}:{port}/mcp"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def token_from(path: Optional[str]) -> Optional[str]:
    """The token in a file that only its owner may read, else of ``CHECKMK_MCP_TOKEN``; None where neither is given."""
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    try:
        with open(path, encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            token = file.read().strip()
    except (OSError, UnicodeDecodeError):  # of which the second holds what it could not decode
        raise SettingsError("the token file cannot be read", file=path) from None
    if is_open_to_others(status):
        raise SettingsError(f"others may read the token; run: chmod 600 {path}", file=path)
    if not token:
        raise SettingsError("the token file is empty", file=path)
    return token


def application(server: MCPServer[Any], listener: Listener) -> App:
    """The server as an ASGI application."""
    # A proxy may call the server by what it was told, which is the name that it listens at.
    plain = list(dict.fromkeys([*map(_in_url, (*_LOOPBACK, listener.host)), *listener.names]))
    security = TransportSecuritySettings(
        allowed_hosts=[form for name in plain for form in (name, f"{name}:*")],
        allowed_origins=[
            form
            for name in plain
            for scheme in (("https",) if name in listener.names else ("http", "https"))
            for form in (f"{scheme}://{name}", f"{scheme}://{name}:*")
        ],
    )
    app = server.streamable_http_app(
        host=listener.host, transport_security=security, max_request_body_size=MAX_BODY, session_idle_timeout=1800
    )
    return app if listener.token is None else _guarded(app, listener.token)


def _guarded(app: App, token: str) -> App:
    wanted = token.encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or hmac.compare_digest(_bearer(scope), wanted):
            await app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return guarded


def _bearer(scope: Scope) -> bytes:
    """The token of a request; empty for none, or several."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    return token.strip() if scheme.lower() == b"bearer" else b""


def serve_http(
    server: MCPServer[Any],
    listener: Listener,
    ending: Ending,
    finish: Callable[[], bool],
    ready: Callable[[str], object] = lambda _url: None,
) -> None:
    """Serve until the process is asked to end; then ``finish()`` lets the calls under way end, and says whether they
    did. ``ready`` is told the address."""
    sockets = _bound(listener)
    config = uvicorn.Config(
        application(server, listener),
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=ANSWERED_S,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    try:
        running = _Server(config, ending, finish, lambda: ready(listener.url(sockets[0].getsockname()[1])))
        ending.begin = running.leave
        running.run(sockets)
    finally:
        logging.getLogger("uvicorn.error").removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that streams on which clients listen do not end by themselves."""
    return not str(record.msg).startswith("Cancel %s running task(s)")


def _bound(listener: Listener) -> list[socket.socket]:
    """Sockets for all addresses of the host, at one port. SettingsError when it cannot be had."""
    sockets: list[socket.socket] = []
    port = listener.port
    try:
        found = socket.getaddrinfo(listener.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((entry[0], entry[4][0]) for entry in found):
            sockets.append(_bound_to(family, str(address), port))
            port = sockets[0].getsockname()[1]
    except OSError as error:
        for each in sockets:
            each.close()
        busy = " (another program listens there: choose another --port)" if error.errno == errno.EADDRINUSE else ""
        said = f"cannot listen at {listener.host} port {port}: {error.strerror or error}{busy}"
        raise SettingsError(said, field="port") from None
    return sockets


def _bound_to(family: int, address: str, port: int) -> socket.socket:
    each = socket.socket(family)
    try:
        if os.name == "posix":  # elsewhere it would let two listen at one port
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        each.bind((address, port))
        each.listen(100)  # else only that somebody else listens would be known too late
    except OSError:
        each.close()
        raise
    return each


class _Server(uvicorn.Server):
    """Tells when it listens, and lets calls end before it closes their connections."""

    def __init__(
        self, config: uvicorn.Config, ending: Ending, finish: Callable[[], bool], ready: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._ending, self._finish, self._ready = ending, finish, ready

    def leave(self) -> None:
        """Begin to end."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # They are listened to around all of this, and longer.
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: Any = None) -> None:
        for each in self.servers:
            each.close()
        if not await anyio.to_thread.run_sync(self._finish):
            self._ending.at_once()
        await super().shutdown(sockets)
        if self._ending.status:
            self._ending.at_once()
