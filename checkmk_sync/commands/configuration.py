"""The tools that all configuration nouns share, so that a language model does not have to choose among 100 tools."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping

from ..catalogue.noun import Noun
from ..catalogue.nouns import NOUNS
from .arguments import search
from .command import TOOL, Argument, Command, Field, LazyModule, object_command
from .plain_nouns import noun_commands

_configuration = LazyModule(".handlers.configuration", __package__)
_plain_nouns = LazyModule(".handlers.plain_nouns", __package__)

KINDS: Mapping[str, Noun] = {name: noun for name, noun in NOUNS.items() if noun.tier == "configuration"}
KIND = "kind"  # the name of the argument


# The operations of each kind that tools can use.
_VERBS = {
    name: {command.name for command in noun_commands(noun) if TOOL in command.faces} for name, noun in KINDS.items()
}


def _kind(verb: str) -> Argument:
    """Return the argument that selects one of the kinds that tools can use with the operation ``verb``."""
    kinds = tuple(name for name, verbs in _VERBS.items() if verb in verbs)
    return Argument(KIND, "The kind of object.", required=True, choices=kinds, example="host_groups")


_VALUES = Argument(
    "values",
    "The fields to set: an object of names and values. checkmk://kinds/{kind} describes the fields of a kind.",
    dict,
    required=True,
    example={"alias": "Linux servers"},
    aliases=("fields", "attributes"),
)
_NAME = Argument("name", "The name of the object.", required=True, example="linux", aliases=("id",))
_NEW_NAME = Argument(
    "name",
    "The name of the new object. Leave it out for a kind whose names the site chooses, such as notification_rules.",
    example="linux",
    aliases=("id",),
)
_FIELDS = (
    Field("kind", "The kind of the object."),
    Field("name", "The name of the object."),
    Field("values", "The fields of the object that have a value, without secrets.", dict[str, Any], untrusted=True),
)


def _command(verb: str, text: str, handler: Callable[..., Any], *arguments: Argument, **facts: Any) -> Command:
    check = _configuration.check_arguments
    return object_command(
        f"configuration {verb}", text, handler, _kind(verb), *arguments, faces=(TOOL,), check=check, **facts
    )


COMMANDS = (
    _command(
        "list",
        "List all objects of one kind, such as host groups or time periods.",
        _configuration.list_all,
        search("the name or title", "linux"),
        columns=("name",),
        fields=_FIELDS,
    ),
    _command("get", "Show one object of a kind.", partial(_configuration.call, "get"), _NAME, fields=_FIELDS),
    _command(
        "create",
        "Create an object of a kind. Secrets cannot be set; a person sets them on the command line.",
        partial(_configuration.call, "create"),
        _NEW_NAME,
        _VALUES,
        fields=_FIELDS,
    ),
    _command(
        "update",
        "Change fields of an object. Other fields stay as they are. Secrets cannot be set.",
        partial(_configuration.call, "update"),
        _NAME,
        _VALUES,
        fields=_FIELDS,
    ),
    _command(
        "delete",
        "Delete an object of a kind.",
        _plain_nouns.delete,
        _NAME,
        fields=(Field("deleted", "The name of the deleted object."),),
        preview=_plain_nouns.preview_delete,
    ),
)
