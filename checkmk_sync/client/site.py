"""Performs single requests: looks up the operation in the catalogue, builds the call and returns the reply."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Union

from ..catalogue.operation import ANY_FIELD, Operation
from ..catalogue.operations import EDITION_DEPENDENT, NOUN_NAMES, UNVERSIONED, find_operation, operations_named
from ..catalogue.versions import CheckmkVersion
from ..core.call import Call, Reply
from ..core.clock import Deadline
from ..errors import Attempted, CheckmkError, Delivery, UnexpectedReplyError
from ..http.error_replies import http_date
from ..http.json_decoders import Fields
from ..http.json_stream import iter_blocks
from ..streaming import Blocks, Received
from .claims import Claims
from .payload import value_of

if TYPE_CHECKING:
    from ..http.transport import Transport

log = logging.getLogger("checkmk_sync")

Query = Mapping[str, Any]


@dataclass(frozen=True)
class Settling:
    """A write whose answer was lost. The client reads the site for at most ``limit_s`` seconds to learn its outcome.

    ``call`` is the method and the path of the write. ``error`` is the failure that left its outcome unknown.
    """

    call: str
    error: CheckmkError
    limit_s: float


class Site:
    """A transport and the version of its site. A copy from ``with_time_limit`` is only for short reads."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.settings = transport.settings
        self.clock = transport.clock
        self.creation_claims = Claims(transport.clock)
        self.settling_hooks: list[Callable[[Settling], object]] = []
        self._deadline: Optional[Deadline] = None

    @property
    def has_answered(self) -> bool:
        """True once a response has contained a version of Checkmk."""
        return self.transport.version_text is not None

    def with_time_limit(self, limit_s: float) -> Site:
        """Return this site with a time limit, for a caller that repeats its reads itself.

        All calls together take at most ``limit_s`` seconds. Each is tried once, ignores the circuit breaker and does
        not count for it.
        """
        site = copy.copy(self)
        site._deadline = Deadline(self.clock, limit_s)
        return site

    def version(self) -> CheckmkVersion:
        """Return the site's version, and request it if no earlier response contained it.

        Raises UnexpectedReplyError if the response contains no valid version.
        """
        try:
            return CheckmkVersion.parse(self.transport.version_text or self._read_version()[0])
        except ValueError as error:
            attempted = Attempted(Delivery.NOTHING_DONE, is_read=True)  # the version is read before anything is sent
            raise UnexpectedReplyError(f"the site reports an invalid version: {error}", attempted=attempted) from error

    def edition(self) -> str:
        """Return the short name of the site's edition, such as ``cre``. It is read like :meth:`version`."""
        # A proxy can remove the header of the edition and keep the header of the version.
        return self.transport.edition or self._read_version()[1]

    def _read_version(self) -> tuple[str, str]:
        answer = self.perform("site", "version").data
        version, edition = str(value_of(answer, "versions", "checkmk")), str(value_of(answer, "edition"))
        # The edition first: another thread that finds a version must also find an edition.
        self.transport.edition, self.transport.version_text = edition, version
        return version, edition

    def site_time(self, moment: float) -> Optional[float]:
        """Convert a ``moment`` of the client's monotonic clock to UNIX time by the site's clock.

        The result may be up to one second too early, but is never too late. It is None if the response has no ``Date``.
        """
        # The creation times of objects come from the site's clock, which may differ from the client's.
        date = http_date(self.perform("site", "version").headers.get("Date") or "")
        return None if date is None else date - (self.clock.monotonic() - moment)

    def notify_settling(self, error: CheckmkError) -> None:
        """Call the settling hooks before the outcome of a write is read. Their exceptions are logged."""
        settling = Settling(str(getattr(error, "call", "")), error, self.settings.timeouts.settle_s)
        for hook in list(self.settling_hooks):
            try:
                hook(settling)
            except Exception:
                log.exception("a settling hook failed while the outcome of %s was being read", settling.call)

    def invalidate_reads(self) -> None:
        """Invalidate all cached responses of the site."""
        self.transport.cache.invalidate_nouns(NOUN_NAMES)

    def operation(self, noun: str, verb: str) -> Optional[Operation]:
        """Return the catalogue's entry for a verb, or None if the site's version or edition does not support it."""
        unversioned = UNVERSIONED.get((noun, verb))
        if unversioned is not None:
            return unversioned
        # Reading the edition can cost a request.
        edition = self.edition() if (noun, verb) in EDITION_DEPENDENT else ""
        return find_operation(noun, verb, self.version(), edition)

    def perform(
        self,
        noun: str,
        verb: str,
        *,
        path: Optional[Mapping[str, str]] = None,
        query: Optional[Query] = None,
        body: Optional[Mapping[str, Any]] = None,
        etag: Optional[str] = None,
        fresh: bool = False,
        stream: bool = False,
        body_limit: Optional[float] = None,
        object_names: Sequence[str] = (),
    ) -> Reply:
        """Perform a verb and return the reply. Query parameters that are None are omitted.

        ``object_names`` are the names of the objects that a write changes. Raises UnexpectedReplyError, with an unknown
        outcome, if the answer to a write names other objects or is not an answer that Checkmk gives to this call.
        """
        operation = self.require_operation(noun, verb)
        parameters = {name: value for name, value in query.items() if value is not None} if query else {}
        # Dropping a filter that this version does not know would silently return other objects.
        unknown = (set(parameters) - set(operation.query)) | (set(body or ()) - set(operation.body))
        if ANY_FIELD in operation.body:
            unknown -= set(body or ())
        if unknown:
            where = f"'{noun} {verb}' of Checkmk {self.version()}"
            raise CheckmkError(f"{where} does not support {', '.join(sorted(unknown))}")
        call = Call(
            method=operation.method,
            path=operation.url(path or {}),
            kind=operation.kind,
            noun=noun,
            verb=verb,
            query=query_pairs(parameters) if parameters else (),
            body=body,
            etag=etag if operation.if_match else None,
            accept=operation.accept,
            touches=operation.touches,
            fresh=fresh,
            stream=stream,
            body_limit=body_limit,
            probe=self._deadline is not None,
            deadline_s=None if self._deadline is None else self._deadline.remaining_s(),
            expected=operation.expected,
            object_names=tuple(object_names),
        )
        return self.transport.perform(call)

    def require_operation(self, noun: str, verb: str) -> Operation:
        """Return the catalogue's entry for a verb. Raises CheckmkError if the site or the API does not have it."""
        if (noun, verb) not in UNVERSIONED and not operations_named(noun, verb):
            raise CheckmkError(f"'{noun} {verb}' does not exist in the API")
        operation = self.operation(noun, verb)
        if operation is None:
            raise CheckmkError(self._unsupported(noun, verb))
        return operation

    def _unsupported(self, noun: str, verb: str) -> str:
        edition = f", edition {self.edition()}," if (noun, verb) in EDITION_DEPENDENT else ""
        names = (row.replaced_by for row in operations_named(noun, verb))
        hint = next((f"; use {name.replace('.', ' ')!r}" for name in names if name), "")
        return f"Checkmk {self.version()}{edition} does not support '{noun} {verb}'{hint}"

    def blocks(
        self, noun: str, verb: str, on_received: Optional[Received] = None, *, parts: Fields, **arguments: Any
    ) -> Blocks[Any]:
        """Yield the items of a collection in lists, decoded while the response arrives.

        ``parts`` names the members to decode of each item. If it is a single name, that member replaces the item.
        ``on_received`` is called with the number of bytes of each piece. Closing the generator frees the connection.
        """
        reply = self.perform(noun, verb, stream=True, **arguments)
        try:
            with contextlib.closing(self.transport.chunks(reply)) as chunks:
                counted = chunks if on_received is None else _counted(chunks, on_received)
                yield from iter_blocks(counted, fields=parts, max_item_chars=self.settings.limits.max_reply_mb * 2**20)
        except CheckmkError as error:  # the call was counted as a success when the headers arrived
            self.transport.metrics.increment_counter(f"call.{noun}.{verb}.errors")
            raise error.with_attempted(is_read=True) from error.__cause__


def _counted(chunks: Iterable[bytes], on_received: Received) -> Iterator[bytes]:
    for chunk in chunks:
        on_received(len(chunk))
        yield chunk


def query_pairs(query: Query) -> tuple[tuple[str, str], ...]:
    """Return the query parameters as pairs: a list repeats its name, booleans are words, and objects are JSON."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values: Iterable[Any] = value if isinstance(value, (list, tuple)) else (value,)
        pairs += [(name, _query_text(entry)) for entry in values]
    return tuple(pairs)


def _query_text(value: Union[str, bool, int, Mapping[str, Any]]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping) else str(value)
