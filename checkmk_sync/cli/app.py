"""The commands: those of the table of verbs, and those that only make sense for people."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Mapping, Optional, Sequence

import click

from .. import __version__
from ..client.checkmk import Checkmk
from ..client.outcomes import Status
from ..commands import COMMANDS, Argument, Command, FailureRow, Preview
from ..core.arguments import match_choice
from ..core.text import close_matches, escape_invisible
from ..errors import (
    AuthError,
    BadRequestError,
    BatchError,
    CheckmkError,
    ForbiddenError,
    MissingExtraError,
    NotFoundError,
    SettingsError,
    SyncError,
    TransportError,
    UnexpectedReplyError,
)
from .completion import completion
from .console import safe
from .demo import demo
from .doctor import doctor
from .guarded_streams import guarded
from .inventory import check
from .mcp import mcp
from .options import INTERRUPTED, REFUSED, UNREACHABLE, Declined, State, as_options, ask, can_ask, shared_options
from .outcome import UNKNOWN, Writing, failed_status
from .simulate import simulate
from .stats import cost_of
from .sync_commands import apply, plan

__all__ = ["cli", "run"]

FAILED = 1
_NOUNS = {
    "hosts": "Hosts: configuration and status.",
    "folders": "Folders of the configuration.",
    "services": "Monitored services.",
    "inventory": "Inventory files, without a site.",
}


class _Group(click.Group):
    """Without arguments it explains itself."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, args or ["--help"])

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        name = args[0]
        if context.resilient_parsing or name.startswith("-") or self.get_command(context, name) is not None:
            return super().resolve_command(context, args)
        meant = close_matches(name, self.commands)
        hint = f"; did you mean {' or '.join(map(repr, meant))}? There are" if meant else "; there are"
        where = "" if context.parent is None else f" of {context.info_name!r}"
        known = f"{', '.join(sorted(self.commands))} ({context.command_path} --help, docs/cli.md)"
        raise click.UsageError(f"no command{where} is called {name!r}{hint}: {known}")


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed or partly failed, 2 refused or bad input (also names unknown to the site), "
    "3 site not reachable, 5 unknown whether it was done, 130 stopped. "
    "Try it without a Checkmk server: checkmk-sync demo",
)
@click.version_option(__version__, prog_name="checkmk-sync")
@shared_options
def cli() -> None:
    """Bring a Checkmk site to a desired state, and inspect it."""


def _command(verb: Command) -> click.Command:
    """The command for a row of the table."""

    @click.pass_context
    def callback(context: click.Context, /, **given: Any) -> int:
        state: State = context.ensure_object(State)
        arguments = {argument.name: _value(argument, given[argument.name]) for argument in verb.arguments}
        is_asked = verb.destructive and not context.meta.get("yes")
        if is_asked and not can_ask():
            raise click.UsageError(f"'{verb.noun} {verb.name}' asks before it deletes; without a terminal give --yes")
        with state.client() as client:
            try:
                if is_asked:
                    _ask(state, verb, client, arguments)
                if verb.writes:
                    state.begin_writing(Writing(verb, arguments))
                found = verb.handler(client, **arguments)
            except ValueError as error:  # an argument that cannot be, such as the name of a host
                raise click.UsageError(str(error)) from error
            if isinstance(found, Mapping):
                _show_record(state, found)
            else:
                times = {field.name for field in verb.fields if field.time}
                line = None if state.as_json else verb.table_row
                rows = found if line is None else map(line, found)
                state.output.rows(rows, verb.columns, times=times, empty=_empty_text(verb, arguments))
        return exit_code(found.error) if isinstance(found, FailureRow) else 0

    epilog = f"Example: {verb.example}"
    hides = any(field.name in ("attributes", "labels") for field in verb.fields)
    text = f"{verb.help} Secrets are shown only with --json." if hides else verb.help
    command: click.Command = click.Command(verb.name, callback=callback, help=text, epilog=epilog)
    command.params = [_parameter(argument) for argument in verb.arguments]
    if verb.destructive:
        command.params.append(
            click.Option(["--yes"], is_flag=True, help="Do not ask.", expose_value=False, callback=_yes)
        )
    return shared_options(command)


def _show_record(state: State, found: Mapping[str, Any]) -> None:
    """Show what a command gives; a write says first that it was done."""
    if state.writing is None:
        state.output.record(found)
    elif state.as_json:
        state.output.record(state.writing.applied(found))
    else:
        state.output.line(safe(state.writing.success()))
        state.output.record(found)


def _empty_text(verb: Command, arguments: Mapping[str, Any]) -> str:
    """Return the text for an empty list: a filter may be the reason, and ``--limit 0`` needs no text."""
    if arguments.get("limit") == 0:
        return ""
    is_filtered = any(arguments[found.name] not in (found.default, []) for found in verb.arguments)
    return "no match" if is_filtered else verb.empty_text


