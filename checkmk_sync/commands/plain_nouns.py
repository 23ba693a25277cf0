"""The commands of plain nouns, made from their rows in the catalogue: list, get, create, update and delete."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any, Callable, Iterator, Optional

from ..catalogue.field import Field as NounField
from ..catalogue.noun import Noun, Option
from ..catalogue.nouns import NOUNS
from ..core.text import with_article
from .arguments import search
from .command import CLI, TOOL, Argument, Command, Field, LazyModule, object_command

_handlers = LazyModule(".handlers.plain_nouns", __package__)

RESERVED_OPTIONS = frozenset({"help", "config", "json", "quiet", "stats", "verbose", "yes"})  # of every command
PREFIX = "set"  # of the options for fields with reserved names
MAX_COLUMNS = 4
_TITLES = ("alias", "title", "description")
_JSON_TYPES = (list, dict, Any)


def plain_noun_commands(known: tuple[Command, ...]) -> tuple[Command, ...]:
    """Return the commands of all nouns, except the commands that ``known`` already contains."""
    words = {command.words for command in known}
    return tuple(command for noun in NOUNS.values() for command in noun_commands(noun) if command.words not in words)


def noun_commands(noun: Noun) -> Iterator[Command]:
    """Yield the commands of one noun."""
    makers = {"list": _list, "get": _get, "create": _create, "update": _update, "delete": _delete}
    return (make(noun) for verb, make in makers.items() if noun.supports(verb))


def searched_fields(noun: Noun) -> tuple[str, ...]:
    """Return the fields that ``--search`` compares: the key and the title."""
    return (noun.key.name, *(field.name for field in noun.fields[1:] if field.name in _TITLES))


def _list(noun: Noun) -> Command:
    filters = [_value(field, is_required=True) for field in noun.fields if field.filters]
    further = [
        Argument(name, text, kind, example="disk" if kind is str else None)
        for name, (kind, text) in noun.list_query.items()
    ]
    by_text = search(" or ".join(searched_fields(noun)), noun.key.example)
    first = filters[0] if filters else by_text
    return noun_command(
        noun,
        "list",
        f"List {noun.plural}.",
        *filters,
        *further,
        by_text,
        handler=partial(_handlers.list_all, kind=noun.name),
        columns=noun_columns(noun),
        # By default, only rulesets with rules are listed.
        example=" ".join(
            [*(f"{option.option_name} false" for option in further[:1]), first.option_name, first.example]
        ),
        empty_text=f"no {noun.plural}",
    )


def _get(noun: Noun) -> Command:
    return noun_command(noun, "get", f"Show one {noun.singular}.", key_argument(noun), example=noun.key.example)


def _create(noun: Noun) -> Command:
    values = [field for field in noun.fields[1:] if not field.assigned]
    key = () if noun.key.assigned else (key_argument(noun),)
    required = [field for field in values if field.required]
    filters = "".join(f" --{field.name} {{{field.name}}}" for field in noun.fields if field.filters)
    needs_secret = any(field.secret for field in required)
    return noun_command(
        noun,
        "create",
        f"Create {with_article(noun.singular)}.",
        *key,
        *(_value(field, is_required=field.required) for field in values),
        example=_example(noun, required, has_key=bool(key)),
        check_with="" if key else f"checkmk-sync {noun.name.replace('_', '-')} list{filters}",
        faces=(CLI,) if needs_secret else (CLI, TOOL),  # a language model must not handle secrets
    )


def _update(noun: Noun) -> Command:
    values = [field for field in noun.fields[1:] if not (field.fixed or field.assigned)]
    return noun_command(
        noun,
        "update",
        f"Change {with_article(noun.singular)}. Fields that are not given stay as they are.",
        key_argument(noun),
        *(_value(field, is_required=False) for field in values),
        *map(_option, noun.options_of("update")),
        example=_example(noun, [field for field in values if not field.secret][:1]),
        **_asking(noun),
    )


def _asking(noun: Noun) -> dict[str, Any]:
    """Return the facts of an update that asks before it also affects other objects, because of its first option."""
    options = noun.options_of("update")
    if not options:
        return {}
    name = options[0].name
    preview = partial(_handlers.preview_update, kind=noun.name, option=name)
    return {"preview": preview, "asks_if": name, "destructive": True}


def _option(option: Option) -> Argument:
    """Return the argument for an option of a write."""
    default = False if option.type is bool else None
    return Argument(option.name, option.description, option.type, default=default, choices=option.choices)


def _delete(noun: Noun) -> Command:
    return noun_command(
        noun,
        "delete",
        f"Delete {with_article(noun.singular)}.",
        key_argument(noun),
        *map(_option, noun.options_of("delete")),
        handler=partial(_handlers.delete, kind=noun.name),
        example=noun.key.example,
        fields=(Field("deleted", f"The {noun.key.name} of the deleted {noun.singular}."),),
        preview=partial(_handlers.preview_delete, kind=noun.name),
    )


def noun_command(
    noun: Noun, verb: str, text: str, *arguments: Argument, handler: Optional[Callable[..., Any]] = None, **facts: Any
) -> Command:
    """Return a command that by default calls the method of the verb, and returns the object."""
    facts = {"fields": noun_fields(noun), "own_tools": noun.tier != "configuration", **facts}
    words = f"{noun.name.replace('_', '-')} {verb}"
    handler = handler or partial(_handlers.call, verb.replace("-", "_"), noun.name)
    return object_command(words, text, handler, *arguments, **facts)


def key_argument(noun: Noun) -> Argument:
    """Return the argument that names an object."""
    key = noun.key
    return Argument(key.name, key.description, required=True, check=key.check, example=key.example)


def _value(field: NounField, *, is_required: bool) -> Argument:
    """Return the argument that sets a field."""
    text = field.description.rstrip(".")
    option = f"--{PREFIX}-{field.name}".replace("_", "-") if field.name in RESERVED_OPTIONS else ""
    if field.secret:
        text += ": a file that contains it, - for stdin, or secret:NAME for an entry of the configuration's secrets"
        option = f"--{field.name}-file".replace("_", "-")
    elif field.literal:
        text += ', as a Python literal like that of "Export rule for API" in Checkmk'
    elif field.type in _JSON_TYPES:
        text += ", as JSON"
    if field.holds_secrets:
        text += "; write secret:NAME in place of a secret"
    in_all_sites = field.since is None and field.until is None and field.editions is None
    return Argument(
        field.name,
        f"{text}.",
        "secret" if field.secret else _kind(field),
        required=is_required,
        choices=field.choices if field.type is str else (),
        check=field.check,
        parse=partial(_read_literal, field) if field.literal else None,
        example=(_as_text(field.example) if field.literal else field.example)
        if in_all_sites and not field.secret
        else None,
        tool_help=f"{text}." if field.literal else field.description,
        option=option,
        metavar="FILE" if field.secret else "JSON" if _kind(field) in _JSON_TYPES else None,
        is_option=True,
    )


class _NoneLiteral:
    """The value None of a literal, because None among the arguments of a command means "not given"."""

    def __repr__(self) -> str:
        return "None"


NONE_LITERAL = _NoneLiteral()


def _read_literal(field: NounField, text: str) -> Any:
    try:
        value = field.decode(text)
    except ValueError as error:
        raise ValueError(f"{field.name} is not valid: {error}") from None
    return NONE_LITERAL if value is None else value


def noun_fields(noun: Noun) -> tuple[Field, ...]:
    """Return the fields that the site returns."""
    key, *others = (field for field in noun.fields if field.at and not field.secret)
    return (
        Field(key.name, key.description, key.type),
        *(Field(field.name, field.description, Optional[_kind(field)], untrusted=True) for field in others),
    )


def noun_columns(noun: Noun) -> tuple[str, ...]:
    """Return the columns of a table: the first fields with short values that all editions have."""
    shown = [field for field in noun.fields if field.at and not (field.secret or field.filters or field.editions)]
    return tuple(field.name for field in shown if _kind(field) in (str, int, bool))[:MAX_COLUMNS]


def _kind(field: NounField) -> Any:
    """Return the type of a field in commands, which show literals as text."""
    return str if field.literal else field.type


def _example(noun: Noun, fields: list[NounField], *, has_key: bool = True) -> str:
    """Return the arguments of an example that sets ``fields``."""
    words = [str(noun.key.example)] if has_key else []
    for field in fields:
        argument = _value(field, is_required=True)
        words += [argument.option_name, f"{field.name}.txt" if field.secret else _as_text(field.example)]
    return shlex.join(words)


def _as_text(value: Any) -> str:
    """Return a value as it is written on the command line."""
    # Importing json would delay --help. The examples are so plain that their JSON is the Python literal with other
    # quotes; a test compares both.
    return value if isinstance(value, str) else repr(value).replace("'", '"')
