"""The table of all operations of the API that the client uses."""

from __future__ import annotations

from typing import Optional

from . import activation, discovery, folders, hosts, monitoring, site
from .operation import Operation
from .versions import CheckmkVersion

__all__ = ["NOUNS", "OPERATIONS", "UNVERSIONED", "find_operation"]

OPERATIONS: tuple[Operation, ...] = (
    *activation.ROWS,
    *discovery.ROWS,
    *folders.ROWS,
    *hosts.ROWS,
    *monitoring.ROWS,
    *site.ROWS,
)

NOUNS = frozenset(_row.noun for _row in OPERATIONS)

_BY_NAME: dict[tuple[str, str], tuple[Operation, ...]] = {}
for _row in OPERATIONS:
    _BY_NAME[_row.noun, _row.verb] = (*_BY_NAME.get((_row.noun, _row.verb), ()), _row)


# The operations that are the same in every version, so that they can be called before the site's version is known.
UNVERSIONED: dict[tuple[str, str], Operation] = {
    name: rows[0] for name, rows in _BY_NAME.items() if len(rows) == 1 and rows[0].serves(None)
}


def find_operation(noun: str, verb: str, version: CheckmkVersion) -> Optional[Operation]:
    """Return the preferred operation for ``noun.verb`` in a version, or None if the version does not have one."""
    # The rows are in order of preference.
    return next((row for row in _BY_NAME[noun, verb] if row.serves(version)), None)
