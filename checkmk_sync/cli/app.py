"""The root of the command line: it collects all commands, runs one, and turns its result into an exit code."""

from __future__ import annotations

import functools
import sys
import warnings
from typing import Any, Optional, Sequence

import click

from .. import __version__
from ..catalogue.nouns import NOUNS
from ..commands import COMMANDS, Command
from ..commands.command import CLI, LazyModule
from ..core.text import close_matches, escape_invisible
from .declarations import DECLARED_COMMANDS, INVENTORY_COMMANDS
from .declare import make_command
from .exit_codes import FAILED, INTERRUPTED, REFUSED
from .guarded_streams import guarded
from .options import SHARED_OPTIONS, Declined, State
from .parameters import asks_for_json, list_parameters, parameter
from .server_declarations import SERVER_COMMANDS

_commands = LazyModule(".table_commands", __package__)
_GROUPS = {
    "hosts": "Manage hosts, and show their status.",
    "folders": "Manage folders of the configuration.",
    "services": "Show monitored services.",
    "downtimes": "Schedule, change and delete downtimes.",
    "acknowledgements": "Show acknowledged problems.",
    "comments": "Manage comments on hosts and services.",
    "inventory": "Check inventory files without a site.",
}


class _Group(click.Group):
    """A group that shows its help if no command is given, and suggests commands similar to an unknown one."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, args or ["--help"])

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        name = args[0]
        # Shell completion resolves unfinished command lines, which must not raise.
        if context.resilient_parsing or name.startswith("-") or self.get_command(context, name) is not None:
            return super().resolve_command(context, args)
        known = sorted(self.commands)
        similar = " or ".join(map(repr, close_matches(name, known)))
        hint = f"; did you mean {similar}? The commands are" if similar else "; the commands are"
        group = "" if context.parent is None else f" {context.info_name!r}"
        names = f"{', '.join(known)} (see {context.command_path} --help or docs/cli.md)"
        raise click.UsageError(f"unknown{group} command {name!r}{hint}: {names}")


def _table_command(command: Command) -> click.Command:
    run = functools.partial(_commands.run_list if command.gives_rows else _commands.run, command)
    parameters = [parameter(argument) for argument in command.arguments]
    if command.gives_rows:
        parameters += list_parameters(command)
    if command.destructive:
        parameters.append(click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."))
    hides_secrets = any(field.name in ("attributes", "labels") for field in command.fields)
    formats = "as JSON or YAML" if command.gives_rows else "with --json"
    text = f"{command.help} Secret values are shown only {formats}." if hides_secrets else command.help
    # click shows no help for positional arguments, and only these are optional.
    named = (
        f"\n\n{argument.name.upper()}: {argument.help}" for argument in command.arguments if argument.kind == "names"
    )
    text += "".join(named)
    example = f"checkmk-sync {command.words} {command.example}".rstrip()
    return make_command(command.name, run, text, example, parameters, command.arguments)


def _cli() -> click.Group:
    texts = {noun.name.replace("_", "-"): f"Manage {noun.plural}." for noun in NOUNS.values()}
    groups = {name: _Group(name, help=text, params=[*SHARED_OPTIONS]) for name, text in {**texts, **_GROUPS}.items()}
    commands: list[click.Command] = [*groups.values(), *DECLARED_COMMANDS, *SERVER_COMMANDS]
    for command in COMMANDS:
        if CLI in command.faces:
            (groups[command.noun].add_command if command.noun else commands.append)(_table_command(command))
    for declared in INVENTORY_COMMANDS:
        groups["inventory"].add_command(declared)
    group = _Group(
        "cli",
        commands=commands,
        params=[*SHARED_OPTIONS],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help="Inspect a Checkmk site, and bring it to a desired state.",
        epilog="\b\nExit codes:\n"
        "  0    done, or nothing to do\n"
        "  1    failed, or partly failed\n"
        "  2    refused: bad input, a name unknown to the site, no permission\n"
        "  3    site not reachable\n"
        "  4    changes to make (only plan --detailed-exitcode)\n"
        "  5    unknown whether a write was applied\n"
        "  130  stopped with Ctrl-C\n\n"
        "To try it without a Checkmk server, run: checkmk-sync demo",
    )
    return click.version_option(__version__, prog_name="checkmk-sync")(group)


cli = _cli()


def run(arguments: Optional[Sequence[str]] = None, module: str = "") -> int:
    """Run a command line and return its exit code. If ``module`` names a command, only that command runs."""
    state = State()
    with guarded() as stdout:
        code = _run(state, arguments, module)
        stdout.flush()
        if stdout.broken is not None:
            state.output.error(f"cannot write to standard output: {stdout.broken.strerror}")
            code = code or FAILED
        if state.stats:
            from .stats import cost_of

            state.output.cost(cost_of(state.collectors))
    return code


def _run(state: State, arguments: Optional[Sequence[str]], module: str) -> int:
    command = cli.commands[module] if module else cli
    name = f"python -m {__package__.partition('.')[0]}.{module}" if module else None
    words = None if arguments is None else list(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_args, **_more: state.output.note(f"Warning: {message}")
            result = command.main(words, prog_name=name, obj=state, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except Declined as answer:
        state.output.note("Nothing was done.")
        return answer.exit_code
    except click.Abort:
        state.output.error(f"stopped; {state.if_stopped}")
        return INTERRUPTED
    except click.ClickException as error:
        message = _usage_message(error)
        # After a usage error, click may not have parsed --json.
        state.as_json = state.as_json or asks_for_json(sys.argv[1:] if words is None else words)
        state.output.error(message, {"error": "UsageError", "message": message})
        return REFUSED
    except Exception as error:
        from ..errors import CheckmkError

        if not isinstance(error, CheckmkError):
            raise
        return state.report_error(error)


def _usage_message(error: click.ClickException) -> str:
    """Return the message of a click error as one line."""
    if isinstance(error, click.MissingParameter):  # click lists the choices on several lines
        return " ".join(error.format_message().split())
    return escape_invisible(_unknown_option(error) if isinstance(error, click.NoSuchOption) else error.format_message())


def _unknown_option(error: click.NoSuchOption) -> str:
    """Return the message for an unknown option. It suggests only similar options; click also suggests distant ones."""
    context = error.ctx
    known = [] if context is None else [name for option in context.command.params for name in option.opts]
    similar = close_matches(error.option_name, (name for name in known if name.startswith("--")))
    hint = f"did you mean {' or '.join(similar)}? For all options, run" if similar else "for all options, run"
    return f"unknown option {error.option_name}; {hint}: {'' if context is None else context.command_path} --help"
