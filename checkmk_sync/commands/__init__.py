"""The command table: names, arguments and help of the commands for the command line and for language models.

The code of the commands is in ``handlers``. It is imported when a command runs.
"""

from __future__ import annotations

from . import configuration, diagnostics, downtimes, explain, folders, hosts, rules, services, site, sync, users
from .command import Argument, Command, CountedRows, FailureRow, Field, Preview, as_arguments
from .plain_nouns import plain_noun_commands

__all__ = ["COMMANDS", "Argument", "Command", "CountedRows", "FailureRow", "Field", "Preview", "as_arguments"]

_MODULES = (hosts, folders, services, downtimes, site, sync, configuration, rules, explain, users, diagnostics)
_WRITTEN = tuple(command for module in _MODULES for command in module.COMMANDS)
COMMANDS: tuple[Command, ...] = (*_WRITTEN, *plain_noun_commands(_WRITTEN))
