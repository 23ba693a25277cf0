"""One flight for a key: who wants what another thread is fetching waits for that."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import Future
from typing import Callable, Generic, Hashable, TypeVar

from ..forks import renewed_in_children

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls with the same key at the same time are one call; all get its result, or its failure at once."""

    def __init__(self) -> None:
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """Nothing is in the air: in the child of a fork those who fly are not there."""
        self._flights: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def run(self, key: Hashable, fly: Callable[[], T]) -> tuple[T, bool]:
        """The result, and whether it was another thread that fetched it. It is one object for all: do not change it."""
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    mine = self._flights[key] = Future()
                    break
            try:
                return flight.result(), True
            except _Abandoned:  # by Ctrl-C, which was for that thread only
                continue
            except Exception as failure:
                # An exception is marked by each thread that raises it, so each gets its own.
                raise copy.copy(failure) from failure.__cause__
        return self._fly(key, mine, fly), False

    def _fly(self, key: Hashable, mine: Future[T], fly: Callable[[], T]) -> T:
        try:
            result = fly()
        except BaseException as failure:
            self._land(key)
            mine.set_exception(failure if isinstance(failure, Exception) else _Abandoned())
            raise
        self._land(key)  # before it is told: who comes now may want what is newer
        mine.set_result(result)
        return result

    def _land(self, key: Hashable) -> None:
        with self._lock:
            del self._flights[key]


class _Abandoned(Exception):
    pass
