"""One engine for all bulk calls: an outcome per item, whatever becomes of the call that carried it.

Checkmk: the schema of a bulk call is checked as a whole, so one bad entry refuses all; after that each
entry is executed by itself, the good ones are committed and the answer may still be 400.
"""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Collection,
    Generic,
    Iterable,
    Iterator,
    Mapping,
    Optional,
    Sequence,
    TypeVar,
    Union,
)

from ..core.waves import waves
from ..errors import ApiError, AuthError, BadRequestError, BatchError, CheckmkError, ForbiddenError, NotFoundError
from .outcomes import Outcome, Outcomes, Progress, Status, is_uncertain
from .settling import read_back, settle
from .site import Site

__all__ = ["BulkVerb", "run_bulk"]

log = logging.getLogger("checkmk_sync")

E = TypeVar("E")


@dataclass(frozen=True)
class BulkVerb(Generic[E]):
    """What the engine has to know of a bulk call.

    ``shaped`` makes an entry of what the caller gave, ValueError when that is none. ``check`` raises ValueError
    for an entry that need not be sent at all. ``send`` performs the call for some entries. ``proven`` reads, by
    the given way to the site, and returns the keys of the entries that the site holds as they were sent.
    ``key`` and ``folder`` say what an entry is named and where it lies. ``needs`` maps the keys of some entries to
    the keys of those that have to be done in an earlier call; it may read what it has to know. ``may_be_done`` says,
    with the fields of an entry that was refused, whether the refusal can be the answer to a second sending of what was
    done by the first.
    """

    shaped: Callable[[Any], E]
    check: Callable[[E], None]
    send: Callable[[Sequence[E]], None]
    proven: Callable[[Site, Sequence[E]], set[str]]
    key: Callable[[E], str]
    folder: Callable[[E], str]
    needs: Callable[[Sequence[E]], Mapping[str, Collection[str]]]
    may_be_done: Callable[[E, Mapping[str, Any]], bool] = lambda _entry, _fields: False


def run_bulk(
    site: Site, verb: BulkVerb[E], items: Iterable[Any], chunk_size: int, progress: Optional[Progress] = None
) -> Outcomes:
    """Send all items in chunks and say what became of each.

    Takes any iterable, one chunk at a time. A list is checked as a whole before anything is sent
    (ValueError names the first item that is no entry), and sorted, so that entries of one folder stand
    together (each run of one folder rewrites that folder's files once), and after those that they need.
    In other iterables only the entries of one chunk are put in order. BatchError, with the outcomes so
    far, when the iterable raises, and at the first 401 that means wrong credentials, for going on would
    lock the account.
    """
    known: list[Outcome] = []
    batch, intake = _Batch(site, verb, chunk_size), _Intake(verb, items, chunk_size)
    for portion in intake.portions():
        for outcome in itertools.chain(intake.refused, batch.run(portion)):
            known.append(outcome)
            site.transport.metrics.increment_counter(f"bulk_items.{outcome.status.name.lower()}")
            if progress is not None:
                progress(outcome)
        stopped_by = batch.stopped_by or intake.stopped_by
        if stopped_by is not None:
            raise BatchError(f"stopped: {stopped_by}", outcomes=Outcomes(known)) from stopped_by
    return Outcomes(known)


class _Intake(Generic[E]):
    """What the caller gives, as entries. ``refused`` are the outcomes of the items of the last portion that are no
    entries; ``stopped_by`` is what the iterable raised."""

    def __init__(self, verb: BulkVerb[E], items: Iterable[Any], chunk_size: int) -> None:
        self._verb, self._size = verb, chunk_size
        self._shaped: Iterator[Union[E, Outcome]] = map(self._outcome_or_entry, itertools.count(), items)
        if isinstance(items, (list, tuple)):
            self._shaped, self._size = self._checked(items), max(1, len(items))
        self.refused: list[Outcome] = []
        self.stopped_by: Optional[Exception] = None

    def portions(self) -> Iterator[list[E]]:
        """A list as a whole, anything else chunk by chunk; what came before the iterable raised is one as well."""
        while self.stopped_by is None:
            taken: list[Union[E, Outcome]] = []
            try:
                taken.extend(itertools.islice(self._shaped, self._size))
            except Exception as error:  # of the caller's: it leaves as the cause of a BatchError
                self.stopped_by = error
            if not taken and self.stopped_by is None:
                return
            self.refused = [entry for entry in taken if isinstance(entry, Outcome)]
            yield [entry for entry in taken if not isinstance(entry, Outcome)]

    def _checked(self, items: Sequence[Any]) -> Iterator[E]:
        entries = []
        for number, item in enumerate(items):
            try:
                entries.append(self._verb.shaped(item))
            except (TypeError, ValueError) as error:
                raise ValueError(f"number {number} of the list: {error}") from None
        return iter(sorted(entries, key=self._verb.key))

    def _outcome_or_entry(self, number: int, item: Any) -> Union[E, Outcome]:
        try:
            return self._verb.shaped(item)
        except (TypeError, ValueError) as error:
            return Outcome(_name_of(item) or f"number {number}", Status.NOT_APPLIED, CheckmkError(str(error)))


