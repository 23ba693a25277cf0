"""Run a bounded number of calls at the same time, for batches, for reading in parts and for ``process_stream``."""

from __future__ import annotations

import collections
import itertools
import queue
from concurrent.futures import Future
from typing import Any, Callable, Generator, Iterable, TypeVar

__all__ = ["window"]

T = TypeVar("T")


def window(
    submit: Callable[[T], Future[Any]], items: Iterable[T], max_pending: int, *, in_order: bool = False
) -> Generator[Future[Any], None, None]:
    """Submit each item and yield its future: as soon as it is done, or with ``in_order`` in the order of the items.

    An item is taken only when fewer than ``max_pending`` futures wait to be yielded, so a slow consumer slows the
    source down. Futures that are yielded in order may still be running. Closing the generator does not shut the
    executor down; the caller does that.
    """
    source = iter(items)
    submitted: collections.deque[Future[Any]] = collections.deque()
    done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    waiting = 0
    while True:
        for item in itertools.islice(source, max_pending - waiting):
            future = submit(item)
            if in_order:
                submitted.append(future)
            else:
                future.add_done_callback(done.put)
            del future  # a result may be large, and belongs to the consumer alone
            waiting += 1
        if not waiting:
            return
        yield submitted.popleft() if in_order else done.get()
        waiting -= 1
        while not (in_order or done.empty()):  # before the next item is taken, which may take its time
            yield done.get()
            waiting -= 1
