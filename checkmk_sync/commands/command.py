"""The row type of the command table, and the types of its arguments and results."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional

if TYPE_CHECKING:
    from ..errors import CheckmkError

Row = dict[str, Any]
Watch = Callable[[str, int, int], None]  # called with stage, done, total

CLI, TOOL = "cli", "tool"  # the faces of a command
MAX_SHOWN = 50  # failures or changes in one result


@dataclass(frozen=True)
class LazyFunction:
    """A function that imports its module when it is called.

    The table, help and completion therefore start fast: they import neither the client nor requests.
    """

    module: str
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(self.module), self.name)(*args, **kwargs)


class LazyModule:
    """A module with lazy functions: ``LazyModule(".handlers.hosts", __package__).create`` does not import it."""

    def __init__(self, name: str, package: str) -> None:
        self._name = package + name

    def __getattr__(self, name: str) -> LazyFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        return LazyFunction(self._name, name)


@dataclass(frozen=True)
class Argument:
    """An argument of a command: a positional argument or an option of the command line, and a property of a tool."""

    name: str
    help: str
    # str, int, bool, "pairs" (KEY=VALUE, repeatable), list, dict or Any (JSON on the command line), "amount" (a number
    # or a percentage), "file" (InventoryText), "secret" (a SecretSource or a name, and never an argument of a tool),
    # "path" (a file, and never an argument of a tool),
    # "names" (hosts and services, which are optional positional arguments; stdin can contain them)
    kind: Any = str
    required: bool = False
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 10**9  # for tools
    check: Optional[Callable[[Any], Any]] = None  # raises ValueError if a value is not valid
    parse: Optional[Callable[[Any], Any]] = None  # converts an input, or raises ValueError
    example: Any = None
    tool_help: str = ""  # help for language models, which pass lists and objects
    aliases: tuple[str, ...] = ()  # other names that are accepted
    option: str = ""  # option name, if it is not "--" and the name; "--no-…" for a flag that turns it off
    metavar: Optional[str] = None
    is_option: bool = False  # an option of the command line even if it is required
    # complete(client, text, host) returns the values that shells propose. The client is None without settings. ``host``
    # is the host of the command line, or None.
    complete: Optional[Callable[..., Iterable[str]]] = field(default=None, repr=False)

    @property
    def is_positional(self) -> bool:
        return self.required and not self.is_option

    @property
    def takes_names(self) -> bool:
        """Return True if the argument takes names, and ``-`` for those on standard input."""
        return self.kind == "names" or (self.is_positional and self.many)

    @property
    def option_name(self) -> str:
        return self.option or "--" + self.name.replace("_", "-")

    def convert(self, value: Any) -> Any:
        """Return the value of an input. Raises ValueError if it is not valid."""
        if self.parse is not None:
            value = self.parse(value)
        if self.check is not None:
            for entry in value if self.many else [value]:
                self.check(entry)
        return value


@dataclass(frozen=True)
class Field:
    """A field of a result.

    ``untrusted`` marks text that monitored systems or users of the site wrote. ``time`` marks times of the site, in
    ISO 8601 or as UNIX time.
    """

    name: str
    help: str
    kind: Any = str
    untrusted: bool = False
    time: bool = False


@dataclass(frozen=True)
class Preview:
    """The effects of a command, shown to a person for approval.

    ``summary`` and ``details`` name every effect. If they are too long to be shown, the command is refused, and
    ``too_long`` is the advice in the error message.
    """

    summary: str
    details: tuple[str, ...] = ()
    facts: Any = None  # an approval is void if these have changed when it arrives
    # Arguments that limit the command to exactly these effects. They also apply if no approval is needed, because the
    # command must not affect objects that appeared after the preview.
    fixed_arguments: Mapping[str, Any] = field(default_factory=dict)
    needs_approval: bool = True  # False if there is nothing to do
    too_long: str = "A person must do this in Checkmk or on the command line."


class FailureRow(Row):
    """A result that describes a failure. ``error`` is the exception, which the command does not raise."""

    def __init__(self, error: CheckmkError, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.error = error


class CountedRows(list[Row]):
    """A list of rows with counts of all rows that were read, which may be more than the list contains."""

    def __init__(self, rows: Iterable[Row], counts: Mapping[str, int]) -> None:
        super().__init__(rows)
        self.counts = counts


@dataclass(frozen=True)
class Command:
    """A command of the command line, a tool for language models, or both.

    ``handler(client, **arguments)`` returns a mapping, or an iterator of rows if there are ``columns``. ``fields``
    describe the mapping or each row, and other keys are not shown. The key ``failed`` of a write contains pairs of
    an object and a status for the audit log.
    """

    words: str  # the words on the command line, such as "hosts list"
    help: str
    handler: Callable[..., Any] = field(repr=False)
    arguments: tuple[Argument, ...] = ()
    columns: tuple[str, ...] = ()  # the columns of a row, or of the result of table_row
    writes: bool = False
    destructive: bool = False  # needs approval, on the command line too
    fields: tuple[Field, ...] = ()
    # preview(client, **arguments) returns the effects, or None if the command destroys nothing with these arguments.
    preview: Optional[Callable[..., Optional[Preview]]] = field(default=None, repr=False)
    asks_if: str = ""  # the command destroys nothing without this argument
    additive: bool = False  # only adds objects, and does not change existing ones
    exclusive: bool = False  # must not run together with other writes, because it would include them
    idempotent: bool = False  # a repetition changes nothing
    local: bool = False  # concerns only this program, not the site
    reports_progress: bool = False  # the handler also takes a callback watch(stage, done, total)
    table_row: Optional[Callable[[Row], Row]] = field(default=None, repr=False)
    faces: tuple[str, ...] = (CLI, TOOL)
    tool: str = ""  # name of the tool, if it is not the words with underscores
    # The command that shows whether a write was applied, with {} for the name and {argument} for other arguments. By
    # default it is the noun with "get".
    check_with: str = ""
    empty_text: str = "no match"  # note for an empty list, if no filter was given
    example: str = ""  # arguments of the command line, for the help
    more_columns: tuple[str, ...] = ()  # columns of a list besides columns and fields
    effect: str = ""  # the word for the effect, if it does not follow from the name
    is_prose: bool = False  # a terminal shows the columns of a row below each other, in full
    names: Optional[tuple[str, ...]] = None  # the columns that name a row (default: the first one); () if none does
    # Raises ValueError if the arguments contradict each other. Called with all arguments of a tool call.
    check: Optional[Callable[..., object]] = field(default=None, repr=False)
    replaced_by: str = ""  # the words of the command to use instead of this deprecated one
    own_tools: bool = True  # False: it becomes a tool only if the operator asks for the tools of its noun

    @property
    def noun(self) -> str:
        """The group of the command, or an empty string for commands of the site."""
        return self.words.rpartition(" ")[0]

    @property
    def name(self) -> str:
        return self.words.rpartition(" ")[2]

    @property
    def tool_name(self) -> str:
        return self.tool or self.words.replace(" ", "_").replace("-", "_")

    @property
    def participle(self) -> str:
        """The word for the effect of the command, such as "created"."""
        if self.effect or "-" in self.name:
            return self.effect or "changed"
        stem = self.name.removesuffix("e")
        return f"{stem[:-1]}ied" if stem.endswith("y") else f"{stem}ed"

    @property
    def gives_rows(self) -> bool:
        """Return True if the handler returns rows instead of one mapping."""
        return bool(self.columns)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The columns that a list can show, the default ones first."""
        return tuple(dict.fromkeys((*self.columns, *(field.name for field in self.fields), *self.more_columns)))

    @property
    def naming_columns(self) -> tuple[str, ...]:
        """The columns that name a row of a list."""
        return self.columns[:1] if self.names is None else self.names

    def asks(self, arguments: Mapping[str, Any]) -> bool:
        """Return True if the command line must ask before it runs the command with these arguments."""
        return self.destructive and (not self.asks_if or bool(arguments.get(self.asks_if)))

    @property
    def needs_approval(self) -> bool:
        """Return True if the command may need approval before it runs."""
        return self.destructive or self.preview is not None


