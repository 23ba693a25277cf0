"""The operator's limits: which tools the server offers, and which inventory files it reads."""

from __future__ import annotations

import fnmatch
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional

from ..commands import COMMANDS, Command
from ..commands.command import TOOL
from ..config.documents import read_limited
from ..core.text import suggestion
from ..errors import SettingsError
from ..sync.sources import InventoryText

__all__ = ["MAX_FILE", "Policy", "read_inventory"]

SUFFIXES = (".csv", ".json", ".yaml", ".yml")
MAX_FILE = 16 * 2**20
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# Non-blocking, because opening a pipe would wait for its writer.
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Policy:
    """What a language model may see and do; read-only unless ``allow_writes``.

    ``allow`` and ``deny`` are patterns of tool names: only tools that match ``allow`` are offered, and never those
    that match ``deny``. ``sync_folder`` is the folder of inventory files, in ``encoding`` or UTF-8. ``max_batch``
    limits the objects in one call. Without ``confirm_by_checksum`` destructive tools need a client that can ask a
    person.
    """

    allow_writes: bool = False
    confirm_by_checksum: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    sync_folder: Optional[str] = None
    max_batch: int = 500
    encoding: Optional[str] = None

    def __post_init__(self) -> None:
        if self.sync_folder is not None and not os.path.isdir(self.sync_folder):
            raise SettingsError(f"the folder {self.sync_folder} for inventories does not exist", field="sync-folder")
        if self.confirm_by_checksum and not self.allow_writes:
            raise SettingsError(
                "--confirm-by-checksum says how writes are approved: it needs --allow-writes",
                field="confirm-by-checksum",
            )
        names = tuple(command.tool_name for command in COMMANDS if TOOL in command.faces)
        offered = [command.tool_name for command in COMMANDS if self._offers(command)]
        for option, patterns in (("allow", self.allow), ("deny", self.deny)):
            for pattern in patterns:
                # A misspelled pattern would let through what it was meant to keep out.
                if not any(_matches(name, (pattern,)) for name in names):
                    raise SettingsError(f"no tool fits {pattern!r}{suggestion(pattern, names)}", field=option)
                if option == "allow" and not any(_matches(name, (pattern,)) for name in offered):
                    raise SettingsError(
                        f"all tools that fit {pattern!r} write: that needs --allow-writes", field="allow"
                    )

    def shows(self, command: Command) -> bool:
        """Return True if the command is a tool of this server."""
        name = command.tool_name
        is_allowed = not self.allow or _matches(name, self.allow)
        return self._offers(command) and is_allowed and not _matches(name, self.deny)

    def _offers(self, command: Command) -> bool:
        return TOOL in command.faces and (not command.writes or command.local or self.allow_writes)

    def inventory(self, name: str) -> InventoryText:
        """Read an inventory in ``sync_folder``. ValueError for anything else."""
        if self.sync_folder is None:
            raise ValueError("this server reads no inventory files: it was started without --sync-folder")
        return read_inventory(self.sync_folder, name, self.encoding)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def read_inventory(folder: str, name: str, encoding: Optional[str] = None) -> InventoryText:
    """Read an inventory below ``folder``. ValueError for any other file, also where links lead outside."""
    root = Path(os.path.realpath(folder))
    try:
        path = Path(os.path.realpath(root / name))
    except (OSError, ValueError):
        raise ValueError(f"there is no inventory {name!r}") from None
    if root not in path.parents:
        raise ValueError(f"{name!r} is not in the folder for inventories")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{name!r} is no inventory: a file that ends with {', '.join(SUFFIXES)} is needed")
    try:
        descriptor = _open_below(root, path.relative_to(root).parts)
    except OSError:
        raise ValueError(f"there is no inventory {name!r} that can be read") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ValueError(f"{name!r} is no inventory: it is no file")
    try:
        with open(descriptor, "rb") as file:
            content = read_limited(file, MAX_FILE)
    except OSError:
        raise ValueError(f"there is no inventory {name!r} that can be read") from None
    if status.st_nlink != 1:  # the other name may be outside of the folder
        raise ValueError(f"{name!r} is no inventory: the file has several names (hard links)")
    if len(content) > MAX_FILE:
        raise ValueError(f"{name!r} is larger than {MAX_FILE // 2**20} MiB; split it, or use the command line")
    try:
        return InventoryText.from_bytes(name, content, encoding)
    except SettingsError as error:
        raise ValueError(str(error)) from None


def _open_below(root: Path, parts: tuple[str, ...]) -> int:
    """Open a file folder by folder, following no link: a folder may have been replaced since it was looked up."""
    if os.open not in os.supports_dir_fd:  # Windows, where making links takes rights that a guest does not have
        return os.open(root.joinpath(*parts), _READ)
    folder = os.open(root, _DIRECTORY)
    try:
        for part in parts[:-1]:
            parent, folder = folder, os.open(part, _DIRECTORY | _NO_LINK, dir_fd=folder)
            os.close(parent)
        return os.open(parts[-1], _READ, dir_fd=folder)
    finally:
        os.close(folder)
