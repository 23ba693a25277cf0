"""Reads members of decoded answers by their path, and checks their types."""

from __future__ import annotations

from typing import Any, Mapping, Optional, TypeVar

from ..errors import UnexpectedReplyError

T = TypeVar("T")


def value_of(data: Any, *path: str) -> Any:
    """Return ``data[path[0]][path[1]]…``. Raises UnexpectedReplyError if a member is missing."""
    try:
        for step in path:
            data = data[step]
    except (KeyError, TypeError):  # TypeError if a step leads into a JSON value other than an object
        raise UnexpectedReplyError(f"the answer has no {'.'.join(path)!r}") from None
    return data


_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    dict: "an object",
    list: "a list",
    int: "a whole number",
}


def typed(kind: type[T], data: Any, *path: str, default: Optional[T] = None) -> T:
    """Return the value at ``path``. Raises UnexpectedReplyError unless it is an instance of ``kind``.

    A ``default`` other than None is returned for a missing member and for null.
    """
    try:
        value = value_of(data, *path)
    except UnexpectedReplyError:
        if default is None or not isinstance(data, dict):
            raise
        return default
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):  # bool is a subclass of int
        raise UnexpectedReplyError(f"{'.'.join(path)!r} in the answer must be {_NAMES[kind]}")
    return value


def items_of(data: Any) -> list[Any]:
    """Return the items of a collection."""
    return typed(list, data, "value")
