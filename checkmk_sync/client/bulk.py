"""The engine of all bulk calls. It returns an outcome for each item, even if calls are refused or answers are lost.

Checkmk executes a bulk call in two phases (CHECKMK_API 10.2). First it validates all entries, and refuses the entire
call if one of them is not valid. Then it executes each entry separately. Entries that succeed are committed even if
others fail and the answer is 400.
"""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import dataclass
from typing import Any, Callable, Collection, Generic, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

from ..core.grouping import grouped, waves
from ..errors import ApiError, AuthError, BadRequestError, BatchError, CheckmkError, ForbiddenError, NotFoundError
from .outcomes import Outcome, Outcomes, Progress, Status, is_uncertain
from .settling import confirm, settle
from .site import Site

log = logging.getLogger("checkmk_sync")

E = TypeVar("E")


@dataclass(frozen=True)
class BulkCall(Generic[E]):
    """The functions that distinguish one kind of bulk call from another.

    * ``to_entry(item)`` converts an item of the caller to an entry. It raises ValueError or TypeError if the item is
      not valid, and CheckmkError if this version of Checkmk does not support it.
    * ``key(entry)`` and ``folder(entry)`` return the name of the object and its folder, if it has one.
    * ``send(entries)`` sends entries in one call.
    * ``find_applied(site, entries)`` reads the site and returns the keys of the entries that have been applied.
    * ``prerequisites(entries)`` maps the keys of entries to the keys of entries that must be sent in an earlier call.
      It may read the site.
    * ``may_be_applied(entry, fields)`` returns True if a refusal of these fields could answer the second copy of a
      request whose first copy has applied the entry.
    * ``key_name`` is the key of the name in items that are mappings.
    * ``check_key(name)`` raises ValueError for a name that is not valid.
    """

    to_entry: Callable[[Any], E]
    key: Callable[[E], str]
    send: Callable[[Sequence[E]], None]
    find_applied: Callable[[Site, Sequence[E]], set[str]]
    folder: Callable[[E], str] = lambda _entry: ""
    prerequisites: Callable[[Sequence[E]], Mapping[str, Collection[str]]] = lambda _entries: {}
    may_be_applied: Callable[[E, Mapping[str, Any]], bool] = lambda _entry, _fields: False
    key_name: str = "name"
    check_key: Callable[[str], object] = lambda _key: None


def run_bulk(
    site: Site, call: BulkCall[E], items: Iterable[Any], chunk_size: int, progress: Optional[Progress] = None
) -> Outcomes:
    """Send all items in chunks and return an outcome for each. ``progress`` is called with each outcome.

    A list or tuple is validated completely before anything is sent. Raises ValueError, with the index of the first item
    that is not valid. The entries are then sorted by folder, with prerequisites first. Any other iterable is read,
    validated and sorted one chunk at a time.

    Raises BatchError, with the outcomes so far, if the iterable raises an error, or at the first 401 for wrong
    credentials.
    """
    outcomes: list[Outcome] = []
    run = _BulkRun(site, call, chunk_size)
    for batch in _read_entries(call, items, chunk_size, outcomes):
        for outcome in run.send_all(batch):
            outcomes.append(outcome)
            site.transport.metrics.increment_counter(f"bulk_items.{outcome.status.name.lower()}")
            if progress is not None:
                progress(outcome)
        if run.auth_error is not None:  # repeated failures would lock the account (CHECKMK_API 3)
            raise BatchError(
                f"the batch was stopped: {run.auth_error}", outcomes=Outcomes(outcomes)
            ) from run.auth_error
    return Outcomes(outcomes)


def _read_entries(
    call: BulkCall[E], items: Iterable[Any], size: int, outcomes: Sequence[Outcome]
) -> Iterator[list[Union[E, Outcome]]]:
    """Yield all entries of a list at once, and the entries of any other iterable chunk by chunk.

    In the second case, an item that is not valid is replaced by its outcome.
    """
    if isinstance(items, (list, tuple)):
        yield [*_sorted_entries(call, items)]
        return

    def read(number: int, item: Any) -> Union[E, Outcome]:
        try:
            return call.to_entry(item)
        except (TypeError, ValueError, CheckmkError) as error:
            name = item.get(call.key_name) if isinstance(item, Mapping) else item
            key = name if name and isinstance(name, str) else f"item {number}"
            return Outcome(key, Status.NOT_APPLIED, CheckmkError(str(error)))

    source = map(read, itertools.count(), items)
    while True:
        batch: list[Union[E, Outcome]] = []
        failure: Optional[Exception] = None
        try:
            batch.extend(itertools.islice(source, size))
        except Exception as error:  # the caller's iterable may raise anything; items before the error are sent first
            failure = error
        if batch:
            yield batch
        if failure is not None:
            raise BatchError(f"the batch was stopped: {failure}", outcomes=Outcomes(outcomes)) from failure
        if not batch:
            return


