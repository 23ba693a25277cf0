"""What a model sends: made values of, and refused where it cannot be, or must not."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping

from mcp.server.mcpserver.exceptions import ToolError

from ..catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from ..commands import Command, as_arguments
from ..core.redaction import HIDDEN
from ..core.text import first_invisible, parse_json_container
from .policy import Policy
from .untrusted import quoted

__all__ = ["checked"]

MAX_JSON = 4 * 2**20  # characters of all arguments of a call
DEEPEST = 20  # lists and objects in each other


def checked(verb: Command, given: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """The arguments, when all of them can be; ToolError otherwise."""
    if len(json.dumps(given, default=str)) > MAX_JSON:
        raise ToolError(f"Nothing was done: the arguments are longer than {MAX_JSON} characters. Use a file, or parts.")
    arguments = dict(given)
    try:
        for argument in verb.arguments:
            value = arguments.get(argument.name)
            if value is None:
                continue
            if argument.parse is not None:  # first, so that nothing hides in a text from what comes now
                value = arguments[argument.name] = argument.parse(value)
            _refuse_unfit(argument.name, value)
            if verb.writes:
                _refuse_ownership(verb, argument.name, value)
            if argument.check is not None:
                for one in value if argument.many else [value]:
                    argument.check(one)
            if argument.kind == "file":
                arguments[argument.name] = policy.inventory(value)
            if argument.kind is dict and isinstance(value, dict):
                _refuse_many(value, policy.max_batch)
    except ValueError as error:
        raise ToolError(f"Nothing was done, an argument cannot be: {quoted(as_arguments(str(error)))}") from None
    return arguments


def _parts(value: Any, depth: int = 0) -> Iterator[tuple[bool, Any]]:
    """All that is in a value, and the value: whether it is a key, and what it is. Also in a text that is JSON."""
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} lists and objects are in each other")
    yield False, value
    if isinstance(value, str):
        value = parse_json_container(value)
    if isinstance(value, Mapping):
        yield from ((True, key) for key in value)
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _parts(inner, depth + 1)


def _refuse_unfit(name: str, value: Any) -> None:
    for is_key, part in _parts(value):
        # What stands for a secret in an answer must not come back as its value.
        if part == HIDDEN:
            raise ValueError(f"{HIDDEN} stands for a secret that was not shown; leave it out")
        # People approve what they see: "web01" with a blank of no width in it is not web01.
        char = first_invisible(part, keep="" if is_key else "\n\t") if isinstance(part, str) else None
        if char is not None:
            raise ValueError(f"{name} holds the character U+{ord(char):04X}, which does not show: leave it out")


def _refuse_ownership(verb: Command, name: str, value: Any) -> None:
    """Whose an object is decides what a synchronisation may delete, so only that writes it."""
    label = next((part for _, part in _parts(value) if part in (OWNER_LABEL, ADOPTED_LABEL)), None)
    if label is not None:
        raise ValueError(f"the label {label} says whose an object is: only sync_apply writes it")
    if not verb.additive and name in ("attribute", "remove") and "labels" in value:
        raise ValueError(
            "all labels at once cannot be replaced or removed, for one of them may say whose the object is: "
            "change single labels, where the tool takes them"
        )


def _refuse_many(inventory: Mapping[str, Any], limit: int) -> None:
    for section, entries in inventory.items():
        if isinstance(entries, list) and len(entries) > limit:
            raise ValueError(f"{section!r} names {len(entries)} objects, more than {limit} in one call")
