"""A file that makes a command for many objects resumable after the process was killed."""

from __future__ import annotations

import errno
import json
import os
from typing import Any, Iterable, Mapping, Optional, Sequence, Union

from ...batch.journal import open_journal
from ...core.private_files import restrict_to_owner
from ...errors import Delivery, SettingsError
from ..targets import MonitoredObject

_KIND = "checkmk_sync command journal"
_HEAD = f'{{"kind":"{_KIND}"'.encode()
_TIMES = ("start", "end")
_MAX_HEAD = 2**16  # bytes


class CommandJournal:
    """The objects for which a command may have been sent.

    The first line of the file contains the command of the first run, and each further line the objects of one request.
    That line is on the disk before the request is sent, so no sent object is missing. ``command`` is the command of the
    first run, with its times. ``sent`` contains the objects of earlier runs.

    Raises SettingsError if the file cannot be opened, is not such a journal, belongs to another command, or is in use
    by another process. ``given`` are the times as the caller gave them. If they are the same, the command is the same,
    even if they now mean another time, as "2h" does.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], command: Mapping[str, Any], given: Sequence[str]) -> None:
        self.path, self.command = os.path.realpath(path), dict(command)
        self.sent: set[MonitoredObject] = set()
        self._file = open_journal(self.path)
        try:
            self._load(given)
        except BaseException:
            os.close(self._file)
            raise

    def _load(self, given: Sequence[str]) -> None:
        with open(self._file, "rb", closefd=False) as source:
            content = source.read()
        if not content.startswith(_HEAD) and not _HEAD.startswith(content):
            raise self._error("this file is not a journal of a command; use another file")
        restrict_to_owner(self._file)
        whole = content[: content.rfind(b"\n") + 1]  # a killed process may have left half a line
        if not whole:
            os.ftruncate(self._file, 0)
            self._write({"kind": _KIND, "given": list(given), "command": self.command})
            return
        try:
            head, *requests = map(json.loads, whole.splitlines())
            for request in requests:
                objects = {MonitoredObject(*of) for of in request["objects"]}
                self.sent = self.sent | objects if request["sent"] else self.sent - objects
        except (ValueError, TypeError, KeyError):
            raise self._error(
                "the journal is damaged; check the downtimes, delete the file and repeat the command"
            ) from None
        first = head["command"]
        same_times = head["given"] == list(given) or all(first[name] == self.command[name] for name in _TIMES)
        if not same_times or {**first, **{name: self.command[name] for name in _TIMES}} != self.command:
            raise self._error("the journal belongs to another command; repeat that command, or use another file")
        self.command = first
        os.ftruncate(self._file, len(whole))

    def note(self, objects: Iterable[MonitoredObject], sent: bool) -> None:
        """Record that a command for these objects is going to be sent, or that it was certainly not executed.

        Raises SettingsError if that fails. The command must not be sent then.
        """
        self._write({"sent": sent, "objects": list(objects)})

    def _write(self, line: Any) -> None:
        text, end = json.dumps(line, separators=(",", ":")).encode() + b"\n", os.fstat(self._file).st_size
        try:
            if os.write(self._file, text) < len(text):
                raise OSError(errno.ENOSPC, "the disk is full")
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, end)
            failed = self._error(f"the journal cannot be written: {error.strerror}")
            raise failed.with_attempted(is_read=False, delivery=Delivery.NOT_SENT) from error

    def close(self, *, remove: bool) -> None:
        """Close the file, and remove it if nothing is left to await."""
        if remove:
            os.unlink(self.path)
        os.close(self._file)

    def _error(self, message: str) -> SettingsError:
        return SettingsError(message, file=self.path)


def times_in(path: Union[str, os.PathLike[str]]) -> Optional[tuple[int, int]]:
    """Return the start and the end of the command in a journal, or None if the file is not such a journal."""
    try:
        with open(path, "rb") as source:
            head = json.loads(source.readline(_MAX_HEAD))
        return head["command"]["start"], head["command"]["end"]
    except (OSError, ValueError, KeyError, TypeError):  # opening the journal raises the error
        return None
