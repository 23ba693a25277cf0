"""``checkmk-sync plan`` and ``checkmk-sync apply``."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

import click

from ..client.outcomes import Status
from ..config.settings import Amount
from ..core.text import pluralize
from ..sync import Action, Options, Plan, Report, apply_plan, make_plan, plan_as_markdown, plan_as_text, report_as_text
from .console import Output
from .inventory import read_inventories, reading_options, tell_notes
from .options import State, as_options, ask, can_ask, files, shared_options
from .outcome import UNKNOWN, failed_status, worst

__all__ = ["apply", "plan", "show"]

F = TypeVar("F", bound=Callable[..., Any])


def _amount(_context: click.Context, option: click.Parameter, given: Optional[str]) -> Optional[str]:
    """An amount, as it was given."""
    try:
        if given is not None:
            Amount.parse(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from None
    return given


CHANGES = 4  # exit code of plan --detailed-exitcode
SHOWN = 40  # changes on a terminal


def _inventory(command: F) -> F:
    command = click.option("--no-discover", is_flag=True, help="Do not scan hosts for services.")(command)
    command = click.option(
        "--confirm-delete",
        "confirmed",
        multiple=True,
        metavar="NAME",
        help="Delete this host or folder even though it was probably renamed.",
    )(command)
    command = click.option(
        "--allow-deletions",
        metavar="N",
        callback=_amount,
        help="Allow this many deletions, or a percentage of your objects of a kind (default 10%).",
    )(command)
    command = click.option(
        "--allow-changes",
        metavar="N",
        callback=_amount,
        help="Allow this many existing objects to change, or a percentage of them (default 30%).",
    )(command)
    command = click.option(
        "--adopt", is_flag=True, help="Take over existing hosts and folders of the inventory that have no owner."
    )(command)
    command = click.option(
        "--owner",
        metavar="NAME",
        help="Label created objects as yours, and delete your objects that are not in the inventory.",
    )(command)
    command = reading_options(command)
    return click.argument("inventory", nargs=-1, required=True, metavar="INVENTORY...", shell_complete=files)(command)


@click.command(epilog="Example: checkmk-sync plan hosts.yaml --owner cmdb --detailed-exitcode")
@_inventory
@click.option(
    "--detailed-exitcode", is_flag=True, help=f"Exit with {CHANGES} if there is something to do, with 0 if not."
)
@click.option("--markdown", is_flag=True, help="Print the plan as Markdown, for reviews.")
@shared_options
@click.pass_context
def plan(
    context: click.Context,
    inventory: tuple[str, ...],
    owner: Optional[str],
    adopt: bool,
    mapping: Optional[str],
    encoding: Optional[str],
    allow_changes: Optional[str],
    allow_deletions: Optional[str],
    confirmed: tuple[str, ...],
    no_discover: bool,
    detailed_exitcode: bool,
    markdown: bool,
) -> int:
    """Show the changes that bring the site to the state of INVENTORY (YAML, JSON or CSV files, or - for stdin).

    Changes nothing, and says whether apply would refuse the plan. Exits with 2 if the inventory has errors or names
    objects that are not yours.
    """
    state: State = context.ensure_object(State)
    if state.as_json and markdown:
        raise click.UsageError("give --json or --markdown, not both")
    desired = read_inventories(state, inventory, mapping, encoding)
    with state.client() as client:
        found = make_plan(client, desired, owner=owner, adopt=adopt, discover=not no_discover)
    found = _permitted(state.output, found, allow_changes, allow_deletions, confirmed)
    if state.as_json:
        state.output.data(found.to_dict())
    elif markdown:
        show(state.output, plan_as_markdown(found))
    else:
        show(state.output, plan_as_text(found))
    if found.conflicts:
        return 2
    return CHANGES if detailed_exitcode and not found.is_empty else 0


@click.command(epilog="Example: checkmk-sync apply hosts.yaml --owner cmdb --yes")
@_inventory
@click.option("--checksum", metavar="SUM", help="Apply the plan only if it has this checksum (from a review).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-activate", is_flag=True, help="Leave the changes pending.")
@click.option("--force-foreign", is_flag=True, help="Also activate pending changes of other users.")
@shared_options
@click.pass_context
def apply(
    context: click.Context,
    inventory: tuple[str, ...],
    owner: Optional[str],
    adopt: bool,
    mapping: Optional[str],
    encoding: Optional[str],
    allow_changes: Optional[str],
    allow_deletions: Optional[str],
    confirmed: tuple[str, ...],
    no_discover: bool,
    checksum: Optional[str],
    yes: bool,
    no_activate: bool,
    force_foreign: bool,
) -> int:
    """Bring the site to the state of INVENTORY (YAML, JSON or CSV files, or - for stdin).

    Plans, asks, applies in bulk, discovers new hosts, activates once, and verifies the result. If it is interrupted,
    run it again. Without --owner nothing is ever deleted.
    """
    state: State = context.ensure_object(State)
    output = state.output
    desired = read_inventories(state, inventory, mapping, encoding)
    with state.client() as client:
        found = make_plan(client, desired, owner=owner, adopt=adopt, discover=not no_discover)
        found = _permitted(output, found, allow_changes, allow_deletions, confirmed)
        if not (state.as_json or found.is_empty):  # also a plan that is refused
            show(output, plan_as_text(found, limit=SHOWN))
        else:
            tell_notes(output, desired)
        found.raise_if_unsafe(checksum=checksum)
        if found.is_empty:
            if state.as_json:
                _as_json(output, Report.of_nothing(found, activate=not no_activate))
            else:
                output.line("Nothing to do.")
            return 0
        options = Options(discover=not no_discover, activate=not no_activate, force_foreign=force_foreign)
        if not (yes or checksum is not None):
            _confirm(output, found, options, stdin_is_taken="-" in inventory)
        state.begin_writing()
        with output.progress() as watch:
            report = apply_plan(client, found, options, watch)
    status = _status(report)
    if state.as_json:
        _as_json(output, report)
    else:
        show(output, as_options(report_as_text(report)))
    return UNKNOWN if status is Status.UNKNOWN else 0 if report.ok else 1


def _as_json(output: Output, report: Report) -> None:
    output.data({"outcome": _status(report).value, **report.to_dict()})


def _permitted(
    output: Output, found: Plan, changes: Optional[str], deletions: Optional[str], confirmed: tuple[str, ...]
) -> Plan:
    """The plan with the permissions of the options; a note for each confirmation of a plan that deletes nothing."""
    found = found.with_permissions(allow_changes=changes, allow_deletions=deletions, confirm_deletions=confirmed)
    for name in found.unmatched_confirmations():
        output.note(f"Warning: no deletion is called {name!r}: the plan deletes nothing")
    return found


def _status(report: Report) -> Status:
    """Return the worst outcome of a run, that of the activation included."""
    statuses = [outcome.status for _, outcome in report.results]
    failed = [error for stage, error in report.errors.items() if stage != "verification"]  # which only reads
    return worst([*statuses, *map(failed_status, failed)])


def _confirm(output: Output, found: Plan, options: Options, *, stdin_is_taken: bool) -> None:
    if stdin_is_taken or not can_ask():
        why = "standard input is the inventory, so nobody can be asked" if stdin_is_taken else "no terminal to ask on"
        raise click.UsageError(f"{why}: give --yes, or --checksum with that of the reviewed plan")
    if output.as_json or not output.is_terminal:  # who is asked has to see what about
        for line in plan_as_text(found, limit=SHOWN).split("\n"):
            output.question(line)
    ask(_question(found, options))


def _question(found: Plan, options: Options) -> str:
    scanned = found.count(Action.CREATE, "host") + len(found.undiscovered)
    steps = [f"apply {pluralize(len(found.changes), 'change')}"] if found.changes else []
    steps += [f"scan {pluralize(scanned, 'host')}"] if options.discover and scanned else []
    steps += ["activate"] if options.activate else []
    *first, last = steps or ["look at the result"]
    return f"{', '.join(first)} and {last}?".removeprefix(" and ").capitalize()


def show(output: Output, text: str) -> None:
    """Print lines that hold text from the server or from an inventory."""
    for line in text.split("\n"):
        output.line(line, style=_STYLES.get(line[:2], ""))


_STYLES = {"+ ": "green", "~ ": "yellow", "> ": "cyan", "- ": "red", "! ": "bold red"}
