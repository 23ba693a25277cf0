"""The ``fields`` parameter of host lists: which parts of the answer to keep, or (with "!") to drop."""

from __future__ import annotations

import re
from typing import Any, Optional

__all__ = ["FieldsError", "FieldsFilter"]

Tree = dict[str, Optional[dict[str, Any]]]

_TOKEN = re.compile(r"[A-Za-z0-9_-]+|[(),~]")


class FieldsError(ValueError):
    """The parameter does not follow its grammar."""


class FieldsFilter:
    """``["!"] "(" item {"," item} ")"``, item = ``path ["(" items ")"]``, path = ``name {"~" name}``."""

    def __init__(self, text: str) -> None:
        self._drop = text.startswith("!")
        body = text[1:] if self._drop else text
        self._tokens: list[str] = _TOKEN.findall(body)
        if "".join(self._tokens) != body or not body:
            raise FieldsError(f"Invalid fields filter: {text!r}")
        self._at = 0
        self._tree = self._items()
        if self._at != len(self._tokens):
            raise FieldsError(f"Invalid fields filter: {text!r}")

    def apply(self, data: Any) -> Any:
        """The data without what the filter leaves out; lists are transparent."""
        return _dropped(data, self._tree) if self._drop else _kept(data, self._tree)

    def _take(self, expected: Optional[str] = None) -> str:
        if self._at >= len(self._tokens) or (expected and self._tokens[self._at] != expected):
            raise FieldsError("Invalid fields filter")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next_is(self, token: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] == token

    def _items(self) -> Tree:
        self._take("(")
        tree: Tree = {}
        while True:
            self._item(tree)
            if not self._next_is(","):
                break
            self._take(",")
        self._take(")")
        return tree

    def _item(self, tree: Tree) -> None:
        path = [self._name()]
        while self._next_is("~"):
            self._take("~")
            path.append(self._name())
        below = self._items() if self._next_is("(") else None
        for name in path[:-1]:
            inner = tree.setdefault(name, {})
            tree = inner if inner is not None else {}
        tree[path[-1]] = below

    def _name(self) -> str:
        name = self._take()
        if name in "(),~":
            raise FieldsError("Invalid fields filter")
        return name


def _kept(data: Any, tree: Tree) -> Any:
    if isinstance(data, list):
        return [_kept(entry, tree) for entry in data]
    if not isinstance(data, dict):
        return data
    found = {}
    for name, below in tree.items():
        if name in data:
            found[name] = data[name] if below is None else _kept(data[name], below)
    return found


def _dropped(data: Any, tree: Tree) -> Any:
    if isinstance(data, list):
        return [_dropped(entry, tree) for entry in data]
    if not isinstance(data, dict):
        return data
    return {
        name: _dropped(value, tree[name] or {}) if name in tree else value
        for name, value in data.items()
        if not (name in tree and tree[name] is None)
    }
