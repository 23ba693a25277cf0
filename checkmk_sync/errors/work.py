"""Errors of jobs, batches and syncs, and errors about unusable responses."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from .base import Attempted, CheckmkError, Delivery


class UnexpectedReplyError(CheckmkError):
    """The API does not define this response: it is not JSON, has another structure, or is a redirect.

    It may come from a proxy instead of the site, so it does not show whether a write was executed. ``status`` is the
    HTTP status code, or None if the code is not the problem.
    """

    attempted: Attempted

    def __init__(
        self, message: str, *, call: str = "", status: Optional[int] = None, attempted: Optional[Attempted] = None
    ) -> None:
        self.call, self.status = call, status
        self.attempted = attempted or Attempted(Delivery.UNKNOWN)
        super().__init__(message)


class ReplyTooLargeError(CheckmkError):
    """The response is larger than ``limit_bytes``, and was not read to its end."""

    def __init__(self, message: str, *, limit_bytes: int, call: str = "") -> None:
        self.limit_bytes, self.call = limit_bytes, call
        super().__init__(message)


class WaitTimeoutError(CheckmkError):
    """A job or activation did not end within ``waited_s`` seconds. It may still be running."""

    def __init__(self, message: str, *, waited_s: float) -> None:
        self.waited_s = waited_s
        super().__init__(message)


class BatchError(CheckmkError):
    """A batch stopped early or partly failed. ``outcomes`` contains one outcome for each item that was tried."""

    def __init__(self, message: str, *more_lines: str, outcomes: Sequence[Any]) -> None:
        self.outcomes = outcomes
        super().__init__(message, *more_lines)


class UnfinishedError(CheckmkError):
    """An item of a batch has no result: its worker died, or it was still running when the batch was stopped.

    ``started`` is False if its operation never started, and None if that is unknown. If it is None, check the site
    before you repeat the operation.
    """

    def __init__(self, message: str, *, started: Optional[bool] = None) -> None:
        self.started = started
        super().__init__(message)


class WorkerError(CheckmkError):
    """An error of another process that could not be pickled. ``kind`` is the name of its original class."""

    def __init__(self, message: str, *, kind: str) -> None:
        self.kind = kind
        super().__init__(f"{kind}: {message}")


class ActivationError(CheckmkError):
    """An activation ended, but some changes are not active, or changes that were not approved are active.

    ``status_per_site`` maps site IDs to the server's messages. ``pending`` is the number of changes that are still
    pending, or None if it is unknown.
    """

    def __init__(
        self, message: str, *, status_per_site: Optional[Mapping[str, str]] = None, pending: Optional[int] = None
    ) -> None:
        self.status_per_site, self.pending = dict(status_per_site or {}), pending
        super().__init__(message)


class DiscoveryError(CheckmkError):
    """A scan for services failed. ``state`` is the final state of its job: ``stopped`` or ``exception``."""

    def __init__(self, message: str, *, state: str) -> None:
        self.state = state
        super().__init__(message)


class JobError(CheckmkError):
    """A background job, such as a rename, failed. ``state`` is its final state, or None if the site does not tell."""

    def __init__(self, message: str, *, state: Optional[str] = None) -> None:
        self.state = state
        super().__init__(message)


class SyncError(CheckmkError):
    """A sync was refused."""


class InventoryError(SyncError):
    """The inventory contains mistakes. ``problems`` lists all of them, each with file, line and column."""

    def __init__(self, problems: Sequence[Any]) -> None:
        self.problems = list(problems)
        lines = [str(problem) for problem in self.problems]
        head = lines[0] if len(lines) == 1 else f"{len(lines)} mistakes in the inventory:"
        super().__init__(head, *(f"  {line}" for line in lines if len(lines) > 1))


class UnsafePlanError(SyncError):
    """The plan exceeds a limit on changes or deletions, or deletes objects that were probably renamed.

    ``why`` is the message without the hint about how to permit the plan.
    """

    def __init__(self, why: str, hint: str = "") -> None:
        self.why = why
        super().__init__(f"{why}; {hint}" if hint else why)


class PlanChangedError(SyncError):
    """The changes to apply or activate differ from the reviewed ones."""


class NotOwnedError(SyncError):
    """The plan would change or delete an object of another owner, or one that other objects need."""
