"""Handling of SIGTERM and Ctrl-C: the first lets calls finish, the second ends the process immediately."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Callable, Iterator, NoReturn, Optional

from .audit import AuditLog
from .calls import ToolRunner

FLUSH_S = 0.3  # seconds to write the last results


class Shutdown:
    """Handles the signals that end the process. The first signal calls ``start``."""

    def __init__(self, runner: ToolRunner, audit: AuditLog) -> None:
        self._runner, self._audit = runner, audit
        self.finish_calls = runner.finish
        self._first_signal = 0
        # In a thread, because the main thread cannot be woken while it reads standard input.
        self.start: Callable[[], object] = threading.Thread(
            target=self._finish, name="checkmk-sync-shutdown", daemon=True
        ).start

    @contextlib.contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Handle signals while the server runs and shuts down."""
        # Python accepts signal handlers only in the main thread.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {number: signal.signal(number, self._handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @property
    def status(self) -> int:
        """The exit status after the calls have ended: 0, or 128 plus the signal number if a call was stopped."""
        return 128 + self._first_signal if self._runner.has_stopped_calls else 0

    def exit_now(self, status: Optional[int] = None) -> NoReturn:
        """End the process immediately, and record the writes in progress as unknown.

        Without ``status``, the exit status is the same as if the signal had killed the process.
        """
        self._audit.abandon()
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(128 + self._first_signal if status is None else status)

    def _handle(self, number: int, _frame: Optional[FrameType]) -> None:
        if self._first_signal:
            self.exit_now()
        self._first_signal = number
        self.start()

    def _finish(self) -> None:
        if self.finish_calls():
            threading.Event().wait(FLUSH_S)
        self.exit_now(self.status)
