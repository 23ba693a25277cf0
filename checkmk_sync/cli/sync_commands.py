"""The commands ``checkmk-sync plan``, ``show`` and ``apply``."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import Any, Iterator, Optional

import click

from ..client.checkmk import Checkmk
from ..client.outcomes import Status
from ..commands.command import without_python
from ..commands.handlers.sync import plan_with, unused_confirmations
from ..core.text import pluralize
from ..sync import (
    Action,
    Desired,
    Options,
    Plan,
    Report,
    apply_plan,
    load_plan,
    plan_as_html,
    plan_as_markdown,
    plan_as_text,
    report_as_html,
    report_as_text,
    save_plan,
)
from ..sync.kinds import KINDS
from ..sync.plan_files import is_plan_file
from .console import Output
from .exit_codes import CHANGES, FAILED, REFUSED, UNKNOWN
from .inventory import print_notes, read_inventories
from .options import State, as_options, ask, require_answers
from .outcome import failed_status, worst
from .pages import apply_command, require_writable, write_page

MAX_SHOWN = 40  # changes that apply shows before it asks
COMMENT = 60_000  # characters of Markdown; GitHub accepts comments of up to 65,536
MAX_CHECKS = 3  # objects with an unknown outcome for which apply names the command that checks them


def _plan_for(client: Checkmk, output: Output, desired: Desired, arguments: dict[str, Any]) -> Plan:
    plan = plan_with(client, desired, **arguments)
    for warning in unused_confirmations(plan):
        output.note(f"Warning: {warning}")
    return plan


def plan(
    state: State,
    *,
    inventory: tuple[str, ...],
    mapping: Optional[str],
    encoding: Optional[str],
    detailed_exitcode: bool,
    markdown: bool,
    out: Optional[str],
    html: Optional[str],
    **arguments: Any,
) -> int:
    _require_one_format(state, markdown)
    require_writable(html)
    for file in filter(is_plan_file, inventory):
        raise click.UsageError(f"{file} is a saved plan; show it with: checkmk-sync show {shlex.quote(file)}")
    desired = read_inventories(state, inventory, mapping, encoding)
    with state.client() as client:
        plan = _plan_for(client, state.output, desired, arguments)
    if out is not None:
        save_plan(plan, out)
    write_page(state, html, lambda: plan_as_html(plan, command=apply_command(state, out)))
    _print_plan(state, plan, markdown)
    if out is not None:
        state.output.note(f"Saved. Apply this plan with: {apply_command(state, out)}")
    if plan.conflicts:
        return REFUSED
    return CHANGES if detailed_exitcode and not plan.is_empty else 0


def show(state: State, *, plan: str, markdown: bool, html: Optional[str]) -> int:
    _require_one_format(state, markdown)
    saved = load_plan(plan)
    write_page(state, html, lambda: plan_as_html(saved, command=apply_command(state, plan)))
    _print_plan(state, saved, markdown)
    return 0


def _require_one_format(state: State, markdown: bool) -> None:
    if state.as_json and markdown:
        raise click.UsageError("give --json or --markdown, not both")


def _print_plan(state: State, plan: Plan, markdown: bool) -> None:
    if state.as_json:
        state.output.data(plan.to_dict())
    else:
        text = plan_as_markdown(plan, max_length=COMMENT) if markdown else plan_as_text(plan)
        # The other lines contain values, which must be shown as they are.
        state.output.marked_lines(re.sub("(?m)^(- )?Apply is refused: .*", lambda line: without_python(line[0]), text))


def apply(
    state: State,
    *,
    inventory: tuple[str, ...],
    mapping: Optional[str],
    encoding: Optional[str],
    checksum: Optional[str],
    yes: bool,
    activate: bool,
    force_foreign: bool,
    html: Optional[str],
    **arguments: Any,
) -> int:
    require_writable(html)
    options = Options(arguments["discover"], activate, force_foreign)
    review = _Review(checksum, asks=not (yes or checksum is not None), html=html)
    if any(map(is_plan_file, inventory)):
        saved = _saved_plan(inventory, {"map": mapping, "encoding": encoding}, arguments)
        with state.client() as client:
            return _apply(state, client, saved, options, review)
    desired = read_inventories(state, inventory, mapping, encoding)
    with state.client() as client:
        plan = _plan_for(client, state.output, desired, arguments)
        if state.as_json or plan.is_empty:
            print_notes(state.output, desired)
        if "-" in inventory:
            review = replace(review, stdin_is="the inventory")
        return _apply(state, client, plan, options, review)


def _saved_plan(files: tuple[str, ...], reading: dict[str, Optional[str]], arguments: dict[str, Any]) -> Plan:
    """Return the plan in a file, with the limits and confirmations among the arguments."""
    if len(files) > 1:
        raise click.UsageError("give one saved plan, and no inventory beside it")
    given = {
        **reading,
        "rename": arguments["renames"],
        **{name: arguments[name] for name in ("owner", "adopt", "only")},
    }
    options = [f"--{name}" for name, value in given.items() if value]
    if options:
        raise click.UsageError(f"{' and '.join(options)} cannot change a saved plan; make a new plan with it")
    names = ("allow_changes", "allow_deletions", "confirm_deletions")
    return load_plan(files[0]).with_permissions(**{name: arguments[name] for name in names})


@dataclass(frozen=True)
class _Review:
    """The review of a plan before it is applied: its ``checksum``, or a question.

    ``stdin_is`` names the input that stdin contains. ``html`` is the file for a page about the result.
    """

    checksum: Optional[str]
    asks: bool
    html: Optional[str]
    stdin_is: str = ""


def _apply(state: State, client: Checkmk, plan: Plan, options: Options, review: _Review) -> int:
    """Show a plan, ask, and apply it."""
    output = state.output
    if not (state.as_json or plan.is_empty):  # a refused plan is shown as well, because the error refers to it
        output.marked_lines(plan_as_text(plan, limit=MAX_SHOWN, with_refusal=False))  # the error contains it
    plan.raise_if_unsafe(checksum=review.checksum)
    report = Report.of_nothing(plan, activate=options.activate)
    if not plan.is_empty:
        if review.asks:
            advice = "give --yes, or --checksum with the checksum of the reviewed plan"
            require_answers("apply", advice, stdin_is=review.stdin_is)
            _confirm(output, plan, options)
        state.begin_write()
        with output.progress() as watch:
            report = apply_plan(client, plan, options, watch)
    if state.as_json:
        output.data({"outcome": _status(report).value, **report.to_dict()})
    elif plan.is_empty:
        output.line("Nothing to do.")
    else:
        output.marked_lines(as_options(report_as_text(report)))
        for line in checks(report):
            output.line(line)
    write_page(state, review.html, lambda: report_as_html(report))
    return UNKNOWN if _status(report) is Status.UNKNOWN else 0 if report.ok else FAILED


def _status(report: Report) -> Status:
    """Return the worst status of all changes and of the stages after them."""
    statuses = [outcome.status for _, outcome in report.results]
    failed = [error for stage, error in report.errors.items() if stage != "verification"]  # verification only reads
    return worst([*statuses, *map(failed_status, failed)])


def checks(report: Report) -> Iterator[str]:
    """Yield the commands that check the unknown outcomes of a report."""
    again = "checkmk-sync plan, with the same inventory and options"
    unknown = [change for change, outcome in report.results if outcome.status is Status.UNKNOWN]
    for change in unknown[:MAX_CHECKS]:
        by_id = change.id != change.key or not KINDS[change.kind].is_named_by_mark  # the ID of a new rule is unknown
        section = KINDS[change.kind].section.replace("_", "-")
        yield f"Check with: {f'checkmk-sync {section} get {change.id}' if by_id else again}"
    if len(unknown) > MAX_CHECKS:
        yield f"Check the others with: {again}"
    later = {"discovery": f"Check the scans with: {again}", "activation": "Check with: checkmk-sync pending"}
    for stage, check in later.items():
        if stage in report.errors and failed_status(report.errors[stage]) is Status.UNKNOWN:
            yield check


def _confirm(output: Output, plan: Plan, options: Options) -> None:
    if output.as_json or not output.is_terminal:  # the question needs the plan on stderr, if stdout is not the screen
        for line in plan_as_text(plan, limit=MAX_SHOWN).split("\n"):
            output.question(line)
    scanned = plan.count(Action.CREATE, "host") + len(plan.undiscovered)
    steps = [f"apply {pluralize(len(plan.changes), 'change')}"] if plan.changes else []
    steps += [f"scan {pluralize(scanned, 'host')}"] if options.discover and scanned else []
    steps += ["activate"] if options.activate else []
    *first, last = steps or ["verify the result"]
    ask(f"{', '.join(first)} and {last}?".removeprefix(" and ").capitalize())
