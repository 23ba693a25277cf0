"""Replacements for stdout and stderr that never raise OSError, so that a broken stream does not stop a command.

Output for a closed or full stream is dropped, and characters that the encoding lacks are escaped.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
from typing import Any, Callable, Iterator, Optional, TextIO

# Replacements for encodings without these characters. All other missing characters are escaped, as in "\u0142".
_PLAIN = str.maketrans({"…": "...", "→": "->"})
_ESCAPE = "checkmk_sync.escape"  # the name of the error handler


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return missing.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error(_ESCAPE, _escape)


class GuardedBytes(io.BufferedIOBase):
    """A binary stream that writes to ``stream`` until a write fails, and drops all later output.

    ``failure`` is the OSError of the failed write, or None. ``stream`` is None if the process was started with the
    stream closed; all output is dropped then.
    """

    def __init__(self, stream: Optional[TextIO]) -> None:
        self._stream = stream
        self.failure: Optional[OSError] = None

    @property
    def name(self) -> Any:
        return getattr(self._stream, "name", None)

    @property
    def is_read(self) -> bool:
        """Return False if all further output is dropped."""
        return self._stream is not None and self.failure is None

    @property
    def broken(self) -> Optional[OSError]:
        """The error that stopped the output, or None. A reader that closes the pipe, such as ``head``, is not one."""
        return None if self.failure is None or self.failure.errno == errno.EPIPE else self.failure

    def write(self, data: Any) -> int:
        raw = bytes(memoryview(data))

        def write(stream: TextIO) -> None:
            if hasattr(stream, "buffer"):
                stream.buffer.write(raw)
            else:
                stream.write(raw.decode(_encoding_of(stream), "replace"))

        self._attempt(write)
        return len(raw)

    def flush(self) -> None:
        self._attempt(lambda stream: stream.flush())

    def close(self) -> None:
        """Do nothing, because the stream belongs to the process."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return super().fileno() if self._stream is None else self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def _attempt(self, action: Callable[[TextIO], object]) -> None:
        """Call ``action`` with the stream, unless an earlier call failed."""
        if self._stream is None or self.failure is not None:
            return
        try:
            action(self._stream)
        except OSError as error:
            self.failure = error
            if self._stream in (sys.__stdout__, sys.__stderr__):
                # Python flushes these streams at exit, and would print an error message about the broken one.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class GuardedStream(io.TextIOWrapper):
    """A text stream over ``guard``, with the encoding and the buffering of the guarded stream."""

    def __init__(self, stream: Optional[TextIO]) -> None:
        self.guard = GuardedBytes(stream)
        line_buffering = getattr(stream, "line_buffering", False)
        super().__init__(self.guard, _encoding_of(stream), _ESCAPE, line_buffering=line_buffering, write_through=True)

    def close(self) -> None:
        """Do nothing, because the stream belongs to the process."""


def _encoding_of(stream: Optional[TextIO]) -> str:
    return getattr(stream, "encoding", None) or "utf-8"  # StringIO has the encoding None


def encodable(text: str, encoding: str) -> str:
    """Return ``text`` after escaping all characters that ``encoding`` lacks."""
    return text.encode(encoding, _ESCAPE).decode(encoding)


@contextlib.contextmanager
def guarded() -> Iterator[GuardedBytes]:
    """Replace ``sys.stdout`` and ``sys.stderr`` by guarded streams in a ``with`` block. Yield the guard of stdout."""
    out, err = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    for stream in (out, err):
        stream.flush()  # otherwise bytes would overtake text that was printed before
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out.guard


def is_read() -> bool:
    """Return False if output to stdout is dropped, because the reader is gone or the disk is full."""
    return not isinstance(sys.stdout, GuardedStream) or sys.stdout.guard.is_read
