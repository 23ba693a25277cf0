"""Parts of decoded answers, by their path and with their type."""

from __future__ import annotations

from typing import Any, Mapping, Optional, TypeVar

from ..errors import UnexpectedReplyError

__all__ = ["items_of", "typed", "value_of"]

T = TypeVar("T")


def value_of(data: Any, *path: str) -> Any:
    """``data[path[0]][path[1]]…``; UnexpectedReplyError where the server left that out."""
    try:
        for step in path:
            data = data[step]
    except (KeyError, TypeError):  # KeyError from objects, TypeError from anything else that JSON has
        raise UnexpectedReplyError(f"the answer has no {'.'.join(path)!r}") from None
    return data


_NAMES: Mapping[type, str] = {str: "text", bool: "true or false", dict: "object", list: "list"}


def typed(kind: type[T], data: Any, *path: str, default: Optional[T] = None) -> T:
    """Return the value at ``path``; UnexpectedReplyError unless it is a ``kind``.

    With a ``default`` the server may leave it out, or say null.
    """
    try:
        value = value_of(data, *path)
    except UnexpectedReplyError:
        if default is None or not isinstance(data, dict):
            raise
        return default
    if value is None and default is not None:
        return default
    if not isinstance(value, kind):
        raise UnexpectedReplyError(f"the answer has no {_NAMES[kind]} {'.'.join(path)!r}")
    return value


def items_of(data: Any) -> list[Any]:
    """Return the items of a collection."""
    return typed(list, data, "value")
