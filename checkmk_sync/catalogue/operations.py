"""Every operation of the API that the client uses, as a row of data."""

from __future__ import annotations

from typing import Optional

from . import activation, discovery, folders, hosts
from . import monitoring as status
from . import site as misc
from .operation import Operation
from .versions import CheckmkVersion

__all__ = ["NOUNS", "OPERATIONS", "find_operation", "is_versioned"]

OPERATIONS: tuple[Operation, ...] = (
    *activation.ROWS,
    *discovery.ROWS,
    *folders.ROWS,
    *hosts.ROWS,
    *misc.ROWS,
    *status.ROWS,
)

NOUNS = frozenset(_row.noun for _row in OPERATIONS)

_BY_NAME: dict[tuple[str, str], tuple[Operation, ...]] = {}
for _row in OPERATIONS:
    _BY_NAME[_row.noun, _row.verb] = (*_BY_NAME.get((_row.noun, _row.verb), ()), _row)


def is_versioned(noun: str, verb: str) -> bool:
    """True when it depends on the site's version which row (or whether any) serves the verb."""
    rows = _BY_NAME[noun, verb]
    return len(rows) > 1 or rows[0].since is not None or rows[0].until is not None


def find_operation(noun: str, verb: str, version: Optional[CheckmkVersion]) -> Optional[Operation]:
    """The first row of a verb that a version has; None where it has none. Rows are in order of preference."""
    return next((row for row in _BY_NAME[noun, verb] if row.serves(version)), None)
