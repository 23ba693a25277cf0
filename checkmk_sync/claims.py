"""Which calls of a client have created which objects."""

from __future__ import annotations

import contextlib
import threading
from typing import Iterable, Iterator

from .clock import Clock

__all__ = ["Claims"]


class Claims:
    """The objects that calls of a client are creating now, or have created in the last seconds.

    An object that is there as one call sent it may be the work of another call of the same client.
    """

    KEPT_S, KEPT = 5.0, 20_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[tuple[str, str], float] = {}

    @contextlib.contextmanager
    def claim(self, noun: str, names: Iterable[str]) -> Iterator[set[str]]:
        """Note that the block creates these objects; one that raises an error has created none.

        Yields the names of those that no other call has claimed in the last seconds.
        """
        with self._lock:
            now = self._clock.monotonic()
            mine = {name for name in names if self._since.get((noun, name), float("-inf")) < now - self.KEPT_S}
            for name in mine:
                self._since.pop((noun, name), None)  # so that the oldest come first
                self._since[noun, name] = now
            for key in list(self._since)[: -self.KEPT]:
                del self._since[key]
        try:
            yield mine
        except BaseException:
            for name in mine:
                self.discard(noun, name)
            raise

    def discard(self, noun: str, name: str) -> None:
        """Note that this object is not there."""
        with self._lock:
            self._since.pop((noun, name), None)
