"""Read a list of JSON objects while its bytes are still arriving, so that memory use stays constant.

:class:`_Text` is an incremental reader. The standard library decodes one complete value at a time from its buffer,
which costs one call for each item. To save calls, :class:`BlockCutter` finds the last boundary between two items in the
buffer, and one call decodes everything before it.
"""

from __future__ import annotations

import codecs
import contextlib
import itertools
import json
import re
from typing import Any, Callable, Iterable, Iterator, Optional

from ..errors import BrokenReplyError, ReplyTooLargeError, UnexpectedReplyError
from .json_decoders import Fields, answer_decoder, block_decoder

MAX_ITEM_CHARS = 32 * 2**20

_SPACE = re.compile(r"[ \t\n\r]*")
_DELIMITERS = " \t\n\r,:]}"
LEAST_CHARS = 128 * 2**10  # the least size of a block; a smaller block costs more than it saves


def iter_items(chunks: Iterable[bytes], *, fields: Optional[Fields] = None) -> Iterator[Any]:
    """Yield the items of :func:`iter_blocks` one by one."""
    return itertools.chain.from_iterable(iter_blocks(chunks, fields=fields))


def all_items(text: bytes, field: str) -> list[Any]:
    """Return one field of each item of a complete answer. Faster than :func:`iter_items`, with the same errors."""
    with contextlib.suppress(ValueError):  # iter_items either reads the text or raises the precise error
        return answer_decoder(field)(text)
    return list(iter_items([text], fields=field))


def iter_blocks(
    chunks: Iterable[bytes], *, fields: Optional[Fields] = None, max_item_chars: float = MAX_ITEM_CHARS
) -> Iterator[list[Any]]:
    """Yield the items of the list ``value`` of the JSON object in ``chunks``, as lists of the items that have arrived.

    Only a few chunks and items are in memory at a time. With ``fields``, items may lack all other members, because
    skipping them is faster. If ``fields`` is one name, the lists contain this field of each item instead of the items.

    Raises BrokenReplyError if the document ends too early, even after its last item. Raises UnexpectedReplyError if it
    is not a JSON object with such a list, and ReplyTooLargeError for an item of more than ``max_item_chars``.
    """
    text = _Text(chunks, max_item_chars)
    text.expect("{")
    found = False
    while not text.accept("}"):
        key = text.value()
        if not isinstance(key, str):
            raise UnexpectedReplyError(f"the answer is not valid JSON: an object has the key {key!r}, not a string")
        text.expect(":")
        if key == "value" and text.accept("["):
            found = True
            yield from _items_in_blocks(text, fields) if fields else _items(text, None)
        else:
            text.value()
        text.separator("}")
    text.end()
    if not found:
        raise UnexpectedReplyError("the answer has no list 'value'")


def _items(text: _Text, fields: Optional[Fields]) -> Iterator[list[Any]]:
    while not text.accept("]"):
        yield [_item(text, fields)]


def _item(text: _Text, fields: Optional[Fields]) -> Any:
    value = text.value()
    text.separator("]")
    return _wanted(value, fields)


def _wanted(item: Any, fields: Optional[Fields]) -> Any:
    if not isinstance(fields, str):
        return item
    if not isinstance(item, dict) or fields not in item:
        raise UnexpectedReplyError(f"an item of the answer has no field {fields!r}")
    return item[fields]


def _items_in_blocks(text: _Text, fields: Fields) -> Iterator[list[Any]]:
    """Yield the items like :func:`_items`, but decode most of them in blocks.

    The first two items show how all items of this list start.
    """
    samples: list[str] = []
    while len(samples) < 2:
        if text.accept("]"):
            return
        value, source = text.value_and_source()
        samples.append(source)
        yield [_wanted(value, fields)]
        text.separator("]")
    cutter = BlockCutter(block_decoder(fields, samples[0]), *samples)
    # Blocks are small at first, so that the first items are yielded soon.
    least = LEAST_CHARS // 16
    while not cutter.useless and text.fill(least) and not text.comes("]"):
        yield text.block(cutter, max(least, 4 * len(samples[0]))) or [_item(text, fields)]
        least = min(2 * least, LEAST_CHARS)
    yield from _items(text, fields)


