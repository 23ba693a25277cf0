"""Wrappers of stdout and stderr that never raise OSError, so that a broken stream does not interrupt a command.

Output for a closed or full stream is dropped, and characters that the encoding lacks are escaped.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any, Callable, Iterator, Optional, TextIO

__all__ = ["GuardedStream", "encodable", "guarded", "is_read"]

# Replacements for encodings without these characters. All other missing characters are escaped, as in "\u0142".
_PLAIN = str.maketrans({"…": "...", "→": "->"})


class _GuardedBytes(io.BufferedIOBase):
    """The ``buffer`` attribute of a :class:`GuardedStream`."""

    def __init__(self, text: GuardedStream) -> None:
        self._text = text

    def write(self, data: Any) -> int:
        self._text.write_bytes(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        self._text.flush()

    def close(self) -> None:
        """Do nothing, because the stream belongs to the process."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text.fileno()

    def isatty(self) -> bool:
        return self._text.isatty()


class GuardedStream(io.TextIOBase):
    """A text stream that writes to ``stream`` until a write fails, and drops all later output.

    ``failure`` is the OSError of the failed write, or None. ``stream`` is None if the process was started with the
    stream closed; all output is dropped then. The interface is complete, because libraries also write bytes to
    ``buffer`` and read attributes such as ``name``.
    """

    def __init__(self, stream: Optional[TextIO]) -> None:
        self._stream = stream
        self.failure: Optional[OSError] = None
        self.buffer = _GuardedBytes(self)

    def __getattr__(self, name: str) -> Any:
        # copy and pickle look up names before _stream is set; without this check, that would recurse forever.
        if name.startswith("_") or self._stream is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def closed(self) -> bool:
        return self._stream is not None and self._stream.closed

    @property
    def is_read(self) -> bool:
        """Return False if all further output is dropped."""
        return self._stream is not None and self.failure is None

    @property
    def broken(self) -> Optional[OSError]:
        """The error that stopped the output, or None. A reader that closes the pipe, such as ``head``, is not one."""
        return None if self.failure is None or self.failure.errno == errno.EPIPE else self.failure

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"text must be a string, not {type(text).__name__}; write bytes to the buffer attribute")
        shown = encodable(text, self.encoding)
        self._attempt(lambda stream: stream.write(shown))
        return len(text)

    def write_bytes(self, data: Any) -> None:
        """Write bytes after the text written so far. If the stream has no buffer, write them as decoded text."""
        raw = bytes(memoryview(data))

        def write(stream: TextIO) -> None:
            if hasattr(stream, "buffer"):
                stream.flush()
                stream.buffer.write(raw)
            else:
                stream.write(raw.decode(self.encoding, "replace"))

        self._attempt(write)

    def flush(self) -> None:
        self._attempt(lambda stream: stream.flush())

    def close(self) -> None:
        """Do nothing, because the stream belongs to the process."""

    def reconfigure(self, **options: Any) -> None:
        """Change the encoding or the buffering, if the stream supports it."""
        change = getattr(self._stream, "reconfigure", None)
        if change is not None:
            change(**options)

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

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


def encodable(text: str, encoding: str) -> str:
    """Return ``text`` after escaping all characters that ``encoding`` lacks."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


@contextlib.contextmanager
def guarded() -> Iterator[GuardedStream]:
    """Replace ``sys.stdout`` and ``sys.stderr`` by guarded streams in a ``with`` block. Yield the one for stdout."""
    out, err = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out


def is_read() -> bool:
    """Return False if output to stdout is dropped, because the reader is gone or the disk is full."""
    return not isinstance(sys.stdout, GuardedStream) or sys.stdout.is_read
