"""The operations that do not follow from the fields of a plain noun, as rows of a CSV file."""

from __future__ import annotations

from typing import Mapping

from ..core.call import CallKind, ExpectedReply
from ..core.data_files import rows
from .operation import Operation


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


# The operations of hosts, folders, the monitoring, activation and discovery, and those of single plain nouns. The first
# row of a name that a version has is preferred. ``note`` is a fact about the server with its source.
WRITTEN_OPERATIONS = tuple(map(_operation, rows(__file__, "operations")))
