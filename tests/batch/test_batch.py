"""A batch has one outcome for each item: a result, an error, or the reason for skipping it."""

from __future__ import annotations

import contextvars
import itertools
import logging
import math
import threading
from typing import Any, Iterator, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.batch import BatchItem, BatchProcessor, BatchProgress, BatchStatus, Skip
from checkmk_sync.errors import (
    BadRequestError,
    BatchError,
    CircuitOpenError,
    ConnectError,
    ReadTimeoutError,
    ThrottledError,
)
from checkmk_sync.testing import ManualClock

SUCCESS, FAILED, SKIPPED = BatchStatus.SUCCESS, BatchStatus.FAILED, BatchStatus.SKIPPED


def _only(outcomes: Any) -> BatchItem[Any, Any]:
    (outcome,) = outcomes
    return outcome  # type: ignore[no-any-return]


class Failing:
    """An operation that raises ``errors`` one after another, and then returns "done"."""

    def __init__(self, *errors: Optional[Exception]) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self, item: Any) -> str:
        self.calls += 1
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return "done"


def test_results_are_in_the_order_of_the_input() -> None:
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first_may_end.wait(10)
        if number == 29:
            first_may_end.set()
        return number * number

    result = BatchProcessor(max_concurrent=3).process_batch(list(range(30)), work, batch_id="squares")
    assert [item.result for item in result.items] == [number * number for number in range(30)]
    assert [(item.index, item.key, item.item) for item in result.items[:2]] == [(0, "0", 0), (1, "1", 1)]
    assert (result.batch_id, result.ok, result.progress.success, result.progress.total_items) == (
        "squares",
        True,
        30,
        30,
    )
    result.raise_for_failures()


@pytest.mark.parametrize("value", [False, None, 0, "", [], ValueError("returned, not raised")])
def test_any_return_value_is_a_result(value: object) -> None:
    outcome = _only(BatchProcessor().process_batch([1], lambda _: value).items)
    assert (outcome.status, outcome.result, outcome.error) == (SUCCESS, value, None)


def test_an_exception_fails_only_its_item() -> None:
    def work(text: str) -> float:
        return 1 / int(text)

    result = BatchProcessor().process_batch(["1", "0", "x", "2"], work)
    assert [item.status for item in result.items] == [SUCCESS, FAILED, FAILED, SUCCESS]
    assert [type(item.error) for item in result.failed] == [ZeroDivisionError, ValueError]
    assert not result.ok
    with pytest.raises(BatchError, match="2 of 4 items failed; the first is 0: division by zero") as caught:
        result.raise_for_failures()
    assert caught.value.outcomes == result.items
    assert caught.value.to_dict()["outcomes"][1]["error"] == {
        "error": "ZeroDivisionError",
        "message": "division by zero",
    }


def test_the_class_of_an_error_decides_whether_it_is_retried(clock: ManualClock) -> None:
    cases = [
        (ReadTimeoutError("no answer", sent=False), 2),  # retryable
        (TimeoutError(), 2),
        (ThrottledError(429, "slow down", retry_after_s=7.0), 2),
        (ConnectError("refused", sent=False), 2),  # circuit-breaking
        (BadRequestError(400, "no"), 1),  # permanent
        (ReadTimeoutError("a write that may have happened"), 1),
        (KeyError("a mistake"), 1),
    ]
    for error, attempts in cases:
        outcome = _only(BatchProcessor(clock=clock).process_batch([1], Failing(error)).items)
        assert outcome.attempts == attempts, error
        assert outcome.status is (SUCCESS if attempts == 2 else FAILED)
    assert max(clock.slept) >= 7.0, "the wait is at least Retry-After"


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_max_retries_does_not_count_the_first_attempt(clock: ManualClock, retries: int) -> None:
    work = Failing(*(TimeoutError() for _ in range(9)))
    outcome = _only(BatchProcessor(max_retries=retries, clock=clock).process_batch([1], work).items)
    assert outcome.attempts == work.calls == retries + 1
    assert isinstance(outcome.error, TimeoutError)


