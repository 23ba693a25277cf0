"""The command table: names, arguments and help of the commands for the command line and for language models.

The code of the commands is in ``handlers``. It is imported when a command runs.
"""

from __future__ import annotations

from .command import Argument, Command, CountedRows, FailureRow, Field, Preview, as_arguments
from .configuration import CONFIGURATION_COMMANDS
from .diagnostics import DIAGNOSTIC_COMMANDS
from .downtimes import DOWNTIME_COMMANDS
from .explain import EXPLAIN_COMMANDS
from .folders import FOLDER_COMMANDS
from .hosts import HOST_COMMANDS
from .plain_nouns import plain_noun_commands
from .rules import RULE_COMMANDS
from .services import SERVICE_COMMANDS
from .site import SITE_COMMANDS
from .sync import SYNC_COMMANDS
from .users import USER_COMMANDS

__all__ = ["COMMANDS", "Argument", "Command", "CountedRows", "FailureRow", "Field", "Preview", "as_arguments"]

_WRITTEN: tuple[Command, ...] = (
    *HOST_COMMANDS,
    *FOLDER_COMMANDS,
    *SERVICE_COMMANDS,
    *DOWNTIME_COMMANDS,
    *SITE_COMMANDS,
    *SYNC_COMMANDS,
    *CONFIGURATION_COMMANDS,
    *RULE_COMMANDS,
    *EXPLAIN_COMMANDS,
    *USER_COMMANDS,
    *DIAGNOSTIC_COMMANDS,
)
COMMANDS: tuple[Command, ...] = (*_WRITTEN, *plain_noun_commands(_WRITTEN))
