"""What the server lets a language model see and do."""

from __future__ import annotations

import fnmatch
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..configuration import nearest
from ..errors import SettingsError
from ..verbs import VERBS, Verb

__all__ = ["Policy"]

ENDINGS = (".csv", ".json", ".yaml", ".yml")


@dataclass(frozen=True)
class Policy:
    """Read-only unless ``allow_writes``. ``allow`` and ``deny`` are patterns of tool names: with the former only
    what fits, never what fits the latter. ``sync_folder`` is where inventories may be read from, ``max_batch``
    how many objects one call may name. Without ``confirm_by_checksum`` what destroys needs a client that can
    ask a person."""

    allow_writes: bool = False
    confirm_by_checksum: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    sync_folder: Optional[str] = None
    max_batch: int = 500

    def __post_init__(self) -> None:
        if self.sync_folder is not None and not os.path.isdir(self.sync_folder):
            raise SettingsError(f"the folder {self.sync_folder} for inventories does not exist", field="sync-folder")
        names = tuple(verb.tool_name for verb in VERBS if "tool" in verb.faces)
        for option, patterns in (("allow", self.allow), ("deny", self.deny)):
            for pattern in patterns:
                # One that is misspelt would leave in what it was to keep out.
                if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
                    raise SettingsError(f"no tool fits {pattern!r}{nearest(pattern, names)}", field=option)

    def shows(self, verb: Verb) -> bool:
        """True when the verb is a tool of this server."""
        if "tool" not in verb.faces or (verb.writes and not (verb.local or self.allow_writes)):
            return False
        name = verb.tool_name
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.deny):
            return False
        return not self.allow or any(fnmatch.fnmatchcase(name, pattern) for pattern in self.allow)

    def inventory(self, name: str) -> str:
        """The path of an inventory in ``sync_folder``. ValueError for anything else, wherever links lead."""
        if self.sync_folder is None:
            raise ValueError("this server reads no inventory files: it was started without --sync-folder")
        root = Path(os.path.realpath(self.sync_folder))
        path = Path(os.path.realpath(root / name))
        if root not in path.parents:
            raise ValueError(f"{name!r} is not in the folder for inventories")
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError):
            raise ValueError(f"there is no inventory {name!r}") from None
        if not stat.S_ISREG(mode) or path.suffix.lower() not in ENDINGS:
            raise ValueError(f"{name!r} is no inventory: a file that ends with {', '.join(ENDINGS)} is needed")
        return str(path)
