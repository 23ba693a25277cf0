"""The meaning of ``--search`` and ``--label`` in all lists."""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Mapping, Optional, TypeVar

from ...client.query import Filter, column, everything, glob_regex
from ...client.records import HostStatus, ServiceStatus
from ..command import Row

S = TypeVar("S", HostStatus, ServiceStatus)
EVERYTHING = everything()


def _regex(text: str) -> str:
    """Return the regular expression for a search. It must be used without regard to case.

    A text with ``*`` or ``?`` is a pattern for the entire name. Any other text can be anywhere in the name.
    """
    return glob_regex(text if "*" in text or "?" in text else f"*{text}*")


def compiled_search(text: str) -> re.Pattern[str]:
    """Return a search as a compiled regular expression."""
    return re.compile(_regex(text), re.IGNORECASE | re.DOTALL)


def search_filter(name: str, text: Optional[str]) -> Filter:
    """Return a search in the column ``name`` of the monitoring state; without a text, every row matches."""
    return EVERYTHING if text is None else column(name).matches(_regex(text), ignore_case=True)


def matching(rows: Iterable[Row], search: Optional[str], *names: str) -> Iterator[Row]:
    """Yield the rows in which one of the fields ``names`` matches a search; all rows if it is None."""
    if search is None:
        return iter(rows)
    matches = compiled_search(search).match
    return (row for row in rows if any(matches(row[name]) for name in names if isinstance(row.get(name), str)))


def has_labels(labels: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Return True if ``labels`` contain all ``wanted`` labels."""
    return wanted.items() <= labels.items()


def with_labels(columns: tuple[str, ...], wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns of a monitoring state to request, with the labels only if they are needed."""
    return (*columns, "labels") if wanted else columns


def only_labelled(objects: Iterable[S], wanted: Mapping[str, str]) -> Iterator[S]:
    """Yield the monitored objects that have all ``wanted`` labels."""
    return (found for found in objects if not wanted or has_labels(found["labels"], wanted))
