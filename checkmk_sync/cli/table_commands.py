"""The commands of the table: confirmation, execution and output of the result."""

from __future__ import annotations

import itertools
from typing import Any, Iterable, Mapping, Optional

import click

from ..client.checkmk import Checkmk
from ..client.outcomes import Status
from ..commands import Command, FailureRow, Preview
from .console import safe
from .list_options import ListOptions
from .lists import make_layout, print_rows, sort_rows
from .options import State, ask, can_ask
from .outcome import Write, exit_code

__all__ = ["run"]


def run(
    state: State,
    command: Command,
    arguments: Mapping[str, Any],
    *,
    is_confirmed: bool = False,
    options: Optional[ListOptions] = None,
) -> int:
    """Run a command of the table, print its result, and return the exit code.

    Raises click.UsageError for an argument that is not valid, and Declined if the user does not confirm.
    """
    if options is not None:
        return _run_list(state, command, arguments, options)
    must_ask = command.destructive and not is_confirmed
    if must_ask and not can_ask():
        raise click.UsageError(
            f"'{command.words}' cannot ask for confirmation, because standard input is not a terminal; give --yes"
        )
    with state.client() as client:
        try:
            if must_ask:
                _ask(state, command, client, arguments)
            if command.writes:
                state.begin_write(Write(command, arguments))
            result = command.handler(client, **arguments)
        except ValueError as error:  # an argument that is not valid, such as the name of a host
            raise click.UsageError(str(error)) from error
        _print_result(state, result)
    return exit_code(result.error) if isinstance(result, FailureRow) else 0


def _run_list(state: State, command: Command, arguments: Mapping[str, Any], options: ListOptions) -> int:
    layout = make_layout(command, options, as_json=state.as_json, empty=_empty_text(command, arguments))
    limit = arguments.get("limit")
    if options.sort is not None and limit is not None:
        arguments = {**arguments, "limit": None}  # the limit applies to the sorted list
    with state.client() as client:
        try:
            rows: Iterable[Any] = command.handler(client, **arguments)
        except ValueError as error:  # an argument that is not valid, such as the name of a folder
            raise click.UsageError(str(error)) from error
        if options.sort is not None:
            rows = itertools.islice(sort_rows(rows, options.sort, layout), limit)
        print_rows(state.output, rows, layout)
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


def _ask(state: State, command: Command, client: Checkmk, arguments: Mapping[str, Any]) -> None:
    """Show a preview and ask. Raises Declined unless the user confirms."""
    preview = Preview(command.help) if command.preview is None else command.preview(client, **arguments)
    if preview is not None and preview.needs_approval:
        for line in (preview.summary, *(f"  {detail}" for detail in preview.details)):
            state.output.question(line)
        ask("Continue?")


def _empty_text(command: Command, arguments: Mapping[str, Any]) -> str:
    """Return the note for an empty list. A filter may be the reason, and ``--limit 0`` needs no note."""
    if arguments.get("limit") == 0:
        return ""
    is_filtered = any(arguments[argument.name] not in (argument.default, [], {}) for argument in command.arguments)
    return "no match" if is_filtered else command.empty_text
