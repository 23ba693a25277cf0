"""Exit codes of the command line; docs/cli.md explains them."""

from __future__ import annotations

__all__ = ["CHANGES", "FAILED", "INTERRUPTED", "REFUSED", "UNKNOWN", "UNREACHABLE"]

FAILED = 1
REFUSED = 2
UNREACHABLE = 3
CHANGES = 4  # only plan --detailed-exitcode
UNKNOWN = 5  # whether a write was applied
INTERRUPTED = 130
