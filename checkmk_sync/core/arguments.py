"""Checks of arguments, with errors that name the argument and the type or value it received."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Iterable, TypeVar, Union

from .text import with_article

G = TypeVar("G", bound=Iterable[Any])

_MANY = (list, tuple, set, frozenset)


def require_iterable(value: G, label: str) -> G:
    """Return ``value`` unchanged. Raises TypeError if it is a string or not iterable."""
    # A string is iterable too, but its letters would be taken as the items.
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{label} must be a list, not a single string")
    if not isinstance(value, Iterable):
        raise TypeError(f"{label} must be a list, not {describe_type(value)}")
    return value


def describe_type(value: object) -> str:
    """Return the type of ``value`` with an article: ``"a list"``, ``"an int"``, ``"a string"``, ``"None"``."""
    name = "string" if isinstance(value, str) else type(value).__name__
    return "None" if value is None else with_article(name)


def require_type(value: object, kinds: Union[type, tuple[type, ...]], requirement: str, hint: str = "") -> None:
    """Raise TypeError unless ``value`` is an instance of one of the ``kinds``.

    The message consists of ``requirement`` (such as ``"owner must be a string"``), the type of ``value``, and ``hint``.
    A boolean is accepted only if ``bool`` is one of the ``kinds``.
    """
    accepted = kinds if isinstance(kinds, tuple) else (kinds,)
    # bool is a subclass of int.
    if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
        raise TypeError(f"{requirement}, not {describe_type(value)}{hint}")


def require_count(value: object, label: str, least: int) -> None:
    """Raise ValueError unless ``value`` is a whole number of at least ``least``. Booleans are not accepted."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{label} must be a whole number of at least {least}, not {value!r}")


def require_string(value: object, label: str) -> str:
    """Return ``value`` unchanged. Raises TypeError if it is not a string."""
    if not isinstance(value, str):
        many = "; call it once per item, or use a bulk call" if isinstance(value, _MANY) else ""
        raise TypeError(f"{label} must be a string, not {describe_type(value)}{many}")
    return value


def require_strings(value: Iterable[Any], label: str) -> list[str]:
    """Return ``value`` as a list. Raises TypeError if it is a single string or not an iterable of strings."""
    entries = list(require_iterable(value, label))
    for index, name in enumerate(entries):
        if not isinstance(name, str):
            raise TypeError(f"{label} must be a list of strings, but {label}[{index}] is {describe_type(name)}")
    return entries


def require_json(value: Any, label: str) -> Any:
    """Return ``value`` unchanged. Raises ValueError if it cannot be sent as JSON."""
    import json  # not at the top, because it would delay --help

    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{label} cannot be sent as JSON: {error}") from None
    return value


def runs_after_return(function: Callable[..., Any]) -> bool:
    """Return True for generator functions and coroutine functions, including asynchronous generators."""
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(is_kind(function) for is_kind in kinds)


def match_choice(text: str, choices: Iterable[str]) -> str:
    """Return the choice that ``text`` names. Case is ignored, and a unique prefix is enough.

    Raises ValueError, which lists the choices, unless exactly one of them matches.
    """
    word, known = text.strip().lower(), list(choices)
    matches = [choice for choice in known if choice.lower() == word]
    matches = matches or [choice for choice in known if word and choice.lower().startswith(word)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(f"{text!r} is ambiguous; use {' or '.join(matches)}")
    raise ValueError(f"{text!r} is not one of {', '.join(known)}; a unique prefix is enough")
