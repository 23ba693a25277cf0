"""A downtime to schedule, and how to recognise it among the downtimes of the core and the unconfirmed ones."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Iterable

from ...catalogue.downtimes import RECURRENCES
from ...core.fork import ForkSafe
from ..targets import MonitoredObject
from ..times import iso

_MONTHLY = RECURRENCES[5:]
# The official documents: the members of the column downtimes_with_extra_info.
ID, AUTHOR, COMMENT, START, END, _FIXED, _DURATION, _RECURRING = 0, 1, 2, 5, 6, 7, 8, 9


@dataclass(frozen=True)
class Wanted:
    """A downtime to schedule. Times are UNIX times."""

    start: int
    end: int
    minutes: int
    recur: str
    comment: str

    def body(self) -> dict[str, Any]:
        """Return the fields of the request."""
        times = {"start_time": iso(self.start), "end_time": iso(self.end)}
        return {**times, "recur": self.recur, "duration": self.minutes, "comment": self.comment}

    def is_like(self, entry: Any) -> bool:
        """Return True if a downtime in the column differs at most in its times."""
        seconds = 0 if entry[_FIXED] else entry[_DURATION]
        # The official documents: the column "recurring" is 0 for monthly recurrences too.
        is_recurring = self.recur != "fixed" if self.recur in _MONTHLY else bool(entry[_RECURRING])
        wanted = (self.comment, self.recur != "fixed", self.minutes * 60)
        return bool((entry[COMMENT], is_recurring, seconds) == wanted)

    def is_met_by(self, entry: Any) -> bool:
        """Return True if a downtime in the column counts as this one."""
        return self.is_like(entry) and self._includes_start(entry[START], entry[END])

    def is_same(self, other: Wanted) -> bool:
        """Return True if the core will have a downtime that counts as this one as soon as it has the other one."""
        is_like = (self.comment, self.recur, self.minutes) == (other.comment, other.recur, other.minutes)
        return is_like and self._includes_start(other.start, other.end)

    def _includes_start(self, start: int, end: int) -> bool:
        # The core moves the times of recurring downtimes.
        return self.recur != "fixed" or start <= self.start < end


class UnconfirmedDowntimes(ForkSafe):
    """The downtimes that a client has sent, and that no call has found in the core yet."""

    LOCKS: ClassVar = (("lock", threading.RLock),)
    lock: Any

    def __init__(self) -> None:
        super().__init__()
        self._sent: dict[MonitoredObject, list[Wanted]] = {}

    def has(self, of: MonitoredObject, wanted: Wanted) -> bool:
        """Return True if a downtime that counts as ``wanted`` was sent, but not found yet."""
        with self.lock:
            return any(map(wanted.is_same, self._sent.get(of, ())))

    def add(self, objects: Iterable[MonitoredObject], wanted: Wanted) -> None:
        """Add a downtime for each object, before it is sent."""
        with self.lock:
            for of in objects:
                self._sent.setdefault(of, []).append(wanted)

    def remove(self, objects: Iterable[MonitoredObject], which: Callable[[MonitoredObject, Wanted], bool]) -> None:
        """Remove the downtimes of objects for which ``which`` is True, because a call has found them or sent none."""
        with self.lock:
            for of in objects:
                left = [sent for sent in self._sent.pop(of, ()) if not which(of, sent)]
                if left:
                    self._sent[of] = left
