"""A row of the command table: names, arguments, help, and the code that runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional

if TYPE_CHECKING:
    from ..errors import CheckmkError

__all__ = ["Argument", "Command", "CountedRows", "FailureRow", "Field", "LazyModule", "Preview", "as_arguments"]

Row = dict[str, Any]
Watch = Callable[[str, int, int], object]  # stage, done, total

CLI, TOOL = "cli", "tool"  # the faces
MAX_SHOWN = 50  # failures or changes in one answer


@dataclass(frozen=True)
class LazyFunction:
    """A function of a module that is imported when the function is first called.

    The table, the help and the completion therefore load neither the client nor requests.
    """

    module: str
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(self.module), self.name)(*args, **kwargs)


class LazyModule:
    """A module whose functions are lazy: ``LazyModule(".handlers.hosts", __package__).create`` imports nothing."""

    def __init__(self, name: str, package: str) -> None:
        self._name = package + name

    def __getattr__(self, name: str) -> LazyFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        return LazyFunction(self._name, name)


@dataclass(frozen=True)
class Argument:
    """An argument of a command: a positional or an option of the command line, a property of a tool."""

    name: str
    help: str
    # str, int, bool, "pairs" (KEY=VALUE, repeatable), dict, "amount" (a number or a percentage), "file" (InventoryText)
    kind: Any = str
    required: bool = False
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 10**9  # for tools
    check: Optional[Callable[[Any], Any]] = None  # raises ValueError for a value that is not valid
    parse: Optional[Callable[[Any], Any]] = None  # returns the value that an input means, or raises ValueError
    example: Any = None
    tool_help: str = ""  # help for language models, which pass lists and objects
    aliases: tuple[str, ...] = ()  # other names that are accepted
    option: str = ""  # name on the command line, if not "--" and the name; "--no-…" for a flag that turns it off
    metavar: Optional[str] = None

    def convert(self, value: Any) -> Any:
        """Return the value that an input means. ValueError if it is not valid."""
        if self.parse is not None:
            value = self.parse(value)
        if self.check is not None:
            for entry in value if self.many else [value]:
                self.check(entry)
        return value


@dataclass(frozen=True)
class Field:
    """A value of a result. ``untrusted`` text was written by monitored systems or users of the site; ``time`` values
    are times of the site, in ISO 8601 or as UNIX time."""

    name: str
    help: str
    kind: Any = str
    untrusted: bool = False
    time: bool = False


@dataclass(frozen=True)
class Preview:
    """What a command is about to do, for the person who has to approve it.

    Summary and details name everything that would be done. If they are too long to be shown, the command is refused,
    and ``too_long`` says what to do instead.
    """

    summary: str
    details: tuple[str, ...] = ()
    facts: Any = None  # an approval is void if these differ by the time it arrives
    # Arguments with which the command does exactly this or nothing. They also apply when nobody is asked: the command
    # must not affect anything that has turned up since.
    fixed_arguments: Mapping[str, Any] = field(default_factory=dict)
    needs_approval: bool = True  # False if there is nothing to do
    too_long: str = "Do it in smaller parts."


class FailureRow(Row):
    """The result of a command that reports a failure instead of raising it as ``error``."""

    def __init__(self, error: CheckmkError, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.error = error


class CountedRows(list[Row]):
    """Rows that had to be read completely before the first could be returned, with counts of them."""

    def __init__(self, rows: Iterable[Row], counts: Mapping[str, int]) -> None:
        super().__init__(rows)
        self.counts = counts


@dataclass(frozen=True)
class Command:
    """A command of the command line, a tool for language models, or both.

    ``handler(client, **arguments)`` returns a mapping, or an iterator of rows if there are ``columns``. ``fields``
    describe the mapping or each row; other keys are not shown. ``failed``, pairs of a key and a status, is logged
    with writes.
    """

    words: str  # of the command line, such as "hosts list"
    help: str
    handler: Callable[..., Any] = field(repr=False)
    arguments: tuple[Argument, ...] = ()
    columns: tuple[str, ...] = ()  # of a row, or of what table_row makes of it
    writes: bool = False
    destructive: bool = False  # not done without approval
    fields: tuple[Field, ...] = ()
    # preview(client, **arguments) returns what the command would do, or None if these arguments destroy nothing.
    preview: Optional[Callable[..., Optional[Preview]]] = field(default=None, repr=False)
    asks_if: str = ""  # the argument without which nothing is destroyed
    additive: bool = False  # adds only; everything else stays as it was
    exclusive: bool = False  # concurrent writes would become part of it
    idempotent: bool = False  # repeating it changes nothing more
    local: bool = False  # concerns this program only, not the site
    reports_progress: bool = False  # the handler also takes a function watch(stage, done, total)
    table_row: Optional[Callable[[Row], Row]] = field(default=None, repr=False)
    faces: tuple[str, ...] = (CLI, TOOL)
    tool: str = ""  # name of the tool, if not the words with underscores
    check_with: str = ""  # shows whether a write was applied, with {} for the name, if it is not noun and "get"
    empty_text: str = "no match"  # shown on a terminal if there are no rows and no filter
    example: str = ""  # arguments of the command line, for the help

    @property
    def noun(self) -> str:
        """The group of the command; empty for commands of the site."""
        return self.words.rpartition(" ")[0]

    @property
    def name(self) -> str:
        return self.words.rpartition(" ")[2]

    @property
    def tool_name(self) -> str:
        return self.tool or self.words.replace(" ", "_")

    @property
    def participle(self) -> str:
        """What a write has done, such as "created"."""
        return self.name + ("d" if self.name.endswith("e") else "ed")

    @property
    def gives_rows(self) -> bool:
        """True if the handler returns rows instead of one mapping."""
        return bool(self.columns)

    @property
    def needs_approval(self) -> bool:
        """True if somebody may have to approve it before it is done."""
        return self.destructive or self.preview is not None


# Options of the command line that messages name, and that are called differently in tools.
OPTIONS = (
    *("adopt", "allow-changes", "allow-deletions", "attribute", "confirm-delete", "force-foreign", "label", "owner"),
    *("recursive", "remove", "remove-label", "title"),
)
_OTHER_NAMES = {"confirm-delete": "confirm_deletions"}
_OPTION = re.compile(rf"--({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?![\w-])")
_ENCODING = re.compile(r"\bencoding='[^']+'")
_IN_PYTHON = re.compile(r" \([a-z_]+=[^()]* in Python\)")


def as_arguments(text: str) -> str:
    """Return a message of the library with the arguments of tools in place of options."""
    text = _IN_PYTHON.sub("", text).replace("force_foreign_changes", "force_foreign")
    text = _ENCODING.sub("the setting sync.encoding of this server", text)
    return _OPTION.sub(lambda match: _OTHER_NAMES.get(match[1], match[1].replace("-", "_")), text)
