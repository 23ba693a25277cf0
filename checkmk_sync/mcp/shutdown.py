"""SIGTERM and Ctrl-C: the first lets what is under way end, the second ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Callable, Iterator, NoReturn, Optional

from .audit import Audit
from .calls import Caller

__all__ = ["Ending"]

ANSWERED_S = 0.3  # how long the answers of the last calls may take to be written


class Ending:
    """What happens when the process is asked to end; ``begin`` is what the first signal does."""

    def __init__(self, caller: Caller, audit: Audit) -> None:
        self._caller, self._audit = caller, audit
        self._asked = 0  # the number of the first signal
        self.begin: Callable[[], object] = self.end_in_time

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Around all that can be asked to end, also while it is ending."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end_in_time(self) -> None:
        """Let the calls under way end, and then the process, from a thread: where standard input is read, the main
        thread cannot be woken."""
        threading.Thread(target=self._end, name="checkmk-sync-ending", daemon=True).start()

    @property
    def status(self) -> int:
        """With which the process ends that has let its calls end: 0 unless one of them was cut off."""
        return 128 + self._asked if self._caller.has_cut else 0

    def at_once(self, status: Optional[int] = None) -> NoReturn:
        """End the process, as killed by the signal unless told otherwise. What it was writing is noted as unknown."""
        self._audit.give_up()
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(128 + self._asked if status is None else status)

    def _handle(self, number: int, _frame: Optional[FrameType]) -> None:
        if self._asked:
            self.at_once()
        self._asked = number
        self.begin()

    def _end(self) -> None:
        if self._caller.finish():
            threading.Event().wait(ANSWERED_S)
        self.at_once(self.status)
