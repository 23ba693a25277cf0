"""One flight for a key: who wants what another thread is fetching waits for that."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import Future
from typing import Callable, Generic, Hashable, TypeVar

from ..core.cancellation import wait_for_result
from ..core.fork import renewed_in_children

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls with the same key at the same time are one call; all get its result, or its failure at once."""

    def __init__(self) -> None:
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """Nothing is in the air: in the child of a fork those who fly are not there."""
        self._flights: dict[Hashable, _Flight[T]] = {}

    def run(self, key: Hashable, fly: Callable[[], T]) -> tuple[T, bool]:
        """The result, and whether it was another thread that fetched it. It is one object for all: do not change it.

        A call that leads to itself, such as one that calls the method which it overrides, does not wait for itself.
        """
        while True:
            mine: _Flight[T] = _Flight()
            try:
                flight = self._flights.setdefault(key, mine)  # one step, which Ctrl-C cannot divide
                if flight is mine:
                    return self._fly(key, mine, fly), False
            finally:
                self._land(key, mine)  # whatever came between
            if flight.pilot == threading.get_ident():
                return fly(), False
            try:
                return wait_for_result(flight.landed), True
            except _Abandoned:  # by Ctrl-C, which was for that thread only
                continue
            except Exception as failure:
                raise _another(failure) from failure.__cause__

    def _fly(self, key: Hashable, mine: _Flight[T], fly: Callable[[], T]) -> T:
        try:
            result = fly()
        except Exception as failure:
            self._leave(key, mine)
            mine.landed.set_exception(failure)
            raise
        self._leave(key, mine)  # before it is told: who comes now may want what is newer
        mine.landed.set_result(result)
        return result

    def _land(self, key: Hashable, mine: _Flight[T]) -> None:
        self._leave(key, mine)
        if not mine.landed.done():
            mine.landed.set_exception(_Abandoned())

    def _leave(self, key: Hashable, mine: _Flight[T]) -> None:
        if self._flights.get(key) is mine:
            del self._flights[key]


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.landed: Future[T] = Future()
        self.pilot = threading.get_ident()


def _another(failure: Exception) -> Exception:
    """A copy, for an exception is marked by each thread that raises it; itself where it cannot be copied."""
    try:
        copied = copy.copy(failure)
    except Exception:  # made by a constructor that wants something else
        return failure
    return copied if type(copied) is type(failure) else failure


class _Abandoned(Exception):
    pass
