"""The commands ``checkmk-sync inventory check`` and ``schema``, and reading inventory files for other commands."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterator, Mapping, Optional

import click

from ..config.file import load_sync
from ..config.settings import SyncSettings
from ..core.text import pluralize
from ..errors import InventoryError
from ..sync import Desired, inventory_schema, load, mapping_schema, to_data
from ..sync.changes import masked
from ..sync.desired import REMOVE
from ..sync.kinds import FOLDERS, HOSTS, KINDS
from ..sync.render import value_as_text
from .console import Output, safe
from .exit_codes import REFUSED
from .lists import Layout, print_rows
from .options import State, as_options

_COLUMNS = ("kind", "name", "folder", "title", "attributes", "labels")


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
        counts = Counter(wanted.kind for wanted in desired.objects.values() if not wanted.implied)
        if counts.keys() <= {HOSTS.name, FOLDERS.name}:
            counts = Counter({HOSTS.name: counts[HOSTS.name], FOLDERS.name: counts[FOLDERS.name]})
        *first, last = (pluralize(count, kind) for kind, count in counts.items())
        state.output.note(f"{', '.join(first)} and {last}" if first else last)
    return 0


def schema(state: State, *, mapping: bool, site: bool) -> int:
    if mapping and site:
        raise click.UsageError("give --mapping or --site, not both; mapping files do not depend on the site")
    if mapping:
        state.output.data(mapping_schema())
        return 0
    attributes = None
    if site:
        with state.client() as client:
            with client.hosts.each() as hosts:  # any host has all custom attributes
                host = next((found.name for found in hosts), None)
            attributes = client.host_attributes.read(host)
        gaps = attributes.gaps if host else ["the custom attributes are unknown, because the site has no hosts"]
        for gap in gaps:
            state.output.note(f"Warning: {safe(gap)}")
    state.output.data(inventory_schema(attributes))
    return 0


def _rows(desired: Desired) -> Iterator[Mapping[str, Any]]:
    for wanted in desired.objects.values():
        if wanted.implied:
            continue
        kind, list_name = wanted.kind, wanted.properties.get(KINDS[wanted.kind].listed_by, "")
        texts = {
            path: "(removed)" if value is REMOVE else value_as_text(masked(kind, path, value, list_name), whole=True)
            for path, value in wanted.properties.items()
        }
        parts = {"attributes": "=", "labels": ":"}
        joined = {
            section: ", ".join(f"{path[1]}{sign}{text}" for path, text in texts.items() if path[0] == section)
            for section, sign in parts.items()
        }
        if KINDS[wanted.kind].noun is not None:  # the columns are those of hosts and folders
            fields = [f"{path[0]}={text}" for path, text in texts.items() if path[0] not in ("folder", "title")]
            joined["attributes"] = ", ".join(fields)
        if wanted.absent:
            joined["attributes"] = "(absent)"
        names = {name: texts.get((name,)) for name in ("folder", "title")}
        yield {"kind": wanted.kind, "name": wanted.key, **names, **joined}
