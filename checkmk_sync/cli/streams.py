"""stdout and stderr that never stop the work: what cannot be written there is written out, or dropped."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Iterator, Optional, TextIO

__all__ = ["GuardedStream", "guarded", "is_read"]

# What encodings without these signs show instead; everything else is written out as "\u0142".
_PLAIN = str.maketrans({"…": "...", "→": "->"})


class GuardedStream(io.TextIOBase):
    """Writes to ``stream`` while that can be written to; ``failure`` is why it cannot be any more.

    ``stream`` is None where the process was started without it: nobody wants to read then.
    """

    def __init__(self, stream: Optional[TextIO]) -> None:
        self._stream = stream
        self.failure: Optional[OSError] = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def is_read(self) -> bool:
        """False when nothing that is written arrives."""
        return self._stream is not None and self.failure is None

    @property
    def broken(self) -> Optional[OSError]:
        """The failure, unless it only means that the reader has seen enough."""
        return None if self.failure is None or self.failure.errno == errno.EPIPE else self.failure

    def write(self, text: str) -> int:
        shown = self._encodable(text)
        if self._stream is not None and self.failure is None:
            with self._noting():
                self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        if self._stream is not None and self.failure is None:
            with self._noting():
                self._stream.flush()

    def close(self) -> None:
        """Nothing: the stream belongs to the process."""

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def _encodable(self, text: str) -> str:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            plain = text.translate(_PLAIN)
            return plain.encode(self.encoding, self.errors).decode(self.encoding)
        return text

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failure = error
            if self._stream in (sys.__stdout__, sys.__stderr__):
                # Keeps Python from complaining when it flushes at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


@contextlib.contextmanager
def guarded() -> Iterator[GuardedStream]:
    """Guard ``sys.stdout``, which is given, and ``sys.stderr`` for a while."""
    out, err = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out


def is_read() -> bool:
    """True while what is written to stdout arrives somewhere."""
    return not isinstance(sys.stdout, GuardedStream) or sys.stdout.is_read
