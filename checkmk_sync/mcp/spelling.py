"""Convert the spellings that models use for arguments to the names and types of the schema."""

from __future__ import annotations

import re
from typing import Any, Mapping

from mcp.server.mcpserver.exceptions import ToolError

from ..commands import Argument, Command
from ..core.arguments import match_choice
from ..core.text import parse_json_container
from .results import DEFAULT_PAGE, MAX_PAGE

__all__ = ["CHECKSUM", "PAGING", "normalize_arguments", "tool_arguments"]

_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.0{1,18})?")
_BOOLEANS = {"true": True, "false": False}
_LIMIT_HELP = f"Maximum number of items on a page, up to {MAX_PAGE}."
PAGING = (
    Argument("limit", _LIMIT_HELP, int, default=DEFAULT_PAGE, minimum=1, maximum=MAX_PAGE, aliases=("batch_size",)),
    Argument("cursor", "next_cursor of the previous page. Keep all other arguments the same."),
)
CHECKSUM = Argument(
    "checksum",
    "Checksum of this tool's preview (not of a plan). Give it only after a person has approved the preview; without "
    "it, the tool only returns a preview.",
)


def tool_arguments(command: Command) -> list[Argument]:
    """Return all arguments of the tool for a command, including paging and checksum."""
    arguments = [argument for argument in command.arguments if argument.kind != "secret"]
    return [*arguments, *(PAGING if command.gives_rows else ()), *((CHECKSUM,) if command.needs_approval else ())]


def normalize_arguments(command: Command, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments under their own names, with values converted if only the spelling differs.

    Null and empty values count as not given. Invalid values stay unchanged, because the schema refuses them. Raises
    ToolError if a required argument is missing, or if an argument is given twice with different values.
    """
    known = tool_arguments(command)
    by_name = {alias: argument for argument in known for alias in argument.aliases}
    by_name.update((argument.name, argument) for argument in known)  # own names take precedence over aliases
    values: dict[str, Any] = {}
    spellings: dict[str, str] = {}
    for name, value in arguments.items():
        argument = by_name.get(name)
        if argument is None:
            values[name] = value
        elif value is not None and value not in ("", [], {}):
            converted = _convert(argument, value, only_lists=command.writes)
            spelling = spellings.setdefault(argument.name, name)
            if values.setdefault(argument.name, converted) != converted:
                raise ToolError(f"Nothing was done: {spelling} and {name} are the same argument; give one of them.")
    missing = [
        f"{argument.name} ({argument.help})" for argument in known if argument.required and argument.name not in values
    ]
    if missing:
        arguments_are = "arguments are" if len(missing) > 1 else "an argument is"
        raise ToolError(f"Nothing was done, because {arguments_are} missing or empty: {'; '.join(missing)}")
    return values


def _convert(argument: Argument, value: Any, *, only_lists: bool) -> Any:
    """Return the value in the argument's type.

    A single entry counts as a list with one entry, unless ``only_lists``, because tools that write accept only lists.
    """
    if argument.many and argument.kind != "pairs":
        entries = parse_json_container(value) if isinstance(value, str) else value
        if isinstance(entries, list):
            return [_convert_entry(argument, entry) for entry in entries]
        return value if only_lists else [_convert_entry(argument, value)]
    return _convert_entry(argument, value)


def _convert_entry(argument: Argument, value: Any) -> Any:
    if argument.kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    if argument.kind is int and _WHOLE_NUMBER.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    if argument.kind is bool:
        return _BOOLEANS.get(value.strip().lower(), value)
    if argument.kind in (dict, list, Any, "pairs"):
        container = parse_json_container(value)
        return value if container is None else container
    if argument.choices:
        try:
            return match_choice(value, argument.choices)
        except ValueError:
            return value
    return value
