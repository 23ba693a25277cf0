"""One engine for all rows of the catalogue: from a verb and its arguments to a reply."""

from __future__ import annotations

import contextlib
import copy
import email.utils
import functools
import json
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, TypeVar, Union

from .catalogue import NOUNS, Operation, is_versioned, pick
from .clock import Deadline
from .decode import iter_blocks
from .decoders import Fields
from .errors import CheckmkError, ServerError, ThrottledError, TransportError, UnexpectedReplyError
from .metering import Meter
from .names import CheckmkVersion, folder_path, is_folder_hash, path_segment
from .streaming import Blocks, Received, StreamBatch, batches
from .transport import Transport
from .wire import Call, Reply

__all__ = ["Resource", "Site", "attributes_of", "items_of", "parsed", "value_of", "writes"]

T = TypeVar("T")
R = TypeVar("R", bound="Resource")
F = TypeVar("F", bound=Callable[..., Any])
Query = Mapping[str, Any]


class Site:
    """A transport that knows the version of its site. With a ``deadline`` it is for looking only."""

    def __init__(
        self, transport: Transport, deadline: Optional[Deadline] = None, meter: Optional[Meter] = None
    ) -> None:
        self.transport = transport
        self.settings = transport.settings
        self.clock = transport.clock
        self.meter = meter or Meter(transport.metrics, transport.clock)
        self._deadline = deadline

    def within(self, limit_s: float) -> Site:
        """The same site for somebody who looks again anyway: all calls together take at most ``limit_s`` seconds,
        each is tried once, and the breaker is neither asked nor told."""
        return Site(self.transport, Deadline(self.clock, limit_s), self.meter)

    def version(self) -> CheckmkVersion:
        """The site's version; asks for it unless an answer has named it before. UnexpectedReplyError for none."""
        try:
            if self.transport.version_text is None:
                answer = self.perform("site", "version").data
                self.transport.version_text = str(value_of(answer, "versions", "checkmk"))
                self.transport.edition = str(value_of(answer, "edition"))
            return CheckmkVersion.parse(self.transport.version_text)
        except ValueError as error:
            text = f"the site names an unknown version: {error}"
            raise UnexpectedReplyError(text, nothing_done=True) from error
        except UnexpectedReplyError as error:  # it is asked for before anything else
            error.nothing_done = True
            raise

    def time_of(self, moment: float) -> Optional[float]:
        """UNIX time of a ``moment`` of our monotonic clock by the site's own clock, which need not agree with
        ours, rather too early than too late (by a second at most); None where the site does not tell its time."""
        date = email.utils.parsedate_tz(self.perform("site", "version").header("Date") or "")
        elapsed_s = self.clock.monotonic() - moment
        return None if date is None else email.utils.mktime_tz(date) - elapsed_s

    def forget_reads(self) -> None:
        """Make all void that is kept of the site."""
        self.transport.cache.forget_nouns(NOUNS)

    def operation(self, noun: str, verb: str) -> Optional[Operation]:
        """The row for a verb at this site's version; None where the version does not have it."""
        return pick(noun, verb, self.version() if is_versioned(noun, verb) else None)

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
    ) -> Reply:
        """Do the verb; query parameters that are None are left out."""
        row = self.operation(noun, verb)
        if row is None:
            raise CheckmkError(f"Checkmk {self.version()} has no '{noun} {verb}'")
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        # Leaving out a filter that this version does not know would answer another question.
        unknown = (set(asked) - set(row.query)) | (set(body or ()) - set(row.body))
        if unknown:
            raise CheckmkError(f"'{noun} {verb}' of this version knows no {', '.join(sorted(unknown))}")
        call = Call(
            method=row.method,
            path=row.path.format(**{name: path_segment(value) for name, value in (path or {}).items()}),
            kind=row.kind,
            noun=noun,
            verb=verb,
            query=_pairs(asked),
            body=body,
            etag=etag if row.if_match else None,
            touches=row.touches,
            fresh=fresh,
            stream=stream,
            body_limit=body_limit,
            probe=self._deadline is not None,
            deadline_s=None if self._deadline is None else self._deadline.remaining_s(),
        )
        return self.meter.measure(call, lambda call: self._sent(call, row))

    def _sent(self, call: Call, row: Operation) -> Reply:
        try:
            reply = self.transport.perform(call)
            if reply.status >= 300:
                self._check_redirect(row, reply)
        except (ServerError, UnexpectedReplyError) as error:
            error.nothing_done = error.nothing_done or call.is_read
            raise
        return reply

    def _check_redirect(self, row: Operation, reply: Reply) -> None:
        """A redirect is an answer only where the API has one and it stays below the API: it may as well be
        the way to the login page of a proxy."""
        location = reply.header("Location") or ""
        if not row.redirects:
            shown = repr(self.transport.redacted(location)[:200])
            raise UnexpectedReplyError(
                f"the answer to {reply.call} is a redirect to {shown}, which the API does not give; "
                "is there a login page in front of the site?",
                call=str(reply.call),
            )
        self.transport.rebase(location)

    def blocks(
        self, noun: str, verb: str, received: Optional[Received] = None, *, parts: Fields, **arguments: Any
    ) -> Blocks[Any]:
        """The items of a collection, decoded while the answer arrives; ``parts`` are the members needed of each, or
        the name of the one that is given instead of it.

        Tells ``received`` the size of each piece. Closing it frees the connection.
        """
        reply = self.perform(noun, verb, stream=True, **arguments)
        try:
            with contextlib.closing(self.transport.chunks(reply)) as chunks:
                counted = chunks if received is None else _counted(chunks, received)
                yield from iter_blocks(counted, fields=parts)
        except CheckmkError as error:  # the call itself was well: its answer broke off
            self.transport.metrics.increment_counter(f"call.{noun}.{verb}.errors")
            if isinstance(error, TransportError):
                error.repeatable = error.is_read = True  # all streams are reads
            raise


