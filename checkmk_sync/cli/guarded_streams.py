"""stdout and stderr that never stop the work: what cannot be written there is written out, or dropped."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any, Callable, Iterator, Optional, TextIO

__all__ = ["GuardedStream", "encodable", "guarded", "is_read"]

# What encodings without these signs show instead; everything else is written out as "\u0142".
_PLAIN = str.maketrans({"…": "...", "→": "->"})


class _GuardedBytes(io.BufferedIOBase):
    """The ``buffer`` of a :class:`GuardedStream`."""

    def __init__(self, text: GuardedStream) -> None:
        self._text = text

    def write(self, data: Any) -> int:
        self._text.write_bytes(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        self._text.flush()

    def close(self) -> None:
        """Nothing: the stream belongs to the process."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text.fileno()

    def isatty(self) -> bool:
        return self._text.isatty()


class GuardedStream(io.TextIOBase):
    """Writes to ``stream`` while that can be written to; ``failure`` is why it cannot be any more.

    ``stream`` is None where the process was started without it: nobody wants to read then. A whole text stream:
    libraries that write bytes to ``buffer``, or ask for attributes such as ``name``, find what ``stream`` has.
    """

    def __init__(self, stream: Optional[TextIO]) -> None:
        self._stream = stream
        self.failure: Optional[OSError] = None
        self.buffer = _GuardedBytes(self)

    def __getattr__(self, name: str) -> Any:
        # Copying looks up names before _stream exists.
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
        """False when nothing that is written arrives."""
        return self._stream is not None and self.failure is None

    @property
    def broken(self) -> Optional[OSError]:
        """The failure, unless it only means that the reader has seen enough."""
        return None if self.failure is None or self.failure.errno == errno.EPIPE else self.failure

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"a text stream takes str, not {type(text).__name__}; bytes go to its buffer")
        shown = encodable(text, self.encoding)
        self._attempt(lambda stream: stream.write(shown))
        return len(text)

    def write_bytes(self, data: Any) -> None:
        """Write bytes after the text written so far; a stream without a buffer gets them decoded."""
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
        """Nothing: the stream belongs to the process."""

    def reconfigure(self, **options: Any) -> None:
        """Change encoding or buffering where the stream can."""
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
        """Do something with the stream as long as it can be written to."""
        if self._stream is None or self.failure is not None:
            return
        try:
            action(self._stream)
        except OSError as error:
            self.failure = error
            if self._stream in (sys.__stdout__, sys.__stderr__):
                # Keeps Python from complaining when it flushes at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def encodable(text: str, encoding: str) -> str:
    """Return ``text`` with the characters escaped that the encoding lacks."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


@contextlib.contextmanager
def guarded() -> Iterator[GuardedStream]:
    """Guard ``sys.stdout``, which is given, and ``sys.stderr`` for a while."""
    out, err = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out


def is_read() -> bool:
    """True while what is written to stdout arrives somewhere."""
    return not isinstance(sys.stdout, GuardedStream) or sys.stdout.is_read