# The effects that a command has because of its verb.
_EFFECTS: Mapping[str, Mapping[str, Any]] = {
    "create": {"writes": True, "additive": True},
    "update": {"writes": True, "idempotent": True},
    "move": {"writes": True, "idempotent": True},
    "rename": {"writes": True},
    "remove-login": {"writes": True, "idempotent": True},
    "delete": {"writes": True, "destructive": True},
}


def object_command(words: str, text: str, handler: Callable[..., Any], *arguments: Argument, **facts: Any) -> Command:
    """Return a command for objects of one kind. Its verb determines the effects, and ``facts`` are further fields."""
    return Command(words, text, handler, arguments, **{**_EFFECTS.get(words.rpartition(" ")[2], {}), **facts})


# Options in messages of the library that as_arguments() replaces by the names of tool arguments.
OPTIONS = (
    *("adopt", "allow-changes", "allow-deletions", "attribute", "confirm-delete", "force-foreign", "label", "owner"),
    *("recursive", "remove", "remove-label", "rename", "repair", "title"),
    *("comment", "extend", "host-group", "host-query", "service-group", "service-query", "until"),
)
_OTHER_NAMES = {"confirm-delete": "confirm_deletions", "rename": "renames", "until": "end"}
_OPTION = re.compile(rf"--({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?![\w-])")
_ENCODING = re.compile(r"\bencoding='[^']+'")
# Only the exact hints, because a message also contains texts of the site and of the inventory.
_IN_PYTHON = re.compile(r" \((?:owner=|allow_\w+=\d+(?:, allow_\w+=\d+)*) in Python\)")


def without_python(text: str) -> str:
    """Return a message of the library without its hints for Python, such as ``(allow_changes=12 in Python)``."""
    return _IN_PYTHON.sub("", text)


def as_arguments(text: str) -> str:
    """Return a message of the library with its options replaced by arguments of tools."""
    text = without_python(text).replace("force_foreign_changes", "force_foreign")
    text = _ENCODING.sub("the setting sync.encoding of this server", text)
    return _OPTION.sub(lambda match: _OTHER_NAMES.get(match[1], match[1].replace("-", "_")), text)
