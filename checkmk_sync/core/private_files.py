"""Files that only their owner may access: created exclusively, checked before use, locked, and replaced as a whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator, TextIO, Union

PathLike = Union[str, "os.PathLike[str]"]

PRIVATE_MODE = 0o600
# A link can lead to another user's file. Opening a pipe would block until its other end is opened.
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def create_private(path: PathLike, flags: int = os.O_RDWR) -> int:
    """Create a file with mode 0600 and return its descriptor. Raises FileExistsError if ``path`` exists."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL | _SAFE, PRIVATE_MODE)
    restrict_to_owner(descriptor)  # default ACLs of the folder can widen the mode
    return descriptor


def open_owned(path: PathLike, flags: int = os.O_RDWR) -> int:
    """Open a regular file of this user, or create a private one, and return its descriptor.

    Links are not followed. The content and mode of an existing file do not change. Raises OSError, whose ``strerror``
    names the problem, if the file cannot be trusted.
    """
    try:
        return create_private(path, flags)
    except FileExistsError:
        if os.path.islink(path):
            raise PermissionError(errno.EACCES, "it is a link", os.fspath(path)) from None
        descriptor = os.open(path, flags | _SAFE)
    problem = ownership_problem(os.fstat(descriptor))
    if problem:
        os.close(descriptor)
        raise PermissionError(errno.EACCES, problem, os.fspath(path))
    return descriptor


def open_private(path: PathLike, flags: int = os.O_RDWR) -> int:
    """Open a file like :func:`open_owned`. Raises PermissionError if group or others may access it."""
    descriptor = open_owned(path, flags)
    if is_open_to_others(os.fstat(descriptor)):
        os.close(descriptor)
        problem = f"others may read or write it; run: chmod 600 {os.fspath(path)}"
        raise PermissionError(errno.EACCES, problem, os.fspath(path))
    return descriptor


@contextlib.contextmanager
def replacement(path: PathLike) -> Iterator[TextIO]:
    """Open a private text file that takes the place of ``path`` at the end of the block.

    Until then, and if an error ends the block, ``path`` is left as it is. A link is replaced and not followed. Raises
    OSError, whose ``strerror`` names the problem, if ``path`` is a folder, a device or a pipe, or cannot be written.
    """
    import secrets  # not at the top, because it would delay programs that write no files

    if os.path.lexists(path) and not os.path.isfile(path):
        raise PermissionError(errno.EACCES, "it is not a regular file", os.fspath(path))
    temporary = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.tmp")
    descriptor = create_private(temporary, os.O_WRONLY)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def is_open_to_others(status: os.stat_result) -> bool:
    """Return True if the mode of a file gives access to group or others; always False on Windows."""
    return os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077 != 0


def restrict_to_owner(descriptor: int) -> None:
    """Set the mode of an open file to 0600."""
    if hasattr(os, "fchmod"):  # not on Windows
        os.fchmod(descriptor, PRIVATE_MODE)


def lock_file(descriptor: int) -> None:
    """Lock a file for this process until the process ends or closes any descriptor of the file.

    Raises BlockingIOError if another process has locked the file. On Windows, nothing is locked.
    """
    try:
        import fcntl
    except ImportError:
        return
    # lockf, not flock: the lock must belong to the process, because forked workers inherit the descriptor and may
    # outlive their parent.
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def ownership_problem(status: os.stat_result) -> str:
    """Return why a file is not a regular file of this user, such as ``"it belongs to another user"``, or ``""``."""
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        return "it belongs to another user"
    return ""
