"""Schedules, changes and deletes downtimes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Collection, Iterable, Mapping, Optional, Union

from ...catalogue.commands import RECURRENCES
from ...errors import CheckmkError
from ..outcomes import Outcome, Outcomes, Progress, Status
from ..payload import typed, value_of
from ..resource import writes
from ..site import Site
from ..targets import MonitoredObject, Target
from ..times import Duration, Moment, Zone, iso, parse_duration, parse_moment
from .commanding import Command, Rows, Step, Waiting, commands_for, entries_of, one_line
from .core_entries import CoreEntries, Entry, Selection, shared_values, time_of

RAW = ("cre", "community")
_COLUMNS = ("downtimes_with_extra_info",)
# The official documents: the members of this column.
_ID, _AUTHOR, _COMMENT, _START, _END, _FIXED, _DURATION, _RECURRING = 0, 1, 2, 5, 6, 7, 8, 9


@dataclass(frozen=True)
class Downtime(Entry):
    """A downtime of a host, or of a service.

    * ``id`` is unique within the ``site``.
    * ``of`` is the object, with the members ``host`` and ``service``; ``service`` is empty for a downtime of a host.
    * ``start`` and ``end`` have a time zone. A flexible downtime starts with the first problem between them.
    * ``recurring`` is True if it is repeated.
    * ``flexible`` is the duration of a flexible downtime. It is None for a fixed one, and if the version of the site
      does not report it.
    """

    start: dt.datetime
    end: dt.datetime
    recurring: bool
    flexible: Optional[dt.timedelta]

    @classmethod
    def parse(cls, data: Any) -> Downtime:
        """Return the record of a downtime of the API. Raises UnexpectedReplyError if it is malformed."""
        mode = typed(dict, data, "extensions", "mode", default={})
        minutes = typed(int, mode, "duration_minutes", default=0)
        return cls(
            *shared_values(data, _flag(data, "is_service")),
            time_of(data, "start_time"),
            time_of(data, "end_time"),
            _flag(data, "recurring"),
            dt.timedelta(minutes=minutes) if minutes else None,
        )


def _flag(data: Any, name: str) -> bool:
    # CHECKMK_API 12: up to 2.3, these are "yes" and "no".
    return value_of(data, "extensions", name) in (True, "yes")


@dataclass(frozen=True)
class _Wanted:
    """A downtime to schedule. Times are UNIX times."""

    start: int
    end: int
    minutes: int
    recur: str
    comment: str

    def body(self) -> dict[str, Any]:
        start, end = (iso(dt.datetime.fromtimestamp(time, dt.timezone.utc)) for time in (self.start, self.end))
        return {
            "start_time": start,
            "end_time": end,
            "recur": self.recur,
            "duration": self.minutes,
            "comment": self.comment,
        }

    def is_like(self, entry: Any) -> bool:
        """Return True if a downtime in the column differs at most in its times."""
        is_recurring, seconds = bool(entry[_RECURRING]), 0 if entry[_FIXED] else entry[_DURATION]
        same = (entry[_COMMENT], is_recurring, seconds) == (self.comment, self.recur != "fixed", self.minutes * 60)
        return bool(same)


class Downtimes(CoreEntries[Downtime]):
    """Downtimes of hosts and services, as ``client.downtimes``.

    >>> cmk.downtimes.create("web01", end="2h", comment="reboot")
    >>> cmk.downtimes.create(Target.host_group("linux"), start="tomorrow 06:00 UTC", end="90m", comment="patch")
    >>> cmk.downtimes.delete("web01")

    A site answers before its core has executed a command. So all methods that write wait until the core has, for at
    most ``timeout_s`` seconds, and return :class:`.Outcomes`. With ``wait=False``, the outcome is unknown. A command
    is never sent twice.
    """

    noun, record = "downtimes", Downtime
    _type, _ids = "downtime", "downtimes"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        # The objects and comments of downtimes that the core may still be taking.
        self._unconfirmed: set[tuple[MonitoredObject, str]] = set()

    @writes
    def create(
        self,
        target: Union[Target, str],
        *,
        end: Moment,
        comment: str,
        start: Moment = "now",
        zone: Zone = None,
        flexible: Optional[Duration] = None,
        recur: Optional[str] = None,
        include_children: bool = False,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Schedule a downtime for each object of a target, and return an outcome for each.

        * ``target`` is a :class:`.Target` or the name of a host.
        * ``start`` and ``end`` are times: a datetime, ``"now"``, a duration such as ``"2h"``, an ISO text, or a text
          such as ``"tomorrow 06:00 Europe/Berlin"``. A duration as ``end`` counts from ``start``. A time without a
          zone needs ``zone``, such as ``"Europe/Berlin"``.
        * ``flexible`` is the duration of a flexible downtime, which starts with the first problem in the period.
        * ``recur`` repeats the downtime: ``hour``, ``day``, ``week``, ``second_week``, ``fourth_week``,
          ``weekday_start``, ``weekday_end`` or ``day_of_month``. The raw edition does not support it.
        * ``include_children`` also includes all hosts below the hosts of the target.

        Raises NotFoundError if no object is monitored, and CheckmkError if the edition cannot repeat downtimes.
        """
        wanted = self._wanted(start, end, zone, comment, flexible, recur)
        rows, known = self._resolve(self._with_children(target) if include_children else target, _COLUMNS)
        return self._create(rows, rows, wanted, Waiting(wait, timeout_s, progress), known)

    @writes
    def ensure(
        self,
        target: Union[Target, str],
        *,
        end: Moment,
        comment: str,
        start: Moment = "now",
        zone: Zone = None,
        flexible: Optional[Duration] = None,
        recur: Optional[str] = None,
        include_children: bool = False,
        unconfirmed: Iterable[MonitoredObject] = (),
        check: bool = False,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Schedule a downtime like :meth:`create`, but never a second one for the same object.

        A downtime of the object with the same comment that includes ``start`` counts as the same. If it ends at another
        time, its end is changed. With ``check=True``, nothing is sent, and the outcomes of objects that a call would
        change are NOT_APPLIED.

        A downtime that an earlier call of this client has handed over may still be on its way. It is awaited, and not
        sent again. If another process has handed it over, name the objects in ``unconfirmed``.
        """
        wanted = self._wanted(start, end, zone, comment, flexible, recur)
        rows, known = self._resolve(self._with_children(target) if include_children else target, _COLUMNS)
        waiting = Waiting(wait, timeout_s, progress)
        found = {key: _same(row, wanted) for key, row in rows.items()}
        missing = [key for key, entry in found.items() if entry is None]
        others = {key: entry for key, entry in found.items() if entry is not None and entry[_END] != wanted.end}
        for key in rows.keys() - {*missing, *others}:
            known.append(Outcome(str(key), Status.APPLIED, note="already there"))
        if check:
            known += [Outcome(str(key), Status.NOT_APPLIED, note="would be created") for key in missing]
            known += [Outcome(str(key), Status.NOT_APPLIED, note="its end would be changed") for key in others]
            return Outcomes(known)
        if others:
            ids = {(key, str(entry[_ID])) for key, entry in others.items()}
            listed = [d for d in self.each(Target.objects(others)) if (d.of, d.id) in ids]
            known += self._modify(listed, dict.fromkeys(listed, wanted.end), None, waiting)
        sent = self._unconfirmed | {(key, wanted.comment) for key in unconfirmed}
        return self._create(
            rows, missing, wanted, waiting, known, {key for key in missing if (key, wanted.comment) in sent}
        )

    @writes
    def modify(
        self,
        which: Selection[Downtime] = None,
        *,
        id: Union[str, int, None] = None,  # noqa: A002 - the word of the API
        site: Optional[str] = None,
        end: Optional[Moment] = None,
        extend: Optional[Duration] = None,
        comment: Optional[str] = None,
        zone: Zone = None,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Change the end or the comment of downtimes, which are selected as for :meth:`delete`.

        >>> cmk.downtimes.modify("web01", extend="30m")

        ``end`` is a time as for :meth:`create`; a duration counts from now. ``extend`` moves the end of each downtime.
        Needs Checkmk 2.2.0p26.
        """
        if (end is None) == (extend is None) and (end is not None or comment is None):
            raise ValueError("give end or extend, or a comment")
        text = None if comment is None else one_line(comment)
        by = None if extend is None else parse_duration(extend)
        at = None if end is None else int(parse_moment(end, self._now(), zone).timestamp())
        self._site.require_operation(self.noun, "modify")
        entries = self._selected(which, id, site)
        ends = {e: at if at is not None else int((e.end + by).timestamp()) if by else None for e in entries}
        return self._modify(entries, ends, text, Waiting(wait, timeout_s, progress))

    def _selected(self, which: Selection[Downtime], ident: Any, site: Any) -> list[Downtime]:
        entries = super()._selected(which, ident, site)
        self._unconfirmed -= {(entry.of, entry.comment) for entry in entries}
        return entries

    def _modify(
        self, entries: list[Downtime], ends: Mapping[Downtime, Optional[int]], text: Optional[str], waiting: Waiting
    ) -> Outcomes:
        commands = []
        # An absolute end has the same effect if a web server sends the request twice.
        for end in sorted(set(ends.values()), key=str):
            body: dict[str, Any] = {} if text is None else {"comment": text}
            if end is not None:
                moment = dt.datetime.fromtimestamp(end, dt.timezone.utc)
                body["end_time"] = {"modify_type": "absolute", "value": iso(moment)}

            def proof(entry: Downtime, row: Mapping[str, Any], end: Optional[int] = end) -> Optional[str]:
                found = [e for e in _entries(row) if e[_ID] == int(entry.id)]
                done = found and end in (None, found[0][_END]) and text in (None, found[0][_COMMENT])
                return "" if done else None

            commands += self._for_entries("modify", [e for e in entries if ends[e] == end], body, proof)
        return self._execute(commands, _COLUMNS, waiting)

    def _create(
        self,
        before: Rows,
        objects: Iterable[MonitoredObject],
        wanted: _Wanted,
        waiting: Waiting,
        known: list[Outcome],
        sent: Collection[MonitoredObject] = (),
    ) -> Outcomes:
        """Schedule downtimes. Those for ``sent`` objects are only awaited."""
        author = self._site.settings.username

        def step(entry: MonitoredObject) -> Step:
            old = {found[_ID] for found in _entries(before[entry])}

            def proof(row: Mapping[str, Any]) -> Optional[str]:
                own = (f for f in _entries(row) if f[_ID] not in old and f[_AUTHOR] == author and wanted.is_like(f))
                for found in own:
                    if entry in sent or (found[_START], found[_END]) == (wanted.start, wanted.end):
                        self._unconfirmed.discard((entry, wanted.comment))
                        return f"downtime {found[_ID]}"
                return None

            return Step(str(entry), entry, proof)

        new = [entry for entry in objects if entry not in sent]
        commands = [Command("", {}, [step(entry) for entry in sent])] if sent else []
        commands += commands_for(new, "downtime_type", wanted.body(), step)
        marks = {(entry, wanted.comment): str(entry) for entry in new}
        self._unconfirmed |= marks.keys()
        try:
            outcomes = self._execute(commands, _COLUMNS, waiting, known, adds=True)
        except CheckmkError:
            self._unconfirmed -= marks.keys()
            raise
        unsent = {outcome.key for outcome in outcomes.not_applied}
        self._unconfirmed -= {mark for mark, name in marks.items() if name in unsent}
        return outcomes

    def _wanted(
        self, start: Moment, end: Moment, zone: Zone, comment: str, flexible: Optional[Duration], recur: Optional[str]
    ) -> _Wanted:
        text, now = one_line(comment), self._now()
        first = parse_moment(start, now, zone)
        last = parse_moment(end, first, zone)
        if last <= max(first, now):
            raise ValueError(f"a downtime must end after its start and after now, not at {last}")
        seconds = 0.0 if flexible is None else parse_duration(flexible).total_seconds()
        if seconds % 60:
            raise ValueError(f"flexible must be whole minutes, not {flexible!r}")
        if recur is not None:
            if recur not in RECURRENCES:
                raise ValueError(f"recur must be one of {', '.join(RECURRENCES)}, not {recur!r}")
            # CHECKMK_API_MORE: the raw edition accepts the recurrence, and its core ignores it.
            if self._site.edition() in RAW:
                raise CheckmkError("the raw edition cannot repeat downtimes; its core would ignore recur")
        return _Wanted(int(first.timestamp()), int(last.timestamp()), int(seconds // 60), recur or "fixed", text)

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._site.clock.time(), dt.timezone.utc)


def _entries(row: Mapping[str, Any]) -> list[Any]:
    return entries_of(row, _COLUMNS[0], 11)


def _same(row: Mapping[str, Any], wanted: _Wanted) -> Any:
    """Return the downtime of an object that counts as the wanted one, or None."""
    like = (e for e in _entries(row) if wanted.is_like(e) and e[_START] <= wanted.start < e[_END])
    return next(like, None)
