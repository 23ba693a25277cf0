"""The command line, ``checkmk-sync``."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from .exit_codes import REFUSED

__all__ = ["main"]


def main(arguments: Optional[Sequence[str]] = None, module: str = "") -> None:
    """Run the command line, or the command for which there is a ``module``, and end the process with its exit code."""
    try:
        from .app import run

        sys.exit(run(arguments, module))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("click", "rich"):
            raise
        from ..errors import MissingExtraError

        sys.stderr.write(f"{MissingExtraError('The command line', 'cli')}\n")
        sys.exit(REFUSED)