def _name_of(item: Any) -> str:
    """The name in an item that is no entry; empty if it has none."""
    name = item.get("host_name") if isinstance(item, Mapping) else item
    return name if isinstance(name, str) else ""


class _Batch(Generic[E]):
    def __init__(self, site: Site, verb: BulkVerb[E], chunk_size: int) -> None:
        self._site, self._verb, self._chunk_size = site, verb, chunk_size
        self._seen: set[str] = set()
        self._todo: list[Sequence[E]] = []  # parts of a chunk, the next one last
        self.stopped_by: Optional[AuthError] = None

    def run(self, portion: Sequence[E]) -> Iterator[Outcome]:
        """The outcomes of some entries; those that came before are not sent again. Ends when it is stopped."""
        fresh: list[E] = []
        for entry in portion:
            key = self._verb.key(entry)
            try:
                self._verb.check(entry)
                if key in self._seen:
                    raise ValueError(f"{key} stands more than once in this batch")
            except ValueError as error:
                yield Outcome.failed(self._verb.key(entry), CheckmkError(str(error)))
            else:
                self._seen.add(key)
                fresh.append(entry)
        try:
            chunks = list(self._chunks(fresh))
        except AuthError as error:
            self.stopped_by = error
            yield from self._failed(fresh, error)
            return
        except CheckmkError as error:  # of a reading, so nothing was sent
            yield from self._failed(fresh, error)
            return
        for chunk in chunks:
            self._todo.append(chunk)
            while self._todo:
                yield from self._send(self._todo.pop())
            if self.stopped_by is not None:
                return

    def _chunks(self, entries: Sequence[E]) -> Iterator[Sequence[E]]:
        """The calls to make. Checkmk checks all entries of a call before it executes the first."""
        needs = self._verb.needs(entries)
        wave = waves(
            {self._verb.key(entry): needs.get(self._verb.key(entry), ()) for entry in entries} if needs else {}
        )
        ordered = sorted(entries, key=lambda entry: (wave.get(self._verb.key(entry), 0), self._verb.folder(entry)))
        for _, group in itertools.groupby(ordered, key=lambda entry: wave.get(self._verb.key(entry), 0)):
            some = list(group)
            for start in range(0, len(some), self._chunk_size):
                yield some[start : start + self._chunk_size]

    def _send(self, entries: Sequence[E]) -> Iterator[Outcome]:
        if not entries:  # everything in this part has been settled
            return
        if self.stopped_by is not None:
            yield from self._failed(entries, self.stopped_by)
            return
        try:
            self._verb.send(entries)
        except AuthError as error:
            self.stopped_by = error
            yield from self._failed(entries, error)
        except (BadRequestError, NotFoundError) as error:
            yield from self._refused(entries, error)
        except ForbiddenError as error:
            # Permissions belong to folders, so folder by folder tells which entries it is about.
            ordered = sorted(entries, key=self._verb.folder)  # known only now, for some
            folders = [list(group) for _, group in itertools.groupby(ordered, key=self._verb.folder)]
            yield from self._in_parts(entries, folders, error)
        except CheckmkError as error:
            yield from self._settled(entries, error) if is_uncertain(error) else self._failed(entries, error)
        else:
            for entry in entries:
                yield Outcome(self._verb.key(entry), Status.APPLIED)

    def _refused(self, entries: Sequence[E], error: ApiError) -> Iterator[Outcome]:
        failed = error.ext.get("failed_hosts")
        bad = _named_entries(error)
        if isinstance(failed, dict):
            yield from self._failed_in_part(entries, error, failed)
        elif bad and max(bad) < len(entries):
            yield from self._failed_by_name(entries, error, bad)
            self._todo.append([entry for index, entry in enumerate(entries) if index not in bad])
        elif len(entries) == 1:
            yield from self._in_parts(entries, [entries], error)
        else:
            half = len(entries) // 2
            yield from self._in_parts(entries, [entries[:half], entries[half:]], error)

    def _failed_by_name(
        self, entries: Sequence[E], error: ApiError, bad: Mapping[int, Mapping[str, list[str]]]
    ) -> Iterator[Outcome]:
        """Yield the outcomes of the entries that a refusal names.

        A web server in front of the site may have sent the call twice. Then the first one has done every entry, and
        every entry is refused because it exists already, or no longer.
        """
        repeated = [entries[index] for index, fields in bad.items() if self._verb.may_be_done(entries[index], fields)]
        if len(repeated) < len(entries):
            repeated = []
        proven = self._proven(repeated)
        for index, fields in bad.items():
            entry, narrowed = entries[index], _narrowed(error, fields)
            if proven is None and entry in repeated:
                yield Outcome(self._verb.key(entry), Status.UNKNOWN, narrowed)
            elif proven is not None and self._verb.key(entry) in proven:
                yield from self._as_read([entry], proven)
            else:
                yield Outcome.failed(self._verb.key(entry), narrowed)

    def _in_parts(self, entries: Sequence[E], parts: Sequence[Sequence[E]], error: ApiError) -> Iterator[Outcome]:
        """Nobody is named. The execution may have stopped midway: what was not done is sent again, all of it
        where something was done, else part by part."""
        proven = self._proven(entries)
        if proven is None:
            yield from (Outcome(self._verb.key(entry), Status.UNKNOWN, error) for entry in entries)
            return
        yield from self._as_read(entries, proven)
        rest = [entry for entry in entries if self._verb.key(entry) not in proven]
        if len(rest) < len(entries):
            self._todo.append(rest)
        elif len(parts) == 1:
            yield from self._failed(entries, error)
        else:
            self._todo += reversed(parts)

    def _failed_in_part(self, entries: Sequence[E], error: ApiError, failed: Mapping[str, Any]) -> Iterator[Outcome]:
        """The good entries are committed. A failed one may be as wanted all the same (removing what is gone), so
        what cannot be read is unknown."""
        proven = self._proven([entry for entry in entries if self._verb.key(entry) in failed])
        for entry in entries:
            key = self._verb.key(entry)
            if key not in failed:
                yield Outcome(key, Status.APPLIED)
            elif proven is not None and key in proven:
                yield Outcome(key, Status.APPLIED, note="was so already")
            else:
                status = Status.UNKNOWN if proven is None else Status.NOT_APPLIED
                yield Outcome(key, status, _narrowed(error, {key: [str(failed[key])]}))

    def _settled(self, entries: Sequence[E], error: CheckmkError) -> Iterator[Outcome]:
        """The answer was lost, or says nothing: look what the site holds until that is sure or time is over."""
        missing = list(entries)

        def look(site: Site) -> Optional[bool]:
            proven = self._read(site, missing)
            missing[:] = [entry for entry in missing if self._verb.key(entry) not in proven]
            return None if missing else True

        failure = error
        try:
            settle(self._site, error, look)
        except type(error) as still_open:
            failure = still_open
        left = {self._verb.key(entry) for entry in missing}
        yield from self._as_read(entries, {self._verb.key(entry) for entry in entries} - left)
        yield from self._failed(missing, failure)

    def _proven(self, entries: Sequence[E]) -> Optional[set[str]]:
        """The keys of what the site holds; None when it cannot be read."""
        try:
            return read_back(self._site, lambda site: self._read(site, entries)) if entries else set()
        except CheckmkError as error:
            log.debug("cannot look what became of a bulk call: %s", error)
        return None

    def _read(self, site: Site, entries: Sequence[E]) -> set[str]:
        try:
            return self._verb.proven(site, entries)
        except AuthError as error:
            self.stopped_by = error
            raise

    def _as_read(self, entries: Sequence[E], proven: set[str]) -> Iterator[Outcome]:
        for entry in entries:
            if self._verb.key(entry) in proven:
                yield Outcome(self._verb.key(entry), Status.APPLIED, note="found by reading after a lost answer")

    def _failed(self, entries: Sequence[E], error: CheckmkError) -> Iterator[Outcome]:
        return (Outcome.failed(self._verb.key(entry), error) for entry in entries)


_ENTRY = re.compile(r"entries\.(\d+)(?:\.|$)(.*)")


def _named_entries(error: ApiError) -> dict[int, dict[str, list[str]]]:
    """The entries that a refusal names, by index, each with what is said of it."""
    bad: dict[int, dict[str, list[str]]] = {}
    for path, texts in error.fields.items():
        found = _ENTRY.match(path)
        if found:
            bad.setdefault(int(found.group(1)), {})[found.group(2) or "entry"] = texts
    return bad


def _narrowed(error: ApiError, fields: Mapping[str, Sequence[str]]) -> ApiError:
    """The refusal of a whole call as that of one entry."""
    return type(error)(error.status, error.title, "", fields=fields, call=error.call, attempted=error.attempted)
