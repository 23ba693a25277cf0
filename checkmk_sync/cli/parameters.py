"""The click parameters of arguments and lists in the command table, and the conversion of their values."""

from __future__ import annotations

import functools
import math
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, Sequence, Union

import click

from ..commands import Argument, Command
from ..core.arguments import match_choice
from .options import FILE, State, can_ask

if TYPE_CHECKING:
    from ..config.secrets import SecretSource

MAX_SECRET = 2**16  # characters
# The settings of the requests while a user waits for the completion of a word.
QUICK = {"timeouts": {"connect_s": 1.0, "read_s": 2.0, "total_s": 3.0}, "recovery": {"retry": {"max_retries": 0}}}
FORMATS = ("table", "wide", "json", "jsonl", "yaml", "csv", "name")  # of lists


class Number(click.ParamType):  # type: ignore[type-arg]
    """A whole number in a range, or any number with ``kind=float``. ``name`` in upper case is the metavar."""

    # This replaces click.IntRange, which shows "INTEGER RANGE" in the help and in error messages.

    def __init__(
        self, minimum: int = 0, maximum: float = math.inf, *, kind: type[float] = int, name: str = "number"
    ) -> None:
        self.name, self._minimum, self._maximum, self._kind = name, minimum, maximum, kind

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        try:
            number = self._kind(value)
        except ValueError:
            number = math.nan
        if not self._minimum <= number <= self._maximum or number == math.inf:  # nan is in no range
            noun = "a whole number" if self._kind is int else "a number"
            has_maximum = self._maximum < math.inf
            span = f"from {self._minimum} to {self._maximum}" if has_maximum else f"of at least {self._minimum}"
            self.fail(f"must be {noun} {span}, not {value!r}", param, ctx)
        return number


class _Choice(click.Choice):  # type: ignore[type-arg]
    """A click choice that accepts any case and unambiguous abbreviations."""

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        try:
            return match_choice(str(value), self.choices)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _destination(argument: Argument) -> str:
    """Return the name of the click parameter for an argument."""
    # Not the name of the argument, which can be "help". click 8.1 takes such an option for --help.
    return argument.option_name.strip("-").replace("-", "_") if argument.is_option else argument.name


def parameter(argument: Argument) -> click.Parameter:
    if argument.is_positional:
        metavar = f"{argument.name.upper().rstrip('S')}..." if argument.many else argument.name.upper()
        return click.Argument([argument.name], nargs=-1 if argument.many else 1, required=True, metavar=metavar)
    if argument.kind == "names":
        return click.Argument([argument.name], nargs=-1, required=False, metavar=f"[{argument.name.upper()}]...")
    if argument.kind is bool and argument.default is not None:
        return click.Option([argument.option_name, _destination(argument)], is_flag=True, help=argument.help)
    kind: Any = str
    if argument.choices:
        kind = _Choice(argument.choices, case_sensitive=False)
    elif argument.kind is int:
        kind = Number(argument.minimum)
    elif argument.kind is bool:
        kind = click.BOOL
    elif argument.kind == "secret":
        kind = FILE
    # click does not report an option as missing if it has a default, even None.
    default: dict[str, Any] = {} if argument.required else {"default": None if argument.many else argument.default}
    aliases = ["--" + alias.replace("_", "-") for alias in argument.aliases]
    return click.Option(
        [argument.option_name, *aliases, _destination(argument)],
        type=kind,
        required=argument.required,
        multiple=argument.many,
        **default,
        show_default=argument.default is not None,
        help=argument.help,
        metavar="KEY=VALUE" if argument.kind == "pairs" else argument.metavar,
        shell_complete=None if argument.complete is None else functools.partial(_complete, argument.complete),
    )


def _complete(
    complete: Callable[..., Iterable[str]], context: click.Context, _parameter: click.Parameter, text: str
) -> list[str]:
    """Return the values of an option that a shell proposes."""
    from ..config.records import replace_nested
    from ..errors import CheckmkError

    # click does not reach the positional arguments, because the option before the cursor has no value yet.
    takes_host = any(parameter.name == "host" for parameter in context.command.params)
    host = context.params.get("host") or next(iter(context.args if takes_host else ()), None)
    try:
        settings = replace_nested(context.ensure_object(State).settings(), QUICK)
    except (CheckmkError, OSError):  # no settings, or settings that are not valid
        return [*complete(None, text, host)]
    from ..client.checkmk import Checkmk

    with Checkmk.from_settings(settings) as client:
        return [*complete(client, text, host)]


