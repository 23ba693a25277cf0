"""What a row of the table of verbs says."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Optional

__all__ = ["LIMIT", "Argument", "Row", "Verb", "limited", "search_pattern"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Argument:
    """``kind`` is str, int, bool or "pairs" (KEY=VALUE, given several times); ``many`` takes several values,
    ``least`` is the smallest number, ``check`` raises ValueError for a value that cannot be."""

    name: str
    help: str
    kind: Any = str
    required: bool = False
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int = 0
    check: Optional[Callable[[Any], Any]] = None


@dataclass(frozen=True)
class Verb:
    """``handler(client, **arguments)`` gives plain data: a mapping, or an iterator of rows.

    ``columns`` are what a table shows of a row. ``noun`` is empty for verbs of the site.
    """

    noun: str
    name: str
    help: str
    example: str
    handler: Callable[..., Any] = field(repr=False)
    arguments: tuple[Argument, ...] = ()
    columns: tuple[str, ...] = ()
    writes: bool = False
    destructive: bool = False


def search_pattern(text: str) -> str:
    """``text`` when it can be searched for; ValueError otherwise."""
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} is no pattern: a text of one line is needed, such as 'web*'")
    return text


LIMIT = Argument("limit", "Show at most this many.", int)


def limited(rows: Iterable[Any], limit: Optional[int]) -> Iterator[Any]:
    """The first ``limit`` rows, or all."""
    return itertools.islice(rows, limit)
