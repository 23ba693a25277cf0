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
        return _dropped(data, self._tree) if self._drop else _kept(data, self._tree)

    def takes(self, *path: str) -> bool:
        """Whether something of what is at this path stays."""
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
        return self._at < len(self._tokens) and self._tokens[self._at] == token

    def _items(self) -> Tree:
        self._take("(")
        tree: Tree = {}
        while True:
            _merge(tree, self._item())
            if not self._next_is(","):
                break
            self._take(",")
        self._take(")")
        return tree

    def _item(self) -> Tree:
        path = [self._name()]
        while self._next_is("~"):
            self._take("~")
            path.append(self._name())
        below = self._items() if self._next_is("(") else None
        for name in reversed(path):
            below = {name: below}
        return below or {}

    def _name(self) -> str:
        name = self._take()
        if name in "!(),~":
            raise FieldsError("The fields format is invalid.")
        return name


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
    found: Any = tree
    for name in key.split("."):
        if found is None:
            return None
        if name not in found:
            return _NOTHING
        found = found[name]
    return found


def _kept(data: Any, tree: Tree) -> Any:
    if isinstance(data, list):
        return [_kept(entry, tree) for entry in data]
    if not isinstance(data, dict):
        return data
    said = {key: _below(tree, key) for key in data}
    return {
        key: value if said[key] is None else _kept(value, said[key])
        for key, value in data.items()
        if said[key] is not _NOTHING
    }


def _dropped(data: Any, tree: Tree) -> Any:
    if isinstance(data, list):
        return [_dropped(entry, tree) for entry in data]
    if not isinstance(data, dict):
        return data
    said = {key: _below(tree, key) for key in data}
    return {
        key: value if said[key] is _NOTHING else _dropped(value, said[key])
        for key, value in data.items()
        if said[key] is not None
    }
