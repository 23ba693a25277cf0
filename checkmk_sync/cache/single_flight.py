"""Concurrent callers of one key share a single request."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import Future
from typing import Callable, Generic, Hashable, TypeVar

from ..core.cancellation import wait_for_result
from ..core.fork import ForkSafe

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(ForkSafe, Generic[T]):
    """Calls with the same key at the same time are one call; all get its result, or its failure."""

    LOCKS = ()

    def reset_after_fork(self) -> None:
        """Forget the calls that are under way: in the child of a fork their threads do not exist."""
        self._flights: dict[Hashable, _Flight[T]] = {}

    def run(self, key: Hashable, fetch: Callable[[], T]) -> tuple[T, bool]:
        """Return the result, and whether another thread fetched it. It is one object for all: do not change it.

        A call that leads to itself, such as one that calls the method which it overrides, does not wait for itself.
        """
        while True:
            mine: _Flight[T] = _Flight()
            try:
                flight = self._flights.setdefault(key, mine)  # one step, which Ctrl-C cannot divide
                if flight is mine:
                    return self._lead(key, mine, fetch), False
            finally:  # whatever happened in between
                self._leave(key, mine)
                if not mine.future.done():
                    mine.future.set_exception(_Abandoned())
            if flight.leader == threading.get_ident():
                return fetch(), False
            try:
                return wait_for_result(flight.future), True
            except _Abandoned:  # by Ctrl-C, which was for that thread only
                continue
            except Exception as failure:
                raise _copy_of(failure) from failure.__cause__

    def is_under_way(self, key: Hashable) -> bool:
        """Return True if a call with this key is being made."""
        return key in self._flights

    def _lead(self, key: Hashable, mine: _Flight[T], fetch: Callable[[], T]) -> T:
        try:
            result = fetch()
        except Exception as failure:
            self._leave(key, mine)
            mine.future.set_exception(failure)
            raise
        self._leave(key, mine)  # before the others get the result: later callers may need a newer one
        mine.future.set_result(result)
        return result

    def _leave(self, key: Hashable, mine: _Flight[T]) -> None:
        if self._flights.get(key) is mine:
            del self._flights[key]


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.future: Future[T] = Future()
        self.leader = threading.get_ident()


def _copy_of(failure: Exception) -> Exception:
    """Return a copy, because raising modifies an exception; the exception itself if it cannot be copied."""
    try:
        copied = copy.copy(failure)
    except Exception:  # the constructor of somebody's own exception may need other arguments, and raise anything
        return failure
    return copied if type(copied) is type(failure) else failure


class _Abandoned(Exception):
    pass
