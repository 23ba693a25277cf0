"""The outcomes of items, and the progress and result of a batch."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Optional, TypeVar

from ..errors import BatchError, CheckmkError

T = TypeVar("T")
R = TypeVar("R")


class Skip(Exception):
    """Raised by an operation or a validation to skip an item that needs no work. Its text gives the reason."""


class BatchStatus(enum.Enum):
    """The status of an item.

    - SUCCESS: the operation returned.
    - FAILED: the operation raised, was not called because of an error, or did not finish.
    - SKIPPED: the operation or the validation raised Skip, or the journal lists the item as done.
    """

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


class TaskResult(NamedTuple):
    """The result of an operation, without its item."""

    status: BatchStatus
    result: Any = None
    error: Optional[BaseException] = None
    note: str = ""
    attempts: int = 0
    started: Optional[float] = None
    duration_s: float = 0.0


@dataclass(frozen=True)
class BatchItem(Generic[T, R]):
    """The outcome of one item.

    ``index`` is the position in the input, from 0. ``key`` identifies the item. ``started`` is a UNIX time, or None if
    the operation was never called. ``duration_s`` includes retries and the waits between them. ``note`` is the reason
    for skipping the item. ``resumed`` is True if the journal lists the item as done by an earlier run.
    """

    index: int
    key: str
    item: T
    status: BatchStatus
    result: Optional[R] = None
    error: Optional[BaseException] = None
    note: str = ""
    attempts: int = 0
    started: Optional[float] = None
    duration_s: float = 0.0
    resumed: bool = False

    @property
    def ended(self) -> Optional[float]:
        """The UNIX time at which the outcome was known, or None if the operation was never called."""
        return None if self.started is None else self.started + self.duration_s

    @property
    def reason(self) -> str:
        """The text of the error, or the note if there was no error."""
        return self.note if self.error is None else str(self.error) or type(self.error).__name__

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data, without the item and the result."""
        error: Optional[dict[str, Any]] = None
        if isinstance(self.error, CheckmkError):
            error = self.error.to_dict()
        elif self.error is not None:
            error = {"error": type(self.error).__name__, "message": str(self.error)}
        return {
            "key": self.key,
            "status": self.status.value,
            "error": error,
            "note": self.note,
            "attempts": self.attempts,
            "started": self.started,
            "duration_s": self.duration_s,
        }


@dataclass(frozen=True)
class BatchProgress:
    """Progress of a batch. Durations are in seconds.

    ``total_items`` is None while it is unknown. The number of items of a generator is known only at its end.
    ``resumed`` is the number of items that were skipped because the journal lists them as done.
    """

    total_items: Optional[int]
    success: int
    failed: int
    skipped: int
    resumed: int
    duration: float

    @property
    def done(self) -> int:
        """The number of items with an outcome."""
        return self.success + self.failed + self.skipped

    @property
    def items_per_second(self) -> float:
        """The average number of items that this run finished per second. Resumed items do not count."""
        return (self.done - self.resumed) / self.duration if self.duration > 0 else 0.0

    @property
    def progress_percent(self) -> Optional[float]:
        """The progress from 0 to 100, or None while the total is unknown."""
        if self.total_items is None:
            return None
        return 100.0 * self.done / self.total_items if self.total_items else 100.0

    @property
    def estimated_remaining(self) -> Optional[float]:
        """The estimated seconds until the end, or None while the total or the rate is unknown."""
        if self.total_items is None:
            return None
        remaining = self.total_items - self.done
        if remaining == 0:
            return 0.0
        return remaining / self.items_per_second if self.items_per_second else None


@dataclass(frozen=True)
class BatchResult(Generic[T, R]):
    """The result of a batch. ``items`` contains one outcome for each item, in the order of the input."""

    batch_id: str
    items: list[BatchItem[T, R]]
    progress: BatchProgress

    @property
    def failed(self) -> list[BatchItem[T, R]]:
        """The items that failed, each with its error."""
        return [item for item in self.items if item.status is BatchStatus.FAILED]

    @property
    def ok(self) -> bool:
        """True if no item failed."""
        return not self.progress.failed

    def raise_for_failures(self) -> None:
        """Raise BatchError, which contains the outcomes of all items, if an item failed."""
        if not self.ok:
            first = self.failed[0]
            count = f"{self.progress.failed} of {len(self.items)}"
            raise BatchError(f"{count} items failed; the first is {first.key}: {first.reason}", outcomes=self.items)

    def __repr__(self) -> str:
        counts = f"{self.progress.success} success, {self.progress.failed} failed, {self.progress.skipped} skipped"
        return f"BatchResult({self.batch_id!r}, {counts})"
