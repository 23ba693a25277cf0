"""Running the server, over standard input and output or over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any, Callable, Iterator, Optional

from ..client import Checkmk
from ..settings import Settings
from .audit import Audit
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
    """Serve a site until the client leaves, or over HTTP, with ``listen`` (the fields of a ``Listener``), until
    the process is asked to end. SettingsError for what cannot be, before anything is served."""
    audit = Audit(settings, audit_log)
    with contextlib.closing(audit), Checkmk.from_settings(settings, clock=WorkClock()) as client:
        server = build(client, policy, audit)
        if listen is None:
            with _ending_at_once():
                server.run("stdio")
        else:
            from .http import Listener, serve_http  # only who listens pays for the web server

            serve_http(server, Listener(**listen), ready)


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
