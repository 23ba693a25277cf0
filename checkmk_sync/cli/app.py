"""The command line: the commands of the table and those with code of their own, and how a run ends."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Optional, Sequence

import click

from .. import __version__
from ..commands import COMMANDS, Command
from ..commands.command import CLI, LazyModule
from .declarations import DECLARED_COMMANDS, INVENTORY_COMMANDS, make_command
from .exit_codes import FAILED, INTERRUPTED, REFUSED
from .guarded_streams import guarded
from .options import SHARED_OPTIONS, Declined, State
from .parameters import parameter

__all__ = ["cli", "run"]

_GROUPS = {
    "hosts": "Hosts: configuration and status.",
    "folders": "Folders of the configuration.",
    "services": "Monitored services.",
    "inventory": "Inventory files, without a site.",
}


class _Group(click.Group):
    """A group that shows its help without arguments, and suggests similar commands for an unknown one."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, args or ["--help"])

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        name = args[0]
        if context.resilient_parsing or name.startswith("-") or self.get_command(context, name) is not None:
            return super().resolve_command(context, args)
        from .usage import unknown_command

        raise unknown_command(context, name, self.commands)


def _table_command(command: Command) -> click.Command:
    """Return the command for a row of the table."""

    def run_row(state: State, /, yes: bool = False, **arguments: Any) -> Any:
        return LazyModule(".table_commands", __package__).run(state, command, arguments, is_confirmed=yes)

    parameters = [parameter(argument) for argument in command.arguments]
    if command.destructive:
        parameters.append(click.Option(["--yes"], is_flag=True, help="Do not ask."))
    hides_secrets = any(field.name in ("attributes", "labels") for field in command.fields)
    text = f"{command.help} Secrets are shown only with --json." if hides_secrets else command.help
    example = f"checkmk-sync {command.words} {command.example}".rstrip()
    return make_command(command.name, run_row, text, example, parameters, command.arguments)


def _cli() -> click.Group:
    groups = {name: _Group(name, help=text, params=[*SHARED_OPTIONS]) for name, text in _GROUPS.items()}
    commands: list[click.Command] = [*groups.values(), *DECLARED_COMMANDS]
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
        help="Bring a Checkmk site to a desired state, and inspect it.",
        epilog="Exit codes: 0 done, 1 failed or partly failed, 2 refused or bad input (also names unknown to the "
        "site), 3 site not reachable, 5 unknown whether it was done, 130 stopped. "
        "Try it without a Checkmk server: checkmk-sync demo",
    )
    return click.version_option(__version__, prog_name="checkmk-sync")(group)


cli = _cli()


def run(arguments: Optional[Sequence[str]] = None, module: str = "") -> int:
    """Run a command line and return its exit code. ``module`` is the command that is started as a module."""
    state = State()
    with guarded() as stdout:
        code = _run(state, arguments, module)
        stdout.flush()
        if stdout.broken is not None:
            state.output.error(f"standard output cannot be written: {stdout.broken.strerror}")
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
        from .usage import usage_message

        message = usage_message(error)
        state.as_json = state.as_json or "--json" in (sys.argv[1:] if words is None else words)  # not parsed yet
        state.output.error(message, {"error": "UsageError", "message": message})
        return REFUSED
    except Exception as error:
        from ..errors import CheckmkError

        if not isinstance(error, CheckmkError):
            raise
        return state.report_error(error)
