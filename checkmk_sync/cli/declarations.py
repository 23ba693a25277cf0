"""Commands with code of their own: names, options and help. The code is imported when a command runs."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import click

from ..commands import Argument
from ..commands.command import LazyModule
from ..commands.sync import ACTIVATION_ARGUMENTS, PLAN_ARGUMENTS
from .options import FILE, SHARED_OPTIONS, State
from .parameters import parameter, values

__all__ = ["DECLARED_COMMANDS", "INVENTORY_COMMANDS", "make_command"]


def make_command(
    name: str,
    run: Callable[..., Any],
    text: str,
    example: str,
    parameters: Sequence[click.Parameter] = (),
    arguments: Sequence[Argument] = (),
) -> click.Command:
    """Return the command that calls ``run(state, **values)``, with the values of ``arguments`` converted."""

    @click.pass_context
    def callback(context: click.Context, /, **inputs: Any) -> Any:
        return run(context.ensure_object(State), **{**inputs, **values(arguments, inputs)})

    return click.Command(
        name, params=[*parameters, *SHARED_OPTIONS], callback=callback, help=text, epilog=f"Example: {example}"
    )


def _own(
    module: str, example: str, *parameters: click.Parameter, arguments: Sequence[Argument] = ()
) -> Callable[[Callable[[], None]], click.Command]:
    """Return a decorator for the name and the help of a command, whose code is in a module of this package."""

    def declare(function: Callable[[], None]) -> click.Command:
        name = function.__name__
        run = getattr(LazyModule(f".{module}", __package__), name)
        return make_command(name, run, function.__doc__ or "", example, parameters, arguments)

    return declare


def _option(name: str, text: str, **settings: Any) -> click.Option:
    return click.Option([name], help=text, show_default="default" in settings, **settings)


def _file(name: str, text: str) -> click.Option:
    return _option(name, text, metavar="FILE", type=FILE)


def _flag(name: str, text: str) -> click.Option:
    return click.Option([name], help=text, is_flag=True)


def _address(port: int) -> tuple[click.Option, click.Option]:
    """Return the options of a server."""
    ports = click.IntRange(0, 65535)
    return (
        _option("--host", "Address to listen on.", default="127.0.0.1"),
        _option("--port", "Port to listen on; 0 picks a free one.", default=port, type=ports),
    )


_READING = (
    click.Option(
        ["--map", "mapping"], metavar="FILE", help="Mapping file that turns the columns of an export into an inventory."
    ),
    _option("--encoding", "Encoding of the inventory files, such as windows-1252 (default: UTF-8).", metavar="NAME"),
)
_SYNC = (
    click.Argument(["inventory"], nargs=-1, required=True, metavar="INVENTORY...", type=FILE),
    *_READING,
    *map(parameter, PLAN_ARGUMENTS),
)


@_own(
    "sync_commands",
    "checkmk-sync plan hosts.yaml --owner cmdb --detailed-exitcode",
    *_SYNC,
    _flag("--detailed-exitcode", "Exit with 4 if there is something to do, with 0 if not."),
    _flag("--markdown", "Print the plan as Markdown, for reviews."),
    arguments=PLAN_ARGUMENTS,
)
def plan() -> None:
    """Show the changes that bring the site to the state of INVENTORY (YAML, JSON or CSV files, or - for stdin).

    Changes nothing, and says whether apply would refuse the plan. Exits with 2 if the inventory has errors or names
    objects that are not yours.
    """


@_own(
    "sync_commands",
    "checkmk-sync apply hosts.yaml --owner cmdb --yes",
    *_SYNC,
    _option("--checksum", "Apply the plan only if it has this checksum (from a review).", metavar="SUM"),
    _flag("--yes", "Do not ask."),
    *map(parameter, ACTIVATION_ARGUMENTS),
    arguments=(*PLAN_ARGUMENTS, *ACTIVATION_ARGUMENTS),
)
def apply() -> None:
    """Bring the site to the state of INVENTORY (YAML, JSON or CSV files, or - for stdin).

    Plans, asks, applies in bulk, discovers new hosts, activates once, and verifies the result. If it is interrupted,
    run it again. Without --owner nothing is ever deleted.
    """


@_own(
    "inventory",
    "checkmk-sync inventory check cmdb.csv --map map.yaml --encoding windows-1252",
    click.Argument(["files"], nargs=-1, required=True, metavar="FILES...", type=FILE),
    *_READING,
)
def check() -> None:
    """Show the hosts and folders that inventory FILES (or - for stdin) describe, or every error in them.

    Needs no site. With --json it prints an inventory that plan and apply read, including the values of secrets.
    """


@_own(
    "completion",
    "checkmk-sync completion fish | source",
    click.Argument(["shell"], type=click.Choice(("bash", "zsh", "fish")), metavar="SHELL"),
)
def completion() -> None:
    """Print a script that completes commands, options, choices and files when you press Tab.

    Install it once, and again after each upgrade; it takes effect in new shells. For bash (4.4 or later, with the
    package bash-completion), for fish, and for zsh (add the line to ~/.zshrc, after compinit):

    \b
      checkmk-sync completion bash > ~/.local/share/bash-completion/completions/checkmk-sync
      checkmk-sync completion fish > ~/.config/fish/completions/checkmk-sync.fish
      source <(checkmk-sync completion zsh)

    The script contacts no site and needs no settings.
    """


@_own("demo", "checkmk-sync demo --keep", _flag("--keep", "Keep the site running until Ctrl-C."))
def demo() -> None:
    """Show a complete run on a simulated site: plan, apply, discover, activate, verify, list problems."""


@_own("doctor", "checkmk-sync --config config.yaml doctor")
def doctor() -> None:
    """Check the connection from this machine to the site, and explain problems and their fixes.

    Exits with 0 if there are no problems or only warnings, with 2 if credentials or settings are wrong, and with 3
    if the site cannot be reached or used.
    """


@_own(
    "mcp",
    "checkmk-sync mcp --config config.yaml",
    _flag("--allow-writes", "Also offer tools that change the site."),
    _flag("--confirm-by-checksum", "If the client cannot ask a person, accept the checksum of a preview as approval."),
    _option("--allow", "Only offer tools that match, such as 'hosts_*'.", multiple=True, metavar="PATTERN"),
    _option("--deny", "Do not offer tools that match.", multiple=True, metavar="PATTERN"),
    _option(
        "--sync-folder",
        "Folder from which inventory files may be read.",
        metavar="DIR",
        type=click.Path(file_okay=False, readable=False),
    ),
    _option(
        "--max-batch",
        "Maximum number of objects in one call; files in --sync-folder may contain more.",
        type=click.IntRange(1, 10_000),
        default=500,
    ),
    _file("--audit-log", "Log every write to this file as lines of JSON (default: stderr)."),
    _flag("--http", "Serve over HTTP instead of stdio."),
    *_address(8765),
    _file("--token-file", "File with the token for clients (or set CHECKMK_MCP_TOKEN)."),
    _flag("--behind-tls", "State that a proxy in front terminates TLS; required to serve other machines."),
    _option("--name", "Host name that clients use, such as that of the proxy.", multiple=True, metavar="HOST"),
)
def mcp() -> None:
    """Serve the site to language models over the Model Context Protocol. Read-only by default."""


_seconds = click.FloatRange(0)


@_own(
    "simulate",
    "checkmk-sync simulate --port 5000 --hosts 2000 --version 2.3.0p41",
    *_address(5000),
    _option("--site", "Site id.", default="s"),
    _option("--username", "Automation user.", default="automation"),
    _option("--password", "Password of that user; visible in the process list, so for tests only."),
    _file("--password-file", "File with the password of that user."),
    _option("--hosts", "Initial number of hosts.", default=0, type=click.IntRange(0)),
    _option("--services", "Number of services of each host.", default=30, type=click.IntRange(2)),
    _option("--version", "Version of Checkmk.", default="2.4.0p18"),
    _option("--edition", "Edition of Checkmk, by any of its names.", default="cre"),
    _option("--latency", "Delay per request in seconds.", default=0.0, type=_seconds),
    _option("--lock-hold", "Delay per write in seconds.", default=0.0, type=_seconds),
    _option("--host-cost", "Delay per written host in seconds.", default=0.0, type=_seconds),
    _flag("--control", "Serve /control, which lets tests control the site (this machine only)."),
)
def simulate() -> None:
    """Serve a simulated Checkmk site until Ctrl-C."""


DECLARED_COMMANDS = (apply, completion, demo, doctor, mcp, plan, simulate)
INVENTORY_COMMANDS = (check,)
