"""A cache in a file is private, shared by processes, replaced if damaged or removed, and never wrong."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync.cache import sqlite
from checkmk_sync.cache.sqlite import APPLICATION_ID, SQLiteStorage
from checkmk_sync.core.clock import SystemClock
from checkmk_sync.testing import SimulatedSite
from tests.cache.conftest import another_process, host_requests, rename


def test_processes_see_each_others_entries(live: SimulatedSite, path: Path, caching: Any) -> None:
    with live.client(caching=caching) as client, another_process(live, path) as ask:
        assert ask() == "None 0"
        client.hosts.get("host00000")
        assert client.metrics()["cache"]["hits"] == 1, "both processes share the answers"
        rename(client, "new")
        assert ask() == "new 0"
        assert ask() == "new 1"


def test_two_clients_of_a_process_keep_their_locks(live: SimulatedSite, path: Path, caching: Any) -> None:
    """Closing any descriptor of a file drops all POSIX locks of the process on it.

    Without its lock, the next process to exit would remove the log that the first process still writes to.
    """
    with live.client(caching=caching) as client:
        client.hosts.get("host00000")
        live.client(caching=caching).close()
        with another_process(live, path) as ask:
            assert ask() == "None 1"
        rename(client, "new")
        with another_process(live, path) as ask:
            assert ask() == "new 0"


@pytest.mark.parametrize("companions", [False, True])
def test_all_processes_replace_a_removed_file(live: SimulatedSite, path: Path, caching: Any, companions: bool) -> None:
    with live.client(caching=caching) as client:
        client.hosts.get("host00000")
        path.unlink()
        for end in ("-wal", "-shm") if companions else ():
            path.with_name(path.name + end).unlink()
        with another_process(live, path) as ask:
            assert ask() == "None 0"
            rename(client, "new")
            assert ask() == "new 0"
            path.unlink()
            rename(client, "newer")
            assert ask() == "newer 0"
            assert ask() == "newer 1"


def test_all_processes_replace_a_damaged_file(live: SimulatedSite, path: Path, caching: Any) -> None:
    with another_process(live, path) as ask, live.client(caching=caching, clock=None) as client:
        assert ask() == "None 0"
        client.hosts.get("host00000")
        content = bytearray(path.read_bytes())
        content[:] = b"\xff" * len(content)
        path.write_bytes(content)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        for alias in ("new", "newer"):
            rename(client, alias)
            assert ask().split()[0] == alias


def test_damaged_answers_are_dropped(
    live: SimulatedSite, path: Path, caching: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with live.client(caching=caching) as client:
        client.hosts.get("host00000")
        for damage in ("", "[]", "[1, 2, 3]", '[[], "no json", 1e300]', '[[], "no json", 1e10]'):
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("UPDATE responses SET value = ?", (damage,))
            assert client.hosts.get("host00000").name == "host00000"
        assert "is damaged" in caplog.text
        assert client.metrics()["cache"]["hits"] == 0
        client.hosts.get("host00000")
        assert client.metrics()["cache"]["hits"] == 1


def test_files_of_an_earlier_layout_are_rebuilt(live: SimulatedSite, path: Path, caching: Any) -> None:
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as earlier:
        earlier.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        earlier.execute("CREATE TABLE responses (key TEXT)")
        earlier.execute("INSERT INTO responses VALUES ('x')")
    with live.client(caching=caching) as client:
        client.hosts.get("host00000")
        assert client.metrics()["cache"]["size"] == 1


@pytest.mark.parametrize("forget", ["clear_cache", "invalidate_cache_pattern"])
def test_failed_invalidations_prevent_later_hits(
    live: SimulatedSite, path: Path, caching: Any, clock: Any, forget: str
) -> None:
    with live.client(caching=caching, clock=clock) as client:
        client.hosts.get("host00000")
        live.state.configuration.hosts["host00000"].attributes["alias"] = "changed in the GUI"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            getattr(client, forget)(*(["hosts:*"] if forget != "clear_cache" else []))
            other.execute("ROLLBACK")
        for _ in range(2):
            assert client.hosts.get("host00000").attributes["alias"] == "changed in the GUI"
            clock.advance(5)
        assert client.metrics()["cache"]["hits"] == 0
        client.hosts.get("host00000")
        assert client.metrics()["cache"]["hits"] == 1


def test_a_file_replaced_during_a_write_is_invalidated(
    live: SimulatedSite, path: Path, caching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SQLiteStorage(str(path), 10, 1e6, 0, SystemClock())
    before = storage.generation("hosts")
    connect, replaced = SQLiteStorage.connection, []

    @contextlib.contextmanager
    def slow(self: SQLiteStorage) -> Iterator[Any]:
        with connect(self) as connection:
            yield connection
        if not replaced:  # another process creates the file again, with the old generation
            replaced.append(path.unlink())
            other = SQLiteStorage(str(path), 10, 1e6, 0, SystemClock())
            with connect(other) as connection:
                connection.execute("REPLACE INTO generations VALUES (?, ?)", ("hosts", before))
            other.close()

    monkeypatch.setattr(SQLiteStorage, "connection", slow)
    storage.advance("hosts")
    assert storage.generation("hosts") != before
    storage.close()


def test_one_process_at_a_time_creates_the_file(path: Path) -> None:
    import fcntl

    path.parent.mkdir()
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        storage = SQLiteStorage(str(path), 10, 1e6, 0, SystemClock())
        assert not path.exists(), "another process is creating it"
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert storage.stats()["size"] == 0
    storage.close()


def test_oversized_answers_evict_nothing(live: SimulatedSite, caching: Any) -> None:
    with live.client(caching={**caching, "max_mb": 0.005}) as client:
        client.hosts.get("host00000")
        list(client.folders.each())
        list(client.hosts.each())
        asked = host_requests(live)
        client.hosts.get("host00000")
        assert host_requests(live) == asked


def test_the_file_is_private_and_contains_no_secret(live: SimulatedSite, path: Path, caching: Any) -> None:
    with live.client(caching=caching) as client:
        client.hosts.get("host00000")
        files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
        assert len(files) >= 1
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert live.password.encode() not in file.read_bytes()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_readable_files_are_made_private(live: SimulatedSite, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.touch(0o644)
    with live.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_locked_files_cause_a_short_wait_and_no_stale_answer(
    live: SimulatedSite, tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    path = tmp_path / "answers.sqlite"
    with live.client(caching={"backend": "sqlite", "path": str(path)}, clock=clock) as client:
        client.hosts.get("host00000")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        client.hosts.update("host00000", update_attributes={"alias": "new"})  # the invalidation cannot be written
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        other.execute("ROLLBACK")
        other.close()
        clock.advance(5)
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        asked = host_requests(live)
        client.hosts.get("host00000")
        assert host_requests(live) == asked
        assert client.metrics()["cache"]["failures"] > 0


def test_forked_processes_open_their_own_file(live: SimulatedSite, tmp_path: Path) -> None:
    code = (
        "import os, sys, warnings; warnings.simplefilter('ignore')\n"
        "from checkmk_sync import Checkmk\n"
        "caching = {'backend': 'sqlite', 'path': sys.argv[2]}\n"
        "cmk = Checkmk(sys.argv[1], 's', 'automation', sys.argv[3], caching=caching)\n"
        "cmk.hosts.get('host00000')\n"
        "child = os.fork()\n"
        "cmk.hosts.get('host00000'); cmk.hosts.get('host00001')\n"
        "if child: sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    command = [sys.executable, "-c", code, live.url, str(tmp_path / "answers.sqlite"), live.password]
    subprocess.run(command, check=True, timeout=30)
    assert 2 <= host_requests(live) <= 3


# After the fork the parent closes its client, and the child writes. Other processes must see the write.
PREFORK = """
import os, sys, warnings
from checkmk_sync import Checkmk
warnings.simplefilter("ignore")
caching = {"backend": "sqlite", "path": sys.argv[3], "default_ttl": 300}
cmk = Checkmk(sys.argv[1], "s", "automation", sys.argv[2], caching=caching)
cmk.hosts.get("host00000")
child = os.fork()
if child:
    cmk.close()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
cmk.hosts.get("host00001")
print("ready", flush=True)
sys.stdin.readline()
cmk.hosts.update("host00000", update_attributes={"alias": "of the child"})
os._exit(0)
"""


def test_entries_of_a_forked_child_are_visible_to_others(live: SimulatedSite, path: Path) -> None:
    command = [sys.executable, "-c", PREFORK, live.url, live.password, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        with another_process(live, path) as ask:
            assert ask() == "None 1"
            process.communicate("go on\n", timeout=30)
            assert process.returncode == 0
            assert ask() == "of the child 1"
