"""The ``fields`` parameter of host lists: which parts of the answer to keep, or (with "!") to drop."""

from __future__ import annotations

import re
from typing import Any, Optional

__all__ = ["FieldsError", "FieldsFilter"]

Tree = dict[str, Optional[dict[str, Any]]]

_TOKEN = re.compile(r"[ \t\r\n]*([A-Za-z0-9_-]+|[!(),~])")


class FieldsError(ValueError):
    """The parameter does not follow its grammar."""


class FieldsFilter:
    """``["!"] "(" item {"," item} ")"``, item = ``path ["(" items ")"]``, path = ``name {"~" name}``.

    Blanks between these are skipped, and an empty text lets everything through. Where two items overlap, the
    narrower one counts.
    """

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._drop = self._tokens[:1] == ["!"]
        self._at = int(self._drop)
        self._tree: Optional[Tree] = self._items() if text else None
        if self._at != len(self._tokens):
            raise FieldsError("The fields format is invalid.")

    def apply(self, data: Any) -> Any:
        """The data without what the filter leaves out; lists are transparent."""
        if self._tree is None:
            return data
        return _filtered(data, self._tree, drop=self._drop)

    def includes(self, *path: str) -> bool:
        """Return True if the filter keeps anything at this path."""
        below: Any = self._tree
        for name in path:
            if below is None:
                break
            if name not in below:
                return self._drop
            below = below[name]
        return self._tree is None or not (self._drop and below is None)

    def _take(self, expected: str = "") -> str:
        if self._at >= len(self._tokens) or (expected and self._tokens[self._at] != expected):
            raise FieldsError("The fields format is invalid.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next_is(self, token: str) -> bool:
        return self._tokens[self._at : self._at + 1] == [token]

    def _items(self) -> Tree:
        tree: Tree = {}
        self._take("(")
        _merge(tree, self._item())
        while self._next_is(","):
            self._take(",")
            _merge(tree, self._item())
        self._take(")")
        return tree

    def _item(self) -> Tree:
        name = self._take()
        if name in "!(),~":
            raise FieldsError("The fields format is invalid.")
        if self._next_is("~"):
            self._take("~")
            return {name: self._item()}
        return {name: self._items() if self._next_is("(") else None}


def _tokens(text: str) -> list[str]:
    found, at, end = [], 0, len(text.rstrip(" \t\r\n"))
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            raise FieldsError("The fields format is invalid.")
        found.append(token.group(1))
        at = token.end()
    return found


def _merge(tree: Tree, other: Tree) -> None:
    for name, below in other.items():
        known = tree.get(name)
        if known is None:
            tree[name] = below
        elif below is not None:
            _merge(known, below)


_NOTHING: Any = object()


def _below(tree: Tree, key: str) -> Any:
    """What the filter says about a key: None for all of it, a tree for parts, _NOTHING if it is not named.

    Checkmk: a key with dots is a path of names.
    """
    below: Any = tree
    for name in key.split("."):
        if below is None:
            return None
        if name not in below:
            return _NOTHING
        below = below[name]
    return below


def _filtered(data: Any, tree: Tree, *, drop: bool) -> Any:
    """Keep, or drop, what the tree names."""
    if isinstance(data, list):
        return [_filtered(entry, tree, drop=drop) for entry in data]
    if not isinstance(data, dict):
        return data
    whole, absent = (_NOTHING, None) if drop else (None, _NOTHING)
    below = {key: _below(tree, key) for key in data}
    return {
        key: value if below[key] is whole else _filtered(value, below[key], drop=drop)
        for key, value in data.items()
        if below[key] is not absent
    }
