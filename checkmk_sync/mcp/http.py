"""The server over HTTP: for this machine, or behind a proxy that speaks TLS; with a token for whoever calls."""

from __future__ import annotations

import hmac
import os
import signal
import stat
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, MutableMapping, Optional

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from ..errors import SettingsError

__all__ = ["Listener", "application", "serve_http", "token_from"]

TOKEN_VARIABLE = "CHECKMK_MCP_TOKEN"  # noqa: S105 - its name
SHORTEST_TOKEN = 16
MAX_BODY = 2 * 2**20
STOP_S = 5  # how long calls under way may take to end
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Listener:
    """Where to listen, and who may call. ``names`` are further names by which the server is called, such as that
    of a proxy. SettingsError for what would be open to others."""

    host: str = "127.0.0.1"
    port: int = 8765
    token: Optional[str] = None
    behind_tls: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise SettingsError(f"the token is shorter than {SHORTEST_TOKEN} characters", field="token-file")
        if self.host not in _LOOPBACK and not (self.token and self.behind_tls):
            raise SettingsError(
                f"{self.host} is open to other machines: that needs a token, and --behind-tls to say that a proxy "
                "in front of it speaks TLS",
                field="host",
            )
        if self.behind_tls and not self.names:
            raise SettingsError("--behind-tls needs --name with the name by which clients call the proxy", field="name")


def token_from(path: Optional[str]) -> Optional[str]:
    """The token in a file that only its owner may read, else of ``CHECKMK_MCP_TOKEN``; None where neither is given."""
    if path is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        with open(path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            token = file.read().strip()
    except (OSError, UnicodeDecodeError):  # of which the second holds what it could not decode
        raise SettingsError("the token file cannot be read", file=path) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SettingsError(f"others may read the token; run: chmod 600 {path}", file=path)
    if not token:
        raise SettingsError("the token file is empty", file=path)
    return token


def application(server: MCPServer[Any], listener: Listener) -> App:
    """The server as an ASGI application."""
    plain = [*_LOOPBACK[:1], "localhost", "[::1]", *listener.names]
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


def serve_http(server: MCPServer[Any], listener: Listener, ready: Callable[[int], object] = lambda _port: None) -> None:
    """Serve until SIGTERM or SIGINT; then calls under way get some seconds to end. ``ready`` is told the port."""
    config = uvicorn.Config(
        application(server, listener),
        host=listener.host,
        port=listener.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    # uvicorn raises the signal again once it has stopped: that it came is no failure.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _Told(config, ready).run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Told(uvicorn.Server):
    """Tells its port once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])
