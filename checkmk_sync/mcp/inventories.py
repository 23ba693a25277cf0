"""Reading inventory files below one folder, and nothing outside of it, whatever is moved meanwhile."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import BinaryIO, Iterator, Optional, cast

from ..core.documents import read_limited
from ..errors import SettingsError
from ..sync.sources import InventoryText

__all__ = ["ENDINGS", "MAX_FILE", "read_inventory"]

ENDINGS = (".csv", ".json", ".yaml", ".yml")
MAX_FILE = 16 * 2**20
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# A pipe would wait for its writer.
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_inventory(folder: str, name: str, encoding: Optional[str] = None) -> InventoryText:
    """An inventory below ``folder``. ValueError for what is none, or lies elsewhere, wherever links lead."""
    root = Path(os.path.realpath(folder))
    try:
        path = Path(os.path.realpath(root / name))
    except (OSError, ValueError):
        raise ValueError(f"there is no inventory {name!r}") from None
    if root not in path.parents:
        raise ValueError(f"{name!r} is not in the folder for inventories")
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{name!r} is no inventory: a file that ends with {', '.join(ENDINGS)} is needed")
    try:
        with _opened(root, path.relative_to(root).parts) as file:
            return _read(file, name, encoding)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and not isinstance(error, UnicodeDecodeError):
            raise
        raise ValueError(f"there is no inventory {name!r} that can be read") from None


@contextlib.contextmanager
def _opened(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """The file, opened step by step, no step of which is a link: what was looked up above may have changed."""
    with contextlib.ExitStack() as opened:
        if os.open not in os.supports_dir_fd:  # Windows, where making links takes rights that a guest has not
            file = os.open(root.joinpath(*parts), _READ)
            opened.callback(os.close, file)
            yield file
            return
        here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        opened.callback(os.close, here)
        for part in parts[:-1]:
            here = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=here)
            opened.callback(os.close, here)
        file = os.open(parts[-1], _READ, dir_fd=here)
        opened.callback(os.close, file)
        yield file


def _read(file: int, name: str, encoding: Optional[str]) -> InventoryText:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{name!r} is no inventory: it is no file")
    if found.st_nlink != 1:  # the other name may lie outside of the folder
        raise ValueError(f"{name!r} is no inventory: the file has several names (hard links)")
    with open(file, "rb", buffering=0, closefd=False) as source:
        raw = read_limited(cast(BinaryIO, source), MAX_FILE)
    if len(raw) > MAX_FILE:
        raise ValueError(f"{name!r} is larger than {MAX_FILE // 2**20} MiB; split it, or use the command line")
    try:
        return InventoryText.from_bytes(name, raw, encoding)
    except SettingsError as error:
        raise ValueError(str(error)) from None
