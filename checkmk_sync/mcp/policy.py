"""The operator's limits: the tools that the server offers, and the inventory files that it reads."""

from __future__ import annotations

import fnmatch
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional

from ..commands import COMMANDS, Argument, Command
from ..commands.command import TOOL
from ..commands.configuration import KIND, KINDS
from ..config.documents import read_limited
from ..core.text import suggestion
from ..errors import SettingsError
from ..sync.sources import InventoryText

SUFFIXES = (".csv", ".json", ".yaml", ".yml")
MAX_FILE = 16 * 2**20  # bytes
NO_FILES = "this server was started without --sync-folder, so it reads no files; pass the data as inventory"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# Non-blocking, because opening a named pipe would wait for a writer.
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Policy:
    """The tools and files that a language model may use. Read-only unless ``allow_writes``.

    ``tools`` names configuration nouns, such as ``host_groups``, that get tools of their own.

    ``allow`` and ``deny`` are patterns of tool names. A tool is offered if it matches ``allow``, or if ``allow`` is
    empty, and never if it matches ``deny``. ``sync_folder`` is the folder of inventory files, and ``encoding`` their
    encoding (default: UTF-8). ``max_batch`` limits the objects in one call. Without ``confirm_by_checksum``,
    destructive tools need a client that can ask a person. Raises SettingsError for an invalid or useless option.
    """

    allow_writes: bool = False
    confirm_by_checksum: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    sync_folder: Optional[str] = None
    max_batch: int = 500
    encoding: Optional[str] = None

    def __post_init__(self) -> None:
        if self.sync_folder is not None and not os.path.isdir(self.sync_folder):
            raise SettingsError(f"the folder {self.sync_folder} of --sync-folder does not exist", field="sync-folder")
        if self.confirm_by_checksum and not self.allow_writes:
            raise SettingsError(
                "--confirm-by-checksum needs --allow-writes, because only writes are approved",
                field="confirm-by-checksum",
            )
        object.__setattr__(self, "tools", tuple(name.replace("-", "_") for name in self.tools))
        for noun in self.tools:
            if noun not in KINDS:
                raise SettingsError(f"unknown kind of object {noun!r}{suggestion(noun, tuple(KINDS))}", field="tools")
        tools = [command for command in COMMANDS if TOOL in command.faces]
        for option, patterns in (("allow", self.allow), ("deny", self.deny)):
            for pattern in patterns:
                found = [command for command in tools if _matches(command.tool_name, (pattern,))]
                # A misspelled deny pattern would offer the tools that it was meant to hide.
                if not found:
                    names = tuple(command.tool_name for command in tools)
                    raise SettingsError(f"no tool matches {pattern!r}{suggestion(pattern, names)}", field=option)
                if option == "allow" and not any(map(self._is_requested, found)):
                    message = f"the tools that match {pattern!r} need --tools {found[0].noun}"
                    raise SettingsError(message, field="allow")
                if option == "allow" and not any(map(self._offers, found)):
                    raise SettingsError(f"all tools that match {pattern!r} write; add --allow-writes", field="allow")

    def shows(self, command: Command) -> bool:
        """Return True if the server offers the command as a tool."""
        name = command.tool_name
        is_allowed = not self.allow or _matches(name, self.allow)
        has_choices = all(self.choices(command, argument) for argument in command.arguments if argument.choices)
        return self._offers(command) and is_allowed and not _matches(name, self.deny) and has_choices

    def choices(self, command: Command, argument: Argument) -> tuple[str, ...]:
        """Return the choices of an argument. A kind is left out if a tool for it would match ``deny``."""
        if command.noun != "configuration" or argument.name != KIND:
            return argument.choices
        # Otherwise, --deny 'passwords_*' would not apply to the tools that all kinds share.
        return tuple(kind for kind in argument.choices if not _matches(f"{kind}_{command.name}", self.deny))

    def _offers(self, command: Command) -> bool:
        is_writable = not command.writes or command.local or self.allow_writes
        return TOOL in command.faces and self._is_requested(command) and is_writable

    def _is_requested(self, command: Command) -> bool:
        return command.own_tools or command.noun.replace("-", "_") in self.tools

    def inventory(self, name: str) -> InventoryText:
        """Read the inventory ``name`` below ``sync_folder``.

        Raises ValueError if the server reads no files, or for a file that is missing, unreadable, too large or outside
        of the folder, also through a link.
        """
        if self.sync_folder is None:
            raise ValueError(NO_FILES)
        root = Path(os.path.realpath(self.sync_folder))
        try:
            path = Path(os.path.realpath(root / name))
            if root not in path.parents:
                raise ValueError(f"{name!r} is not in the inventory folder")
            if path.suffix.lower() not in SUFFIXES:
                raise ValueError(f"{name!r} is not an inventory; its name must end with one of {', '.join(SUFFIXES)}")
            parts = path.relative_to(root).parts
            with open(path, "rb", opener=lambda *_: _open_below(root, parts)) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise ValueError(f"{name!r} must be a regular file")
                if status.st_nlink != 1:  # another name may be outside of the folder
                    raise ValueError(f"{name!r} must not have a second name (a hard link); copy the file instead")
                content = read_limited(file, MAX_FILE)
        except OSError:
            raise ValueError(f"the inventory {name!r} does not exist or cannot be read") from None
        if len(content) > MAX_FILE:
            raise ValueError(f"{name!r} must not be larger than {MAX_FILE // 2**20} MiB; use the command line")
        try:
            return InventoryText.from_bytes(name, content, self.encoding)
        except SettingsError as error:
            raise ValueError(str(error)) from None


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _open_below(root: Path, parts: tuple[str, ...]) -> int:
    """Open a file below ``root``, and return its descriptor. Links are not followed.

    Each folder of the path is opened by itself, because a link may have replaced it since the path was resolved.
    """
    if os.open not in os.supports_dir_fd:  # Windows, where creating links needs a privilege
        return os.open(root.joinpath(*parts), _READ)
    folder = os.open(root, _DIRECTORY)
    try:
        for part in parts[:-1]:
            parent, folder = folder, os.open(part, _DIRECTORY | _NO_LINK, dir_fd=folder)
            os.close(parent)
        return os.open(parts[-1], _READ, dir_fd=folder)
    finally:
        os.close(folder)