def values(arguments: Sequence[Argument], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs from the command line, with the values of ``arguments`` converted.

    Raises click.UsageError if an input is not valid.
    """
    others = dict(inputs)
    converted = {argument.name: _value(argument, others.pop(_destination(argument))) for argument in arguments}
    return {**others, **converted}


def _value(argument: Argument, value: Any) -> Any:
    if argument.option.startswith("--no-"):
        return not value
    if argument.kind == "pairs":
        value = pairs(argument.name, value)
    elif argument.takes_names:
        value = [name for word in value for name in (_names_on_stdin() if word == "-" else [word])]
    elif argument.many:
        value = list(value)
    elif argument.kind in (list, dict, Any) and value is not None:
        value = parse_json(value, argument.option_name, argument.example)
    elif argument.kind == "secret":
        return None if value is None else _secret_source(argument, value)  # the handler reads and checks the secret
    try:
        return None if value is None else argument.convert(value)
    except ValueError as error:
        if argument.kind == "amount":
            raise click.BadParameter(str(error), param_hint=f"'{argument.option_name}'") from None
        raise click.UsageError(str(error)) from error


def _names_on_stdin() -> list[str]:
    """Return the lines of stdin. Raises click.UsageError if it is empty, because a failed command may feed the pipe."""
    try:
        names = [line for line in sys.stdin.read().split("\n") if line]
    except UnicodeDecodeError:
        raise click.UsageError(f"the names on standard input are not valid {sys.stdin.encoding}") from None
    if not names:
        raise click.UsageError("standard input contains no names; nothing was done")
    return names


def parse_json(text: str, source: str, example: Any) -> Any:
    """Return the value of a JSON text. Raises click.UsageError, which names the source and shows the example."""
    import json  # not at the top, because it would delay --help

    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        such_as = "" if example is None else f", such as '{json.dumps(example)}'"
        raise click.UsageError(f"{source} must be JSON{such_as}: {error}") from None


def _secret_source(argument: Argument, text: str) -> Union[SecretSource, str]:
    """Return the source of a secret: a file, or stdin for ``-``. Return NAME for ``secret:NAME``.

    On a terminal, ``-`` asks the user for the secret without echo.
    """
    from ..config.secrets import SecretSource, secret_name

    name = secret_name(text)
    if name is not None:
        return name
    if text != "-":
        return SecretSource(file=text)
    if can_ask():
        prompt = argument.name.replace("_", " ").capitalize()
        return SecretSource(value=click.prompt(prompt, hide_input=True, err=True))
    secret = sys.stdin.read(MAX_SECRET).rstrip("\r\n")
    if not secret or "\n" in secret:
        problem = "has more than one line" if secret else "is empty"
        del secret  # tracebacks can show local variables
        raise click.UsageError(f"stdin must contain one line, the value for {argument.option_name}, but it {problem}")
    return SecretSource(value=secret)


def pairs(name: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the values of a repeatable option KEY=VALUE. Raises click.UsageError if one is not valid."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--{name} must be KEY=VALUE, not {text!r}")
        if key in found:
            raise click.UsageError(f"--{name} {key} occurs twice; give one value")
        found[key] = value
    return found


def list_parameters(command: Command) -> list[click.Parameter]:
    """Return the options for the output of a list.

    Without a format, a list is a table on a terminal, and lines in a pipe.
    """
    formats = FORMATS if command.naming_columns else FORMATS[:-1]
    inside = " or ".join(f"{name}.KEY" for name in command.all_columns if name in ("attributes", "labels"))
    columns = ", ".join(command.all_columns) + (f", {inside}" if inside else "")
    return [
        click.Option(["--limit"], type=Number(0, 1_000_000_000), help="Show at most this many results."),
        click.Option(
            ["-o", "--output"],
            type=click.Choice(formats),
            callback=_note_json,
            help="Print in this format (default: table on a terminal, tab-separated lines in a pipe).",
        ),
        click.Option(["--columns"], metavar="NAMES", help=f"Show these columns, separated by commas: {columns}."),
        click.Option(["--watch"], type=Number(1), metavar="SECONDS", help="Show the list again at this interval."),
        click.Option(["--sort"], metavar="COLUMN", help="Sort by this column; -COLUMN sorts in descending order."),
    ]


def _note_json(context: click.Context, _parameter: click.Parameter, value: Optional[str]) -> Optional[str]:
    # -o json means --json, so that errors are JSON as well.
    if value == "json":
        context.ensure_object(State).as_json = True
    return value


def asks_for_json(words: Sequence[str]) -> bool:
    """Return True if a command line, which need not be valid, asks for JSON."""
    with_next: Any = zip(words, [*words[1:], ""])
    return any(word in ("--json", "-ojson", "--output=json") for word in words) or any(
        option in ("-o", "--output") and value == "json" for option, value in with_next
    )
