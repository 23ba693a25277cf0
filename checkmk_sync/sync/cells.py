"""Values of attributes from texts: cells of a CSV file, values in a mapping file, arguments of the command line."""

from __future__ import annotations

from typing import Any

from ..credentials import HIDDEN, is_secret_name
from ..documents import SHOWN, read_json
from ..errors import SettingsError
from .attributes import FLAGS, LISTS, is_text

__all__ = ["attribute_value"]

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def attribute_value(attribute: str, cell: str) -> Any:
    """The value that a text stands for: JSON, a list ``a|b``, or the text itself. ValueError for broken JSON."""
    if is_text(attribute):
        return cell
    if cell[:1] in ("{", "["):
        return _json(attribute, cell)
    if attribute in LISTS:
        return [part.strip() for part in cell.split("|") if part.strip()]
    if attribute in FLAGS:
        if cell.lower() not in _WORDS:
            raise ValueError(f"{cell!r} is not true or false")
        return _WORDS[cell.lower()]
    if attribute == "contactgroups":
        return {"groups": [part.strip() for part in cell.split("|") if part.strip()]}
    if attribute == "snmp_community":
        return {"type": "v1_v2_community", "community": cell}
    return cell


def _json(attribute: str, cell: str) -> Any:
    try:
        return read_json(cell, "").data
    except SettingsError as error:
        is_secret = is_secret_name(attribute)
        shown = HIDDEN if is_secret else repr(cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…")
        why = "" if is_secret else f" ({error.reason})"
        raise ValueError(f"{shown} starts like JSON but is none{why}") from None
