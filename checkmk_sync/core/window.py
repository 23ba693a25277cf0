"""Run a limited number of calls at once. Batches, reads in parts and ``process_stream`` use this module."""

from __future__ import annotations

import collections
import itertools
import queue
from concurrent.futures import Future
from typing import Any, Callable, Generator, Iterable, TypeVar

T = TypeVar("T")


def window(
    submit: Callable[[T], Future[Any]], items: Iterable[T], max_pending: int, *, in_order: bool = False
) -> Generator[Future[Any], None, None]:
    """Submit each item and yield the futures as they finish, or in the order of the items if ``in_order`` is True.

    The next item is taken only while fewer than ``max_pending`` futures wait to be yielded, so a slow consumer slows
    down the source. Futures that are yielded in order may still be running. The caller must shut down the executor,
    because closing the generator does not.
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
            del future  # it may refer to a large result, which only the consumer should keep alive
            waiting += 1
        if not waiting:
            return
        yield submitted.popleft() if in_order else done.get()
        waiting -= 1
        while not (in_order or done.empty()):  # the source may be slow, so yield all finished futures first
            yield done.get()
            waiting -= 1
