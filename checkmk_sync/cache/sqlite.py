"""Answers in a file, shared by the processes of one user of this machine."""

from __future__ import annotations

import contextlib
import fnmatch
import logging
import os
import re
import sqlite3
import stat
import tempfile
import threading
import time
import uuid
from typing import Any, Iterator, Optional

from ..core.clock import Clock, SystemClock
from ..core.fork import paused_for_forks, renewed_in_children
from ..errors import SettingsError
from .storage import StorageError, Stored

__all__ = ["SQLiteStorage"]

log = logging.getLogger("checkmk_sync")

BUSY_S = 0.1  # another process is writing; a cache that makes wait longer is none
LAYOUT = 2

_FORGET_ALL = """
DROP TABLE IF EXISTS answers; DROP TABLE IF EXISTS generations; DROP TABLE IF EXISTS totals;
"""
# The totals are kept up to date with each row, for to count anew with each answer would cost as much as there is.
_TABLES = """
CREATE TABLE answers (key TEXT PRIMARY KEY, keep_until REAL NOT NULL, size INTEGER NOT NULL, answer TEXT NOT NULL);
CREATE INDEX ends ON answers (keep_until);
CREATE TABLE generations (scope TEXT PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE totals (number INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);
CREATE TRIGGER came AFTER INSERT ON answers
    BEGIN UPDATE totals SET number = number + 1, bytes = bytes + NEW.size; END;
CREATE TRIGGER went AFTER DELETE ON answers
    BEGIN UPDATE totals SET number = number - 1, bytes = bytes - OLD.size; END;
"""


