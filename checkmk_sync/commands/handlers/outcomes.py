"""The result of a command for many objects."""

from __future__ import annotations

import itertools
from typing import Callable, Optional

from ...client.outcomes import Outcome, Outcomes, Progress, Status
from ...errors import BatchError
from ..command import Row, Watch


def counter(watch: Watch, stage: str, total: int) -> Progress:
    """Return a callback that counts outcomes, and reports their number as the progress of a stage."""
    finished = itertools.count(1)

    def report(_outcome: Outcome) -> None:
        done = next(finished)
        watch(stage, done, max(done, total))  # the number of objects of a group is not known before

    return report


def counted(verb: str, outcomes: Outcomes, reason: Optional[Callable[[Outcome], Optional[str]]] = None) -> Row:
    """Return the number of outcomes, such as ``{"moved": 2}``. Raises BatchError unless all were applied.

    ``reason`` can return a better text for an outcome than the reason of its error, or None.
    """
    if not outcomes.ok:
        lines = []
        for outcome in (*outcomes.not_applied, *outcomes.unknown):
            what = "unknown whether it was" if outcome.status is Status.UNKNOWN else "not"
            better = reason(outcome) if reason is not None else None
            lines.append(f"{outcome.key}: {better or f'{what} {verb}: {outcome.reason}'}")
        if len(outcomes) > 1:
            lines.insert(0, f"{len(outcomes.applied)} of {len(outcomes)} {verb}; the others:")
        raise BatchError(*lines, outcomes=outcomes)
    return {verb: len(outcomes)}
