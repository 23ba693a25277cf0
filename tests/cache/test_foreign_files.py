"""Only a file that we made and own is ever opened for writing, and a cache that cannot work costs requests only."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest

from checkmk_sync.cache import sqlite
from checkmk_sync.errors import SettingsError
from checkmk_sync.testing import SimulatedSite
from tests.cache.test_file import another_process, rename


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        yield site


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers.sqlite"


@pytest.fixture
def caching(path: Path) -> Mapping[str, Any]:
    return {"backend": "sqlite", "path": str(path), "default_ttl": 300}


def _asked(site: SimulatedSite) -> int:
    return sum(1 for request in site.requests if request.path.startswith("/objects/host_config"))


def test_empty_files_are_used(site: SimulatedSite, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.touch()
    with site.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        client.hosts.get("host00000")
    assert _asked(site) == 1


def test_files_that_are_not_databases_are_left_alone(
    site: SimulatedSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be somebody's notes, or a cache whose header is damaged."""
    path = tmp_path / "notes.txt"
    path.write_text("do not touch " * 400)
    path.chmod(0o644)
    with site.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        client.hosts.update("host00000", update_attributes={"alias": "new"})
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        assert client.metrics()["cache"]["hits"] == 0
    assert path.read_text() == "do not touch " * 400
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert "file is not a database" in caplog.text


@pytest.mark.parametrize("wal", [False, True])
def test_databases_of_other_programs_are_refused(site: SimulatedSite, tmp_path: Path, wal: bool) -> None:
    path = tmp_path / "theirs.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as theirs:
        if wal:
            theirs.execute("PRAGMA journal_mode = WAL")
        theirs.execute("CREATE TABLE responses (precious TEXT)")
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="another program made it; remove it, or name another path"):
        site.client(caching={"backend": "sqlite", "path": str(path)})
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert {file.name for file in tmp_path.iterdir()} == {"theirs.sqlite", "theirs.sqlite.lock"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_of_other_users_are_refused(site: SimulatedSite, path: Path, caching: Any) -> None:
    """That user could read the answers."""
    site.client(caching=caching).close()
    os.chown(path, 65534, 65534)
    with pytest.raises(SettingsError, match="it belongs to another user"):
        site.client(caching=caching)


def test_failed_invalidations_void_the_file_for_all_processes(
    site: SimulatedSite, path: Path, caching: Any, clock: Any
) -> None:
    """Another program holds the file, the write cannot be noted in it, and the writer ends at once."""
    with another_process(site, path) as ask:
        assert [ask(), ask()] == ["None 0", "None 1"]
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with site.client(caching=caching, clock=clock) as writer:
                rename(writer, "new")
        assert ask() == "new 1"
        assert ask() == "new 2", "the new file is used"


def test_a_full_disk_does_not_fail_calls(
    site: SimulatedSite, path: Path, caching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sqlite, "create_private", full)
    with site.client(caching=caching) as client:
        for alias in ("new", "newer"):
            rename(client, alias)
            assert client.hosts.get("host00000").attributes["alias"] == alias
        assert client.metrics()["cache"]["failures"] > 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folders_are_reported(site: SimulatedSite, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="cannot be used"):
        site.client(caching={"backend": "sqlite", "path": str(tmp_path / "no" / "answers.sqlite")})


def test_links_are_not_followed(site: SimulatedSite, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("do not touch")
    (tmp_path / "answers.sqlite").symlink_to(target)
    with pytest.raises(SettingsError, match="cannot be used"):
        site.client(caching={"backend": "sqlite", "path": str(tmp_path / "answers.sqlite")})
    assert target.read_text() == "do not touch"
