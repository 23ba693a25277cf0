"""The base of the nouns: reads that parse their answer, and verbs that write."""

from __future__ import annotations

import contextlib
import copy
import functools
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, TypeVar

from ..catalogue.paths import folder_path, is_folder_hash
from ..core.call import Reply
from ..errors import BadRequestError, CheckmkError, Delivery, ForbiddenError, NotFoundError, UnexpectedReplyError
from ..streaming import Blocks, Received, StreamBatch, batches
from .payload import value_of
from .site import Site

__all__ = ["Resource", "parsed", "parsing", "writes"]

T = TypeVar("T")
R = TypeVar("R", bound="Resource")
F = TypeVar("F", bound=Callable[..., Any])


class Resource:
    """The base of the nouns: what they do is performed at their site."""

    noun: str

    def __init__(self, site: Site) -> None:
        self._site = site

    def _with_site(self: R, site: Site) -> R:
        """The same noun by another way to its site."""
        other = copy.copy(self)
        other._site = site
        return other

    def _resolve_folder(self, folder: str) -> str:
        """A folder's path from any spelling; that of a 32-digit id has to be asked for."""
        path = folder_path(folder)
        if is_folder_hash(path):
            folder_data = self._site.perform("folders", "get", path={"folder": path}, fresh=True).data
            return folder_path(value_of(folder_data, "extensions", "path"))
        return path

    def _is_absent(self, verb: str, path: Mapping[str, str]) -> bool:
        """Return True if the object is known to be absent. One that may not be read may be there."""
        try:
            self._perform(verb, path=path, fresh=True)
        except NotFoundError:
            return True
        except (BadRequestError, ForbiddenError):
            pass  # the write will say what is wrong
        return False

    def _perform(self, verb: str, **arguments: Any) -> Reply:
        return self._site.perform(self.noun, verb, **arguments)

    def _record(self, parse: Callable[[Any, Optional[str]], T], verb: str, **arguments: Any) -> T:
        """Perform a verb and return what ``parse(data, etag)`` makes of the answer.

        UnexpectedReplyError for an answer of another shape; for a write it leaves open whether it happened.
        """
        reply = self._site.perform(self.noun, verb, **arguments)
        with parsing(reply):
            return parse(reply.data, reply.etag)

    def _supports(self, verb: str, parameter: str) -> bool:
        """True when this site's version has the verb and takes the query parameter."""
        row = self._site.operation(self.noun, verb)
        return row is not None and parameter in row.query

    def _blocks(self, verb: str, received: Received, **arguments: Any) -> Blocks[Any]:
        return self._site.blocks(self.noun, verb, received, **arguments)

    def _pages(self, items: Iterable[T], batch_size: Optional[int]) -> Iterator[StreamBatch[T]]:
        streaming = self._site.settings.streaming
        size = streaming.default_batch_size if batch_size is None else batch_size
        return batches(items, size, streaming.memory_limit_mb * 2**20)

    def _read(self, parse: Callable[[Any], T], verb: str, **arguments: Any) -> T:
        """As :meth:`_record`, for records without an ETag."""
        return self._record(lambda data, _etag: parse(data), verb, **arguments)


@contextlib.contextmanager
def parsing(reply: Reply) -> Iterator[None]:
    """Say on an UnexpectedReplyError of the block, which looks into ``reply``, what the call was."""
    try:
        yield
    except UnexpectedReplyError as error:
        failure = error
    else:
        return
    raise failure.with_attempted(is_read=reply.call.is_read) from None


def writes(verb: F) -> F:
    """Mark a verb as one that writes.

    A read before the write fails as a part of it: nothing was done, and no fallback may say that it was.
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
    """Yield ``parse_all(block)`` for each block of a read; closing it closes ``blocks``."""
    with contextlib.closing(blocks):
        for block in blocks:
            try:
                records = parse_all(block)
            except UnexpectedReplyError as error:
                raise error.with_attempted(is_read=True) from None
            yield records
