"""Running the server, over standard input and output or over HTTP."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Callable, Optional

from mcp.server.mcpserver import MCPServer

from ..client.checkmk import Checkmk
from ..config.settings import Settings
from ..sync import load_map
from .audit import Audit
from .calls import Caller
from .policy import Policy
from .progress import WorkClock
from .server import build
from .shutdown import Ending

__all__ = ["serve"]


def serve(
    settings: Settings,
    policy: Policy,
    *,
    audit_log: Optional[str] = None,
    listen: Optional[dict[str, Any]] = None,
    ready: Callable[[str], object] = lambda _url: None,
) -> None:
    """Serve a site until the client leaves, or over HTTP, with ``listen`` (the fields of a ``Listener``, with
    ``token_file`` for its token), until the process is asked to end, and then ``ready`` is told the address.

    SettingsError for what cannot be, and InventoryError for mistakes in the mapping file, before anything is served.
    """
    if settings.sync.map is not None:
        load_map(settings.sync.map)
    listener = None if listen is None else _listener(writes=policy.allow_writes, **listen)
    audit = Audit(settings, audit_log)
    with contextlib.closing(audit), Checkmk.from_settings(settings, clock=WorkClock()) as client:
        caller = Caller(client, policy, audit)
        server = build(caller)
        ending = Ending(caller, audit)
        with ending.listening():
            try:
                if listener is None:
                    _serve_stdio(server)
                else:
                    from .http import serve_http

                    serve_http(server, listener, ending, caller.finish, ready)
            finally:
                # What was cancelled ends with its present write, and that is noted before the log is closed.
                caller.drain(settings.timeouts.total_s)


def _serve_stdio(server: MCPServer[Any]) -> None:
    _part_quietly()
    try:
        # The command line guards its stdout; here that is the wire, and the SDK keeps it clean.
        with contextlib.redirect_stdout(sys.__stdout__):
            server.run("stdio")
    except Exception as error:
        if not _is_gone(error):
            raise


def _part_quietly() -> None:
    """Python 3.13 and later tell what could not be written any more when a stream is forgotten; the SDK's stream to
    a client that has gone is forgotten when the process ends."""
    tell = sys.unraisablehook
    sys.unraisablehook = lambda told: None if isinstance(told.exc_value, ConnectionError) else tell(told)


def _is_gone(error: BaseException) -> bool:
    """True when all that failed is to write to a client that has gone: that is how many leave."""
    inner = getattr(error, "exceptions", None)
    return all(map(_is_gone, inner)) if inner else isinstance(error, ConnectionError)


def _listener(token_file: Optional[str], **listen: Any) -> Any:
    from .http import Listener, token_from  # only who listens pays for the web server

    return Listener(token=token_from(token_file), **listen)
