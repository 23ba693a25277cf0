"""The commands that are not in the command table: names, options and help.

Their code is imported when a command runs, so that help and completion start fast.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

import click

from ..commands import Argument
from ..commands.command import LazyModule
from ..commands.sync import ACTIVATION_ARGUMENTS, PLAN_ARGUMENTS
from ..core.call import RAW_METHODS
from .options import FILE, SHARED_OPTIONS, State
from .parameters import Number, parameter, values


def make_command(
    name: str,
    run: Callable[..., Any],
    text: str,
    example: str,
    parameters: Sequence[click.Parameter] = (),
    arguments: Sequence[Argument] = (),
) -> click.Command:
    """Return a click command that calls ``run(state, **values)``. The values of ``arguments`` are converted first."""

    @click.pass_context
    def callback(context: click.Context, /, **inputs: Any) -> Any:
        return run(context.ensure_object(State), **values(arguments, inputs))

    return click.Command(
        name, params=[*parameters, *SHARED_OPTIONS], callback=callback, help=text, epilog=f"\b\nExample:\n  {example}"
    )


def _own(
    module: str, example: str, *parameters: click.Parameter, arguments: Sequence[Argument] = ()
) -> Callable[[Callable[[], None]], click.Command]:
    """Return a decorator that turns an empty function into a command with its name and its docstring as help.

    The command calls the function of the same name in ``module``.
    """

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
    return (
        _option("--host", "Listen on this address.", default="127.0.0.1"),
        _option("--port", "Listen on this port; 0 picks a free one.", default=port, type=Number(0, 65535, name="port")),
    )


_READING = (
    click.Option(
        ["--map", "mapping"],
        metavar="FILE",
        help="Use this mapping file to turn the columns of an export into an inventory (default: the setting "
        "sync.map).",
    ),
    _option(
        "--encoding",
        "Read the inventory files in this encoding, such as windows-1252 (default: the setting sync.encoding, else "
        "UTF-8).",
        metavar="NAME",
    ),
)
_SYNC = (
    click.Argument(["inventory"], nargs=-1, required=True, metavar="INVENTORY...", type=FILE),
    *_READING,
    *map(parameter, PLAN_ARGUMENTS),
)


_MARKDOWN = _flag("--markdown", "Print the plan as Markdown, for a comment on a merge request.")
_HTML = _file("--html", "Also write the plan as an HTML page to this file, for a review in a browser.")


@_own(
    "sync_commands",
    "checkmk-sync plan hosts.yaml --owner cmdb --detailed-exitcode",
    *_SYNC,
    _flag("--detailed-exitcode", "Exit with 4 if there are changes to make, and with 0 if not."),
    _MARKDOWN,
    _HTML,
    _file("--out", "Save the plan to this file. It contains no secrets."),
    arguments=PLAN_ARGUMENTS,
)
def plan() -> None:
    """Show the changes that apply would make to the site.

    INVENTORY is one or more YAML, JSON or CSV files with the desired state, or - for stdin.

    This command changes nothing. It also shows whether apply would refuse the plan. It exits with 2 if the inventory
    has errors, or if the plan has conflicts, such as an object of another owner.
    """


@_own(
    "sync_commands",
    "checkmk-sync show plan.json --markdown",
    click.Argument(["plan"], metavar="FILE", type=FILE),
    _MARKDOWN,
    _HTML,
)
def show() -> None:
    """Show a saved plan.

    FILE is a plan that plan --out has saved. This command does not contact the site.
    """


@_own(
    "sync_commands",
    "checkmk-sync apply hosts.yaml --owner cmdb --yes",
    *_SYNC,
    _option(
        "--checksum",
        "Apply without asking, but only a plan with this checksum. The command plan prints it.",
        metavar="SUM",
    ),
    _flag("--yes", "Do not ask for confirmation."),
    *map(parameter, ACTIVATION_ARGUMENTS),
    _file("--html", "Also write the report as an HTML page to this file."),
    arguments=(*PLAN_ARGUMENTS, *ACTIVATION_ARGUMENTS),
)
def apply() -> None:
    """Bring the site to the state of an inventory.

    INVENTORY is one or more YAML, JSON or CSV files with the desired state, or - for stdin. Or it is a plan that plan
    --out has saved; apply is refused if the objects of the plan have changed since.

    This command shows the plan, asks for confirmation, applies the changes in bulk, discovers services on new hosts,
    activates once, and verifies the result. If it is interrupted, run it again. Without --owner, it
    deletes only objects that the inventory marks with absent: true.
    """


@_own(
    "inventory",
    "checkmk-sync inventory check cmdb.csv --map map.yaml --encoding cp1252",
    click.Argument(["files"], nargs=-1, required=True, metavar="FILES...", type=FILE),
    *_READING,
)
def check() -> None:
    """Show the objects of an inventory, or every error in it.

    FILES is one or more inventory files in YAML, JSON or CSV, or - for stdin.

    This command needs no site. With --json it prints an inventory that plan and apply can read, including secret
    values.
    """


_PAIRS: dict[str, Any] = {"multiple": True, "metavar": "KEY=VALUE"}


@_own(
    "api",
    "checkmk-sync api POST /domain-types/host_group_config/collections/all -f name=linux -f alias=Linux --yes",
    click.Argument(["method"], type=click.Choice(RAW_METHODS, case_sensitive=False), metavar="METHOD"),
    click.Argument(["path"], metavar="PATH"),
    click.Option(["-f", "--field", "fields"], help="Add this string to the body; repeatable.", **_PAIRS),
    click.Option(
        ["-F", "--json-field", "json_fields"],
        help="Add this JSON value to the body, such as a number, true, or an object; repeatable.",
        multiple=True,
        metavar="KEY=JSON",
    ),
    click.Option(
        ["--input", "input_file"], help="Read the body from this JSON file, or - for stdin.", metavar="FILE", type=FILE
    ),
    _option("--query", "Add this parameter to the URL; repeatable.", **_PAIRS),
    _option("--etag", "Send this ETag as If-Match; '*' matches any state of the object.", metavar="ETAG"),
    click.Option(["-i", "--include"], help="Also print status, headers, ETag and time.", is_flag=True),
    _file("--save", "Write the body of the answer to this file, such as an agent package."),
    _flag("--yes", "Do not ask for confirmation."),
)
def api() -> None:
    """Send any request to the API, and print the answer as JSON.

    METHOD is GET, POST, PUT, PATCH or DELETE. PATH is relative to the API, such as /objects/host_config/web01; the
    leading slash is optional.

    All methods except GET are writes. This command asks before it sends a write, and never sends it twice. It exits
    with 5 if the answer was lost, because it is then unknown whether the site executed the request. The answer can
    contain secrets.
    """


@_own(
    "completion",
    "checkmk-sync completion fish | source",
    click.Argument(["shell"], type=click.Choice(("bash", "zsh", "fish")), metavar="SHELL"),
)
def completion() -> None:
    """Print a shell completion script.

    When you press Tab, the script completes commands, options, choices and files. Install it once, and again after
    each upgrade. It takes effect in new shells. bash must be 4.4 or later, with the package bash-completion. For zsh,
    add the last of these lines to ~/.zshrc, after compinit.

    \b
      checkmk-sync completion bash > ~/.local/share/bash-completion/completions/checkmk-sync
      checkmk-sync completion fish > ~/.config/fish/completions/checkmk-sync.fish
      source <(checkmk-sync completion zsh)

    The script does not contact the site and needs no settings.
    """


@_own("demo", "checkmk-sync demo --keep", _flag("--keep", "Keep the site running until Ctrl-C, for other commands."))
def demo() -> None:
    """Show a complete run on a simulated site.

    The run plans, applies, discovers services, activates, verifies, and lists problems. It needs no Checkmk server.
    """


@_own("doctor", "checkmk-sync --config config.yaml doctor")
def doctor() -> None:
    """Check the connection to the site, and advise on problems.

    The checks cover network, TLS, credentials, version, permissions and pending changes. This command exits with 0 if
    there are no problems or only warnings, with 2 if credentials or settings are wrong, and with 3 if the site cannot
    be reached or used.
    """


@_own(
    "mcp",
    "checkmk-sync mcp --config config.yaml",
    _flag("--allow-writes", "Also offer tools that change the site."),
    _flag("--confirm-by-checksum", "Accept the checksum of a preview as approval if the client cannot ask a person."),
    _option(
        "--allow",
        "Offer only tools that match this pattern, such as 'hosts_*'; repeatable.",
        multiple=True,
        metavar="PATTERN",
    ),
    _option("--deny", "Do not offer tools that match this pattern; repeatable.", multiple=True, metavar="PATTERN"),
    _option(
        "--tools",
        "Give this kind of object, such as host-groups, its own tools; repeatable. Without the option, it is available "
        "through the tools configuration_list, configuration_get and so on.",
        multiple=True,
        metavar="NOUN",
    ),
    _option(
        "--sync-folder",
        "Allow reading inventory files from this folder.",
        metavar="DIR",
        type=click.Path(file_okay=False, readable=False),
    ),
    _option(
        "--max-batch",
        "Accept at most this many objects in one call, up to 10,000; files in --sync-folder may contain more.",
        type=Number(1, 10_000),
        default=500,
    ),
    _file("--audit-log", "Log every write to this file as JSON lines (default: stderr)."),
    _flag("--http", "Serve over HTTP instead of stdio."),
    *_address(8765),
    _file("--token-file", "Read the token for clients from this file (default: the token in CHECKMK_MCP_TOKEN)."),
    _flag(
        "--behind-tls", "Declare that a proxy in front of the server terminates TLS; required to serve other machines."
    ),
    _option(
        "--name",
        "Accept this host name in requests, such as the name of the proxy; repeatable.",
        multiple=True,
        metavar="HOST",
    ),
)
def mcp() -> None:
    """Serve the site to language models over MCP.

    The server speaks the Model Context Protocol on stdio, or over HTTP with --http. It only reads, unless
    --allow-writes is given.
    """


@_own(
    "site",
    "checkmk-sync site --owner cmdb --html site.html",
    _option(
        "--owner",
        "Name an owner that has an inventory, and report the owners in labels that are not named; repeatable.",
        multiple=True,
        metavar="NAME",
    ),
    _option(
        "--problem-days", "Report unhandled problems that are older than this many days.", default=7, type=Number()
    ),
    _file("--html", "Also write the overview as an HTML page to this file."),
)
def site() -> None:
    """Show the size of the site, and data that somebody should look at.

    These are hosts without services, with the address of another host, without a contact group, and probable clones of
    owned hosts, as well as unknown owners and old problems. This command changes nothing. It shows the first names of
    each; --json and --html show all.
    """


_seconds = Number(kind=float, name="seconds")


@_own(
    "simulate",
    "checkmk-sync simulate --port 5000 --hosts 2000 --version 2.3.0p41",
    *_address(5000),
    _option("--site", "Use this site ID.", default="s"),
    _option("--username", "Use this name for the automation user.", default="automation"),
    _option("--password", "Use this password for the automation user. It is visible in the process list."),
    _file("--password-file", "Read the password of the automation user from this file."),
    _option("--hosts", "Start with this many hosts.", default=0, type=Number()),
    _option("--services", "Give each host this many services, at least 2.", default=30, type=Number(2)),
    _option("--version", "Simulate this version of Checkmk.", default="2.4.0p18"),
    _option("--edition", "Simulate this edition of Checkmk, such as cre or raw.", default="cre"),
    _option("--latency", "Delay each request by this many seconds.", default=0.0, type=_seconds),
    _option(
        "--lock-hold", "Lock the configuration for this many seconds during each write.", default=0.0, type=_seconds
    ),
    _option(
        "--host-cost",
        "Lock the configuration this many seconds longer for each written host.",
        default=0.0,
        type=_seconds,
    ),
    _flag("--control", "Serve /control, so that tests on this machine can control the site."),
)
def simulate() -> None:
    """Serve a simulated Checkmk site until Ctrl-C.

    This command prints the address of the site, and the environment variables that make other commands use it.
    """


DECLARED_COMMANDS = (api, apply, completion, demo, doctor, mcp, plan, show, simulate, site)
INVENTORY_COMMANDS = (check,)
