"""In the child of a fork locks are free, whoever held them in the parent."""

from __future__ import annotations

import os
import threading

import pytest

from checkmk_sync.core.fork import ForkSafe

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


class _Counter(ForkSafe):
    LOCKS = (("_lock", threading.Lock), ("_changed", threading.Condition))
    _lock: threading.Lock
    _changed: threading.Condition

    def __init__(self) -> None:
        super().__init__()
        self.total = 7

    def reset_after_fork(self) -> None:
        super().reset_after_fork()
        self.under_way = 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_gets_new_locks_and_keeps_the_rest() -> None:
    counter = _Counter()
    counter.under_way = 3
    locks = (counter._lock, counter._changed)
    with counter._lock, counter._changed:
        child = os.fork()
        if child == 0:
            is_free = counter._lock.acquire(blocking=False) and counter._changed.acquire(blocking=False)
            os._exit(0 if is_free and (counter.total, counter.under_way) == (7, 0) else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert (counter._lock, counter._changed) == locks
    assert counter.under_way == 3
