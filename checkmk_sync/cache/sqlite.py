"""A storage for cached answers in a file, shared by the processes of one user on one machine."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import logging
import os
import pathlib
import sqlite3
import threading
import time
import uuid
from typing import Any, Iterator, Optional

from requests_cache.backends.sqlite import SQLiteDict
from requests_cache.models.response import CachedResponse

from ..core.clock import Clock
from ..core.fork import ForkSafe
from ..core.private_files import PRIVATE_MODE, create_private, is_open_to_others, open_owned, ownership_problem
from ..errors import SettingsError
from .responses import TEXT, expires_at, size_of

log = logging.getLogger("checkmk_sync")

BUSY_S = 0.1  # the longest wait for a locked file; short, because waiting longer for the cache saves no time
APPLICATION_ID = 0x636D6B73  # "cmks"; in the file's header, it shows that this package created the file
LAYOUT = 3  # of the tables; a file with another layout is rebuilt
_COMPANIONS = ("-wal", "-shm", "-journal")  # suffixes of the files that SQLite creates beside the database
_HAS_LOCKS = os.name == "posix"

_TABLES = pathlib.Path(__file__).with_name("tables.sql").read_text("utf-8")


class SQLiteStorage(ForkSafe, SQLiteDict):
    """requests-cache's dictionary in a file of limited size that only its owner can read.

    Reads take a lock too. The original class shares a connection without a lock, and crashes the interpreter if it is
    cleared or closed while another thread reads.

    Only a file that this package created and this user owns is opened for writing. A file that was removed, or is
    damaged during use, is replaced by a new one. Raises SettingsError for a file of another program or user.
    """

    LOCKS = (("_lock", threading.RLock),)
    is_local = True
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: str, max_size: int, max_bytes: float, stale_s: float, clock: Clock) -> None:
        self._path, self._max_size, self._max_bytes = os.path.abspath(path), max_size, max_bytes
        self.location = f"sqlite:{os.path.realpath(path)}"
        self._stale_s, self._time = stale_s, clock.time
        self._closed = False
        ForkSafe.__init__(self)
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            SQLiteDict.__init__(self, self._path, table_name="responses", serializer=TEXT, lock=self._lock)
            with self._lock:
                self._open()
        except (_ForeignFile, PermissionError, FileExistsError, NotADirectoryError) as error:
            raise SettingsError(f"the cache {path} cannot be used: {error.strerror}", field="path") from error
        except self.errors as error:
            log.warning("the cache %s cannot be used now: %s", path, error)

    __hash__ = object.__hash__  # mappings are not hashable, but ForkSafe keeps its instances in a set

    def init_db(self) -> None:
        """Do nothing, because :meth:`connection` opens the file and creates the tables."""

    def reset_after_fork(self) -> None:
        """Replace the lock and forget the connection."""
        super().reset_after_fork()
        self._connection: Optional[sqlite3.Connection] = None
        self._opened: Optional[tuple[int, int, int]] = None  # identifies the file of the connection

    def pause(self) -> None:
        # After a fork, SQLite's locks stay with the parent, but the child would believe that it holds them.
        self._lock.acquire()
        self._disconnect()

    def resume(self) -> None:
        self._lock.release()

    @contextlib.contextmanager
    def connection(self, commit: bool = False) -> Iterator[sqlite3.Connection]:  # noqa: ARG002 - of the base class
        """Yield the connection, with the lock held and inside a transaction."""
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the cache is closed")
            # SQLite would continue to use a file that another process has removed or replaced.
            if self._connection is None or self._opened != _identity(self._path):
                self._open()
            assert self._connection is not None
            try:
                with self._connection as connection:
                    yield connection
            except sqlite3.Error as error:
                if _is_damage(error):
                    self._replace_damaged(error)
                raise

    def __getitem__(self, key: str) -> CachedResponse:
        with self.connection() as connection:
            query = "SELECT value FROM responses WHERE key = ? AND expires > ?"
            row = connection.execute(query, (key, self._time())).fetchone()
        if row is None:
            raise KeyError(key)
        response: Optional[CachedResponse] = self.deserialize(key, row[0])
        if response is None:
            log.warning("an answer in the cache %s is damaged and was removed: %s", self._path, key)
            self.bulk_delete([key])  # type: ignore[no-untyped-call]
            raise KeyError(key)
        return response

    def __setitem__(self, key: str, response: CachedResponse) -> None:
        size = size_of(response)
        if size > self._max_bytes:
            return
        row = (key, self.serialize(response), expires_at(response) + self._stale_s, size)
        with self.connection() as connection:
            # REPLACE alone would not fire the trigger for deletions.
            connection.execute("DELETE FROM responses WHERE key = ?", (key,))
            connection.execute("INSERT INTO responses (key, value, expires, size) VALUES (?, ?, ?, ?)", row)
            self._make_room(connection)

    def clear(self) -> None:
        with self.connection() as connection:
            # Removing the generations also invalidates answers that are still on their way.
            connection.execute("DELETE FROM generations")
            connection.execute("DELETE FROM responses")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._disconnect()

    def generation(self, scope: str) -> str:
        with self.connection() as connection:
            for _ in range(2):
                row = connection.execute("SELECT token FROM generations WHERE scope = ?", (scope,)).fetchone()
                if row is not None:
                    return str(row[0])
                connection.execute("INSERT OR IGNORE INTO generations VALUES (?, ?)", (scope, uuid.uuid4().hex))
        raise sqlite3.OperationalError("the generation cannot be stored")

    def advance(self, scope: str) -> None:
        """Start a new generation. If it cannot be written, remove the file, which invalidates all answers."""
        for _ in range(3):
            try:
                with self.connection() as connection:
                    connection.execute("REPLACE INTO generations VALUES (?, ?)", (scope, uuid.uuid4().hex))
            except self.errors as error:
                self._remove(error)
                return
            if self._opened == _identity(self._path):
                return
            # Another process has replaced the file, and may have copied the old generation into the new one.
        self._remove(sqlite3.OperationalError("other processes keep replacing the file"))

    def invalidate_pattern(self, pattern: str) -> int:
        with self.connection() as connection:
            rows = connection.execute("SELECT key FROM responses")
            keys = [row for row in rows if fnmatch.fnmatchcase(row[0], pattern)]
            connection.executemany("DELETE FROM responses WHERE key = ?", keys)
        return len(keys)

    def cleanup_expired(self) -> None:
        with self.connection() as connection:
            connection.execute("DELETE FROM responses WHERE expires <= ?", (self._time(),))

    def stats(self) -> dict[str, Any]:
        with self.connection() as connection:
            number, size = connection.execute("SELECT number, bytes FROM totals").fetchone()
        return {"size": number, "bytes": size}

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Remove the oldest answers until their number and total size are within the limits."""
        while True:
            number, size = connection.execute("SELECT number, bytes FROM totals").fetchone() or (0, 0)
            if number <= self._max_size and size <= self._max_bytes:
                return
            statement = "DELETE FROM responses WHERE rowid IN (SELECT rowid FROM responses ORDER BY rowid LIMIT ?)"
            if not connection.execute(statement, (max(number - self._max_size, number // 10 + 1),)).rowcount:
                raise sqlite3.DatabaseError("the totals do not match the answers")  # is handled as damage

    def _open(self) -> None:
        """Connect to the existing file, or to a new private one if it is missing or damaged."""
        self._disconnect()
        with _exclusive(self._path):
            if self._is_there():
                try:
                    self._connect()
                    return
                except sqlite3.Error as error:
                    if not _is_damage(error):
                        raise
                    self._remove(error)
            self._create()

    def _is_there(self) -> bool:
        """Return True if the file exists. Raises _ForeignFile if another program created it or another user owns it."""
        try:
            status = os.lstat(self._path)
        except FileNotFoundError:
            return False
        problem = ownership_problem(status)
        for companion in _COMPANIONS:  # SQLite reads them, so another user must not own them
            with contextlib.suppress(FileNotFoundError):
                problem = problem or ownership_problem(os.lstat(self._path + companion))
        # Opened as immutable, so that SQLite takes no lock and creates no companion files beside a file in WAL mode.
        if not problem and status.st_size:
            with contextlib.closing(self._connected("mode=ro&immutable=1")) as connection:
                if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                    problem = "another program created it; remove it or set another caching.path"
        if problem:
            raise _ForeignFile(errno.EACCES, problem, self._path)
        if is_open_to_others(status):
            os.chmod(self._path, PRIVATE_MODE)
        return True

    def _create(self) -> None:
        for companion in _COMPANIONS:  # left over from a file that was removed
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path + companion)
        os.close(create_private(self._path))  # private before it has content; SQLite gives the companions the same mode
        self._connect()

    def _connected(self, options: str) -> sqlite3.Connection:
        uri = f"{pathlib.Path(self._path).as_uri()}?{options}"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_S, check_same_thread=False)

    def _connect(self) -> None:
        connection = self._connected("mode=rw")
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA user_version = {LAYOUT}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # answers lost in a power failure are requested again
            self._opened = _identity(self._path)
            if self._opened is None:
                raise sqlite3.OperationalError("the file was removed while it was being opened")
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _disconnect(self) -> None:
        connection, self._connection, self._opened = self._connection, None, None
        if connection is not None:
            connection.close()

    def _replace_damaged(self, error: sqlite3.Error) -> None:
        """Replace the damaged file, unless another process has already done so."""
        damaged = self._opened
        self._disconnect()
        with contextlib.suppress(OSError, sqlite3.Error), _exclusive(self._path):
            if damaged == _identity(self._path):
                # Renamed instead of removed, because a user may have copied another file over it.
                os.rename(self._path, f"{self._path}.{uuid.uuid4().hex[:8]}.damaged")
                log.warning("the cache %s is damaged (%s) and was replaced by a new one", self._path, error)
                self._create()

    def _remove(self, reason: Exception) -> None:
        """Remove the file. Other processes stop using it, because they compare its identity before each use."""
        with self._lock:
            self._disconnect()
            try:
                if self._is_there():
                    os.unlink(self._path)
            except self.errors:
                # The file is foreign, or its header is damaged. Without the lock file, every process reopens the file
                # before its next use, and that fails.
                with contextlib.suppress(FileNotFoundError):
                    if os.lstat(_lock_file(self._path)).st_size == 0:
                        os.unlink(_lock_file(self._path))
        log.warning("all answers in the cache %s were invalidated: %s", self._path, reason)


class _ForeignFile(OSError):
    """The file exists, but another program created it or another user owns it."""


def _is_damage(error: sqlite3.Error) -> bool:
    # A locked file, a full disk and similar problems raise subclasses of DatabaseError.
    return type(error) is sqlite3.DatabaseError


def _lock_file(path: str) -> str:
    return f"{path}.lock"


def _identity(path: str) -> Optional[tuple[int, int, int]]:
    """Return a value that changes when the file or its lock file is replaced, or None if one of them is missing."""
    try:
        status = os.stat(path)
        return status.st_dev, status.st_ino, os.stat(_lock_file(path)).st_ino if _HAS_LOCKS else 0
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _exclusive(path: str) -> Iterator[None]:
    """Keep other processes from opening or replacing the file during the block."""
    try:
        import fcntl
    except ImportError:  # on Windows, a file that a process has open cannot be removed
        yield
        return
    descriptor = open_owned(_lock_file(path))
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
        # Closing alone may not unlock the file, because the child of a fork may have the same descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
