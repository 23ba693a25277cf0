"""Acknowledges problems of hosts and services."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Union

from ...errors import CheckmkError, Delivery
from ..outcomes import Outcome, Outcomes, Progress, Status
from ..query import column
from ..resource import writes
from ..targets import HOSTS, SERVICES, MonitoredObject, ObjectRecord, Target
from ..times import Moment, Zone, iso, parse_moment
from .commanding import Command, Commands, Step, Waiting, commands_for, entries_of, one_line
from .comments import COMMENTS, new_comment

ACKNOWLEDGEMENT_COLUMNS = ("acknowledged", "acknowledgement_type", COMMENTS)
_ACKNOWLEDGEMENT, _STICKY = 4, 2  # the entry type of a comment, and the type of an acknowledgement


@dataclass(frozen=True)
class Acknowledgement(ObjectRecord):
    """An acknowledged problem.

    ``object`` is the host or service. ``host`` and ``service`` are its names; ``service`` is None for a host.
    ``comment``, ``author`` and ``time`` are None if the core no longer has the comment. An acknowledgement that is not
    ``sticky`` ends when the state changes.
    """

    sticky: bool
    comment: Optional[str] = None
    author: Optional[str] = None
    time: Optional[dt.datetime] = None

    @classmethod
    def of_row(cls, of: MonitoredObject, row: Mapping[str, Any]) -> Acknowledgement:
        """Return the acknowledgement of an object, from its columns."""
        sticky = row["acknowledgement_type"] == _STICKY
        comments = [found for found in entries_of(row, COMMENTS, 5) if found[3] == _ACKNOWLEDGEMENT]
        if not comments:
            return cls(of, sticky)
        _, author, text, _, time = max(comments)
        return cls(of, sticky, text, author, dt.datetime.fromtimestamp(time, dt.timezone.utc))


class Acknowledgements(Commands):
    """Acknowledgements of problems, as ``client.acknowledgements``.

    >>> cmk.acknowledgements.set("web01", comment="ticket 4711")
    >>> cmk.acknowledgements.remove("web01")

    Methods that write wait for the core and return outcomes, like those of :class:`Downtimes`.
    """

    noun = "acknowledgements"

    def each(self, target: Union[Target, str, None] = None) -> Iterator[Acknowledgement]:
        """Yield the acknowledged problems of a target, or of all hosts and services."""
        everywhere = (Target(table, column("acknowledged") == 1) for table in (HOSTS, SERVICES))
        for part in everywhere if target is None else (Target.of(target),):
            for of, row in self._rows(part, ACKNOWLEDGEMENT_COLUMNS).items():
                if row["acknowledged"]:
                    yield Acknowledgement.of_row(of, row)

    @writes
    def set(
        self,
        target: Union[Target, str],
        *,
        comment: str,
        sticky: bool = True,
        notify: bool = True,
        persistent: bool = False,
        expires: Optional[Moment] = None,
        zone: Zone = None,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Acknowledge the problem of each object of a target, and return an outcome for each.

        * ``sticky``: the acknowledgement lasts until the object recovers, not only until its state changes.
        * ``notify`` sends notifications about it. ``persistent`` keeps the comment after its end.
        * ``expires`` is the time at which it ends, as for :meth:`.Downtimes.create`. Needs Checkmk 2.4.0p6.

        An object without a problem is NOT_APPLIED. Raises NotFoundError if no object is monitored.
        """
        text = one_line(comment)
        body: dict[str, Any] = {"comment": text, "sticky": sticky, "notify": notify, "persistent": persistent}
        if expires is not None:
            now = dt.datetime.fromtimestamp(self._site.clock.time(), dt.timezone.utc)
            moment = parse_moment(expires, now, zone)
            if moment <= now:
                raise ValueError(f"expires must be later than now, not {moment}")
            body["expire_on"] = iso(moment)
        rows, known = self._resolve(target, ACKNOWLEDGEMENT_COLUMNS)
        for key, row in rows.items():
            if row["state"] == 0:
                error = CheckmkError(f"{key} has no problem").with_attempted(is_read=False, delivery=Delivery.NOT_SENT)
                known.append(Outcome(str(key), Status.NOT_APPLIED, error))

        def step(entry: MonitoredObject) -> Step:
            is_new = new_comment(rows[entry], self._site.settings.username, text)
            return Step(str(entry), entry, lambda row: is_new(row) if row["acknowledged"] else None)

        commands = commands_for((key for key, row in rows.items() if row["state"]), "acknowledge_type", body, step)
        return self._execute(commands, ACKNOWLEDGEMENT_COLUMNS, Waiting(wait, timeout_s, progress), known)

    @writes
    def remove(
        self,
        target: Union[Target, str],
        *,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Remove the acknowledgement of each object of a target, and return an outcome for each.

        Nothing is sent for objects without one. Needs Checkmk 2.4.0p6.
        """
        self._site.require_operation(self.noun, "remove")
        rows, known = self._resolve(target, ACKNOWLEDGEMENT_COLUMNS)
        known += [
            Outcome(str(key), Status.APPLIED, note="was not acknowledged")
            for key, row in rows.items()
            if not row["acknowledged"]
        ]

        def step(entry: MonitoredObject) -> Step:
            return Step(str(entry), entry, lambda row: None if row["acknowledged"] else "")

        acknowledged = [key for key, row in rows.items() if row["acknowledged"]]
        commands: list[Command] = commands_for(acknowledged, "acknowledge_type", {}, step, "remove")
        return self._execute(commands, ACKNOWLEDGEMENT_COLUMNS, Waiting(wait, timeout_s, progress), known)
