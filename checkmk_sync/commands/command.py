"""What a row of the table of verbs says."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional

from ..catalogue.paths import host_name
from ..errors import CheckmkError

__all__ = [
    "LIMIT",
    "MANY_HOSTS",
    "Argument",
    "Command",
    "CountedRows",
    "FailureRow",
    "Field",
    "Preview",
    "Row",
    "Watch",
    "limited",
    "search_pattern",
]

Row = dict[str, Any]
Watch = Callable[[str, int, int], object]  # stage, done, total

CLI, TOOL = "cli", "tool"  # the faces


@dataclass(frozen=True)
class Argument:
    """``kind`` is str, int, bool, "pairs" (KEY=VALUE, given several times), dict (a mapping), "amount" (a
    number or a percentage) or "file" (an InventoryText); ``many`` takes several values, ``least`` is the smallest
    number. ``parse`` makes of what was given the value that it means, and ``check`` looks at one: ValueError for what
    cannot be. ``example`` is one that can; ``tool_help`` is the help for language models, which give lists and
    objects. ``aliases`` are other names by which it may be given."""

    name: str
    help: str
    kind: Any = str
    required: bool = False
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int = 0
    check: Optional[Callable[[Any], Any]] = None
    parse: Optional[Callable[[Any], Any]] = None
    example: Any = None
    tool_help: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One value of an answer, of a type. ``foreign`` texts were written by whoever writes on what is monitored:
    nobody vouches for them. A ``time`` is one of the site, in ISO 8601 or as a UNIX time."""

    name: str
    help: str
    kind: Any = str
    foreign: bool = False
    time: bool = False


@dataclass(frozen=True)
class Preview:
    """What a verb is about to do, for who has to agree: a sentence and lines of details.

    The agreement is to ``facts``: when they are others by the time it comes, it counts no more. ``bound`` are
    arguments with which the verb does exactly this or nothing. Nobody is asked where there is nothing to do
    (``asks`` is False), but then too the verb is bound: it must not do what has turned up since.

    Sentence and details name all that is done: what is too long to be shown is refused, and ``too_long`` says what
    to do then.
    """

    sentence: str
    details: tuple[str, ...] = ()
    facts: Any = None
    bound: Mapping[str, Any] = field(default_factory=dict)
    asks: bool = True
    too_long: str = "Do it in smaller parts."


class FailureRow(Row):
    """What a verb gives that has found a failure and tells of it: ``error`` is what it would raise else."""

    def __init__(self, error: CheckmkError, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.error = error


class CountedRows(Iterator[Row]):
    """Rows that had to be read to their end before the first was known, and so could be counted."""

    def __init__(self, rows: Iterable[Row], counts: Mapping[str, int]) -> None:
        self._rows = iter(rows)
        self.counts = counts

    def __next__(self) -> Row:
        return next(self._rows)


@dataclass(frozen=True)
class Command:
    """``handler(client, **arguments)`` gives plain data: a mapping, or an iterator of rows.

    ``columns`` are what a table shows of a row, or of what ``line`` makes of it; only verbs that give rows have them.
    ``fields`` say what is in the mapping, or in each row. ``noun`` is empty for verbs of the site.

    ``empty`` is what a terminal shows where there are no rows and no filter, which could be why.

    What a mapping holds beyond them is not shown; ``failed``, pairs of a key and a status, is noted where writes are.

    ``destructive`` ones are not done unasked. ``preview(client, **arguments)`` is what they would do, as an
    :class:`Preview`; None when these arguments destroy nothing, which is so without the argument ``asks_with``.
    ``additive`` ones add only: all that there was is as before. Done twice, ``idempotent`` ones change nothing more.
    What others write while an ``alone`` one is done would be taken along by it. ``local`` ones ask and change this
    program only, not the site. With ``watched`` the handler also takes ``watch``, a function that it tells how far it
    is. ``faces`` are where the row appears, and ``tool`` its name for language models, if not noun and name.

    ``done`` is the participle that says what a verb that writes has done, such as "created"; ``look`` is the command
    that shows whether it was done, with ``{}`` for the name.
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
    fields: tuple[Field, ...] = ()
    preview: Optional[Callable[..., Optional[Preview]]] = field(default=None, repr=False)
    asks_with: str = ""
    additive: bool = False
    alone: bool = False
    idempotent: bool = False
    local: bool = False
    watched: bool = False
    line: Optional[Callable[[Row], Row]] = field(default=None, repr=False)
    faces: tuple[str, ...] = (CLI, TOOL)
    tool: str = ""
    done: str = "done"
    look: str = ""
    empty: str = "no match"

    @property
    def tool_name(self) -> str:
        return self.tool or "_".join(filter(None, (self.noun, self.name)))

    @property
    def gives_rows(self) -> bool:
        """True when the handler gives rows, not one mapping."""
        return bool(self.columns)

    @property
    def needs_consent(self) -> bool:
        """True when somebody may have to agree before it is done."""
        return self.destructive or self.preview is not None


def search_pattern(text: str) -> str:
    """``text`` when it can be searched for; ValueError otherwise."""
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} is no pattern: a text of one line is needed, such as 'web*'")
    return text


LIMIT = Argument("limit", "Maximum number of results.", int)
MANY_HOSTS = Argument(
    "hosts",
    "Names of the hosts.",
    required=True,
    many=True,
    check=host_name,
    example=["web01"],
    aliases=("names", "host", "host_names"),
)


def limited(rows: Iterable[Any], limit: Optional[int]) -> Iterator[Any]:
    """The first ``limit`` rows, or all."""
    return itertools.islice(rows, limit)
