"""Answers in a file, shared by the processes of one user of this machine."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import logging
import os
import re
import sqlite3
import stat
import threading
import uuid
from typing import Any, Iterator, Optional

from ..clock import Clock, SystemClock
from ..errors import SettingsError
from ..forks import renewed_in_children
from .storage import StorageError, Stored

__all__ = ["SQLiteStorage"]

log = logging.getLogger("checkmk_sync")

BUSY_S = 2.0  # another process is writing; a cache that makes wait longer is none

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, keep_until REAL, fresh_until REAL, generation TEXT, url TEXT, headers TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS generations (scope TEXT PRIMARY KEY, token TEXT);
"""


class SQLiteStorage:
    """One connection behind one lock, reads as well: requests-cache's own backend shares a connection without
    one, and crashes the interpreter when it is cleared or closed while others read.

    The file is readable by its owner only and holds JSON texts, nothing that is executed when it is read.
    SettingsError when the file cannot be used at all; one that is damaged is begun anew.
    """

    def __init__(self, path: str, max_size: int, max_bytes: float, clock: Optional[Clock] = None) -> None:
        self._path, self._max_size, self._max_bytes = path, max_size, max_bytes
        self._now = (clock or SystemClock()).time
        self.renew()
        renewed_in_children(self)
        self._connection: Optional[sqlite3.Connection] = None
        self._process = 0
        self._closed = False
        with self._lock:
            self._open()

    def renew(self) -> None:
        """A lock of its own; a connection it gets when it is used."""
        self._lock = threading.RLock()

    def get(self, key: str) -> Optional[Stored]:
        asked = "SELECT headers, body, url, generation, fresh_until FROM answers WHERE key = ? AND keep_until > ?"
        with self._using() as connection:
            row = connection.execute(asked, (key, self._now())).fetchone()
        if row is None:
            return None
        headers, body, url, generation, fresh_until = row
        pairs = tuple((name, value) for name, value in json.loads(headers))
        return Stored(pairs, body.encode(), url, generation, fresh_until)

    def set(self, key: str, stored: Stored, keep_s: float) -> None:
        keep_until, headers = self._now() + keep_s, json.dumps(stored.headers)
        row = (key, keep_until, stored.fresh_until, stored.generation, stored.url, headers, stored.body.decode())
        with self._using() as connection:
            connection.execute("REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self._make_room(connection)

    def invalidate_pattern(self, pattern: str) -> int:
        matches = re.compile(fnmatch.translate(pattern)).match
        with self._using() as connection:
            doomed = [row for row in connection.execute("SELECT key FROM answers") if matches(row[0])]
            connection.executemany("DELETE FROM answers WHERE key = ?", doomed)
        return len(doomed)

    def clear(self) -> None:
        with self._using() as connection:
            connection.execute("DELETE FROM answers")

    def cleanup_expired(self) -> int:
        with self._using() as connection:
            return connection.execute("DELETE FROM answers WHERE keep_until <= ?", (self._now(),)).rowcount

    def stats(self) -> dict[str, Any]:
        with self._using() as connection:
            size, total = connection.execute("SELECT COUNT(*), TOTAL(LENGTH(body)) FROM answers").fetchone()
        return {"size": size, "bytes": int(total)}

    def generation(self, scope: str) -> str:
        with self._using() as connection:
            for _ in range(2):
                row = connection.execute("SELECT token FROM generations WHERE scope = ?", (scope,)).fetchone()
                if row is not None:
                    return str(row[0])
                connection.execute("INSERT OR IGNORE INTO generations VALUES (?, ?)", (scope, uuid.uuid4().hex))
        raise StorageError("the generation cannot be kept")

    def advance(self, scope: str) -> None:
        with self._using() as connection:
            connection.execute("REPLACE INTO generations VALUES (?, ?)", (scope, uuid.uuid4().hex))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._disconnect()

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Forget the oldest when there are too many or they are too large."""
        while True:
            size, total = connection.execute("SELECT COUNT(*), TOTAL(LENGTH(body)) FROM answers").fetchone()
            if size <= self._max_size and total <= self._max_bytes:
                return
            connection.execute(
                "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers ORDER BY rowid LIMIT ?)",
                (max(size - self._max_size, size // 10 + 1),),
            )

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The connection, inside one transaction and one lock."""
        with self._lock:
            if self._closed:
                raise StorageError("the cache is closed")
            try:
                if self._connection is None or self._process != os.getpid():
                    self._open()
                assert self._connection is not None
                with self._connection as connection:
                    yield connection
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    self._begin_anew(error)
                raise StorageError(f"the cache {self._path}: {error}") from error

    def _open(self) -> None:
        """A connection of this process: one that was forked belongs to the parent, and is not even closed."""
        self._process = os.getpid()
        _secure(self._path)
        try:
            self._connection = self._connected()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise SettingsError(f"the cache {self._path} cannot be opened: {error}", field="path") from error
            self._begin_anew(error)

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # what a power cut takes is read again
            connection.executescript(_TABLES)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        log.warning("the cache %s is damaged (%s) and is begun anew", self._path, error)
        self._disconnect()
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path + end)
        _secure(self._path)
        self._connection = self._connected()

    def _disconnect(self) -> None:
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
        self._connection = None


def _secure(path: str) -> None:
    """A file that only its owner can read, before anything is in it; SQLite gives its companions the same mode."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SettingsError(f"the cache {path} cannot be used: {error.strerror}", field="path") from error