def _yes(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.meta["yes"] = value


def _ask(state: State, verb: Command, client: Checkmk, arguments: Mapping[str, Any]) -> None:
    """Show what would be done, and go on only when somebody says yes."""
    intent = Preview(verb.help) if verb.preview is None else verb.preview(client, **arguments)
    if intent is not None and intent.needs_approval:
        for line in (intent.summary, *(f"  {detail}" for detail in intent.details)):
            state.output.question(line)
        ask("Do it?")


class _Choice(click.Choice):  # type: ignore[type-arg]
    """A choice in any case, or any unambiguous beginning of one."""

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        try:
            return match_choice(str(value), self.choices)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _parameter(argument: Argument) -> click.Parameter:
    if argument.required:
        metavar = argument.name.upper().rstrip("S") if argument.many else argument.name.upper()
        return click.Argument([argument.name], nargs=-1 if argument.many else 1, required=True, metavar=metavar)
    option = "--" + argument.name.replace("_", "-")
    if argument.kind is bool:
        return click.Option([option, argument.name], is_flag=True, help=argument.help)
    kind: Any = _Choice(argument.choices, case_sensitive=False) if argument.choices else argument.kind
    if argument.kind is int:
        kind = click.IntRange(min=argument.minimum)
    if argument.kind == "pairs":
        kind = str
    others = ["--" + alias.replace("_", "-") for alias in argument.aliases]
    return click.Option(
        [option, *others, argument.name],
        type=kind,
        multiple=argument.many,
        default=None if argument.many else argument.default,
        show_default=argument.default is not None,
        help=argument.help,
        metavar="KEY=VALUE" if argument.kind == "pairs" else None,
    )


def _value(argument: Argument, given: Any) -> Any:
    if argument.check is not None:
        for value in given if argument.many else (given,):
            try:
                if value is not None:
                    argument.check(value)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
    if argument.kind != "pairs":
        return list(given) if argument.many else given
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--{argument.name} takes KEY=VALUE, not {text!r}")
        if key in pairs:
            raise click.UsageError(f"--{argument.name} {key} is given twice: give one value for it")
        pairs[key] = value
    try:
        return pairs if argument.parse is None else argument.parse(pairs)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _register() -> None:
    groups: dict[str, click.Group] = {}
    for noun, text in _NOUNS.items():
        groups[noun] = shared_options(_Group(noun, help=text))
        cli.add_command(groups[noun])
    for verb in (verb for verb in COMMANDS if "cli" in verb.faces):
        (groups[verb.noun] if verb.noun else cli).add_command(_command(verb))
    groups["inventory"].add_command(check)
    for command in (apply, completion, demo, doctor, mcp, plan, simulate):
        cli.add_command(command)


_register()


def _in_one_line(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return escape_invisible(_unknown_option(error))
    if isinstance(error, click.MissingParameter):  # click lists the choices on several lines
        return " ".join(error.format_message().split())
    return escape_invisible(error.format_message())


def _unknown_option(error: click.NoSuchOption) -> str:
    """Describe an unknown option, with a suggestion only if it is close: click also suggests distant ones."""
    context = error.ctx
    known = [] if context is None else [name for found in context.command.params for name in found.opts]
    meant = close_matches(error.option_name, (name for name in known if name.startswith("--")))
    hint = f"did you mean {' or '.join(meant)}? All of them" if meant else "all options"
    return f"there is no option {error.option_name}; {hint}: {'' if context is None else context.command_path} --help"


def exit_code(error: CheckmkError) -> int:
    """1 failed or partly failed, 2 refused or bad input, 3 site not reachable.

    400 and 404 of a single call mean that what was asked for cannot be: a name, a folder, a value.
    """
    if isinstance(error, (TransportError, UnexpectedReplyError)):
        return UNREACHABLE
    if isinstance(error, BatchError):
        return _exit_code_of_batch(error)
    refusals = (
        SettingsError,
        SyncError,
        MissingExtraError,
        AuthError,
        ForbiddenError,
        BadRequestError,
        NotFoundError,
    )
    return REFUSED if isinstance(error, refusals) else FAILED


def _exit_code_of_batch(error: BatchError) -> int:
    """That of its failures where nothing was done and all failed alike; else it is partly failed."""
    if isinstance(error.__cause__, AuthError):
        return REFUSED
    codes = {
        exit_code(outcome.error) if outcome.status is Status.NOT_APPLIED and outcome.error is not None else FAILED
        for outcome in error.outcomes
    }
    return codes.pop() if len(codes) == 1 else FAILED


def run(arguments: Optional[Sequence[str]] = None, module: str = "") -> int:
    """Run a command line; its exit code. With ``module`` it is only the command of that name, started as a module."""
    state = State()
    with guarded() as stdout:
        code = _run(state, arguments, module)
        stdout.flush()
        if stdout.broken is not None:
            state.output.error(f"standard output cannot be written: {stdout.broken.strerror}")
            code = code or FAILED
        if state.stats:
            state.output.cost(cost_of(state.collectors))
    return code


def _run(state: State, arguments: Optional[Sequence[str]], module: str) -> int:
    command = cli.commands[module] if module else cli
    name = f"python -m {__package__.partition('.')[0]}.{module}" if module else None
    given = list(arguments) if arguments is not None else None
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_args, **_more: state.output.note(f"Warning: {message}")
            result = command.main(given, prog_name=name, obj=state, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except Declined as answer:
        state.output.note("Nothing was done.")
        return answer.exit_code
    except click.Abort:
        state.output.error(f"stopped; {state.kept}")
        return INTERRUPTED
    except click.ClickException as error:
        said = _in_one_line(error)
        state.as_json = state.as_json or "--json" in (sys.argv[1:] if given is None else given)  # not parsed yet
        state.output.error(said, {"error": "UsageError", "message": said})
        return REFUSED
    except CheckmkError as error:
        facts = error.to_dict()
        if isinstance(error, TransportError):
            facts["server_url"] = state.server_url
        where = f"; the server is {state.server_url}" if isinstance(error, TransportError) else ""
        message = f"{as_options(str(error))}{where}"
        if state.writing is None:
            state.output.error(message, facts)
            return exit_code(error)
        state.output.error(state.writing.failure(error, message), {**facts, **state.writing.facts(error)})
        return UNKNOWN if failed_status(error) is Status.UNKNOWN else exit_code(error)
