"""``checkmk-sync inventory``, and how commands read inventory files."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping, Optional, TypeVar

import click

from ..core.redaction import mask_secrets
from ..core.text import pluralize
from ..errors import InventoryError
from ..sync import Desired, load, to_data
from ..sync.render import value_as_text
from .console import Output, safe
from .options import REFUSED, State, as_options, shared_options

__all__ = ["check", "read_inventories", "reading_options", "tell_notes"]

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = ("kind", "name", "folder", "title", "attributes", "labels")
_NAMES = {"hosts": ("host", "name"), "folders": ("folder", "path")}


def reading_options(command: F) -> F:
    """Add ``--map`` and ``--encoding`` to a command."""
    command = click.option(
        "--encoding", metavar="NAME", help="Encoding of the inventory files, such as windows-1252 (default: UTF-8)."
    )(command)
    return click.option(
        "--map",
        "mapping",
        metavar="FILE",
        help="Mapping file that turns the columns of an export into an inventory.",
    )(command)


def read_inventories(state: State, files: tuple[str, ...], mapping: Optional[str], encoding: Optional[str]) -> Desired:
    """The desired state in files, read as the options or else the configuration say."""
    settings = state.sync_settings()
    return load(files, mapping=mapping or settings.map, encoding=encoding or settings.encoding)


def tell_notes(output: Output, desired: Desired) -> None:
    """Print the notes of an inventory on stderr, such as which rows were left out."""
    for note in desired.notes:
        output.note(f"Warning: {safe(note)}")


@click.command(epilog="Example: checkmk-sync inventory check cmdb.csv --map map.yaml --encoding windows-1252")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@reading_options
@shared_options
@click.pass_context
def check(context: click.Context, files: tuple[str, ...], mapping: Optional[str], encoding: Optional[str]) -> int:
    """Show the hosts and folders that inventory FILES (or - for stdin) describe, or every error in them.

    Needs no site. With --json it prints an inventory that plan and apply read, including the values of secrets.
    """
    state: State = context.ensure_object(State)
    try:
        desired = read_inventories(state, files, mapping, encoding)
        if desired.refused:
            raise InventoryError(desired.refused)
    except InventoryError as error:
        if state.as_json:
            raise
        for problem in error.problems:  # all of them: this list is the result of the command
            click.echo(safe(as_options(str(problem))), err=True)
        return REFUSED
    tell_notes(state.output, desired)
    if state.as_json:
        state.output.data(to_data(desired))
    else:
        state.output.rows(_rows(desired), _COLUMNS)
        numbers = {kind: sum(not found.implied for found in desired.of_kind(kind)) for kind in ("host", "folder")}
        state.output.note(" and ".join(pluralize(number, kind) for kind, number in numbers.items()))
    return 0


def _rows(desired: Desired) -> Iterator[Mapping[str, Any]]:
    for section, entries in to_data(desired).items():
        kind, key = _NAMES[section]
        for entry in entries:
            labels = ", ".join(f"{name}:{_shown(name, value)}" for name, value in entry.get("labels", {}).items())
            attributes = ", ".join(
                f"{name}={_shown(name, value)}" for name, value in entry.get("attributes", {}).items()
            )
            named = {name: entry.get(name) for name in ("folder", "title")}
            yield {"kind": kind, "name": entry[key], **named, "attributes": attributes, "labels": labels}


def _shown(name: str, value: Any) -> str:
    return "(removed)" if value is None else value_as_text(mask_secrets(value, name), whole=True)
