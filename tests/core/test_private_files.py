"""Private files are created exclusively. An existing file that is not private is refused and left unchanged."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from checkmk_sync.core.private_files import (
    create_private,
    is_open_to_others,
    lock_file,
    open_owned,
    open_private,
    ownership_problem,
    replacement,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners of files exist on POSIX systems only")

NOBODY = 65534


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def is_private(path: Path) -> bool:
    status = os.lstat(path)
    return not ownership_problem(status) and not is_open_to_others(status)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("create", [create_private, open_owned, open_private])
def test_a_created_file_is_private_with_any_umask(tmp_path: Path, create: Callable[[Path], int]) -> None:
    path = tmp_path / "file"
    descriptor = create(path)
    os.write(descriptor, b"text")
    os.close(descriptor)
    assert _mode(path) == 0o600
    assert is_private(path)
    assert path.read_bytes() == b"text"


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    for name in ("file", "link", ""):
        with pytest.raises(FileExistsError):
            create_private(tmp_path / name)
    assert (tmp_path / "file").read_text() == "text"
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o644, 0o666, 0o610])
def test_a_file_that_others_may_access_is_refused_and_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    path.chmod(mode)
    assert not is_private(path)
    with pytest.raises(PermissionError, match="others may read or write it; run: chmod 600"):
        open_private(path)
    os.close(open_owned(path))
    assert (_mode(path), path.read_text()) == (mode, "text")


@pytest.mark.parametrize("open_file", [open_owned, open_private])
def test_links_pipes_folders_and_devices_are_refused(tmp_path: Path, open_file: Callable[[Path], int]) -> None:
    (tmp_path / "file").touch(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, reason in (
        (tmp_path / "link", "it is a link"),
        (tmp_path / "pipe", "it is not a regular file"),
        (tmp_path, "Is a directory"),
        (Path("/dev/null"), "it is not a regular file"),
    ):
        assert not is_private(path)
        with pytest.raises(OSError, match=reason):
            open_file(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("open_file", [open_owned, open_private])
def test_a_file_of_another_user_is_refused(tmp_path: Path, open_file: Callable[[Path], int]) -> None:
    path = tmp_path / "file"
    path.touch(0o600)
    os.chown(path, NOBODY, NOBODY)
    assert not is_private(path)
    with pytest.raises(PermissionError, match="it belongs to another user"):
        open_file(path)
    assert path.stat().st_uid == NOBODY


def test_only_one_process_gets_the_lock(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "file"
    code = (
        "import sys\nfrom checkmk_sync.core.private_files import lock_file, open_private\n"
        "try:\n    lock_file(open_private(sys.argv[1]))\nexcept OSError as error:\n    print(type(error).__name__)\n"
        "else:\n    print('locked')\n"
    )

    def other_process() -> str:
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    descriptor = open_private(path)
    lock_file(descriptor)
    assert other_process() in ("BlockingIOError", "PermissionError")
    os.close(descriptor)
    assert other_process() == "locked"


def test_a_replacement_takes_the_place_of_a_file_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with replacement(path) as file:
        file.write("later\n")
        assert path.read_text() == "before"
    assert (path.read_text(), _mode(path), [*tmp_path.iterdir()]) == ("later\n", 0o600, [path])


def test_an_error_leaves_the_replaced_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), replacement(path) as file:
        file.write("half")
        raise KeyboardInterrupt
    assert (path.read_text(), [*tmp_path.iterdir()]) == ("before", [path])


def test_a_replaced_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    with replacement(link) as file:
        file.write("later")
    assert (target.read_text(), link.is_symlink(), link.read_text()) == ("before", False, "later")


@pytest.mark.parametrize("name", ["folder", "pipe", "missing/file", "dangling"])
def test_only_regular_files_are_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError) as refused, replacement(tmp_path / name):
        pass
    assert refused.value.strerror in ("it is not a regular file", "No such file or directory")
    assert sorted(tmp_path.iterdir()) == before