def test_waits_grow_from_the_retry_delay(clock: ManualClock) -> None:
    work = Failing(*(TimeoutError() for _ in range(4)))
    outcome = _only(BatchProcessor(max_retries=4, retry_delay=2.0, clock=clock).process_batch([1], work).items)
    assert all(0.0 <= slept <= 2.0 * 2**repeat for repeat, slept in enumerate(clock.slept))
    assert outcome.duration_s == pytest.approx(sum(clock.slept), abs=1e-4)
    assert outcome.started is not None
    assert outcome.ended == pytest.approx(outcome.started + outcome.duration_s)
    clock.slept.clear()
    BatchProcessor(retry_delay=0, clock=clock).process_batch([1], Failing(TimeoutError()))
    assert sum(clock.slept) == 0


def test_items_wait_up_to_a_minute_for_an_open_breaker(clock: ManualClock) -> None:
    start = clock.time()
    soon = Failing(CircuitOpenError("open", retry_at=start + 30))
    outcome = _only(BatchProcessor(retry_delay=0.1, clock=clock).process_batch([1], soon).items)
    assert (outcome.status, outcome.attempts) == (SUCCESS, 2)
    assert 30 <= clock.time() - start < 31
    late = Failing(CircuitOpenError("open", retry_at=clock.time() + 3600))
    outcome = _only(BatchProcessor(clock=clock).process_batch([1], late).items)
    assert (outcome.status, outcome.attempts) == (FAILED, 1)


def test_skipped_items_are_not_failures() -> None:
    def work(number: int) -> int:
        if number % 2:
            raise Skip(f"{number} is odd")
        return number

    result = BatchProcessor().process_batch(range(4), work)
    assert [(item.status, item.reason) for item in result.items[:2]] == [(SUCCESS, ""), (SKIPPED, "1 is odd")]
    assert (result.progress.success, result.progress.skipped, result.progress.failed) == (2, 2, 0)
    assert result.ok


def test_invalid_items_are_never_run() -> None:
    sent: list[int] = []

    def validate(number: int) -> Optional[bool]:
        if number == 1:
            raise ValueError("one is wrong")
        if number == 2:
            raise Skip("two is done")
        return False if number == 3 else None

    result = BatchProcessor().process_batch(range(5), sent.append, validate_item=validate)
    assert sorted(sent) == [0, 4]
    assert [item.status for item in result.items] == [SUCCESS, FAILED, SKIPPED, FAILED, SUCCESS]
    reasons = ["one is wrong", "two is done", "validate_item returned False for this item"]
    assert [item.reason for item in result.items[1:4]] == reasons
    assert all(item.attempts == 0 and item.ended is None for item in result.items[1:4])


def test_an_error_of_the_key_function_fails_the_item() -> None:
    processor = BatchProcessor(key=lambda item: item["id"])
    result = processor.process_batch([{"id": "a"}, {}], lambda item: 1)
    assert [item.status for item in result.items] == [SUCCESS, FAILED]
    assert result.items[1].key == "item 1"


def test_operations_see_the_context_variables_of_the_caller() -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")
    request.set("17")
    result = BatchProcessor(max_concurrent=2).process_batch(range(3), lambda _: request.get())
    assert [item.result for item in result.items] == ["17"] * 3


def test_progress_is_reported_after_each_item_in_the_calling_thread() -> None:
    seen: list[BatchProgress] = []
    threads = set()

    def callback(progress: BatchProgress) -> None:
        threads.add(threading.get_ident())
        seen.append(progress)

    BatchProcessor(max_concurrent=8).process_batch(list(range(40)), str, progress_callback=callback)
    assert [progress.done for progress in seen] == list(range(1, 41))
    assert threads == {threading.get_ident()}
    assert seen[9].progress_percent == 25.0
    assert seen[-1].progress_percent == 100.0
    assert seen[-1].estimated_remaining == 0.0


def test_a_failing_callback_is_logged_once_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    calls = itertools.count()

    def callback(progress: BatchProgress) -> None:
        raise RuntimeError(f"call {next(calls)}")

    with caplog.at_level(logging.WARNING, "checkmk_sync"):
        result = BatchProcessor().process_batch(range(5), str, progress_callback=callback)
    assert result.progress.success == 5
    assert next(calls) == 5
    assert len(caplog.records) == 1
    assert "call 0" in str(caplog.records[0].exc_info)


