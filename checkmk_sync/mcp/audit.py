"""The audit log: every write as lines of JSON that say who did what with which outcome, without secrets."""

from __future__ import annotations

import datetime
import json
import logging
import os
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Optional

from ..config.settings import Settings
from ..core.private_files import open_private
from ..errors import CheckmkError, SettingsError
from .untrusted import sanitize

__all__ = ["AuditLog", "CallOutcome"]

log = logging.getLogger("checkmk_sync.mcp.audit")

# Characters of the arguments in a line. Twice what a model may send, so only bound arguments can exceed it.
MAX_LINE = 8 * 2**20
LOCK_S = 1.0  # how long a process that ends at once waits for a thread that is writing a line


@dataclass(frozen=True)
class CallOutcome:
    """How a call ended: in a word, with counts, and with the keys that failed by their status."""

    outcome: str
    counts: Mapping[str, Any] = field(default_factory=dict)
    failed: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def from_result(cls, values: Mapping[str, Any]) -> CallOutcome:
        """Return the outcome in the result of a command; ``failed`` are pairs of a key and a status."""
        numbers = {name: value for name, value in values.items() if type(value) in (int, bool)}
        counts = values.get("counts")
        counts = {**numbers, **(counts if isinstance(counts, Mapping) else {})}
        return cls("done", counts, _keys_by_status(values.get("failed", ())))

    @classmethod
    def from_error(cls, error: CheckmkError) -> CallOutcome:
        """Return the outcome in an error; the error of a batch has one for each item."""
        by_status = _keys_by_status((outcome.key, outcome.status.value) for outcome in getattr(error, "outcomes", ()))
        counts = {status: len(keys) for status, keys in by_status.items()}
        by_status.pop("applied", None)
        return cls(f"failed: {type(error).__name__}", counts, by_status)


def _keys_by_status(statuses: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the keys of each status."""
    keys: dict[str, list[str]] = {}
    for key, status in statuses:
        keys.setdefault(status, []).append(key)
    return keys


class AuditLog:
    """Appends to the file ``path``, or logs to ``checkmk_sync.mcp.audit`` without one.

    A write is two lines with the same ``call``: one before it and one after it. SettingsError if the file cannot be
    opened, is not a regular file, or others may read it.
    """

    def __init__(self, settings: Settings, path: Optional[str] = None) -> None:
        self._origin = {"site": settings.base_url, "user": settings.username}
        self._lock = threading.Lock()
        self._open_calls: dict[str, dict[str, Any]] = {}
        self._is_torn = False  # the last line was written in part
        self._file: Optional[int] = None
        if path is not None:
            try:
                self._file = open_private(path, os.O_WRONLY | os.O_APPEND)
            except OSError as error:
                raise SettingsError(f"the audit log cannot be written: {error.strerror}", file=path) from error

    def begin(self, tool: str, arguments: Mapping[str, Any], client: str = "") -> str:
        """Note that a write starts, and return its id for :meth:`end`. OSError if that cannot be noted; then nothing
        may be written to the site."""
        call = {"call": secrets.token_hex(8), "client": client, "tool": tool}
        self._write({**call, "arguments": _loggable(arguments), "outcome": "started"})
        self._open_calls[call["call"]] = call
        return call["call"]

    def end(self, call_id: str, outcome: CallOutcome) -> None:
        """Note the outcome of a write."""
        call = self._open_calls.pop(call_id, None)
        if call is not None:  # else it was abandoned
            details = {"counts": outcome.counts, "failed": outcome.failed}
            self._note({**call, "outcome": outcome.outcome, **{name: part for name, part in details.items() if part}})

    def refuse(self, tool: str, arguments: Mapping[str, Any], client: str = "") -> None:
        """Note a write that was not approved."""
        call = {"call": secrets.token_hex(8), "client": client, "tool": tool}
        self._note({**call, "arguments": _loggable(arguments), "outcome": "not approved"})

    def abandon(self) -> None:
        """Note that the outcome of all writes under way is unknown, because the process ends now."""
        for call_id in list(self._open_calls):
            self.end(call_id, CallOutcome("unknown: the server was ended meanwhile"))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _note(self, entry: Mapping[str, Any]) -> None:
        try:
            self._write(entry)
        except OSError as error:
            logging.getLogger("checkmk_sync").error(
                "the audit log cannot be written: %s: %s", entry["tool"], error.strerror
            )

    def _write(self, entry: Mapping[str, Any]) -> None:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        text = json.dumps({"time": now, **self._origin, **entry})
        if self._file is None:
            log.info("%s", text)
            return
        # With a timeout: a signal handler may run in the very thread that holds the lock.
        is_locked = self._lock.acquire(timeout=LOCK_S)
        line = text.encode() + b"\n"
        unwritten = b"\n" + line if self._is_torn else line
        length = len(unwritten)
        try:
            while unwritten:
                unwritten = unwritten[os.write(self._file, unwritten) :]  # a disk that fills up takes a part
        finally:
            self._is_torn = 0 < len(unwritten) < length or (self._is_torn and len(unwritten) == length)
            if is_locked:
                self._lock.release()


def _loggable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without secrets; while they are too long for a line, the longest one is only counted."""
    values: dict[str, Any] = sanitize(arguments)
    sizes = {name: len(json.dumps(value)) for name, value in values.items()}
    while sum(sizes.values()) > MAX_LINE:
        longest = max(sizes, key=sizes.__getitem__)
        values[longest] = f"{len(values[longest])} entries, too long to note"
        del sizes[longest]
    return values
