"""SIGTERM and Ctrl-C: the first lets calls under way finish, the second ends the process at once."""

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

__all__ = ["Shutdown"]

FLUSH_S = 0.3  # how long the last results may take to be written


class Shutdown:
    """Handles signals that end the process; ``start`` is what the first one calls."""

    def __init__(self, runner: ToolRunner, audit: AuditLog) -> None:
        self._runner, self._audit = runner, audit
        self.finish_calls = runner.finish
        self._first_signal = 0
        # In a thread: where standard input is read, the main thread cannot be woken.
        self.start: Callable[[], object] = threading.Thread(
            target=self._finish, name="checkmk-sync-shutdown", daemon=True
        ).start

    @contextlib.contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Handle signals while the server runs and ends."""
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
        """Exit status after the calls have finished: 0 unless one of them was stopped."""
        return 128 + self._first_signal if self._runner.has_stopped_calls else 0

    def exit_now(self, status: Optional[int] = None) -> NoReturn:
        """End the process, as if killed by the signal without ``status``. Writes under way are noted as unknown."""
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
