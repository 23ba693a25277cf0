"""The commands of the table: confirmation, execution and output of the result."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Iterable, Mapping, Optional

import click

from ..client.checkmk import Checkmk
from ..client.outcomes import Status
from ..commands import Command, FailureRow, Preview
from .console import safe
from .lists import make_layout, print_rows, sort_rows
from .options import State, ask, require_answers
from .outcome import Write, exit_code


def run(command: Command, state: State, /, *, yes: bool = False, **arguments: Any) -> int:
    """Run a command of the table, print its result, and return the exit code.

    Raises click.UsageError for an argument that is not valid, and Declined if the user does not confirm.
    """
    from ..sync import Step

    must_ask = command.asks(arguments) and not yes
    takes_names = any(argument.kind == "names" for argument in command.arguments)
    if must_ask:
        from_pipe = any(argument.takes_names for argument in command.arguments)
        require_answers(f"'{command.words}'", "give --yes", is_on_terminal=from_pipe)
    with state.client() as client:
        try:
            if must_ask:
                arguments.update(_ask(state, command, client, arguments))
            if command.writes:
                state.begin_write(Write(command, arguments))
                if takes_names:  # a repeated command could act twice
                    state.if_stopped = f"the site may have executed the command. Check with: {command.check_with}"
            with state.output.progress() if command.reports_progress else nullcontext() as draw:
                watch = {"watch": lambda *step: draw(Step(*step))} if draw is not None else {}
                result = command.handler(client, **arguments, **watch)
        except ValueError as error:  # an argument that is not valid, such as the name of a host
            raise click.UsageError(str(error)) from error
        _print_result(state, result)
    return exit_code(result.error) if isinstance(result, FailureRow) else 0


def run_list(
    command: Command,
    state: State,
    /,
    *,
    limit: Optional[int],
    output: Optional[str],
    columns: Optional[str],
    sort: Optional[str],
    watch: Optional[int],
    **arguments: Any,
) -> int:
    """Print the rows of a command of the table, and return the exit code. Raises the same errors as :func:`run`."""
    if command.replaced_by:
        state.output.note(f"Warning: '{command.words}' is deprecated; use '{command.replaced_by}'")
    is_filtered = any(arguments[argument.name] not in (argument.default, [], {}) for argument in command.arguments)
    empty = "" if limit == 0 else "no match" if is_filtered else command.empty_text
    layout = make_layout(command, output=output, columns=columns, sort=sort, as_json=state.as_json, empty=empty)
    if columns is None and output != "wide":  # without these options, these columns are empty
        group = ("group",) if arguments.get("group_by") else ()
        handling = ("acknowledged_by", "downtime_until") if arguments.get("handled") else ()
        layout = replace(layout, columns=(*group, *layout.columns, *handling))
    if watch is not None and not state.output.is_terminal:
        raise click.UsageError("--watch needs a terminal; leave it out to print the list once")
    with state.client() as client:
        while True:
            try:  # most handlers yield rows, so they find an argument that is not valid when the rows are printed
                rows: Iterable[Any] = command.handler(client, **arguments)
                if sort is not None:
                    rows = sort_rows(rows, sort, layout)
                rows = itertools.islice(rows, limit)
                if watch is not None:  # the old list stays on the screen until the new one is complete
                    rows = iter(list(rows))
                    state.output.console.clear()
                print_rows(state.output, rows, layout)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            if watch is None or not client.clock.sleep(watch):
                return 0


def _print_result(state: State, result: Mapping[str, Any]) -> None:
    write = state.write if isinstance(state.write, Write) else None
    if write is not None and state.as_json:
        result = {"outcome": Status.APPLIED.value, **result}
    elif write is not None:
        if result.get(write.command.participle) == 0:  # such as the number of activated changes
            state.output.line(f"nothing to {write.command.name}")
            return
        state.output.line(safe(write.success()))
    state.output.record(result)


def _ask(state: State, command: Command, client: Checkmk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Show a preview and ask. Return the arguments that limit the command to it.

    Raises Declined unless the user confirms.
    """
    preview = Preview(command.help) if command.preview is None else command.preview(client, **arguments)
    if preview is not None and preview.needs_approval:
        for line in (preview.summary, *(f"  {detail}" for detail in preview.details)):
            state.output.question(line)
        ask("Continue?")
    return {} if preview is None else preview.fixed_arguments
