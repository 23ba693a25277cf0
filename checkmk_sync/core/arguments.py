"""Check the types of arguments: TypeErrors name the argument and the type that was given."""

from __future__ import annotations

from typing import Any, Iterable, TypeVar, Union

__all__ = ["describe_type", "match_choice", "require_iterable", "require_string", "require_strings", "require_type"]

G = TypeVar("G", bound=Iterable[Any])

_MANY = (list, tuple, set, frozenset)


def require_iterable(value: G, label: str) -> G:
    """Return ``value``. TypeError for one text, because its letters would be taken as the items."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{label} is a list of names, not one text")
    if not isinstance(value, Iterable):
        raise TypeError(f"{label} is a list, not {describe_type(value)}")
    return value


def describe_type(value: object) -> str:
    """Return the type of a value in words: ``"a list"``, ``"an int"``, ``"None"``."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def require_type(value: object, kinds: Union[type, tuple[type, ...]], requirement: str, hint: str = "") -> None:
    """TypeError that starts with ``requirement`` unless ``value`` is of one of the kinds. Booleans are not numbers."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise TypeError(f"{requirement}, not {describe_type(value)}{hint}")


def require_string(value: object, label: str) -> str:
    """Return ``value``. TypeError unless it is a text."""
    if not isinstance(value, str):
        many = "; for several call it once for each, or use a bulk call" if isinstance(value, _MANY) else ""
        raise TypeError(f"{label} is a text, not {describe_type(value)}{many}")
    return value


def require_strings(value: Iterable[Any], label: str) -> list[str]:
    """Return a list of texts. TypeError for one text, and for an entry that is not a text."""
    entries = list(require_iterable(value, label))
    for index, name in enumerate(entries):
        if not isinstance(name, str):
            raise TypeError(f"{label} is a list of texts, but {label}[{index}] is {describe_type(name)}")
    return entries


def match_choice(text: str, choices: Iterable[str]) -> str:
    """Return the choice that ``text`` names, in any case, by its whole name or an unambiguous beginning.

    ValueError, with the choices, if it names none or several of them.
    """
    word, known = text.strip().lower(), list(choices)
    matches = [choice for choice in known if choice.lower() == word]
    matches = matches or [choice for choice in known if word and choice.lower().startswith(word)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(f"{text!r} may mean {' or '.join(matches)}: give more letters")
    raise ValueError(f"{text!r} is none of {', '.join(known)}, nor the beginning of one")
