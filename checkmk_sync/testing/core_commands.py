"""Downtimes, comments and acknowledgements, which a monitoring core changes when it executes a command."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from ..core.clock import Clock
from .columns import COMMENT_OWN_DEFAULTS, DOWNTIME_OWN_DEFAULTS

Row = Dict[str, Any]
MonitoredObject = Tuple[str, str]  # the names of a host and of its service, or "" for the host itself

# By the column "recurring". The official documents: 1 is hourly, 2 daily, and 3 to 5 are every 1, 2 and 4 weeks. A
# simplification: the simulated core repeats all monthly recurrences (6 to 8) every four weeks.
_PERIOD_S = (0, 3600, 86_400, *(604_800 * weeks for weeks in (1, 2, 4, 4, 4, 4)))
_ACKNOWLEDGEMENT = 4  # the column "entry_type"; 1 is a comment of a user


@dataclass
class CoreCommands:
    """The commands that the core has received, and their effects.

    The core executes a command ``delay_s`` after it was handed over. ``find`` returns the row of a monitored object, or
    None. Each row of a downtime or comment contains the ID of its ``site``, which is not a column.
    """

    clock: Clock
    delay_s: float
    repeats: bool  # Checkmk: the core of the raw edition ignores the recurrence of downtimes
    find: Callable[[MonitoredObject], Optional[Mapping[str, Any]]]
    downtimes: dict[MonitoredObject, list[Row]] = field(default_factory=dict)
    comments: dict[MonitoredObject, list[Row]] = field(default_factory=dict)
    _acknowledged: dict[MonitoredObject, Row] = field(default_factory=dict)
    _ids: dict[str, Iterator[int]] = field(default_factory=dict)  # Checkmk: IDs are unique only within a site
    _queued: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    _next_end: float = math.inf

    def submit(self, command: Callable[[], object]) -> None:
        """Hand a command over to the core, which does not report whether it has an effect."""
        self._queued.append((self.clock.monotonic() + self.delay_s, command))
        self.execute_due()

    def execute_due(self) -> None:
        """Execute the commands that are due, and end downtimes."""
        now = self.clock.monotonic()
        due = [command for at, command in self._queued if at <= now]
        self._queued = [entry for entry in self._queued if entry[0] > now]
        for command in due:
            command()
        if self.clock.time() >= self._next_end:
            self._end_downtimes()

    def seed(self, table: str, rows: Iterable[Mapping[str, Any]], site: str) -> None:
        """Replace all downtimes or comments. Seeded downtimes never end."""
        stored = self.downtimes if table == "downtimes" else self.comments
        defaults = DOWNTIME_OWN_DEFAULTS if table == "downtimes" else COMMENT_OWN_DEFAULTS
        stored.clear()
        for given in rows:
            row = {"site": site, **defaults, **given, "seeded": True}
            service = row["service_description"] if row["is_service"] else ""
            stored.setdefault((row["host_name"], service), []).append({**row, "service_description": service})

    def add_downtime(self, target: MonitoredObject, values: Row) -> None:
        """Add a downtime to an object that the core monitors, unless its end has passed."""
        found = self.find(target)
        if found is not None and values["end_time"] > self.clock.time():
            # Checkmk: 1 is a service and 2 a host.
            own = {**values, "recurring": values["recurring"] * self.repeats, "type": 1 if target[1] else 2}
            self.downtimes.setdefault(target, []).append(self._new_row(DOWNTIME_OWN_DEFAULTS, target, found, own))
            self._next_end = min(self._next_end, values["end_time"])

    def change_downtimes(self, ids: Iterable[tuple[str, int]], change: Callable[[Row], Mapping[str, Any]]) -> None:
        """Set the columns that ``change(row)`` returns in the downtimes with these sites and IDs."""
        wanted = set(ids)
        for row in itertools.chain.from_iterable(self.downtimes.values()):
            if (row["site"], row["id"]) in wanted:
                row.update(change(row))
                self._next_end = 0 if not row.get("seeded") else self._next_end

    def remove(self, table: str, ids: Iterable[tuple[str, int]]) -> None:
        """Remove the downtimes or comments with these sites and IDs."""
        wanted, stored = set(ids), self.downtimes if table == "downtimes" else self.comments
        for target, rows in list(stored.items()):
            stored[target] = [row for row in rows if (row["site"], row["id"]) not in wanted]

    def add_comment(self, target: MonitoredObject, values: Row) -> None:
        """Add a comment to an object, if the core monitors it."""
        found = self.find(target)
        if found is not None:
            own = {**values, "type": 2 if target[1] else 1}
            self.comments.setdefault(target, []).append(self._new_row(COMMENT_OWN_DEFAULTS, target, found, own))

    def acknowledge(self, target: MonitoredObject, values: Row, *, sticky: bool, expires: float) -> None:
        """Acknowledge the problem of an object until the UNIX time ``expires``, if it has one.

        ``values`` are those of the comment.
        """
        found = self.find(target)
        if found is None or found["state"] == 0:
            return
        self.remove_acknowledgement(target)
        times = {"expires": 1, "expire_time": int(expires)} if expires < math.inf else {}
        self.add_comment(target, {**values, **times, "entry_type": _ACKNOWLEDGEMENT})
        comment = self.comments[target][-1]
        self._acknowledged[target] = {
            "type": 2 if sticky else 1,
            "state": found["state"],
            "expires": expires,
            "comment": None if values["persistent"] else (comment["site"], comment["id"]),
        }

    def remove_acknowledgement(self, target: MonitoredObject) -> None:
        """Remove the acknowledgement of an object, and its comment unless it is persistent."""
        before = self._acknowledged.get(target)
        if before is not None and before.get("comment"):
            self.remove("comments", [before["comment"]])
        self._acknowledged[target] = {"type": 0}

    def columns(self, target: MonitoredObject, state: int) -> Row:
        """Return the columns of an object that commands have changed."""
        found: Row = {}
        acknowledged = self._acknowledged.get(target)
        if acknowledged is not None:
            if acknowledged["type"] and self._has_ended(acknowledged, state):
                self.remove_acknowledgement(target)
            kind = self._acknowledged[target]["type"]
            found.update(acknowledged=int(kind > 0), acknowledgement_type=kind)
        rows = self.comments.get(target)
        if rows:
            found.update(_listed("comments", rows, ("entry_type", "entry_time")))
        rows = self.downtimes.get(target)
        if rows:
            for row in rows:
                row["is_pending"] = int(not self._is_active(row, state))
            found.update(_listed("downtimes", rows, _DOWNTIME_INFO))
            found["scheduled_downtime_depth"] = sum(not row["is_pending"] for row in rows)
            found["pending_flex_downtime"] = sum(row["is_pending"] and not row["fixed"] for row in rows)
        return found

    def _new_row(
        self, defaults: Mapping[str, Any], target: MonitoredObject, found: Mapping[str, Any], values: Row
    ) -> Row:
        site = found["host_site" if target[1] else "site"]
        row = {**defaults, **values, "site": site, "id": next(self._ids.setdefault(site, itertools.count(1)))}
        row["host_name"], row["service_description"] = target
        row["is_service"], row["entry_time"] = int(bool(target[1])), int(self.clock.time())
        return row

    def _has_ended(self, acknowledged: Row, state: int) -> bool:
        # Checkmk: a sticky acknowledgement lasts until the object recovers, any other until its state changes.
        is_over = state == 0 or (acknowledged["type"] == 1 and state != acknowledged["state"])
        return is_over or self.clock.time() >= acknowledged["expires"]

    def _is_active(self, row: Row, state: int) -> bool:
        now = self.clock.time()
        if row["fixed"]:
            return bool(row["start_time"] <= now < row["end_time"])
        # A flexible downtime starts with the first problem in its period, and then lasts for its duration.
        if "started" not in row and state != 0 and row["start_time"] <= now < row["end_time"]:
            row["started"] = now
        return "started" in row and now < row["started"] + row["duration"]

    def _end_downtimes(self) -> None:
        now, ends = self.clock.time(), [math.inf]
        for rows in self.downtimes.values():
            for row in list(rows):
                if row.get("seeded"):
                    continue
                if _end_of(row) <= now and not _repeat(row, now):
                    rows.remove(row)
                else:
                    ends.append(_end_of(row))
        self._next_end = min(ends)


_DOWNTIME_INFO = ("origin", "entry_time", "start_time", "end_time", "fixed", "duration", "recurring", "is_pending")


def _listed(table: str, rows: Iterable[Row], more: Iterable[str]) -> Row:
    """Return the columns of an object that list its downtimes or comments."""
    info = [[row["id"], row["author"], row["comment"]] for row in rows]
    extra = [[*known, *(row[name] for name in more)] for known, row in zip(info, rows)]
    return {
        table: [row["id"] for row in rows],
        f"{table}_with_info": info,
        f"{table}_with_extra_info": extra,
    }


def _end_of(row: Row) -> float:
    return float(row["started"] + row["duration"] if "started" in row else row["end_time"])


def _repeat(row: Row, now: float) -> bool:
    """Move a recurring downtime to its next period. Return False for any other downtime."""
    period = _PERIOD_S[row["recurring"]]
    if not period:
        return False
    row.pop("started", None)
    periods = int((now - row["end_time"]) // period) + 1
    row["start_time"] += periods * period
    row["end_time"] += periods * period
    return True
