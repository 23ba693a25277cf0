"""A file that records the outcomes of a batch, so that a killed batch can be resumed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import threading
from typing import Any, Callable, Iterator, Mapping, Optional, Union

from ..core.private_files import lock_file, open_owned, restrict_to_owner
from ..errors import SettingsError
from .result import BatchItem, BatchStatus

log = logging.getLogger("checkmk_sync")

MAX_LINE = 2**20  # bytes; the rest of a longer line is skipped, so a damaged file cannot fill the memory
_KIND = "checkmk_sync batch journal"
_HEAD = f'{{"kind":"{_KIND}"'.encode()
_NAMES = ("host_name", "name", "key", "id")
_DONE = (BatchStatus.SUCCESS.value, BatchStatus.SKIPPED.value)
_STATUSES = tuple(status.value for status in BatchStatus)


def default_key(item: Any) -> Optional[str]:
    """Return a key that identifies the item in every run, or None if the item has no such key.

    The key is the first of these that the item has:

    - the item itself, if it is a string or a number
    - the first element of a list or tuple, if that is a string
    - the item's ``host_name``, ``name``, ``key`` or ``id`` (a member or an attribute)
    - a digest of the item as JSON, if the item can be serialized
    """
    if isinstance(item, (str, int, float)):
        return str(item)
    if isinstance(item, (list, tuple)) and item and isinstance(item[0], str):
        return item[0]
    for name in _NAMES:
        value = item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
        if isinstance(value, (str, int)):
            return str(value)
    try:
        text = json.dumps(item, sort_keys=True)
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def operation_name(operation: Callable[..., Any]) -> str:
    """Return the qualified name of an operation, which is the same in every run."""
    while isinstance(operation, functools.partial):
        operation = operation.func
    function = operation if hasattr(operation, "__qualname__") else type(operation)
    return f"{function.__module__}.{function.__qualname__}"


def open_journal(path: str) -> int:
    """Open a journal, or create it, lock it for this process, and return its descriptor.

    Raises SettingsError if the file cannot be opened, or is in use by another process.
    """
    try:
        file = open_owned(path, os.O_RDWR | os.O_APPEND)
    except OSError as error:
        raise SettingsError(f"the journal cannot be opened: {error.strerror}", file=path) from error
    try:
        lock_file(file)
    except OSError as error:
        os.close(file)
        message = "the journal is in use by another process; wait for it, or use another file"
        raise SettingsError(message, file=path) from error
    return file


class Journal:
    """A file with one line of JSON for each outcome: key, status, attempts, UNIX time, and the class of the error.

    Items are stored only by their keys, and results and error messages are not stored, because they may be
    confidential. A line is written as soon as the outcome is known, so it survives if the process is killed. A crash of
    the machine may lose the last lines.

    Raises SettingsError if the file cannot be opened, is not a journal, belongs to another batch, or is in use by this
    or another process.
    """

    def __init__(
        self, path: Union[str, os.PathLike[str]], batch_id: Optional[str], default_id: str, operation: str
    ) -> None:
        self.path = os.path.realpath(path)
        self.done: set[str] = set()
        self._lock = threading.Lock()
        if _open_journals.setdefault((os.getpid(), self.path), self) is not self:
            raise self._error(
                "the journal is in use by another batch of this process; wait for it, or use another file"
            )
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(_open_journals.pop, (os.getpid(), self.path))
            self._file = open_journal(self.path)
            on_failure.callback(os.close, self._file)
            self.batch_id = self._load(batch_id, default_id, operation)
            restrict_to_owner(self._file)
            on_failure.pop_all()

    def record(self, outcome: BatchItem[Any, Any], now: float) -> None:
        """Append one outcome to the file. Raises OSError if that fails."""
        line = {"key": outcome.key, "status": outcome.status.value, "attempts": outcome.attempts, "at": round(now, 3)}
        if outcome.error is not None:
            line["error"] = type(outcome.error).__name__
        self._write(line)

    def close(self) -> None:
        """Close the file. Further calls do nothing."""
        with self._lock:
            file, self._file = self._file, -1
            if file >= 0:
                os.close(file)
                _open_journals.pop((os.getpid(), self.path), None)

    def _load(self, batch_id: Optional[str], default_id: str, operation: str) -> str:
        """Read the finished items from the file, or start a new journal, and return the ID of the batch."""
        lines = self._whole_lines()
        first = next(lines, None)
        if first is None:
            new_id = batch_id or default_id
            self._write({"kind": _KIND, "batch_id": new_id, "operation": operation})
            return new_id
        head = _parse_line(first)
        if head.get("kind") != _KIND or not isinstance(head.get("batch_id"), str):
            raise self._error("this file is not a batch journal; use another file")
        found_id, found_operation = str(head["batch_id"]), head.get("operation", operation)
        if batch_id is not None and found_id != batch_id:
            raise self._error(f"the journal belongs to batch {found_id!r}, not {batch_id!r}; use another file")
        if batch_id is None and found_operation != operation:
            message = f"the journal belongs to batch {found_id!r}, which runs {found_operation}, not {operation}"
            raise self._error(f"{message}; pass its batch_id to continue that batch")
        self._read_outcomes(lines)
        return found_id

    def _read_outcomes(self, lines: Iterator[bytes]) -> None:
        """Collect the keys of finished items. Log the first damaged line, because its item will run again."""
        damaged: list[int] = []
        for number, line in enumerate(lines, 2):
            entry = _parse_line(line)
            key, status = entry.get("key"), entry.get("status")
            if not isinstance(key, str) or status not in _STATUSES:
                damaged.append(number)
            elif status in _DONE:
                self.done.add(key)
        if damaged:
            more = f" ({len(damaged) - 1} more lines are damaged as well)" if len(damaged) > 1 else ""
            message = "this line of the journal is damaged, so its item runs again"
            log.warning("%s:%d: %s%s", self.path, damaged[0], message, more)

    def _whole_lines(self) -> Iterator[bytes]:
        """Yield the complete lines of the file, and cut off a last line without a newline."""
        end = 0
        # Closing any descriptor of this file would release its lock, so the reader shares the journal's own.
        with open(self._file, "rb", closefd=False) as source:
            for line in iter(lambda: source.readline(MAX_LINE), b""):
                length, last = len(line), line
                while not last.endswith(b"\n") and (piece := source.readline(MAX_LINE)):
                    length, last = length + len(piece), piece
                if not last.endswith(b"\n"):  # the process that wrote this line was killed
                    # Never shorten a file that might not be a journal.
                    if end == 0 and not _HEAD.startswith(line[: len(_HEAD)]):
                        raise self._error("this file is not a batch journal; use another file")
                    os.ftruncate(self._file, end)
                    return
                end += length
                yield line

    def _error(self, message: str) -> SettingsError:
        return SettingsError(message, file=self.path)

    def _write(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            written = os.write(self._file, text)  # unbuffered, so that the line survives if the process is killed
        if written < len(text):
            raise OSError(
                f"the disk is full, so the last line of the journal {self.path} is incomplete; "
                "free some space and run the batch again"
            )


# The open journals by process and path. File locks do not protect a journal within one process, because a process can
# lock the same file twice, and closing any descriptor of the file releases the lock. Therefore a process never opens a
# journal twice. The child of a fork has another process ID, and does not inherit the locks of its parent.
_open_journals: dict[tuple[int, str], Journal] = {}


def _parse_line(line: bytes) -> dict[str, Any]:
    """Return the JSON object in a line, or an empty dict if the line is damaged."""
    try:
        found = json.loads(line.decode("utf-8"))  # decoded here, because json mistakes bytes with NULs for UTF-16
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
