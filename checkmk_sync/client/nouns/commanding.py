"""Sends commands to the monitoring core, and reads whether it has executed them.

Checkmk answers a command with 204 when it has handed it over to the core (CHECKMK_API 8.5). Only the state of the
objects shows whether the core has executed it.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, TypeVar, Union

from ...core.clock import Deadline
from ...errors import Attempted, CheckmkError, Delivery, NotFoundError, UnexpectedReplyError, WaitTimeoutError
from ..claims import Claim
from ..outcomes import Outcome, Outcomes, Progress, Status, is_uncertain
from ..query import Filter, column, everything
from ..resource import Resource
from ..settling import wait_for
from ..site import Site
from ..targets import HOSTS, SERVICES, MonitoredObject, Target, named_query
from .monitoring import NAMES_PER_QUERY, HostStatuses, Services

T = TypeVar("T")
Rows = Mapping[MonitoredObject, Mapping[str, Any]]
Proof = Callable[[Mapping[str, Any]], Optional[str]]
MOST_IN_URL = 20  # the number of host names in a query that certainly fits into a URL
WAIT_S = 30.0  # the default time limit for the core to execute a command
HANDED_OVER = "handed over to the monitoring core, but not confirmed, because the call did not wait"
_LATE = "the monitoring core has not executed the command within {:g} s; it may still do so"


@dataclass(frozen=True, eq=False)
class Step:
    """The part of a command that changes one object or entry. ``key`` identifies it in the outcomes.

    ``proof`` gets the row of the object, and returns a note if the row shows that the core has executed the command.
    """

    key: str
    of: MonitoredObject
    proof: Proof


@dataclass(frozen=True)
class Command:
    """One request, and the steps that the core executes for it.

    Without a ``verb``, nothing is sent, because an earlier call may have handed the command over.
    """

    verb: str
    body: Mapping[str, Any]
    steps: Sequence[Step]


@dataclass(frozen=True)
class Waiting:
    """How to confirm commands: whether to wait, for how many seconds, and where to report outcomes.

    ``note`` is called with the objects of each request and True before it is sent, and with False if it was certainly
    not executed.
    """

    wait: bool = True
    timeout_s: float = WAIT_S
    progress: Optional[Progress] = None
    note: Optional[Callable[[list[MonitoredObject], bool], None]] = None


class Commands(Resource):
    """The base class of nouns whose writes are commands to the monitoring core."""

    def _rows(self, target: Target, columns: Sequence[str]) -> Rows:
        """Return the columns of all objects of a target. Objects that are not monitored are missing."""
        found: dict[MonitoredObject, Mapping[str, Any]] = {}
        if target.table == HOSTS:
            noun = HostStatuses(self._site)
            is_short = not target.named or noun.fits(target.query, len(target.named))
            hosts = noun.each(query=target.query if is_short else everything(), columns=columns)
            found.update((MonitoredObject(row.name), row.columns) for row in hosts)
        else:
            services = Services(self._site)
            for query in _short_queries(services, target.named) if target.named else [target.query]:
                rows = services.few(query, columns=columns)
                found.update((MonitoredObject(row.host_name, row.name), row.columns) for row in rows)
        named = set(target.named)
        return {key: row for key, row in found.items() if key in named} if named else found

    def _rows_of(self, objects: Iterable[MonitoredObject], columns: Sequence[str]) -> Rows:
        """Return the columns of these hosts and services. Objects that are not monitored are missing."""
        named = sorted(set(objects))
        tables = ([entry for entry in named if bool(entry.service) is is_service] for is_service in (False, True))
        rows = [self._rows(Target.objects(part), columns) for part in tables if part]
        return {key: row for part in rows for key, row in part.items()}

    def _resolve(self, target: Union[Target, str], columns: Sequence[str]) -> tuple[Rows, list[Outcome]]:
        """Return the rows of a target, and the outcomes of named objects that are not monitored.

        Raises NotFoundError if the core knows no object of the target.
        """
        target = Target.of(target)
        rows = self._rows(target, columns)
        hint = "check its name, whether it is activated, and whether its site is running"
        missing = {str(name): f"{name} is not monitored; {hint}" for name in target.named if name not in rows}
        if not rows:
            raise _not_found(next(iter(missing.values()), "no monitored object matches the target"))
        return rows, [Outcome(name, Status.NOT_APPLIED, _not_found(text)) for name, text in missing.items()]

    def objects(
        self, target: Union[Target, str], columns: Sequence[str] = (), *, include_children: bool = False
    ) -> Rows:
        """Return the monitored objects that a command for a target would be for, with columns of their state.

        The keys have the members ``host`` and ``service``. Raises NotFoundError if there is no such object.
        """
        return self._resolve(self._with_children(target) if include_children else target, columns)[0]

    def _with_children(self, target: Union[Target, str]) -> Target:
        """Return the target for hosts and all hosts below them, because the API cannot include child hosts."""
        target = Target.of(target)
        if target.table != HOSTS:
            raise ValueError("include_children needs a target for hosts")
        found = set(target.named) | set(self._rows(target, ()))
        new = sorted(found)
        while new:
            part, rest = new[:MOST_IN_URL], new[MOST_IN_URL:]
            query = functools.reduce(operator.or_, (column("parents").has(entry.host) for entry in part))
            children = self._rows(Target(HOSTS, query), ()).keys() - found
            found |= children
            new = [*rest, *sorted(children)]
        return Target.objects(sorted(found)) if found else target

    def _execute(
        self,
        commands: Sequence[Command],
        columns: Sequence[str],
        waiting: Waiting,
        known: Iterable[Outcome] = (),
        *,
        adds: bool = False,
    ) -> Outcomes:
        """Send commands, and return an outcome for each step, after the ``known`` ones.

        ``columns`` are the columns that the proofs need. If a request fails, later ones are not sent. If the site
        refuses the first one, its error is raised. ``adds`` is True for commands that act twice if they are sent twice.
        """
        outcomes: list[Outcome] = []
        keys = [step.key for command in commands for step in command.steps] if adds else []

        def report(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if waiting.progress is not None:
                waiting.progress(outcome)

        for outcome in known:
            report(outcome)
        with self._site.creation_claims.claim(self.noun, keys) as claim:
            pending = self._hand_over(commands, report, waiting)
            self._confirm(pending, claim if adds else None, columns, waiting, report)
        return Outcomes(outcomes)

    def _hand_over(
        self, commands: Sequence[Command], report: Progress, waiting: Waiting
    ) -> dict[Step, Optional[CheckmkError]]:
        """Send commands. Return the steps that the core may have received, with the error if the answer was lost."""
        pending: dict[Step, Optional[CheckmkError]] = {}
        failure: Optional[CheckmkError] = None
        for number, command in enumerate(commands):
            if failure is None:
                objects = [step.of for step in command.steps]
                note = waiting.note if command.verb else None
                try:
                    if note is not None:
                        note(objects, True)
                    if command.verb:
                        self._perform(command.verb, body=command.body)
                except CheckmkError as error:
                    if note is not None and not is_uncertain(error):
                        note(objects, False)
                    if number == 0 and not is_uncertain(error):
                        raise
                    failure = error
                if failure is None or is_uncertain(failure):
                    pending.update(dict.fromkeys(command.steps, failure))
                    continue
                unsent = failure
            else:
                text = f"not sent, because an earlier request failed: {failure}"
                unsent = CheckmkError(text).with_attempted(is_read=False, delivery=Delivery.NOT_SENT)
            for step in command.steps:
                report(Outcome(step.key, Status.NOT_APPLIED, unsent))
        return pending

    def _confirm(
        self,
        pending: dict[Step, Optional[CheckmkError]],
        claim: Optional[Claim],
        columns: Sequence[str],
        waiting: Waiting,
        report: Progress,
    ) -> None:
        """Report the outcome of each step that may have been handed over.

        If another call sends the same as the ``claim``, nobody can tell which command the core has executed. After a
        lost answer, the state of the object then proves nothing.
        """
        first = next(filter(None, pending.values()), None)
        limit_s = waiting.timeout_s if waiting.wait else 0.0
        if first is not None:
            self._site.notify_settling(first)
            limit_s = max(limit_s, self._site.settings.timeouts.settle_s)

        def look(short_site: Site) -> Optional[bool]:
            rows = self._with_site(short_site)._rows_of((step.of for step in pending), columns)
            for step, lost in list(pending.items()):
                note = step.proof(rows[step.of]) if step.of in rows else None
                if note is not None and (lost is None or claim is None or step.key in claim):
                    report(Outcome(step.key, Status.APPLIED, note=note))
                    del pending[step]
            return None if pending else True

        late: Optional[CheckmkError] = None
        if pending and limit_s:
            try:
                wait_for(self._site, look, Deadline(self._site.clock, limit_s), "the command")
            except WaitTimeoutError as error:
                late = WaitTimeoutError(_LATE.format(waiting.timeout_s), waited_s=waiting.timeout_s)
                late.__cause__ = error.__cause__
            except CheckmkError as error:  # the objects cannot be read
                late = error
        for step, lost in pending.items():
            failed = lost or (late if waiting.wait else None)
            report(Outcome(step.key, Status.UNKNOWN, failed, "" if failed else HANDED_OVER))


def _short_queries(services: Services, named: Sequence[MonitoredObject]) -> list[Filter]:
    """Return queries for services that fit into one request each."""
    query, half = named_query(SERVICES, named), len(named) // 2
    if not half or services.fits(query, len(named)):
        return [query]
    return [*_short_queries(services, named[:half]), *_short_queries(services, named[half:])]


def parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the items in parts of at most ``size`` items."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def entries_of(row: Mapping[str, Any], column: str, members: int) -> list[Any]:
    """Return the entries of a column with lists of ``members`` members, such as ``comments_with_extra_info``."""
    entries = row[column]
    if not isinstance(entries, list) or not all(isinstance(e, list) and len(e) >= members for e in entries):
        raise UnexpectedReplyError(f"{column!r} in the answer must contain lists with {members} members")
    return entries


def _not_found(text: str) -> NotFoundError:
    return NotFoundError(404, text, attempted=Attempted(Delivery.NOTHING_DONE, is_read=False))


def commands_for(
    objects: Iterable[MonitoredObject],
    kind: str,
    body: Mapping[str, Any],
    step: Callable[[MonitoredObject], Step],
    verb: str = "",
) -> list[Command]:
    """Return the requests for exactly these hosts or services. ``kind`` is the field with the kind of the selector."""
    found = []
    for part in parts(sorted(objects), NAMES_PER_QUERY):
        table = "service" if part[0].service else "host"
        # A query for names is exact, and the site does not decode them again (CHECKMK_API 10.7).
        query = named_query(f"{table}s", part).to_dict()
        selected = {kind: f"{table}_by_query", "query": query, **body}
        found.append(Command(verb or f"on_{table}s", selected, [step(entry) for entry in part]))
    return found


def one_line(text: str, label: str = "comment") -> str:
    """Return a text for the core. Raises ValueError if it is empty or contains a line break."""
    # CHECKMK_API_MORE: the site removes line breaks, so it would store another text.
    if not isinstance(text, str) or not text.strip() or len(text.splitlines()) > 1:
        raise ValueError(f"{label} must be one line of text, not {text!r}")
    return text.strip()