class _Text:
    """A JSON text that arrives in chunks and is read from front to back."""

    def __init__(self, chunks: Iterable[bytes], max_item_chars: float) -> None:
        self._chunks = iter(chunks)
        self._max_item_chars = max_item_chars
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""
        self._at = self._started = 0
        self._decode: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().raw_decode

    def value(self) -> Any:
        """Return the JSON value that starts here."""
        if not self._skip_space():
            raise BrokenReplyError("the answer ended in the middle of its JSON")
        enough = 0
        while True:
            if len(self._buffer) - self._at > enough:
                try:
                    value, end = self._decode(self._buffer, self._at)
                    # Only a delimiter ends a number: with the next chunk, "1" may become "1.5".
                    if end < len(self._buffer) and self._buffer[end] in _DELIMITERS:
                        self._started, self._at = self._at, end
                        return value
                    if end < len(self._buffer) and not isinstance(value, (int, float)):
                        raise UnexpectedReplyError(
                            f"the answer is not valid JSON: {self._buffer[end]!r} follows a value"
                        )
                except ValueError:
                    # The value is incomplete or not valid; only more text shows which. Waiting until the text has
                    # doubled keeps the work linear for large values.
                    held = len(self._buffer) - self._at
                    if held > self._max_item_chars:
                        message = f"an item of the answer is larger than {self._max_item_chars / 2**20:g} MB"
                        limit_bytes = int(self._max_item_chars)
                        raise ReplyTooLargeError(f"{message} (limits.max_reply_mb)", limit_bytes=limit_bytes) from None
                    enough = min(2 * held, int(self._max_item_chars))
                except RecursionError:
                    raise UnexpectedReplyError("the answer is nested too deeply") from None
            if not self.fill(max(enough, len(self._buffer) - self._at) + 1):
                return self._last_value()

    def value_and_source(self) -> tuple[Any, str]:
        """Return the JSON value that starts here, and its text."""
        value = self.value()  # may drop earlier text from the buffer, but not the text of this value
        return value, self._buffer[self._started : self._at]

    def fill(self, chars: int) -> bool:
        """Buffer at least ``chars`` unread characters. Return False if the text ends before that."""
        missing = chars - (len(self._buffer) - self._at)
        if missing <= 0:
            return True
        pieces, ended = [self._buffer[self._at :]], False
        while missing > 0 and not ended:
            text, ended = self._next_text()
            pieces.append(text)
            missing -= len(text)
        self._buffer, self._at = "".join(pieces), 0
        return missing <= 0

    def block(self, cutter: BlockCutter, most: int) -> list[Any]:
        """Return the items that ``cutter`` finds in the next ``most`` characters."""
        values, self._at = cutter.cut(self._buffer, self._at, self._at + most)
        return values

    def _last_value(self) -> Any:
        """Return the value at the end of the text. A delimiter must follow it, because the value is in an object."""
        try:
            value, end = self._decode(self._buffer, self._at)
        except ValueError:
            end = len(self._buffer)
        if end == len(self._buffer) or self._buffer[end] not in _DELIMITERS:
            raise BrokenReplyError("the answer ended in the middle of its JSON")
        self._started, self._at = self._at, end
        return value

    def comes(self, char: str) -> bool:
        """Return True if the next character after spaces is ``char``. Raises BrokenReplyError at the end."""
        if not self._skip_space():
            raise BrokenReplyError("the answer ended in the middle of its JSON")
        return self._buffer[self._at] == char

    def accept(self, char: str) -> bool:
        """Skip ``char`` if it comes next, and return whether it did."""
        if not self.comes(char):
            return False
        self._at += 1
        return True

    def expect(self, char: str) -> None:
        """Skip ``char``. Raises UnexpectedReplyError if another character comes next."""
        if not self.accept(char):
            raise UnexpectedReplyError(
                f"the answer is not valid JSON: expected {char!r}, got {self._buffer[self._at]!r}"
            )

    def separator(self, closing: str) -> None:
        """Skip a comma, which must be followed by a value, unless ``closing`` comes next."""
        if not self.comes(closing):
            self.expect(",")
            if self.comes(closing):
                raise UnexpectedReplyError(f"the answer is not valid JSON: expected a value, got {closing!r}")

    def end(self) -> None:
        """Skip spaces to the end of the text. Raises UnexpectedReplyError if anything else follows."""
        if self._skip_space():
            raise UnexpectedReplyError("the answer continues after the end of its JSON")

    def _skip_space(self) -> bool:
        """Skip spaces. Return False if the text ends there."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return True
            if not self.fill(1):
                return False

    def _next_text(self) -> tuple[str, bool]:
        """Return the text of the next chunk, and whether the chunks have ended."""
        chunk = next(self._chunks, None)
        try:
            return self._utf8.decode(chunk or b"", final=chunk is None), chunk is None
        except UnicodeDecodeError as error:
            if chunk is None:
                raise BrokenReplyError("the answer ended in the middle of a character") from error
            raise UnexpectedReplyError("the answer is not UTF-8 text") from error


_ATTEMPTS = 3  # guesses for each block
_MAX_FAILURES = 8  # consecutive blocks without a boundary


class BlockCutter:
    """A cutter that cuts a part of a list at the last boundary between two items, and decodes the items before it.

    It finds the boundary by the text with which every item starts. This is a guess, because the same text may occur
    inside an item or a string. But the text before the boundary decodes only if it consists of complete items, so a
    wrong guess costs time but never loses an item.
    """

    def __init__(self, decode: Callable[[str], list[Any]], first: str, second: str) -> None:
        self._decode = decode
        self._start_of_item = _common_start(first, second)
        self._failures = 0

    @property
    def useless(self) -> bool:
        """True if too many guesses failed for the cutter to save time."""
        return not self._start_of_item or self._failures >= _MAX_FAILURES

    def cut(self, text: str, start: int, end: int) -> tuple[list[Any], int]:
        """Return complete items from ``start`` on, and the position of the next item.

        Returns no items, and ``start`` itself, if no boundary is found before ``end``.
        """
        border = end
        for _ in range(_ATTEMPTS):
            border = text.rfind(self._start_of_item, start + 1, border)
            comma = text.rfind(",", start, border) if border > 0 else -1
            if comma <= start:  # no value precedes it
                break
            if not text[comma + 1 : border].strip(" \t\n\r"):
                try:
                    items = self._decode(text[start:comma])
                except ValueError:
                    continue
                self._failures = 0
                return items, border
        self._failures += 1
        return [], start


def _common_start(first: str, second: str) -> str:
    """Return the text with which both items start, up to the end of a member or of a key.

    A common text beyond that may be a coincidence, such as the same first letter of two host names.
    """
    common = "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first[:200], second)))
    end = common.rfind(",")
    return common[:end] if end > 0 else common[: common.rfind(":") + 1]
