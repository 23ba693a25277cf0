"""The code of the command that explains the fields of a kind of object."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Sequence

from ...catalogue.attributes import BUILT_IN, CHOICES, LACKING, NEWER, NOT_OF_FOLDERS, TAG, TYPES
from ...catalogue.field import Field
from ...catalogue.nouns import NOUNS
from ...client.checkmk import Checkmk
from ...core.text import suggestion
from ..command import Row
from .search import matching

_TYPE_NAMES = {str: "text", int: "number", bool: "true or false", list: "list", dict: "mapping"}
_KINDS = ("hosts", "folders", *NOUNS)
_GAP = "?"  # the name in a row that says what is unknown


def explain(client: Checkmk, what: str, host: Optional[str], search: Optional[str] = None) -> list[Row]:
    """Return a row for each field of a kind, or for the given field. Raises ValueError if it does not exist."""
    kind, _, name = what.partition(".")
    kind = kind.replace("-", "_")  # as in the names of commands
    if kind not in _KINDS:
        raise ValueError(f"unknown kind {kind!r}{suggestion(kind, _KINDS)}")
    if kind in NOUNS:
        rows = list(map(_field_row, NOUNS[kind].fields))
    else:
        rows = [*_built_in(client, kind), *_site_defined(client, name, host)]
    rows = list({row["name"]: row for row in rows}.values())  # the site's tags replace those of every new site
    if not name:
        return list(matching(rows, search, "name", "about"))
    found = [row for row in rows if row["name"] == name]
    if not found:
        close = suggestion(name, tuple(row["name"] for row in rows if row["name"] != _GAP))
        gaps = "".join(f" ({row['about']})" for row in rows if row["name"] == _GAP)
        raise ValueError(f"{kind} do not have the field {name!r}{gaps}{close}")
    return found


def _field_row(field: Field) -> Row:
    about = [field.description.rstrip("."), *(["required to create"] if field.required else [])]
    about += [f"from {field.since} on"] if field.since else []
    about += [f"before {field.until}"] if field.until else []
    return _row(field.name, field.type, field.choices, "; ".join(about), None if field.secret else field.example)


def _built_in(client: Checkmk, kind: str) -> Iterator[Row]:
    version, edition = client.checkmk_version(), client.edition
    for name in sorted(BUILT_IN):
        exists = version.at_least(NEWER.get(name, "0.0.0")) and edition not in LACKING.get(name, ())
        if exists and not (kind == "folders" and name in NOT_OF_FOLDERS):
            yield _row(name, TYPES[name], CHOICES.get(name, ()), "built into Checkmk")
    yield _row("labels", dict, (), "built into Checkmk")


def _site_defined(client: Checkmk, name: str, host: Optional[str]) -> Iterator[Row]:
    """Yield the tag groups and custom attributes of the site. ``name`` is the field to explain, or empty for all."""
    if host is None and not name.startswith(TAG) and name not in BUILT_IN:
        with client.hosts.each() as hosts:
            host = next((found.name for found in hosts), None)
        if host is None:
            yield _row(_GAP, None, (), "the custom attributes are unknown, because the site has no hosts")
    found = client.host_attributes.read(host)
    for group in (found.groups or {}).values():
        titles = {tag["id"]: tag["title"] for tag in group.tags if tag["id"] is not None}
        row = _row(f"{TAG}{group.name}", str, [*titles], f"tag group {group.title!r}", next(iter(titles), None))
        yield {**row, "titles": titles}
    for custom in sorted(found.custom or ()):
        yield _row(custom, str, (), "custom attribute of the site")
    for gap in found.gaps:
        yield _row(_GAP, None, (), gap)


def _row(name: str, kind: Any, values: Sequence[str], about: str, example: Any = None) -> Row:
    shown = _TYPE_NAMES.get(kind, "any value")
    return {"name": name, "type": shown, "one_of": ", ".join(values), "about": about, "example": example}
