"""The exit codes of the command line. docs/cli.md explains them."""

from __future__ import annotations

FAILED = 1
REFUSED = 2
UNREACHABLE = 3
CHANGES = 4  # only with plan --detailed-exitcode
UNKNOWN = 5  # it is unknown whether a write was applied
INTERRUPTED = 130
