"""Share one call between all concurrent callers of the same key."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import Future
from typing import Callable, Generic, Hashable, TypeVar

from ..core.cancellation import wait_for_result
from ..core.fork import ForkSafe

T = TypeVar("T")


class SingleFlight(ForkSafe, Generic[T]):
    """A group of calls by key. Concurrent callers of the same key share a single call, with its result or failure."""

    LOCKS = ()

    def reset_after_fork(self) -> None:
        """Forget the calls in progress, because their threads do not exist in the child of a fork."""
        self._flights: dict[Hashable, _Flight[T]] = {}

    def run(self, key: Hashable, fetch: Callable[[], T]) -> tuple[T, bool]:
        """Return the result of ``fetch()``, and True if another thread called it.

        All callers get the same object, so they must not modify it.
        """
        while True:
            mine: _Flight[T] = _Flight()
            try:
                flight = self._flights.setdefault(key, mine)  # a single step, which Ctrl-C cannot interrupt
                if flight is mine:
                    return self._lead(key, mine, fetch), False
            finally:  # even if Ctrl-C arrived in between
                self._leave(key, mine)
                if not mine.future.done():
                    mine.future.set_exception(_Abandoned())
            if flight.leader == threading.get_ident():  # a nested call with the same key must not wait for itself
                return fetch(), False
            try:
                return wait_for_result(flight.future), True
            except _Abandoned:  # Ctrl-C interrupted only the other thread, so try again
                continue
            except Exception as failure:
                raise _copy_of(failure) from failure.__cause__

    def is_under_way(self, key: Hashable) -> bool:
        """Return True if a call with this key is in progress."""
        return key in self._flights

    def _lead(self, key: Hashable, mine: _Flight[T], fetch: Callable[[], T]) -> T:
        try:
            result = fetch()
        except Exception as failure:
            self._leave(key, mine)
            mine.future.set_exception(failure)
            raise
        self._leave(key, mine)  # before publishing the result, because later callers may need a newer one
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
    """Return a copy of an exception, because raising it would modify it. Return it unchanged if it cannot be copied."""
    try:
        copied = copy.copy(failure)
    except Exception:  # the constructor of an exception class of the user may raise anything
        return failure
    return copied if type(copied) is type(failure) else failure


class _Abandoned(Exception):
    pass
