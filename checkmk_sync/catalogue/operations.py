"""The table of all operations of the API that the client uses."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Mapping, Optional

from ..core.call import CallKind, ExpectedReply
from .nouns import NOUNS
from .operation import Operation
from .versions import CheckmkVersion


def _expected(text: str) -> ExpectedReply:
    """Return the reply in a text such as ``200:host_config:value.id``, or ``303>`` and the start of a location."""
    reply, _, location = text.partition(">")
    status, domain_type, names, *_ = (*reply.split(":"), "", "")
    return ExpectedReply(int(status), domain_type or None, tuple(names.split(".")) if names else (), location)


def _operation(row: Mapping[str, str]) -> Operation:
    return Operation(
        row["noun"],
        row["verb"],
        row["method"],
        row["path"],
        CallKind(row["kind"]),
        query=tuple(row["query"].split()),
        body=tuple(row["body"].split()),
        if_match=bool(row["if_match"]),
        touches=tuple(row["touches"].split()),
        expected=tuple(map(_expected, row["expected"].split())),
        since=row["since"] or None,
        until=row["until"] or None,
        replaced_by=row["replaced_by"],
        etag_from=row["etag_from"] or "get",
    )


# The operations of hosts, folders, the monitoring, activation and discovery. Those of the plain nouns follow from their
# rows. The first row of a name that a version has is preferred. ``note`` is a fact about the server with its source.
with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    _ROWS = tuple(map(_operation, csv.DictReader(_file)))

OPERATIONS: tuple[Operation, ...] = (*_ROWS, *(_row for _noun in NOUNS.values() for _row in _noun.operations))

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
