"""One table of verbs for all faces: what can be done with a site, with which arguments."""

from __future__ import annotations

from .batches import BATCH_COMMANDS
from .command import Argument, Command, CountedRows, FailureRow, Field, Preview
from .diagnostics import DIAGNOSTIC_COMMANDS
from .folders import FOLDER_COMMANDS
from .hosts import HOST_COMMANDS
from .services import SERVICE_COMMANDS
from .site import SITE_COMMANDS
from .sync import SYNC_COMMANDS
from .wording import as_arguments

__all__ = ["COMMANDS", "Argument", "Command", "CountedRows", "FailureRow", "Field", "Preview", "as_arguments"]

COMMANDS: tuple[Command, ...] = (
    *HOST_COMMANDS,
    *BATCH_COMMANDS,
    *FOLDER_COMMANDS,
    *SERVICE_COMMANDS,
    *SITE_COMMANDS,
    *SYNC_COMMANDS,
    *DIAGNOSTIC_COMMANDS,
)
