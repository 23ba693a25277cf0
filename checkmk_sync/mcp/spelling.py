"""Bring the many spellings that models use for the same arguments into the one of the schema."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from mcp.server.mcpserver.exceptions import ToolError

from ..commands import Argument, Command
from ..core.arguments import match_choice
from ..core.text import parse_json_container
from .paging import DEFAULT_PAGE

__all__ = ["arguments_of", "spelled"]

_WHOLE = re.compile(r"[+-]?\d{1,18}(?:\.0{1,18})?")
_BOOLEANS = {"true": True, "false": False}
_PAGING = (
    Argument("limit", "At most this many items.", int, default=DEFAULT_PAGE, aliases=("batch_size",)),
    Argument("cursor", "next_cursor of the page before, with the same arguments."),
)
_APPROVAL = Argument("checksum", "That of the preview of this tool.")


def arguments_of(verb: Command) -> list[Argument]:
    """Return all arguments that the tool for a row takes."""
    own = [found for found in verb.arguments if not (verb.gives_rows and found.name == "limit")]
    return [*own, *(_PAGING if verb.gives_rows else ()), *((_APPROVAL,) if verb.needs_approval else ())]


def spelled(verb: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments under their own names, with values converted where only the spelling differs.

    Null and empty values count as not given. ToolError if a required argument is missing, or one is given twice.
    Invalid values stay as they are: the schema refuses them.
    """
    known = arguments_of(verb)
    names = {alias: found for found in known for alias in found.aliases}
    names.update((found.name, found) for found in known)  # own names take precedence over aliases
    by_name: dict[str, Any] = {}
    given_as: dict[str, str] = {}
    for name, value in given.items():
        argument = names.get(name)
        if argument is None:
            by_name[name] = value
        elif not _is_empty(value):
            meant = _value(argument, value, is_listed=verb.writes)
            first = given_as.setdefault(argument.name, name)
            if by_name.setdefault(argument.name, meant) != meant:
                raise ToolError(f"Nothing was done: {first} and {name} name the same argument; give one of them.")
    _refuse_missing(known, by_name)
    return by_name


def _refuse_missing(known: Iterable[Argument], by_name: Mapping[str, Any]) -> None:
    missing = [f"{found.name} ({found.help})" for found in known if found.required and found.name not in by_name]
    if missing:
        what = "arguments are" if len(missing) > 1 else "an argument is"
        raise ToolError(f"Nothing was done because {what} missing or empty: {'; '.join(missing)}")


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _value(argument: Argument, value: Any, *, is_listed: bool) -> Any:
    """Return the value in the argument's type. One entry counts as a list of one, unless ``is_listed``: tools that
    write take real lists only."""
    if argument.many and argument.kind != "pairs":
        found = parse_json_container(value) if isinstance(value, str) else value
        if not isinstance(found, list) and is_listed:
            return value
        return [_one(argument, entry) for entry in (found if isinstance(found, list) else [value])]
    return _one(argument, value)


def _one(argument: Argument, value: Any) -> Any:
    if argument.kind is int:
        return _whole(value)
    if argument.kind is bool and isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower(), value)
    if argument.kind in (dict, "pairs") and isinstance(value, str):
        found = parse_json_container(value)
        return value if found is None else found
    if argument.choices and isinstance(value, str):
        try:
            return match_choice(value, argument.choices)
        except ValueError:
            return value
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    return int(value) if isinstance(value, float) and value.is_integer() else value
