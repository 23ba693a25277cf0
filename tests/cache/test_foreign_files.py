"""Only the package's own files are opened for writing. Without a working cache, requests go to the site."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.cache import sqlite
from checkmk_sync.errors import SettingsError
from checkmk_sync.testing import SimulatedSite
from tests.cache.conftest import another_process, host_requests, rename


def test_empty_files_are_used(live: SimulatedSite, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.touch()
    with live.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        client.hosts.get("host00000")
    assert host_requests(live) == 1


def test_files_that_are_not_databases_are_left_alone(
    live: SimulatedSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file may contain a user's notes, or be a cache whose header is damaged."""
    path = tmp_path / "notes.txt"
    path.write_text("do not touch " * 400)
    path.chmod(0o644)
    with live.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        client.hosts.update("host00000", update_attributes={"alias": "new"})
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        assert client.metrics()["cache"]["hits"] == 0
    assert path.read_text() == "do not touch " * 400
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert "file is not a database" in caplog.text


@pytest.mark.parametrize("wal", [False, True])
def test_databases_of_other_programs_are_refused(live: SimulatedSite, tmp_path: Path, wal: bool) -> None:
    path = tmp_path / "theirs.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as theirs:
        if wal:
            theirs.execute("PRAGMA journal_mode = WAL")
        theirs.execute("CREATE TABLE responses (precious TEXT)")
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="another program created it; remove it or set another caching.path"):
        live.client(caching={"backend": "sqlite", "path": str(path)})
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert {file.name for file in tmp_path.iterdir()} == {"theirs.sqlite", "theirs.sqlite.lock"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_of_other_users_are_refused(live: SimulatedSite, path: Path, caching: Any) -> None:
    """The other user could read the answers."""
    live.client(caching=caching).close()
    os.chown(path, 65534, 65534)
    with pytest.raises(SettingsError, match="it belongs to another user"):
        live.client(caching=caching)


def test_all_processes_stop_using_a_file_after_a_failed_invalidation(
    live: SimulatedSite, path: Path, caching: Any, clock: Any
) -> None:
    """Another program has locked the file, so the invalidation cannot be written, and the writer exits at once."""
    with another_process(live, path) as ask:
        assert [ask(), ask()] == ["None 0", "None 1"]
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with live.client(caching=caching, clock=clock) as writer:
                rename(writer, "new")
        assert ask() == "new 1"
        assert ask() == "new 2", "the new file is used"


def test_a_full_disk_does_not_fail_calls(
    live: SimulatedSite, path: Path, caching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sqlite, "create_private", full)
    with live.client(caching=caching) as client:
        for alias in ("new", "newer"):
            rename(client, alias)
            assert client.hosts.get("host00000").attributes["alias"] == alias
        assert client.metrics()["cache"]["failures"] > 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folders_are_reported(live: SimulatedSite, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="cannot be used"):
        live.client(caching={"backend": "sqlite", "path": str(tmp_path / "no" / "answers.sqlite")})


def test_links_are_not_followed(live: SimulatedSite, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("do not touch")
    (tmp_path / "answers.sqlite").symlink_to(target)
    with pytest.raises(SettingsError, match="cannot be used"):
        live.client(caching={"backend": "sqlite", "path": str(tmp_path / "answers.sqlite")})
    assert target.read_text() == "do not touch"
