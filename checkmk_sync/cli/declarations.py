"""The commands that are not in the command table, except those that serve: names, options and help."""

from __future__ import annotations

from typing import Any

import click

from ..commands.sync import ACTIVATION_ARGUMENTS, PLAN_ARGUMENTS
from ..core.call import RAW_METHODS
from .declare import file_option, flag, option, own_command
from .options import FILE
from .parameters import Number, parameter

_READING = (
    click.Option(
        ["--map", "mapping"],
        metavar="FILE",
        help="Use this mapping file to turn the columns of an export into an inventory (default: the setting "
        "sync.map).",
    ),
    option(
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


_MARKDOWN = flag("--markdown", "Print the plan as Markdown, for a comment on a merge request.")
_HTML = file_option("--html", "Also write the plan as an HTML page to this file, for a review in a browser.")


@own_command(
    "sync_commands",
    "checkmk-sync plan hosts.yaml --owner cmdb --detailed-exitcode",
    *_SYNC,
    flag("--detailed-exitcode", "Exit with 4 if there are changes to make, and with 0 if not."),
    _MARKDOWN,
    _HTML,
    file_option("--out", "Save the plan to this file. It contains no secrets."),
    arguments=PLAN_ARGUMENTS,
)
def plan() -> None:
    """Show the changes that apply would make to the site.

    INVENTORY is one or more YAML, JSON or CSV files with the desired state, or - for stdin.

    This command changes nothing. It also shows whether apply would refuse the plan. It exits with 2 if the inventory
    has errors, or if the plan has conflicts, such as an object of another owner.
    """


@own_command(
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


@own_command(
    "sync_commands",
    "checkmk-sync apply hosts.yaml --owner cmdb --yes",
    *_SYNC,
    option(
        "--checksum",
        "Apply without asking, but only a plan with this checksum. The command plan prints it.",
        metavar="SUM",
    ),
    flag("--yes", "Do not ask for confirmation."),
    *map(parameter, ACTIVATION_ARGUMENTS),
    file_option("--html", "Also write the report as an HTML page to this file."),
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


@own_command(
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


@own_command(
    "inventory",
    "checkmk-sync inventory schema > inventory.schema.json",
    flag("--mapping", "Print the schema of mapping files instead."),
    flag("--site", "Accept only the tags and custom attributes of the site."),
)
def schema() -> None:
    """Print the JSON Schema of inventories, with which editors complete and check YAML and JSON as you type."""


_PAIRS: dict[str, Any] = {"multiple": True, "metavar": "KEY=VALUE"}


@own_command(
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
    option("--query", "Add this parameter to the URL; repeatable.", **_PAIRS),
    option("--etag", "Send this ETag as If-Match; '*' matches any state of the object.", metavar="ETAG"),
    click.Option(["-i", "--include"], help="Also print status, headers, ETag and time.", is_flag=True),
    file_option("--save", "Write the body of the answer to this file, such as an agent package."),
    flag("--yes", "Do not ask for confirmation."),
)
def api() -> None:
    """Send any request to the API, and print the answer as JSON.

    METHOD is GET, POST, PUT, PATCH or DELETE. PATH is relative to the API, such as /objects/host_config/web01; the
    leading slash is optional.

    All methods except GET are writes. This command asks before it sends a write, and never sends it twice. It exits
    with 5 if the answer was lost, because it is then unknown whether the site executed the request. The answer can
    contain secrets.
    """


@own_command(
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


@own_command(
    "demo", "checkmk-sync demo --keep", flag("--keep", "Keep the site running until Ctrl-C, for other commands.")
)
def demo() -> None:
    """Show a complete run on a simulated site.

    The run plans, applies, discovers services, activates, verifies, and lists problems. It needs no Checkmk server.
    """


@own_command("doctor", "checkmk-sync --config config.yaml doctor")
def doctor() -> None:
    """Check the connection to the site, and advise on problems.

    The checks cover network, TLS, credentials, version, permissions and pending changes. This command exits with 0 if
    there are no problems or only warnings, with 2 if credentials or settings are wrong, and with 3 if the site cannot
    be reached or used.
    """


@own_command(
    "site",
    "checkmk-sync site --owner cmdb --html site.html",
    option(
        "--owner",
        "Name an owner that has an inventory, and report the owners in labels that are not named; repeatable.",
        multiple=True,
        metavar="NAME",
    ),
    option("--problem-days", "Report unhandled problems that are older than this many days.", default=7, type=Number()),
    file_option("--html", "Also write the overview as an HTML page to this file."),
)
def site() -> None:
    """Show the size of the site, and data that somebody should look at.

    These are hosts without services, with the address of another host, without a contact group, and probable clones of
    owned hosts, as well as unknown owners and old problems. This command changes nothing. It shows the first names of
    each; --json and --html show all.
    """


DECLARED_COMMANDS = (api, apply, completion, demo, doctor, plan, show, site)
INVENTORY_COMMANDS = (check, schema)
