"""Incremental JSON: the items of a collection leave while its bytes still arrive."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Callable, Iterable, Iterator

from .errors import BrokenReplyError, UnexpectedReplyError

__all__ = ["iter_items"]

MAX_ITEM_CHARS = 64 * 2**20

_SPACE = re.compile(r"[ \t\n\r]*")
_DELIMITERS = " \t\n\r,:]}"


def iter_items(chunks: Iterable[bytes], member: str = "value") -> Iterator[Any]:
    """The items of the list ``member`` of the JSON object in ``chunks``, one after the other.

    Holds one chunk and one item at a time. BrokenReplyError when the document ends too early, also
    after its last item; UnexpectedReplyError when it is no JSON object with such a list.
    """
    text = _Text(chunks)
    text.expect("{")
    found = False
    while not text.accept("}"):
        key = text.value()
        if not isinstance(key, str):
            raise UnexpectedReplyError(f"a JSON object has the key {key!r}")
        text.expect(":")
        if key == member and text.accept("["):
            found = True
            yield from _items(text)
        else:
            text.value()
        text.separator("}")
    text.end()
    if not found:
        raise UnexpectedReplyError(f"the answer has no list {member!r}")


def _items(text: _Text) -> Iterator[Any]:
    while not text.accept("]"):
        yield text.value()
        text.separator("]")


class _Text:
    """A text that arrives in pieces, read from front to back."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""
        self._at = 0
        self._decode: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().raw_decode

    def value(self) -> Any:
        """The JSON value that starts here."""
        self._skip_space()
        enough = 0
        while True:
            if len(self._buffer) - self._at > enough:
                try:
                    value, end = self._decode(self._buffer, self._at)
                    # "1" may become "1.5" with the next chunk: only a delimiter ends a number.
                    if end < len(self._buffer) and self._buffer[end] in _DELIMITERS:
                        self._at = end
                        return value
                except ValueError:
                    # Not complete, or not JSON: that shows only with more text. Waiting for twice as
                    # much keeps the work linear for large values.
                    enough = 2 * (len(self._buffer) - self._at)
                    if enough > 2 * MAX_ITEM_CHARS:
                        raise UnexpectedReplyError("the answer holds no JSON value where one is due") from None
                except RecursionError:
                    raise UnexpectedReplyError("the answer is nested too deeply") from None
            if not self._more():
                return self._last_value()

    def _last_value(self) -> Any:
        """The value when no more text comes; in an object something has to follow it."""
        try:
            value, end = self._decode(self._buffer, self._at)
        except ValueError:
            end = len(self._buffer)
        if end == len(self._buffer) or self._buffer[end] not in _DELIMITERS:
            raise BrokenReplyError("the answer ended in the middle of its JSON")
        self._at = end
        return value

    def accept(self, char: str) -> bool:
        """Step over ``char`` if it comes next."""
        self._skip_space()
        if self._buffer[self._at] != char:
            return False
        self._at += 1
        return True

    def expect(self, char: str) -> None:
        """Step over ``char``, which has to come next."""
        if not self.accept(char):
            raise UnexpectedReplyError(f"{char!r} expected in the answer, got {self._buffer[self._at]!r}")

    def separator(self, closing: str) -> None:
        """Step over a comma, unless ``closing`` comes next."""
        self._skip_space()
        if self._buffer[self._at] != closing:
            self.expect(",")
            self._skip_space()
            if self._buffer[self._at] == closing:
                raise UnexpectedReplyError(f"a value expected in the answer, got {closing!r}")

    def end(self) -> None:
        """Nothing but space may follow."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                raise UnexpectedReplyError("the answer goes on after its JSON")
            if not self._more():
                return

    def _skip_space(self) -> None:
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return
            if not self._more():
                raise BrokenReplyError("the answer ended in the middle of its JSON")

    def _more(self) -> bool:
        """Take the next chunk; False when there is none."""
        chunk = next(self._chunks, None)
        try:
            text = self._utf8.decode(chunk or b"", final=chunk is None)
        except UnicodeDecodeError as error:
            if chunk is None:
                raise BrokenReplyError("the answer ended in the middle of a character") from error
            raise UnexpectedReplyError("the answer is not UTF-8 text") from error
        self._buffer = self._buffer[self._at :] + text
        self._at = 0
        return chunk is not None
