"""Reads, writes and compares Python literals, the form of the values of rules in requests and answers."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, Mapping, Optional

# Checkmk: sites replace the passwords in values by this text (cmk/gui/valuespec, Password.mask).
_MASK = "******"
_MASKS = (_MASK, "***")  # the second is the text that our own output shows


class _Masked:
    """A text that the site does not show, and that could be any text."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, _Masked))

    __hash__ = object.__hash__


_MASKED = _Masked()


def read_literal(text: str) -> Any:
    """Return the value of a Python literal, or of JSON. Raises ValueError for other texts.

    A value that is read can be written again. So infinity, NaN and very deep values are refused, too.
    """
    import ast  # not at the top, because it would delay --help
    import json

    # live-facts.json, 2.4.0p35: if a rule was created with JSON, the site returns JSON.
    for read in (ast.literal_eval, json.loads):
        with contextlib.suppress(SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
            value = read(text)
            ast.literal_eval(repr(value))
            return value
    # The text is left out, because it may contain secrets.
    raise ValueError("it must be a Python literal, such as 'text' in quotes, 5 or {'key': (1, 2)}")


def write_literal(value: Any) -> str:
    """Return the Python literal of a value. Raises ValueError if the value does not have one."""
    text = repr(value)
    read_literal(text)
    return text


def comparable(value: Any) -> Any:
    """Return a value in the form in which values with the same meaning are equal."""
    # CHECKMK_API 10.14: the site rewrites values, so lists can become tuples.
    if isinstance(value, (list, tuple)):
        return [comparable(entry) for entry in value]
    if isinstance(value, Mapping):
        return {name: comparable(entry) for name, entry in value.items()}
    if isinstance(value, bool):
        return (bool, value)  # True is not 1
    return _MASKED if isinstance(value, str) and value == _MASK else value


def masked_member(value: Any, path: str) -> Optional[str]:
    """Return the path of the first mask in a value, which a site or our output shows in place of a secret, or None."""
    parts: Iterator[tuple[str, Any]]
    if isinstance(value, Mapping):
        parts = ((f"{path}.{name}", inner) for name, inner in value.items())
    elif isinstance(value, (list, tuple)):
        parts = ((f"{path}[{index}]", inner) for index, inner in enumerate(value))
    else:
        return path if isinstance(value, str) and value in _MASKS else None
    return next((found for name, inner in parts if (found := masked_member(inner, name)) is not None), None)