class SQLiteStorage:
    """One connection behind one lock, reads as well: requests-cache's own backend shares a connection without
    one, and crashes the interpreter when it is cleared or closed while others read.

    The file is readable by its owner only and holds JSON texts, nothing that is executed when it is read.
    SettingsError when the file cannot be used at all; one that is damaged, or was removed, is begun anew.
    """

    def __init__(self, path: str, max_size: int, max_bytes: float, clock: Optional[Clock] = None) -> None:
        self._path, self._max_size, self._max_bytes = os.path.abspath(path), max_size, max_bytes
        self.place = f"sqlite:{os.path.realpath(path)}"
        self._now = (clock or SystemClock()).time
        self._closed = False
        self.renew()
        renewed_in_children(self)
        paused_for_forks(self)
        try:
            with self._lock:
                self._open()
        except BlockingIOError:
            pass  # another process opens it just now
        except OSError as error:
            raise SettingsError(f"the cache {path} cannot be used: {error.strerror}", field="path") from error
        except sqlite3.Error as error:
            if "locked" not in str(error):
                raise SettingsError(f"the cache {path} cannot be opened: {error}", field="path") from error

    def renew(self) -> None:
        """A lock of its own; a connection it gets when it is used."""
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None
        self._opened: Optional[tuple[int, int]] = None

    def pause(self) -> None:
        """Close the file. SQLite's locks stay with the parent of a fork, while the child believes to hold them."""
        self._lock.acquire()
        self._disconnect()

    def go_on(self) -> None:
        self._lock.release()

    def get(self, key: str) -> Optional[Stored]:
        with self._using() as connection:
            asked = "SELECT answer FROM answers WHERE key = ? AND keep_until > ?"
            row = connection.execute(asked, (key, self._now())).fetchone()
            stored = None if row is None else Stored.from_text(row[0])
            if row is not None and stored is None:
                log.warning("what the cache %s holds under %s is damaged, and dropped", self._path, key)
                connection.execute("DELETE FROM answers WHERE key = ?", (key,))
        return stored

    def set(self, key: str, stored: Stored, keep_s: float) -> None:
        size = stored.size
        if size > self._max_bytes:
            return
        with self._using() as connection:
            connection.execute("DELETE FROM answers WHERE key = ?", (key,))  # REPLACE would not change the totals
            row = (key, self._now() + keep_s, size, stored.to_text())
            connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", row)
            self._make_room(connection)

    def invalidate_pattern(self, pattern: str) -> int:
        matches = re.compile(fnmatch.translate(pattern)).match
        with self._using() as connection:
            doomed = [row for row in connection.execute("SELECT key FROM answers") if matches(row[0])]
            connection.executemany("DELETE FROM answers WHERE key = ?", doomed)
        return len(doomed)

    def clear(self) -> None:
        with self._using() as connection:
            # With the generations what is under way becomes void as well.
            connection.execute("DELETE FROM generations")
            connection.execute("DELETE FROM answers")

    def cleanup_expired(self) -> int:
        with self._using() as connection:
            return connection.execute("DELETE FROM answers WHERE keep_until <= ?", (self._now(),)).rowcount

    def stats(self) -> dict[str, Any]:
        with self._using() as connection:
            number, size = connection.execute("SELECT number, bytes FROM totals").fetchone()
        return {"size": number, "bytes": size}

    def generation(self, scope: str) -> str:
        with self._using() as connection:
            for _ in range(2):
                row = connection.execute("SELECT token FROM generations WHERE scope = ?", (scope,)).fetchone()
                if row is not None:
                    return str(row[0])
                connection.execute("INSERT OR IGNORE INTO generations VALUES (?, ?)", (scope, uuid.uuid4().hex))
        raise StorageError("the generation cannot be kept")

    def advance(self, scope: str) -> None:
        for _ in range(3):
            with self._using() as connection:
                connection.execute("REPLACE INTO generations VALUES (?, ?)", (scope, uuid.uuid4().hex))
            if self._opened == _identity(self._path):
                return  # else somebody has begun the file anew meanwhile
        raise StorageError("the file is always another")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._disconnect()

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Forget the oldest when there are too many or they are too large."""
        while True:
            size, total = connection.execute("SELECT number, bytes FROM totals").fetchone()
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
                if self._connection is None or self._opened != _identity(self._path):
                    self._open()
                assert self._connection is not None
                with self._connection as connection:
                    yield connection
            except sqlite3.Error as error:
                if _is_damage(error):
                    self._begin_anew(error)
                raise StorageError(f"the cache {self._path}: {error}") from error
            except OSError as error:
                raise StorageError(f"the cache {self._path}: {error.strerror}") from error

    def _open(self) -> None:
        """Connect to the file that is there now, made and kept private."""
        self._disconnect()
        with _alone(self._path):
            _secure(self._path)
            try:
                self._connect()
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise
                self._replace(error)

    def _connect(self) -> None:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # what a power cut takes is read again
            if connection.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
                connection.executescript(
                    f"BEGIN IMMEDIATE; {_FORGET_ALL} {_TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;"
                )
            self._opened = _identity(self._path)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _begin_anew(self, error: sqlite3.Error) -> None:
        """Replace a file that turned out to be damaged, unless another process has done so."""
        damaged = self._opened
        self._disconnect()
        with contextlib.suppress(OSError, sqlite3.Error), _alone(self._path):
            if damaged == _identity(self._path):
                self._replace(error)

    def _replace(self, error: sqlite3.Error) -> None:
        log.warning("the cache %s is damaged (%s) and is begun anew", self._path, error)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        _secure(self._path)
        self._connect()

    def _disconnect(self) -> None:
        connection, self._connection, self._opened = self._connection, None, None
        if connection is not None:
            connection.close()


def _is_damage(error: sqlite3.Error) -> bool:
    """Not that it is locked, that the disk is full and the like, which are subclasses."""
    return type(error) is sqlite3.DatabaseError


def _identity(path: str) -> Optional[tuple[int, int]]:
    """Which file it is, however it is called: SQLite would go on in one that was removed."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _secure(path: str) -> None:
    """A file that only its owner can read, before anything is in it; SQLite gives its companions the same mode.

    It is never opened here: closing it would drop the locks that SQLite holds on it for this process.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        for end in ("-wal", "-shm"):  # of one that is gone
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + end)
        descriptor, made = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path))
        os.close(descriptor)
        try:
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(made, path)
        finally:
            os.unlink(made)
        mode = os.lstat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is no file")
    if stat.S_IMODE(mode) & 0o077:
        os.chmod(path, 0o600)


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """No other process opens or replaces the file meanwhile."""
    try:
        import fcntl
    except ImportError:  # Windows does not let anybody remove what another has open
        yield
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    end = time.monotonic() + BUSY_S
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(BUSY_S / 20)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child of a fork may hold the same handle
        os.close(descriptor)
