"""Who writes now: many at once, or one alone."""

from __future__ import annotations

import contextlib
import threading
from typing import Iterator

from mcp.server.mcpserver.exceptions import ToolError

from ..commands import Command

__all__ = ["Writers"]

_ALONE = (
    "Nothing was done: an inventory is being applied or a folder deleted, which would take along what is written "
    "meanwhile, though nobody has approved that. Try again when it has ended."
)
_BUSY = (
    "Nothing was done: something else is being written, which this would take along, though nobody has approved that. "
    "Try again when it has ended."
)


class Writers:
    """Keeps apart what must be: refuses at once, for to wait could take as long as an activation does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._many, self._one = 0, False

    @contextlib.contextmanager
    def entered(self, verb: Command) -> Iterator[None]:
        """While a verb is done. ToolError when another one must not be disturbed by it, or disturbs it."""
        if not verb.writes or verb.local:
            yield
            return
        self._enter(verb.exclusive)
        try:
            yield
        finally:
            with self._lock:
                self._many -= not verb.exclusive
                self._one = self._one and not verb.exclusive

    def _enter(self, alone: bool) -> None:
        with self._lock:
            if self._one:
                raise ToolError(_ALONE)
            if alone and self._many:
                raise ToolError(_BUSY)
            self._many += not alone
            self._one = alone
