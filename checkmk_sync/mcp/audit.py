"""Every write, as lines of JSON: who, what, and what became of it. Never a secret."""

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
from .untrusted import cleaned

__all__ = ["Audit", "Ended"]

log = logging.getLogger("checkmk_sync.mcp.audit")

# Characters of the arguments in a line: twice what a model may send, so only what a write is bound to can make it more.
MAX_LINE = 8 * 2**20
LOCK_S = 1.0  # who ends the process at once waits no longer than this for who is writing


@dataclass(frozen=True)
class Ended:
    """What became of a call: a word, how many there are of each kind, and by their status the keys of what failed."""

    outcome: str
    counts: Mapping[str, Any] = field(default_factory=dict)
    failed: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def well(cls, found: Mapping[str, Any]) -> Ended:
        """With what a verb gave: ``failed``, where it is there, are pairs of a key and a status."""
        numbers = {name: value for name, value in found.items() if type(value) in (int, bool)}
        counts = found.get("counts")
        return cls("done", {**numbers, **(counts if isinstance(counts, Mapping) else {})}, _by(found.get("failed", ())))

    @classmethod
    def badly(cls, error: CheckmkError) -> Ended:
        """With an error; one of a batch holds what became of each item."""
        fates = [(outcome.key, outcome.status.value) for outcome in getattr(error, "outcomes", ())]
        counts = {status: len(keys) for status, keys in _by(fates).items()}
        failed = _by(pair for pair in fates if pair[1] != "applied")
        return cls(f"failed: {type(error).__name__}", counts, failed)


def _shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without secrets, whole; of a line that would be too long the longest ones are only counted."""
    shown: dict[str, Any] = cleaned(arguments)
    sizes = {name: len(json.dumps(value)) for name, value in shown.items()}
    while sum(sizes.values()) > MAX_LINE:
        longest = max(sizes, key=sizes.__getitem__)
        shown[longest] = f"{len(shown[longest])} entries, too long to note"
        del sizes[longest]
    return shown


def _by(fates: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, status in fates:
        found.setdefault(status, []).append(key)
    return found


class Audit:
    """Appends to ``path``, which only its owner may read; without one it logs to ``checkmk_sync.mcp.audit``.

    A write is two lines with the same ``call``: one before it and one after it. SettingsError when the file cannot be
    opened, is no file, or may be read by others.
    """

    def __init__(self, settings: Settings, path: Optional[str] = None) -> None:
        self._who = {"site": settings.base_url, "user": settings.username}
        self._lock = threading.Lock()
        self._open: dict[str, dict[str, Any]] = {}
        self._is_torn = False
        self._file = None if path is None else _open_log(path)

    def begin(self, tool: str, arguments: Mapping[str, Any], client: str = "") -> str:
        """Note that a write begins; the id of the call, for :meth:`end`. OSError when it cannot be noted: then nothing
        must be written at the site either."""
        call = {"call": secrets.token_hex(8), "client": client, "tool": tool}
        self._write({**call, "arguments": _shown(arguments), "outcome": "started"})
        self._open[call["call"]] = call
        return call["call"]

    def end(self, call: str, ended: Ended) -> None:
        """Note what became of it; that it was begun stands there already."""
        known = self._open.pop(call, None)
        if known is not None:  # else it has been given up
            more = {"counts": ended.counts, "failed": ended.failed}
            self._note({**known, "outcome": ended.outcome, **{name: given for name, given in more.items() if given}})

    def refuse(self, tool: str, arguments: Mapping[str, Any], outcome: str, client: str = "") -> None:
        """Note a write that was never begun."""
        call = {"call": secrets.token_hex(8), "client": client, "tool": tool}
        self._note({**call, "arguments": _shown(arguments), "outcome": outcome})

    def give_up(self) -> None:
        """The process ends now: nobody will know what became of the writes under way."""
        for call in list(self._open):
            self.end(call, Ended("unknown: the server was ended meanwhile"))

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
        text = json.dumps({"time": now, **self._who, **entry})
        if self._file is None:
            log.info("%s", text)
            return
        # Without end it would wait for itself where a signal came while this very thread was writing.
        is_mine = self._lock.acquire(timeout=LOCK_S)
        try:
            self._append(self._file, text.encode() + b"\n")
        finally:
            if is_mine:
                self._lock.release()

    def _append(self, file: int, line: bytes) -> None:
        left = b"\n" + line if self._is_torn else line
        whole = len(left)
        try:
            while left:
                left = left[os.write(file, left) :]  # a disk that fills up takes a part
        finally:
            self._is_torn = 0 < len(left) < whole or (self._is_torn and len(left) == whole)


def _open_log(path: str) -> int:
    """Open the file to append to. One that is not private is refused, and stays as it is."""
    try:
        return open_private(path, os.O_WRONLY | os.O_APPEND)
    except OSError as error:
        raise SettingsError(f"the audit log cannot be written: {error.strerror}", file=path) from error