class Resource:
    """The base of the nouns: what they do is performed at their site."""

    noun: str

    def __init__(self, site: Site) -> None:
        self._site = site

    def _via(self: R, site: Site) -> R:
        """The same noun by another way to its site."""
        other = copy.copy(self)
        other._site = site
        return other

    def _path_of(self, folder: str) -> str:
        """A folder's path from any spelling; that of a 32-digit id has to be asked for."""
        path = folder_path(folder)
        if is_folder_hash(path):
            found = self._site.perform("folders", "get", path={"folder": path}, fresh=True).data
            return folder_path(value_of(found, "extensions", "path"))
        return path

    def _perform(self, verb: str, **arguments: Any) -> Reply:
        return self._site.perform(self.noun, verb, **arguments)

    def _knows(self, verb: str, parameter: str) -> bool:
        """True when this site's version has the verb and takes the query parameter."""
        row = self._site.operation(self.noun, verb)
        return row is not None and parameter in row.query

    def _blocks(self, verb: str, received: Received, **arguments: Any) -> Blocks[Any]:
        return self._site.blocks(self.noun, verb, received, **arguments)

    def _pages(self, items: Iterable[T], batch_size: Optional[int]) -> Iterator[StreamBatch[T]]:
        streaming = self._site.settings.streaming
        size = streaming.default_batch_size if batch_size is None else batch_size
        return batches(items, size, streaming.memory_limit_mb * 2**20)


def writes(verb: F) -> F:
    """A verb that writes. What it reads for that fails as a part of it: no fallback may say that it was done."""

    @functools.wraps(verb)
    def written(*args: Any, **kwargs: Any) -> Any:
        try:
            return verb(*args, **kwargs)
        except (TransportError, ThrottledError) as error:
            error.is_read = False
            raise

    return written  # type: ignore[return-value]


def parsed(blocks: Blocks[Any], parse_all: Callable[[list[Any]], list[T]]) -> Blocks[T]:
    """``parse_all(block)`` for each; closing it closes ``blocks``."""
    with contextlib.closing(blocks):
        for block in blocks:
            yield parse_all(block)


def _counted(chunks: Iterable[bytes], received: Received) -> Iterator[bytes]:
    for chunk in chunks:
        received(len(chunk))
        yield chunk


def _pairs(query: Query) -> tuple[tuple[str, str], ...]:
    """Query parameters as the server reads them: lists repeat their name, booleans are words, objects JSON."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values: Iterable[Any] = value if isinstance(value, (list, tuple)) else (value,)
        pairs += [(name, _text(entry)) for entry in values]
    return tuple(pairs)


def _text(value: Union[str, bool, int, Mapping[str, Any]]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping) else str(value)


def value_of(data: Any, *path: str) -> Any:
    """``data[path[0]][path[1]]…``; UnexpectedReplyError where the server left that out."""
    try:
        for step in path:
            data = data[step]
    except (KeyError, TypeError):  # KeyError from objects, TypeError from anything else that JSON has
        raise UnexpectedReplyError(f"the answer has no {'.'.join(path)!r}") from None
    return data


def items_of(data: Any) -> list[Any]:
    """The items of a collection."""
    items = value_of(data, "value")
    if not isinstance(items, list):
        raise UnexpectedReplyError("the answer has no list 'value'")
    return items


def attributes_of(data: Any) -> dict[str, Any]:
    """``extensions.attributes`` of an object."""
    attributes = value_of(data, "extensions", "attributes")
    if not isinstance(attributes, dict):
        raise UnexpectedReplyError("the answer's 'attributes' are not an object")
    return attributes