def test_the_total_of_a_generator_is_unknown_until_its_end() -> None:
    seen: list[BatchProgress] = []

    def numbers() -> Iterator[int]:
        yield from range(50)

    result = BatchProcessor(max_concurrent=1).process_batch(numbers(), str, progress_callback=seen.append)
    first, last = seen[0], seen[-1]
    assert (first.total_items, first.progress_percent, first.estimated_remaining) == (None, None, None)
    assert last.total_items in (None, 50), "the last item may finish before the end of the source is reached"
    assert result.progress.total_items == 50


def test_progress_computes_percent_rate_and_remaining_time() -> None:
    half = BatchProgress(total_items=100, success=30, failed=5, skipped=15, resumed=10, duration=4.0)
    assert (half.done, half.progress_percent) == (50, 50.0)
    assert half.items_per_second == 10.0, "resumed items do not count"
    assert half.estimated_remaining == 5.0
    nothing = BatchProgress(total_items=0, success=0, failed=0, skipped=0, resumed=0, duration=0.0)
    assert (nothing.progress_percent, nothing.items_per_second, nothing.estimated_remaining) == (100.0, 0.0, 0.0)
    assert BatchProgress(5, 0, 0, 0, 0, 1.0).estimated_remaining is None


@pytest.mark.parametrize(
    "options",
    [
        {"max_concurrent": 0},
        {"max_retries": -1},
        {"retry_delay": -1},
        {"rate_limit": 0},
        {"chunk_size": 0},
        {"max_concurrent": "4"},
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least|above"):
        BatchProcessor(**options)


@pytest.mark.parametrize("name", ["retry_delay", "grace_s", "rate_limit"])
@pytest.mark.parametrize("value", [True, False, "1", math.nan, -0.5])
def test_seconds_and_rates_must_be_numbers(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be a number of at least 0, not {value!r}$"):
        BatchProcessor(**{name: value})


@pytest.mark.parametrize("name", ["max_concurrent", "max_retries", "chunk_size"])
@pytest.mark.parametrize("value", [2.5, True, math.inf])
def test_counts_must_be_whole_numbers(name: str, value: Any) -> None:
    least = 0 if name == "max_retries" else 1
    with pytest.raises(ValueError, match=rf"^{name} must be a whole number of at least {least}, not {value}$"):
        BatchProcessor(**{name: value})


FATES = st.lists(st.sampled_from(["ok", "fails", "skips", "invalid", "recovers"]), max_size=40)


@given(fates=FATES, max_concurrent=st.integers(1, 6))
def test_every_item_has_exactly_one_outcome(fates: list[str], max_concurrent: int) -> None:
    calls: dict[int, int] = dict.fromkeys(range(len(fates)), 0)

    def work(entry: tuple[int, str]) -> str:
        number, fate = entry
        calls[number] += 1
        if fate == "fails":
            raise ValueError(fate)
        if fate == "skips":
            raise Skip(fate)
        if fate == "recovers" and calls[number] == 1:
            raise TimeoutError
        return fate

    processor = BatchProcessor(max_concurrent=max_concurrent, retry_delay=0)
    result = processor.process_batch(enumerate(fates), work, validate_item=lambda entry: entry[1] != "invalid")
    wanted = {"ok": SUCCESS, "recovers": SUCCESS, "fails": FAILED, "invalid": FAILED, "skips": SKIPPED}
    assert [item.index for item in result.items] == list(range(len(fates)))
    assert [item.status for item in result.items] == [wanted[fate] for fate in fates]
    assert [item.attempts for item in result.items] == list(calls.values())
    progress = result.progress
    assert progress.total_items == progress.done == len(fates)
    for status, count in ((SUCCESS, progress.success), (FAILED, progress.failed), (SKIPPED, progress.skipped)):
        assert count == sum(wanted[fate] is status for fate in fates)
