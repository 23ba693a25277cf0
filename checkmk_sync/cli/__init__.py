"""The command line, ``checkmk-sync``."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from ..errors import MissingExtraError

__all__ = ["main"]

USAGE = 2


def main(arguments: Optional[Sequence[str]] = None, module: str = "") -> None:
    """Run the command line, or the command for which there is a ``module``, and end the process with its exit code."""
    try:
        from .app import run
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.stderr.write(f"{MissingExtraError('The command line', 'cli')}\n")
        sys.exit(USAGE)
    sys.exit(run(arguments, module))
