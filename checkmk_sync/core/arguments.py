"""Checks of arguments: a wrong type is refused by name, where it is given."""

from __future__ import annotations

from typing import Any, Iterable, TypeVar, Union

__all__ = ["describe_type", "match_choice", "require_iterable", "require_string", "require_strings", "require_type"]

G = TypeVar("G", bound=Iterable[Any])

_MANY = (list, tuple, set, frozenset)


def require_iterable(given: G, what: str) -> G:
    """``given`` as it is. TypeError for one text, of which each letter would be taken."""
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{what} is a list of names, not one text")
    if not isinstance(given, Iterable):
        raise TypeError(f"{what} is a list, not {describe_type(given)}")
    return given


def describe_type(given: object) -> str:
    """What ``given`` is, without its value: ``"a list"``, ``"an int"``, ``"None"``."""
    name = type(given).__name__
    return "None" if given is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def require_type(given: object, kinds: Union[type, tuple[type, ...]], what: str, hint: str = "") -> None:
    """TypeError, which says ``what`` is needed, unless ``given`` is of one of the kinds. Booleans are no numbers."""
    if not isinstance(given, kinds) or (isinstance(given, bool) and kinds is not bool):
        raise TypeError(f"{what}, not {describe_type(given)}{hint}")


def require_string(given: object, what: str) -> str:
    """``given`` as it is. TypeError unless it is a text."""
    if not isinstance(given, str):
        many = "; for several call it once for each, or use a bulk call" if isinstance(given, _MANY) else ""
        raise TypeError(f"{what} is a text, not {describe_type(given)}{many}")
    return given


def require_strings(given: Iterable[Any], what: str) -> list[str]:
    """A list of ``given`` texts. TypeError for one text, and for an entry that is no text."""
    found = list(require_iterable(given, what))
    for index, name in enumerate(found):
        if not isinstance(name, str):
            raise TypeError(f"{what} is a list of texts, but {what}[{index}] is {describe_type(name)}")
    return found


def match_choice(text: str, choices: Iterable[str]) -> str:
    """Return the choice that ``text`` names, in any case, by its whole name or an unambiguous beginning.

    ValueError, with the choices, if it names none or several of them.
    """
    word, known = text.strip().lower(), list(choices)
    found = [choice for choice in known if choice.lower() == word]
    found = found or [choice for choice in known if word and choice.lower().startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{text!r} may mean {' or '.join(found)}: give more letters")
    raise ValueError(f"{text!r} is none of {', '.join(known)}, nor the beginning of one")
