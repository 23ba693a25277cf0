"""Locks are free in a forked child, even if the parent held them during the fork."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from checkmk_sync.core.fork import ForkSafe

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


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
def test_a_child_gets_new_locks_and_keeps_other_attributes() -> None:
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


# Threads create objects while the process forks. Python only prints the errors of fork hooks, so stderr must be empty.
FORKS = """
import os, sys, threading, warnings
from checkmk_sync.cache import LRUCache
warnings.simplefilter("ignore")
sys.setswitchinterval(1e-6)
stop = threading.Event()

def create():
    while not stop.is_set():
        LRUCache()

threads = [threading.Thread(target=create) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(40):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
stop.set()
for thread in threads:
    thread.join()
"""


def test_objects_can_be_created_while_the_process_forks() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
