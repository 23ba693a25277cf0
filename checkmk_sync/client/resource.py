"""The base class of the nouns, with helpers that read records, and a decorator for methods that write."""

from __future__ import annotations

import contextlib
import copy
import functools
from typing import Any, Callable, Generic, Iterator, Optional, TypeVar

from ..catalogue.paths import folder_path, is_folder_hash
from ..core.call import Reply
from ..errors import CheckmkError, Delivery, UnexpectedReplyError
from ..streaming import Blocks, Received, Stream, StreamBatch, batches
from .payload import value_of
from .site import Site

T = TypeVar("T")
R = TypeVar("R", bound="Resource")
F = TypeVar("F", bound=Callable[..., Any])


class Resource:
    """The base class of the nouns. Its methods send their requests to one site."""

    noun: str

    def __init__(self, site: Site) -> None:
        self._site = site

    def _with_site(self: R, site: Site) -> R:
        """Return a copy of this noun that uses ``site``, such as one with a time limit."""
        other = copy.copy(self)
        other._site = site
        return other

    def _resolve_folder(self, folder: str) -> str:
        """Return the path of a folder, which can be given in any spelling."""
        path = folder_path(folder)
        if is_folder_hash(path):  # only the site knows the path of a 32-digit ID
            folder_data = self._site.perform("folders", "get", path={"folder": path}, fresh=True).data
            return folder_path(value_of(folder_data, "extensions", "path"))
        return path

    def _perform(self, verb: str, **arguments: Any) -> Reply:
        return self._site.perform(self.noun, verb, **arguments)

    def _record(self, parse: Callable[[Any, Optional[str]], T], verb: str, **arguments: Any) -> T:
        """Perform a verb and return ``parse(data, etag)`` for its answer.

        Raises UnexpectedReplyError if the answer is malformed. The outcome of a write is unknown then.
        """
        reply = self._perform(verb, **arguments)
        with parsing(reply):
            return parse(reply.data, reply.etag)

    def _supports(self, verb: str, parameter: str) -> bool:
        """Return True if the site's version supports the verb and its query parameter."""
        row = self._site.operation(self.noun, verb)
        return row is not None and parameter in row.query

    def _read(self, parse: Callable[[Any], T], verb: str, **arguments: Any) -> T:
        """Perform a verb like :meth:`_record`, for records without an ETag."""
        return self._record(lambda data, _etag: parse(data), verb, **arguments)


class Listing(Resource, Generic[T]):
    """The base class of nouns whose objects can be read in pages."""

    record: Any  # the class of the objects
    each: Callable[..., Stream[T]]
    _parse_all: Callable[[list[Any]], list[T]]

    def pages(self, batch_size: Optional[int] = None, **filters: Any) -> Iterator[StreamBatch[T]]:
        """Yield the objects of ``each`` in pages of ``batch_size`` objects.

        >>> for page in cmk.hosts.pages(50, folder="/linux"):
        ...     print(page.batch_number, len(page.items), page.has_more)

        The default size is the setting ``streaming.default_batch_size``. ``filters`` are the arguments of ``each``. A
        page can be shorter, because the setting ``streaming.memory_limit_mb`` limits its size.
        """
        streaming = self._site.settings.streaming
        size = streaming.default_batch_size if batch_size is None else batch_size
        return batches(self.each(**filters), size, streaming.memory_limit_mb * 2**20)

    def _list(self, received: Received, verb: str = "list", *, noun: str = "", **arguments: Any) -> Blocks[T]:
        """Yield objects in lists, as they arrive. ``noun`` is the noun of the verb (default: this one)."""
        blocks = self._site.blocks(noun or self.noun, verb, received, parts=self.record.PARTS, **arguments)
        return parsed(blocks, self._parse_all)


@contextlib.contextmanager
def parsing(reply: Reply) -> Iterator[None]:
    """Add the kind of the call (read or write) to an UnexpectedReplyError raised while the block parses ``reply``."""
    try:
        yield
    except UnexpectedReplyError as error:
        failure = error
    else:
        return
    raise failure.with_attempted(is_read=reply.call.is_read) from None


def writes(verb: F) -> F:
    """Decorate a method that writes, so that a failure of its first read counts as a failed write.

    Nothing was written in this case, so the delivery is NOTHING_DONE, or NOT_SENT if the read was not sent either.
    """

    @functools.wraps(verb)
    def written(*args: Any, **kwargs: Any) -> Any:
        try:
            return verb(*args, **kwargs)
        except CheckmkError as error:
            if error.attempted is None or not error.attempted.is_read:
                raise
            failure = error
            left = error.attempted.delivery is not Delivery.NOT_SENT
        delivery = Delivery.NOTHING_DONE if left else Delivery.NOT_SENT
        raise failure.with_attempted(is_read=False, delivery=delivery) from failure.__cause__

    return written  # type: ignore[return-value]


def parsed(blocks: Blocks[Any], parse_all: Callable[[list[Any]], list[T]]) -> Blocks[T]:
    """Yield ``parse_all(block)`` for each block of a read. Closing the generator closes ``blocks``."""
    with contextlib.closing(blocks):
        for block in blocks:
            try:
                records = parse_all(block)
            except UnexpectedReplyError as error:
                raise error.with_attempted(is_read=True) from None
            yield records
