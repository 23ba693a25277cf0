"""The window of running calls is bounded and lazy, and yields futures in the requested order."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Iterator

import pytest

from checkmk_sync.core.window import window


def _count_taken(numbers: range, taken: list[int]) -> Iterator[int]:
    for number in numbers:
        taken.append(number)
        yield number


@pytest.fixture
def submit() -> Iterator[Callable[[int], Future[int]]]:
    with ThreadPoolExecutor(3) as pool:
        yield lambda number: pool.submit(pow, number, 2)


@pytest.mark.parametrize("ahead", [1, 3, 10, 1000])
def test_results_can_keep_the_order_of_the_items(submit: Callable[[int], Future[int]], ahead: int) -> None:
    assert [future.result() for future in window(submit, range(50), ahead, in_order=True)] == [n * n for n in range(50)]


@pytest.mark.parametrize("ahead", [1, 3, 10, 1000])
def test_every_future_is_yielded_once_and_finished(submit: Callable[[int], Future[int]], ahead: int) -> None:
    futures = list(window(submit, range(50), ahead))
    assert all(future.done() for future in futures)
    assert sorted(future.result() for future in futures) == [n * n for n in range(50)]


@pytest.mark.parametrize("in_order", [False, True])
def test_the_number_of_items_taken_ahead_is_limited(submit: Callable[[int], Future[int]], in_order: bool) -> None:
    taken: list[int] = []
    for count, _ in enumerate(window(submit, _count_taken(range(50), taken), 4, in_order=in_order)):
        assert len(taken) <= count + 4
    assert len(taken) == 50


def test_a_slow_item_does_not_delay_finished_items() -> None:
    finished_seen = threading.Event()

    def work(number: int) -> int:
        return number if number else finished_seen.wait(10) - 1

    with ThreadPoolExecutor(2) as pool:
        futures = window(lambda number: pool.submit(work, number), range(5), 2)
        assert [next(futures).result() for _ in range(4)] == [1, 2, 3, 4]
        finished_seen.set()
        assert [future.result() for future in futures] == [0]


def test_without_items_nothing_is_yielded(submit: Callable[[int], Future[int]]) -> None:
    assert list(window(submit, [], 4)) == []


def test_an_error_of_the_source_is_raised(submit: Callable[[int], Future[int]]) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(window(submit, numbers(), 4))


def test_all_finished_futures_are_yielded_before_the_next_item_is_taken() -> None:
    """The consumer sees a failure before it waits for the next item of a slow source."""
    futures: list[Future[int]] = []

    def finished(number: int) -> Future[int]:
        future: Future[int] = Future()
        future.set_result(number)
        futures.append(future)
        return future

    taken: list[int] = []
    yielded = window(finished, _count_taken(range(6), taken), 3)
    assert [next(yielded).result() for _ in range(3)] == [0, 1, 2]
    assert taken == [0, 1, 2]
