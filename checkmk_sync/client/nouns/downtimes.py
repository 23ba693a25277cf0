"""Schedules, changes and deletes downtimes."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import asdict, dataclass, replace
from typing import Any, Collection, Iterable, Mapping, Optional, Union

from ...catalogue.downtimes import RECURRENCES
from ...errors import CheckmkError
from ..outcomes import Outcome, Outcomes, Progress, Status
from ..payload import typed, value_of
from ..resource import writes
from ..site import Site
from ..targets import MonitoredObject, Target
from ..times import Duration, Moment, Zone, iso, parse_duration, parse_moment
from .command_journal import CommandJournal
from .commanding import Command, Proof, Rows, Step, Waiting, commands_for, entries_of, one_line, parts
from .core_entries import CoreEntries, Entry, Selection, entries_query, shared_values, time_of
from .monitoring import NAMES_PER_QUERY
from .wanted_downtime import AUTHOR, COMMENT, END, ID, START, UnconfirmedDowntimes, Wanted

RAW = ("cre", "community")
_COLUMNS = ("downtimes_with_extra_info",)


@dataclass(frozen=True)
class Downtime(Entry):
    """A downtime of a host, or of a service.

    * ``id`` is unique within the ``site``.
    * ``object`` is the host or service. ``host`` and ``service`` are its names; ``service`` is None for a host.
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
        self._unconfirmed = UnconfirmedDowntimes()

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
        * ``include_children`` also includes the child hosts of the target, their child hosts, and so on.

        Raises NotFoundError if no object is monitored, and CheckmkError if the edition cannot repeat downtimes.
        """
        wanted = self._wanted(start, end, zone, comment, flexible, recur)
        rows, known = self._resolve(self._with_children(target) if include_children else target, _COLUMNS)
        self._unconfirmed.add(rows, wanted)
        commands = self._creations(rows, rows, wanted)
        return self._schedule(commands, rows, wanted, Waiting(wait, timeout_s, progress), known)

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
        unconfirmed: Collection[MonitoredObject] = (),
        check: bool = False,
        journal: Optional[Union[str, os.PathLike[str]]] = None,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Schedule a downtime like :meth:`create`, but never a second one for the same object.

        A downtime of the object with the same comment that includes ``start`` counts as the same. If it ends at another
        time, its end is changed. The times of recurring downtimes are not compared, because the core moves them. With
        ``check=True``, nothing is sent, and the outcomes of objects that a call would change are NOT_APPLIED.

        If an earlier call of this client has sent such a downtime and the core does not have it yet, it is awaited, and
        not sent again. If another process has sent it, name the objects in ``unconfirmed``.

        ``journal`` is a file that makes the call resumable. If the process is killed, repeat the call with the same
        arguments: the times of the first call apply, and objects for which it may have sent the command are awaited.
        The file is removed as soon as no outcome is unknown. Raises SettingsError if it belongs to another command.
        """
        wanted = self._wanted(start, end, zone, comment, flexible, recur)
        target = self._with_children(target) if include_children else target
        waiting = Waiting(wait, timeout_s, progress)
        if journal is None or check:
            return self._ensure(target, wanted, unconfirmed, waiting, check)
        settings = self._site.settings
        command = {**asdict(wanted), "site": f"{settings.server_url}/{settings.site}", "author": settings.username}
        kept, finished = CommandJournal(journal, command, (str(start), str(end))), False
        try:
            wanted = replace(wanted, start=kept.command["start"], end=kept.command["end"])
            outcomes = self._ensure(target, wanted, {*unconfirmed, *kept.sent}, replace(waiting, note=kept.note))
            finished = not outcomes.unknown
        finally:
            kept.close(remove=finished)
        return outcomes

    def _ensure(
        self,
        target: Union[Target, str],
        wanted: Wanted,
        unconfirmed: Collection[MonitoredObject],
        waiting: Waiting,
        check: bool = False,
    ) -> Outcomes:
        # Without the lock, two threads could both find no downtime, and both schedule one.
        with self._unconfirmed.lock:
            rows, known = self._resolve(target, _COLUMNS)
            found = {key: next(filter(wanted.is_met_by, _entries(row)), None) for key, row in rows.items()}
            missing = [key for key, entry in found.items() if entry is None]
            sent = {key for key in missing if key in unconfirmed or self._unconfirmed.has(key, wanted)}
            new = [] if check else [key for key in missing if key not in sent]
            self._unconfirmed.add(new, wanted)
        compared = found if wanted.recur == "fixed" else {}
        others = {key: entry[ID] for key, entry in compared.items() if entry and entry[END] != wanted.end}
        for key in rows.keys() - {*missing, *others}:
            known.append(Outcome(str(key), Status.APPLIED, note="already there"))
        if check:
            known += [Outcome(str(key), Status.NOT_APPLIED, note="would be created") for key in missing]
            known += [Outcome(str(key), Status.NOT_APPLIED, note="its end would be changed") for key in others]
            return Outcomes(known)
        commands = []
        for part in parts(sorted(others), NAMES_PER_QUERY):
            selector = {"modify_type": "query", "query": entries_query((key, others[key]) for key in part)}
            steps = [Step(str(key), key, _change_proof(others[key], wanted.end, None)) for key in part]
            commands.append(Command("modify", {**selector, **_new_end(wanted.end)}, steps))
        commands += self._creations(rows, missing, wanted, sent)
        outcomes = self._schedule(commands, new, wanted, waiting, known)
        applied = {outcome.key for outcome in outcomes.applied}
        arrived = [key for key in sent if str(key) in applied]
        if not arrived or wanted.recur != "fixed":
            return outcomes
        # Another call has sent these, so they may end at another time.
        try:
            changed = self._ensure(Target.objects(arrived), wanted, (), replace(waiting, progress=None))
        except CheckmkError as error:
            changed = Outcomes(Outcome(str(key), Status.UNKNOWN, error) for key in arrived)
        ends = {outcome.key: outcome for outcome in changed if outcome.note != "already there"}
        return Outcomes(ends.get(outcome.key, outcome) for outcome in outcomes)

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
        at = None if end is None else parse_moment(end, self._now(), zone)
        if at is not None and at <= self._now():
            raise ValueError(f"end must be later than now, not {at}; delete the downtime to end it")
        self._site.require_operation(self.noun, "modify")
        commands: list[Command] = []
        by_end: dict[Optional[int], list[Downtime]] = {}
        for entry in self._selected(which, id, site):
            moment = at or (entry.end + by if by else None)
            by_end.setdefault(None if moment is None else int(moment.timestamp()), []).append(entry)
        for new, entries in by_end.items():
            # An absolute end has the same effect if a web server sends the request twice.
            body = {**({} if new is None else _new_end(new)), **({} if text is None else {"comment": text})}
            proofs = {entry: _change_proof(int(entry.id), new, text) for entry in entries}
            commands += self._for_entries("modify", entries, body, lambda entry, row, known=proofs: known[entry](row))
        return self._execute(commands, _COLUMNS, Waiting(wait, timeout_s, progress))

    def _selected(self, which: Selection[Downtime], ident: Any, site: Any) -> list[Downtime]:
        entries = super()._selected(which, ident, site)
        found = {(entry.object, entry.comment) for entry in entries}
        self._unconfirmed.remove((of for of, _ in found), lambda of, sent: (of, sent.comment) in found)
        return entries

    def _creations(
        self, before: Rows, objects: Iterable[MonitoredObject], wanted: Wanted, sent: Collection[MonitoredObject] = ()
    ) -> list[Command]:
        """Return the requests that schedule downtimes. Those for ``sent`` objects are only awaited."""
        author = self._site.settings.username

        def step(entry: MonitoredObject) -> Step:
            old = {found[ID] for found in _entries(before[entry])}

            def proof(row: Mapping[str, Any]) -> Optional[str]:
                own = (f for f in _entries(row) if f[ID] not in old and f[AUTHOR] == author and wanted.is_like(f))
                for found in own:
                    if entry in sent or (found[START], found[END]) == (wanted.start, wanted.end):
                        return f"downtime {found[ID]}"
                return None

            return Step(str(entry), entry, proof)

        new = [entry for entry in objects if entry not in sent]
        awaited = [Command("", {}, [step(entry) for entry in sent])] if sent else []
        return awaited + commands_for(new, "downtime_type", wanted.body(), step)

    def _schedule(
        self,
        commands: list[Command],
        new: Iterable[MonitoredObject],
        wanted: Wanted,
        waiting: Waiting,
        known: list[Outcome],
    ) -> Outcomes:
        try:
            outcomes = self._execute(commands, _COLUMNS, waiting, known, adds=True)
        except CheckmkError:  # the site refused the first request, so nothing was sent
            self._unconfirmed.remove(new, lambda _, sent: sent is wanted)
            raise
        unknown = {outcome.key for outcome in outcomes.unknown}
        confirmed = [step.of for command in commands for step in command.steps if step.key not in unknown]
        self._unconfirmed.remove(confirmed, lambda _, sent: wanted.is_same(sent))
        return outcomes

    def _wanted(
        self, start: Moment, end: Moment, zone: Zone, comment: str, flexible: Optional[Duration], recur: Optional[str]
    ) -> Wanted:
        text, now = one_line(comment), self._now()
        first = parse_moment(start, now, zone)
        last = parse_moment(end, now, zone, first)
        # Python compares times of one zone by the clock, which is set back once a year.
        if last.timestamp() <= max(first, now).timestamp():
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
        return Wanted(int(first.timestamp()), int(last.timestamp()), int(seconds // 60), recur or "fixed", text)

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._site.clock.time(), dt.timezone.utc)


def _entries(row: Mapping[str, Any]) -> list[Any]:
    return entries_of(row, _COLUMNS[0], 11)


def _new_end(end: int) -> dict[str, Any]:
    return {"end_time": {"modify_type": "absolute", "value": iso(end)}}


def _change_proof(ident: int, end: Optional[int], text: Optional[str]) -> Proof:
    """Return the proof that a downtime has a new end and a new comment. None stays as it is."""

    def proof(row: Mapping[str, Any]) -> Optional[str]:
        found = next((entry for entry in _entries(row) if entry[ID] == ident), None)
        is_changed = found is not None and end in (None, found[END]) and text in (None, found[COMMENT])
        return "changed" if is_changed else None

    return proof
