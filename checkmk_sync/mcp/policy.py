"""What the server lets a language model see and do."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from typing import Optional

from ..commands import COMMANDS, Command
from ..config.file import suggestion
from ..errors import SettingsError
from ..sync.sources import InventoryText
from .inventories import read_inventory

__all__ = ["Policy"]


@dataclass(frozen=True)
class Policy:
    """Read-only unless ``allow_writes``. ``allow`` and ``deny`` are patterns of tool names: with the former only
    what fits, never what fits the latter. ``sync_folder`` is where inventories may be read from, in ``encoding`` or
    UTF-8, ``max_batch`` how many objects one call may name. Without ``confirm_by_checksum`` what destroys needs a
    client that can ask a person."""

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
        names = tuple(verb.tool_name for verb in COMMANDS if "tool" in verb.faces)
        for option, patterns in (("allow", self.allow), ("deny", self.deny)):
            for pattern in patterns:
                # One that is misspelt would leave in what it was to keep out.
                if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
                    raise SettingsError(f"no tool fits {pattern!r}{suggestion(pattern, names)}", field=option)
        for pattern in self.allow:
            if not any(self._offers(verb) and fnmatch.fnmatchcase(verb.tool_name, pattern) for verb in COMMANDS):
                raise SettingsError(f"all tools that fit {pattern!r} write: that needs --allow-writes", field="allow")

    def shows(self, verb: Command) -> bool:
        """True when the verb is a tool of this server."""
        if not self._offers(verb):
            return False
        name = verb.tool_name
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.deny):
            return False
        return not self.allow or any(fnmatch.fnmatchcase(name, pattern) for pattern in self.allow)

    def _offers(self, verb: Command) -> bool:
        return "tool" in verb.faces and (not verb.writes or verb.local or self.allow_writes)

    def inventory(self, name: str) -> InventoryText:
        """An inventory in ``sync_folder``, read. ValueError for anything else."""
        if self.sync_folder is None:
            raise ValueError("this server reads no inventory files: it was started without --sync-folder")
        return read_inventory(self.sync_folder, name, self.encoding)
