"""Running the server, over standard input and output or over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Callable, Iterator, Optional

from mcp.server.mcpserver import MCPServer

from ..client import Checkmk
from ..settings import Settings
from .audit import Audit
from .calls import Caller
from .policy import Policy
from .server import build
from .work import WorkClock

__all__ = ["serve"]


def serve(
    settings: Settings,
    policy: Policy,
    *,
    audit_log: Optional[str] = None,
    listen: Optional[dict[str, Any]] = None,
    ready: Callable[[int], object] = lambda _port: None,
) -> None:
    """Serve a site until the client leaves, or over HTTP, with ``listen`` (the fields of a ``Listener``, with
    ``token_file`` for its token), until the process is asked to end, and then ``ready`` is told the port.

    SettingsError for what cannot be, before anything is served.
    """
    listener = None if listen is None else _listener(**listen)
    audit = Audit(settings, audit_log)
    with contextlib.closing(audit), Checkmk.from_settings(settings, clock=WorkClock()) as client:
        caller = Caller(client, policy, audit)
        server = build(caller)
        try:
            if listener is None:
                _serve_stdio(server)
            else:
                from .http import serve_http

                serve_http(server, listener, ready)
        finally:
            # Calls were cancelled and end at their next step; what they have done is noted before the log is closed.
            caller.drain(settings.timeouts.total_s)


def _serve_stdio(server: MCPServer[Any]) -> None:
    try:
        # The command line guards its stdout; here that is the wire, and the SDK keeps it clean.
        with _ending_at_once(), contextlib.redirect_stdout(sys.__stdout__):
            server.run("stdio")
    except Exception as error:
        if not _is_gone(error):
            raise


def _is_gone(error: BaseException) -> bool:
    """True when all that failed is to write to a client that has gone: that is how many leave."""
    inner = getattr(error, "exceptions", None)
    return all(map(_is_gone, inner)) if inner else isinstance(error, ConnectionError)


def _listener(token_file: Optional[str], **listen: Any) -> Any:
    from .http import Listener, token_from  # only who listens pays for the web server

    return Listener(token=token_from(token_file), **listen)


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    """End the process on SIGTERM and Ctrl-C: the thread that reads standard input can not be woken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: Optional[FrameType]) -> None:
        os._exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
