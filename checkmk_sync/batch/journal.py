"""A file that remembers what is done, so that a batch that was killed goes on where it was."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import stat
import threading
from typing import Any, Callable, Iterator, Mapping, Optional, Union

from ..errors import SettingsError
from ..forks import renewed_in_children
from .outcome import BatchItem, BatchStatus

__all__ = ["Journal", "key_of", "named"]

_KIND = "checkmk_sync batch journal"
_HEAD = f'{{"kind":"{_KIND}"'.encode()
_NAMES = ("host_name", "name", "key", "id")
_DONE = (BatchStatus.SUCCESS.value, BatchStatus.SKIPPED.value)


def key_of(item: Any) -> Optional[str]:
    """What an item is called, the same in every run: a text or number itself; its ``host_name``, ``name``,
    ``key`` or ``id``; the first of a pair that begins with a text; else a digest of it as JSON. None for
    what has none of these.
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


def named(operation: Callable[..., Any]) -> str:
    """What an operation is called, the same in every run."""
    while isinstance(operation, functools.partial):
        operation = operation.func
    of = operation if hasattr(operation, "__qualname__") else type(operation)
    return f"{of.__module__}.{of.__qualname__}"


class Journal:
    """One line of JSON for each outcome: key, status, attempts, time, and the class of the error.

    Neither items nor results nor the words of errors are kept. A line is written with one call as soon as
    the outcome is known, so it survives the death of the process (not that of the machine, whose disk it
    may not have reached). Raises SettingsError for a file that is no journal, is that of another batch,
    or is in use, here or by another process.
    """

    def __init__(
        self, path: Union[str, os.PathLike[str]], batch_id: Optional[str], default_id: str, operation: str
    ) -> None:
        self.path = os.path.realpath(path)
        self.done: set[str] = set()
        self._lock = threading.Lock()
        self._file = -1
        _in_use.add(self.path)
        try:
            self._file = self._open()
        except BaseException:
            _in_use.discard(self.path)
            raise
        try:
            _lock(self._file, self.path)
            self.batch_id = self._load(batch_id, default_id, operation)
            if hasattr(os, "fchmod"):
                os.fchmod(self._file, 0o600)
        except BaseException:
            self.close()
            raise

    def note(self, outcome: BatchItem[Any, Any], now: float) -> None:
        """Write one outcome down; OSError when that fails."""
        line = {"key": outcome.key, "status": outcome.status.value, "attempts": outcome.attempts, "at": round(now, 3)}
        if outcome.error is not None:
            line["error"] = type(outcome.error).__name__
        self._write(line)

    def close(self) -> None:
        """Close the file; not an error when it is closed."""
        with self._lock:
            file, self._file = self._file, -1
            if file >= 0:
                os.close(file)
                _in_use.discard(self.path)

    def _open(self) -> int:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise SettingsError(f"the journal cannot be opened: {error.strerror}", file=self.path) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise SettingsError("the journal must be a file", file=self.path)
        return file

    def _load(self, batch_id: Optional[str], default_id: str, operation: str) -> str:
        """The id of this batch, after what is known of it has been read."""
        lines = self._whole_lines()
        head = next(lines, None)
        if head is None:
            found = batch_id or default_id
            self._write({"kind": _KIND, "batch_id": found, "operation": operation})
            return found
        if head.get("kind") != _KIND or not isinstance(head.get("batch_id"), str):
            raise self._foreign()
        if batch_id is not None and head["batch_id"] != batch_id:
            raise SettingsError(f"the journal is that of batch {head['batch_id']!r}, not {batch_id!r}", file=self.path)
        if batch_id is None and head.get("operation", operation) != operation:
            said = f"the journal is that of batch {head['batch_id']!r}, which does {head['operation']}, not {operation}"
            raise SettingsError(f"{said}; with its batch_id this one goes on with it", file=self.path)
        self.done.update(line["key"] for line in lines if line.get("status") in _DONE and "key" in line)
        return str(head["batch_id"])

    def _whole_lines(self) -> Iterator[dict[str, Any]]:
        """What each line says. A last one without end was torn by the death of its writer: it is cut off."""
        end = 0
        # The lock is lost when any other handle on this file is closed, so there is only this one.
        with open(self._file, "rb", closefd=False) as source:
            for line in source:
                if not line.endswith(b"\n"):
                    if end == 0 and not _HEAD.startswith(line[: len(_HEAD)]):
                        raise self._foreign()
                    os.ftruncate(self._file, end)
                    return
                end += len(line)
                yield _parsed(line)

    def _foreign(self) -> SettingsError:
        return SettingsError("this file is not the journal of a batch", file=self.path)

    def _write(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            written = os.write(self._file, text)
        if written < len(text):
            raise OSError(f"the journal {self.path} cannot be written: the disk is full")


class _InUse:
    """The journals of this process. It holds the locks, so it would get each again; and closing any handle of a
    file drops them, so a second one must not even be opened."""

    def __init__(self) -> None:
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """A child of a fork holds none."""
        self._paths: set[str] = set()
        self._lock = threading.Lock()

    def add(self, path: str) -> None:
        with self._lock:
            if path in self._paths:
                raise SettingsError("the journal is in use by another batch of this process", file=path)
            self._paths.add(path)

    def discard(self, path: str) -> None:
        with self._lock:
            self._paths.discard(path)


_in_use = _InUse()


def _parsed(line: bytes) -> dict[str, Any]:
    """One line; nothing for one that was damaged, so that its item is done again."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lock(file: int, path: str) -> None:
    """Hold the file until it is closed, or this process dies. A lock of the process, not of the handle: workers
    that were forked inherit handles, and may outlive us."""
    try:
        import fcntl  # not on Windows, where two batches with one journal are not noticed
    except ImportError:
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SettingsError("the journal is in use by another process", file=path) from error
