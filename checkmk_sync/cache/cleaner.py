"""One thread that frees the room of expired answers, for all caches of this process."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Callable, Optional

from ..core.fork import renewed_in_children

__all__ = ["CLEANER", "Cleaner"]

Method = weakref.WeakMethod[Callable[[], None]]


class Cleaner:
    """Calls methods at intervals, from a thread that lives only while there is one to call.

    It holds the methods weakly: a cache that nobody closed is forgotten when it is collected.
    """

    def __init__(self) -> None:
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """Start without methods and without a thread."""
        self._changed = threading.Condition()
        self._due: dict[Method, tuple[float, float]] = {}  # when to call it next, and the interval
        self._thread: Optional[threading.Thread] = None

    def add(self, method: Callable[[], None], interval_s: float) -> None:
        """Call ``method`` every ``interval_s`` seconds."""
        with self._changed:
            self._due.setdefault(weakref.WeakMethod(method), (time.monotonic() + interval_s, interval_s))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="checkmk-sync-cache", daemon=True)
                self._thread.start()
            else:
                self._changed.notify()

    def remove(self, method: Callable[[], None]) -> None:
        """Call ``method`` no longer."""
        with self._changed:
            self._due.pop(weakref.WeakMethod(method), None)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._due = {method: due for method, due in self._due.items() if method() is not None}
                if not self._due:
                    self._thread = None
                    return
                method, (at, interval_s) = min(self._due.items(), key=lambda item: item[1][0])
                left_s = at - time.monotonic()
                if left_s > 0:
                    self._changed.wait(min(left_s, 5.0))  # so that caches which are gone are noticed
                    continue
                self._due[method] = (time.monotonic() + interval_s, interval_s)
            clean = method()
            if clean is not None:
                clean()  # outside the lock, because it may take its time
            del clean


CLEANER = Cleaner()
