"""The audit log: every write as lines of JSON with the caller, the arguments and the outcome, without secrets."""

from __future__ import annotations

import datetime
import json
import logging
import os
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from ..config.settings import Settings
from ..core.grouping import grouped
from ..core.private_files import open_private
from ..errors import CheckmkError, SettingsError
from .untrusted import sanitize

log = logging.getLogger("checkmk_sync.mcp.audit")

# Characters of the arguments in a line. This is twice the limit of a call, so only arguments that an approval adds,
# such as the approved changes of an activation, can exceed it.
MAX_LINE = 8 * 2**20
LOCK_S = 1.0  # seconds; an immediate exit waits this long for another thread to finish its line


@dataclass(frozen=True)
class CallOutcome:
    """The outcome of a call: a short phrase, counts, and the keys of failed items grouped by status."""

    outcome: str
    counts: Mapping[str, Any] = field(default_factory=dict)
    failed: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def from_result(cls, values: Mapping[str, Any]) -> CallOutcome:
        """Return the outcome of a command that returned ``values``. ``failed`` contains pairs of key and status."""
        numbers = {name: value for name, value in values.items() if type(value) in (int, bool)}
        counts = values.get("counts")
        counts = {**numbers, **(counts if isinstance(counts, Mapping) else {})}
        return cls("done", counts, grouped((status, key) for key, status in values.get("failed", ())))

    @classmethod
    def from_error(cls, error: CheckmkError) -> CallOutcome:
        """Return the outcome of a command that raised ``error``. A BatchError has an outcome for each item."""
        by_status = grouped((outcome.status.value, outcome.key) for outcome in getattr(error, "outcomes", ()))
        counts = {status: len(keys) for status, keys in by_status.items()}
        by_status.pop("applied", None)
        return cls(f"failed: {type(error).__name__}", counts, by_status)


class AuditLog:
    """An audit log that appends to the file ``path``, or without a path to the logger ``checkmk_sync.mcp.audit``.

    Each write adds two lines with the same ``call``, before and after the write. Raises SettingsError if the file
    cannot be opened, is not a regular file, or is readable by other users.
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
        """Record the start of a write, and return its ID for :meth:`end`.

        Raises OSError if the line cannot be written. The caller must then write nothing to the site.
        """
        call = {"call": secrets.token_hex(8), "client": client, "tool": tool}
        self._write({**call, "arguments": _loggable(arguments), "outcome": "started"})
        self._open_calls[call["call"]] = call
        return call["call"]

    def end(self, call_id: str, outcome: CallOutcome) -> None:
        """Record the outcome of a write."""
        call = self._open_calls.pop(call_id, None)
        if call is not None:  # else abandon() has recorded it
            details = {"counts": outcome.counts, "failed": outcome.failed}
            self._note({**call, "outcome": outcome.outcome, **{name: part for name, part in details.items() if part}})

    def refuse(self, tool: str, arguments: Mapping[str, Any], client: str = "") -> None:
        """Record a write that was not approved."""
        call = {"call": secrets.token_hex(8), "client": client, "tool": tool}
        self._note({**call, "arguments": _loggable(arguments), "outcome": "not approved"})

    def abandon(self) -> None:
        """Record an unknown outcome for all writes in progress, because the process exits now."""
        for call_id in list(self._open_calls):
            self.end(call_id, CallOutcome("unknown: the server exited during the write"))

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
        # With a timeout, because a signal handler can run in the thread that holds the lock.
        is_locked = self._lock.acquire(timeout=LOCK_S)
        # After a torn line, a leading line break keeps the new line valid JSON.
        line = text.encode() + b"\n"
        unwritten = b"\n" + line if self._is_torn else line
        length = len(unwritten)
        try:
            while unwritten:
                unwritten = unwritten[os.write(self._file, unwritten) :]  # a full disk accepts a part
        finally:
            self._is_torn = 0 < len(unwritten) < length or (self._is_torn and len(unwritten) == length)
            if is_locked:
                self._lock.release()


def _loggable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without secrets. Until they fit in a line, the longest is replaced by its length."""
    values: dict[str, Any] = sanitize(arguments)
    sizes = {name: len(json.dumps(value)) for name, value in values.items()}
    while sum(sizes.values()) > MAX_LINE:
        longest = max(sizes, key=sizes.__getitem__)
        values[longest] = f"{len(values[longest])} entries, too long for the log"
        del sizes[longest]
    return values
