"""One request, from a row of the catalogue and arguments to the reply."""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Union

from ..catalogue.operation import Operation
from ..catalogue.operations import NOUNS, UNVERSIONED, find_operation
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

__all__ = ["Settling", "Site"]

log = logging.getLogger("checkmk_sync")

Query = Mapping[str, Any]


@dataclass(frozen=True)
class Settling:
    """A write without a usable answer, of which the client now reads what became: for at most ``limit_s`` seconds."""

    call: str
    error: CheckmkError
    limit_s: float


class Site:
    """A transport that knows the version of its site. With a ``deadline`` it is for looking only."""

    def __init__(
        self, transport: Transport, deadline: Optional[Deadline] = None, parent: Optional[Site] = None
    ) -> None:
        self.transport = transport
        self.settings = transport.settings
        self.clock = transport.clock
        self.creation_claims: Claims = parent.creation_claims if parent else Claims(transport.clock)
        self.settling_hooks: list[Callable[[Settling], object]] = parent.settling_hooks if parent else []
        self._deadline = deadline

    @property
    def has_answered(self) -> bool:
        """True once an answer has named a version of Checkmk."""
        return self.transport.version_text is not None

    def with_time_limit(self, limit_s: float) -> Site:
        """The same site for somebody who looks again anyway: all calls together take at most ``limit_s`` seconds,
        each is tried once, and the breaker is neither asked nor told."""
        return Site(self.transport, Deadline(self.clock, limit_s), self)

    def version(self) -> CheckmkVersion:
        """The site's version; asks for it unless an answer has named it before. UnexpectedReplyError for none."""
        try:
            if self.transport.version_text is None:
                answer = self.perform("site", "version").data
                self.transport.version_text = str(value_of(answer, "versions", "checkmk"))
                self.transport.edition = str(value_of(answer, "edition"))
            return CheckmkVersion.parse(self.transport.version_text)
        except ValueError as error:
            attempted = Attempted(Delivery.NOTHING_DONE, is_read=True)  # the version is asked for before anything else
            raise UnexpectedReplyError(f"the site names an unknown version: {error}", attempted=attempted) from error

    def site_time(self, moment: float) -> Optional[float]:
        """UNIX time of a ``moment`` of our monotonic clock by the site's own clock, which need not agree with
        ours, rather too early than too late (by a second at most); None where the site does not tell its time."""
        date = http_date(self.perform("site", "version").headers.get("Date") or "")
        return None if date is None else date - (self.clock.monotonic() - moment)

    def notify_settling(self, error: CheckmkError) -> None:
        """Tell the hooks that the outcome of a write is being looked for; what they raise is logged."""
        settling = Settling(str(getattr(error, "call", "")), error, self.settings.timeouts.settle_s)
        for hook in list(self.settling_hooks):
            try:
                hook(settling)
            except Exception:
                log.exception("a hook failed while the outcome of %s was looked for", settling.call)

    def invalidate_reads(self) -> None:
        """Make all void that is kept of the site."""
        self.transport.cache.invalidate_nouns(NOUNS)

    def operation(self, noun: str, verb: str) -> Optional[Operation]:
        """The row for a verb at this site's version; None where the version does not have it."""
        return UNVERSIONED.get((noun, verb)) or find_operation(noun, verb, self.version())

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
        """Perform the verb; query parameters that are None are left out.

        ``object_names`` names the objects that a write changes. Unless the answer is one that Checkmk gives to this
        operation, and names these objects, UnexpectedReplyError says that the outcome is unknown.
        """
        operation = self.operation(noun, verb)
        if operation is None:
            raise CheckmkError(f"Checkmk {self.version()} has no '{noun} {verb}'")
        parameters = {name: value for name, value in query.items() if value is not None} if query else {}
        # Leaving out a filter that this version does not know would answer another question.
        unknown = (set(parameters) - set(operation.query)) | (set(body or ()) - set(operation.body))
        if unknown:
            raise CheckmkError(f"'{noun} {verb}' of this version knows no {', '.join(sorted(unknown))}")
        call = Call(
            method=operation.method,
            path=operation.url(path or {}),
            kind=operation.kind,
            noun=noun,
            verb=verb,
            query=_query_pairs(parameters) if parameters else (),
            body=body,
            etag=etag if operation.if_match else None,
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

    def blocks(
        self, noun: str, verb: str, on_received: Optional[Received] = None, *, parts: Fields, **arguments: Any
    ) -> Blocks[Any]:
        """The items of a collection, decoded while the answer arrives; ``parts`` are the members needed of each, or
        the name of the one that is given instead of it.

        Tells ``received`` the size of each piece. Closing it frees the connection.
        """
        reply = self.perform(noun, verb, stream=True, **arguments)
        try:
            with contextlib.closing(self.transport.chunks(reply)) as chunks:
                counted = chunks if on_received is None else _counted(chunks, on_received)
                yield from iter_blocks(counted, fields=parts, max_item_chars=self.settings.limits.max_reply_mb * 2**20)
        except CheckmkError as error:  # the call itself was well: its answer broke off
            self.transport.metrics.increment_counter(f"call.{noun}.{verb}.errors")
            raise error.with_attempted(is_read=True) from error.__cause__


def _counted(chunks: Iterable[bytes], on_received: Received) -> Iterator[bytes]:
    for chunk in chunks:
        on_received(len(chunk))
        yield chunk


def _query_pairs(query: Query) -> tuple[tuple[str, str], ...]:
    """Query parameters as the server reads them: lists repeat their name, booleans are words, objects JSON."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values: Iterable[Any] = value if isinstance(value, (list, tuple)) else (value,)
        pairs += [(name, _query_text(entry)) for entry in values]
    return tuple(pairs)


def _query_text(value: Union[str, bool, int, Mapping[str, Any]]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping) else str(value)
