"""The MCP server over HTTP: on this machine, or behind a proxy that terminates TLS. Clients may need a token."""

from __future__ import annotations

import contextlib
import errno
import hmac
import logging
import os
import re
import socket
from dataclasses import dataclass
from typing import Any, Callable, Optional

import anyio.to_thread
import uvicorn
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse

from ..core.private_files import is_open_to_others
from ..core.redaction import HIDDEN
from ..errors import SettingsError
from .shutdown import Shutdown

TOKEN_VARIABLE = "CHECKMK_MCP_TOKEN"  # noqa: S105 - the name, not a token
MIN_TOKEN = 16  # characters
MAX_BODY = 16 * 2**20  # bytes
MAX_CONNECTIONS = 200  # further ones get a 503, before the process runs out of file descriptors
FLUSH_S = 2  # seconds to send the last results
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Listener:
    """The address to listen on, and the clients that may call.

    ``names`` are further host names that clients use, such as the name of a proxy. ``writes`` is True if the tools can
    change the site. Raises SettingsError for settings that would open the server to others.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: Optional[str] = None
    behind_tls: bool = False
    names: tuple[str, ...] = ()
    writes: bool = False

    def __post_init__(self) -> None:
        if self.token is not None and not re.fullmatch(r"[!-~]+", self.token):
            raise SettingsError("the token must be printable ASCII without spaces", field="token-file")
        if self.token is not None and len(self.token) < MIN_TOKEN:
            raise SettingsError(f"the token must have at least {MIN_TOKEN} characters", field="token-file")
        if self.writes and self.token is None:
            raise SettingsError(
                "--allow-writes needs a token, because every user and program on this machine can reach the port; "
                f"give --token-file FILE or set {TOKEN_VARIABLE} (openssl rand -hex 32 prints a token)",
                field="token-file",
            )
        if self.host not in _LOOPBACK and not (self.token and self.behind_tls):
            raise SettingsError(
                f"other machines can reach {self.host}, so the server needs a token and a proxy that terminates TLS; "
                "give --token-file FILE and --behind-tls",
                field="host",
            )
        if self.behind_tls and not self.names:
            raise SettingsError("--behind-tls needs the host name of the proxy; give --name NAME", field="name")

    def url(self, port: int) -> str:
        """Return the URL for clients, which is the URL of the proxy unless only this machine can reach the server."""
        if self.host not in _LOOPBACK:
            return f"https://{self.names[0]}/mcp"
        # Not localhost, which can also be ::1, where another user's program may listen and receive the token.
        return f"http://{_in_url(self.host.replace('localhost', '127.0.0.1'))}:{port}/mcp"

    @property
    def token_verifier(self) -> Optional[TokenVerifier]:
        return None if self.token is None else _OneToken(self.token)


class _OneToken(TokenVerifier):
    """Accepts only the operator's token."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> Optional[AccessToken]:
        is_valid = hmac.compare_digest(token.encode(), self._token)
        return AccessToken(token=HIDDEN, client_id="operator", scopes=[]) if is_valid else None


class _OneAuthorization:
    """ASGI middleware that refuses requests with several Authorization headers."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        names = [name.lower() for name, _ in scope["headers"]] if scope["type"] == "http" else []
        refused = names.count(b"authorization") > 1  # a proxy may have checked a different one
        await (PlainTextResponse("send one Authorization header", 401) if refused else self._app)(scope, receive, send)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def read_token(path: Optional[str]) -> Optional[str]:
    """Return the token from the file ``path``, or from ``CHECKMK_MCP_TOKEN`` if ``path`` is None.

    Without a file, return None if the variable is empty or not set. Raises SettingsError if the file is empty, cannot
    be read, or is readable by other users.
    """
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    try:
        with open(path, encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:  # not chained: a UnicodeDecodeError contains the bytes of the file
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"the token file cannot be read: {reason}", file=path) from None
    if is_open_to_others(status):
        raise SettingsError(f"other users can read the token file; run: chmod 600 {path}", file=path)
    if not token:
        raise SettingsError("the token file is empty", file=path)
    return token


def _allowed_names(listener: Listener) -> TransportSecuritySettings:
    """Return the host names and origins that requests may have, as a protection against DNS rebinding."""
    # A proxy may send the address that the server listens on as Host.
    names = list(dict.fromkeys([*map(_in_url, (*_LOOPBACK, listener.host)), *listener.names]))
    origins = [f"https://{name}" for name in names]
    origins += [f"http://{name}" for name in names if name not in listener.names]
    return TransportSecuritySettings(
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[*origins, *(f"{origin}:*" for origin in origins)],
    )


def serve_http(server: MCPServer[Any], listener: Listener, shutdown: Shutdown, ready: Callable[[str], object]) -> None:
    """Call ``ready`` with the URL, serve until a signal arrives, and wait for the calls in progress."""
    listening = _listen(listener)
    url = listener.url(listening.getsockname()[1])
    app = server.streamable_http_app(
        host=listener.host,
        transport_security=_allowed_names(listener),
        max_request_body_size=MAX_BODY,
        session_idle_timeout=1800,  # seconds
    )
    config = uvicorn.Config(
        _OneAuthorization(app),
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=FLUSH_S,
    )
    logger = logging.getLogger("uvicorn.error")
    # Event streams do not end by themselves, so uvicorn would report at every shutdown that it cancels them.
    logger.addFilter(_is_not_about_streams)
    try:
        web_server = _WebServer(config, shutdown)
        shutdown.start = web_server.request_exit
        ready(url)  # the sockets listen already, so a client that connects now waits until the server runs
        web_server.run([listening])
    finally:
        logger.removeFilter(_is_not_about_streams)


def _is_not_about_streams(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Cancel %s running task(s)")


def _listen(listener: Listener) -> socket.socket:
    """Return a listening socket. Raises SettingsError if it cannot be bound."""
    # Bound here, because uvicorn would exit if the port is in use.
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    try:
        return socket.create_server((listener.host, listener.port), family=family)
    except OSError as error:
        busy = "; another program uses it, so choose another --port" if error.errno == errno.EADDRINUSE else ""
        reason = (error.strerror or str(error)).partition(" (while")[0]  # the message already names the address
        message = f"cannot listen on {listener.host} port {listener.port}: {reason}{busy}"
        raise SettingsError(message, field="port") from None


class _WebServer(uvicorn.Server):
    """A uvicorn server that lets calls finish before it closes their connections."""

    def __init__(self, config: uvicorn.Config, shutdown: Shutdown) -> None:
        super().__init__(config)
        self._shutdown = shutdown

    def request_exit(self) -> None:
        """Ask the server to exit."""
        self.should_exit = True

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """Leave signals to :class:`Shutdown`, which still handles them after uvicorn has stopped."""
        return contextlib.nullcontext()

    async def shutdown(self, sockets: Optional[list[socket.socket]] = None) -> None:
        for server in self.servers:
            server.close()
        if not await anyio.to_thread.run_sync(self._shutdown.finish_calls):
            self._shutdown.exit_now()
        await super().shutdown(sockets)
        if self._shutdown.status:
            self._shutdown.exit_now()
