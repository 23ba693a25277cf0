"""The command ``checkmk-sync inventory check``, and reading inventory files for other commands."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

import click

from ..config.file import load_sync
from ..config.settings import SyncSettings
from ..core.redaction import mask_secrets
from ..core.text import pluralize
from ..errors import InventoryError
from ..sync import Desired, load, to_data
from ..sync.render import value_as_text
from .console import Output, safe
from .exit_codes import REFUSED
from .lists import Layout, print_rows
from .options import State, as_options

__all__ = ["check", "print_notes", "read_inventories"]

_COLUMNS = ("kind", "name", "folder", "title", "attributes", "labels")
_NAMES = {"hosts": ("host", "name"), "folders": ("folder", "path")}


def read_inventories(state: State, files: tuple[str, ...], mapping: Optional[str], encoding: Optional[str]) -> Desired:
    """Return the desired state from inventory files.

    Without ``mapping`` or ``encoding``, the settings ``sync.map`` and ``sync.encoding`` apply.
    """
    # load_sync() reads only this section, so that a check needs neither a site nor credentials.
    settings = load_sync(state.config_path) if state.config_path else SyncSettings()
    return load(files, mapping=mapping or settings.map, encoding=encoding or settings.encoding)


def print_notes(output: Output, desired: Desired) -> None:
    """Print the notes of an inventory on stderr, such as the rows that were skipped."""
    for note in desired.notes:
        output.note(f"Warning: {safe(note)}")


def check(state: State, files: tuple[str, ...], mapping: Optional[str], encoding: Optional[str]) -> int:
    try:
        desired = read_inventories(state, files, mapping, encoding)
        if desired.refused:
            raise InventoryError(desired.refused)
    except InventoryError as error:
        if state.as_json:
            raise
        for problem in error.problems:  # without a limit, because this list is the result of the command
            click.echo(safe(as_options(str(problem))), err=True)
        return REFUSED
    print_notes(state.output, desired)
    if state.as_json:
        state.output.data(to_data(desired))
    else:
        print_rows(state.output, _rows(desired), Layout(_COLUMNS))
        counts = {kind: sum(not entry.implied for entry in desired.of_kind(kind)) for kind in ("host", "folder")}
        state.output.note(" and ".join(pluralize(count, kind) for kind, count in counts.items()))
    return 0


def _rows(desired: Desired) -> Iterator[Mapping[str, Any]]:
    for section, entries in to_data(desired).items():
        kind, key = _NAMES[section]
        for entry in entries:
            yield {
                "kind": kind,
                "name": entry[key],
                "folder": entry.get("folder"),
                "title": entry.get("title"),
                "attributes": _joined(entry.get("attributes", {}), "="),
                "labels": _joined(entry.get("labels", {}), ":"),
            }


def _joined(values: Mapping[str, Any], separator: str) -> str:
    return ", ".join(
        f"{name}{separator}{'(removed)' if value is None else value_as_text(mask_secrets(value, name), whole=True)}"
        for name, value in values.items()
    )
