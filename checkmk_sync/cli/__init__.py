"""The ``checkmk-sync`` command line."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from .exit_codes import REFUSED

__all__ = ["main"]


def main(arguments: Optional[Sequence[str]] = None, module: str = "") -> None:
    """Run the command line and exit the process with its exit code.

    ``module`` is the name of a command that is also a module, such as "mcp" for ``python -m checkmk_sync.mcp``; only
    that command runs.
    """
    try:
        from .app import run

        sys.exit(run(arguments, module))
    except ModuleNotFoundError as error:
        # click and rich belong to the extra [cli]. Any other missing module is a defect and keeps its traceback.
        if error.name is None or error.name.partition(".")[0] not in ("click", "rich"):
            raise
        from ..errors import MissingExtraError

        sys.stderr.write(f"{MissingExtraError('The command line', 'cli')}\n")
        sys.exit(REFUSED)
