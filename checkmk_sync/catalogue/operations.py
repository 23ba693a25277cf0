"""The table of all operations of the API that the client uses."""

from __future__ import annotations

from typing import Optional

from .nouns import NOUNS
from .operation import Operation
from .versions import CheckmkVersion
from .written_operations import WRITTEN_OPERATIONS

OPERATIONS: tuple[Operation, ...] = (
    *(_row for _row in WRITTEN_OPERATIONS if _row.noun not in NOUNS),
    *(_row for _noun in NOUNS.values() for _row in _noun.operations),
)

NOUN_NAMES = frozenset(_row.noun for _row in OPERATIONS)

_BY_NAME: dict[tuple[str, str], tuple[Operation, ...]] = {}
for _row in OPERATIONS:
    _BY_NAME[_row.noun, _row.verb] = (*_BY_NAME.get((_row.noun, _row.verb), ()), _row)


# The operations that are the same in every version and edition. They can be called before both are known.
UNVERSIONED: dict[tuple[str, str], Operation] = {
    name: row
    for name, (row, *others) in _BY_NAME.items()
    if not others and (row.since, row.until, row.editions) == (None, None, None)
}


# The operations that not all editions have.
EDITION_DEPENDENT = frozenset((_row.noun, _row.verb) for _row in OPERATIONS if _row.editions is not None)


def operations_named(noun: str, verb: str) -> tuple[Operation, ...]:
    """Return the rows of ``noun.verb`` for all versions and editions, in order of preference."""
    return _BY_NAME.get((noun, verb), ())


def find_operation(noun: str, verb: str, version: CheckmkVersion, edition: str) -> Optional[Operation]:
    """Return the preferred row of ``noun.verb`` for a version and edition, or None if they do not have one."""
    return next((row for row in _BY_NAME[noun, verb] if row.serves(version, edition)), None)