def _sorted_entries(call: BulkCall[E], items: Sequence[Any]) -> list[E]:
    entries: list[E] = []
    for number, item in enumerate(items):
        try:
            entries.append(call.to_entry(item))
        except (TypeError, ValueError) as error:
            raise ValueError(f"item {number} of the list: {error}") from None
    return sorted(entries, key=call.key)


class _BulkRun(Generic[E]):
    """One bulk call in progress. ``auth_error`` is set after a 401 for wrong credentials; nothing more is sent then."""

    def __init__(self, site: Site, call: BulkCall[E], chunk_size: int) -> None:
        self._site, self._call, self._chunk_size = site, call, chunk_size
        self._seen: set[str] = set()
        self._pending: list[Sequence[E]] = []  # a stack of the parts of a chunk; the last one is sent next
        self.auth_error: Optional[AuthError] = None

    def send_all(self, batch: Sequence[Union[E, Outcome]]) -> Iterator[Outcome]:
        """Send the entries and yield their outcomes. An entry fails if an earlier one has the same key."""
        entries: list[E] = []
        for entry in batch:
            if isinstance(entry, Outcome):
                yield entry
                continue
            key = self._call.key(entry)
            try:
                self._call.check_key(key)
                if key in self._seen:
                    raise ValueError(f"{key} occurs twice in this batch")
            except ValueError as error:
                yield Outcome.failed(key, CheckmkError(str(error)))
            else:
                self._seen.add(key)
                entries.append(entry)
        try:
            chunks = self._chunks(entries)
        except CheckmkError as error:  # reading the prerequisites failed, so nothing was sent
            yield from self._fail_all(entries, error)
            return
        for chunk in chunks:
            self._pending.append(chunk)
            while self._pending:
                part = self._pending.pop()
                yield from self._send(part) if self.auth_error is None else self._fail_all(part, self.auth_error)
            if self.auth_error is not None:
                return

    def _chunks(self, entries: Sequence[E]) -> list[Sequence[E]]:
        """Return the entries of each call to make."""
        # Checkmk validates all entries of a call before it executes the first, so prerequisites need an earlier call.
        needed = self._call.prerequisites(entries)
        level = waves({key: needed.get(key, ()) for key in map(self._call.key, entries)})
        # CHECKMK_API 8.4: consecutive entries of one folder are written together, which is much faster.
        by_folder = sorted(entries, key=self._call.folder)
        levels = grouped((level[self._call.key(entry)], entry) for entry in by_folder)
        size = self._chunk_size
        return [
            group[start : start + size] for _, group in sorted(levels.items()) for start in range(0, len(group), size)
        ]

    def _send(self, entries: Sequence[E]) -> Iterator[Outcome]:
        if not entries:
            return
        try:
            self._call.send(entries)
        except (BadRequestError, NotFoundError) as error:
            yield from self._settle_refused(entries, error)
        except ForbiddenError as error:
            if error.attempted.is_read:  # the read before the call failed, so nothing was sent
                yield from self._fail_all(entries, error)
                return
            # Permissions are granted by folder, so sending folder by folder shows which entries are forbidden.
            ordered = sorted(entries, key=self._call.folder)  # the folders of some entries are known only now
            yield from self._send_in_parts(
                entries, [list(group) for _, group in itertools.groupby(ordered, key=self._call.folder)], error
            )
        except CheckmkError as error:
            yield from self._settle_lost(entries, error) if is_uncertain(error) else self._fail_all(entries, error)
        else:
            yield from (Outcome(self._call.key(entry), Status.APPLIED) for entry in entries)

    def _settle_lost(self, entries: Sequence[E], error: CheckmkError) -> Iterator[Outcome]:
        """Read the entries of a call whose answer was lost, until all are found or ``settle_s`` has passed."""
        missing = {self._call.key(entry): entry for entry in entries}

        def find_applied(site: Site) -> Optional[bool]:
            for key in self._find_applied(site, list(missing.values())):
                del missing[key]
            return None if missing else True

        failure = error
        try:
            settle(self._site, error, find_applied)
        except type(error) as unsettled:
            failure = unsettled
        yield from self._report_applied(entries, {self._call.key(entry) for entry in entries} - set(missing))
        yield from self._fail_all(list(missing.values()), failure)

    def _settle_refused(self, entries: Sequence[E], error: ApiError) -> Iterator[Outcome]:
        failed_hosts, errors_by_index = error.ext.get("failed_hosts"), _errors_by_index(error)
        if isinstance(failed_hosts, dict):
            yield from self._settle_partial_failure(entries, error, failed_hosts)
        elif errors_by_index and max(errors_by_index) < len(entries):
            yield from self._settle_named_entries(entries, error, errors_by_index)
            self._pending.append([entry for index, entry in enumerate(entries) if index not in errors_by_index])
        else:
            half = len(entries) // 2
            yield from self._send_in_parts(entries, [entries[:half], entries[half:]] if half else [entries], error)

    def _settle_named_entries(
        self, entries: Sequence[E], error: ApiError, errors_by_index: Mapping[int, Mapping[str, list[str]]]
    ) -> Iterator[Outcome]:
        """Yield the outcomes of the entries that a refusal names."""
        # A web server in front of the site may have sent the call twice. Then the first copy has applied all entries,
        # and the second one is refused for all of them, because they already exist or no longer exist.
        maybe_repeated = [
            entries[index]
            for index, fields in errors_by_index.items()
            if self._call.may_be_applied(entries[index], fields)
        ]
        if len(maybe_repeated) < len(entries):
            maybe_repeated = []
        applied = self._read_applied(maybe_repeated)
        for index, fields in errors_by_index.items():
            entry, key, own_error = entries[index], self._call.key(entries[index]), _error_of_entry(error, fields)
            if applied is None and entry in maybe_repeated:
                yield Outcome(key, Status.UNKNOWN, own_error)
            elif applied is not None and key in applied:
                yield from self._report_applied([entry], applied)
            else:
                yield Outcome.failed(key, own_error)

    def _settle_partial_failure(
        self, entries: Sequence[E], error: ApiError, failed: Mapping[str, Any]
    ) -> Iterator[Outcome]:
        """Yield the outcomes of all entries of a call in which some entries failed and all others were committed."""
        # CHECKMK_API 10.2: removing an attribute that is absent fails, although the host is as requested. So the failed
        # entries are read. If that is impossible, their outcome is unknown.
        applied = self._read_applied([entry for entry in entries if self._call.key(entry) in failed])
        for key in map(self._call.key, entries):
            if key not in failed:
                yield Outcome(key, Status.APPLIED)
            elif applied is not None and key in applied:
                yield Outcome(key, Status.APPLIED, note="was already in this state")
            else:
                status = Status.UNKNOWN if applied is None else Status.NOT_APPLIED
                yield Outcome(key, status, _error_of_entry(error, {key: [str(failed[key])]}))

    def _send_in_parts(self, entries: Sequence[E], parts: Sequence[Sequence[E]], error: ApiError) -> Iterator[Outcome]:
        """Send entries again after a refusal that does not say which entry caused it.

        The call may have stopped midway. If some entries have been applied, the others are sent again together.
        Otherwise all are sent part by part.
        """
        applied = self._read_applied(entries)
        if applied is None:
            yield from (Outcome(self._call.key(entry), Status.UNKNOWN, error) for entry in entries)
            return
        yield from self._report_applied(entries, applied)
        missing = [entry for entry in entries if self._call.key(entry) not in applied]
        if len(missing) < len(entries):
            self._pending.append(missing)
        elif len(parts) == 1:
            yield from self._fail_all(entries, error)
        else:
            self._pending += reversed(parts)

    def _read_applied(self, entries: Sequence[E]) -> Optional[set[str]]:
        """Return the keys of the entries that have been applied, or None if the site cannot be read."""
        try:
            return confirm(self._site, lambda site: self._find_applied(site, entries)) if entries else set()
        except CheckmkError as error:
            log.debug("cannot read the outcomes of a bulk call: %s", error)
        return None

    def _find_applied(self, site: Site, entries: Sequence[E]) -> set[str]:
        try:
            return self._call.find_applied(site, entries)
        except AuthError as error:
            self.auth_error = error
            raise

    def _report_applied(self, entries: Sequence[E], applied: set[str]) -> Iterator[Outcome]:
        for key in map(self._call.key, entries):
            if key in applied:
                yield Outcome(key, Status.APPLIED, note="found by reading after a lost answer")

    def _fail_all(self, entries: Sequence[E], error: CheckmkError) -> list[Outcome]:
        if isinstance(error, AuthError):
            self.auth_error = error
        return [Outcome.failed(self._call.key(entry), error) for entry in entries]


_ENTRY = re.compile(r"entries\.(\d+)(?:\.|$)(.*)")


def _errors_by_index(error: ApiError) -> dict[int, dict[str, list[str]]]:
    """Return the messages of a refusal, by the index of the entry and then by the field."""
    errors_by_index: dict[int, dict[str, list[str]]] = {}
    for path, messages in error.fields.items():
        match = _ENTRY.match(path)
        if match:
            errors_by_index.setdefault(int(match.group(1)), {})[match.group(2) or "entry"] = messages
    return errors_by_index


def _error_of_entry(error: ApiError, fields: Mapping[str, Sequence[str]]) -> ApiError:
    """Return the refusal of a call, reduced to the ``fields`` of one entry."""
    return error.with_texts(detail="", fields=fields, ext={})
