"""The ``fields`` parameter of host lists, which names the parts of the answer to keep, or with "!" to drop."""

from __future__ import annotations

import re
from typing import Any, Iterable, Optional

from .replies import bad_fields

Tree = dict[str, Optional[dict[str, Any]]]

_TOKEN = re.compile(r"[A-Za-z0-9_-]+|[!(),~]")
_NO_TOKEN = re.compile(r"[^-A-Za-z0-9_!(),~ \t\r\n]")


class FieldsFilter:
    """A parsed ``fields`` parameter. Raises Problem 400 if the parameter does not follow its grammar.

    Grammar: ``["!"] "(" item {"," item} ")"``, item = ``path ["(" items ")"]``, path = ``name {"~" name}``.
    Blanks are skipped, and an empty string selects everything. If two items overlap, the narrower one applies.
    """

    def __init__(self, text: str) -> None:
        self._require(_NO_TOKEN.search(text) is None)
        self._tokens = _TOKEN.findall(text)[::-1]  # reversed, so that the next token is the last entry
        self._drop = self._skip("!")
        self._tree: Optional[Tree] = {} if text else None
        if self._tree is not None:
            self._require(self._skip("("))
            self._add_items(self._tree)
        self._require(not self._tokens)

    def apply(self, data: Any) -> Any:
        """Return the data without the parts that the filter drops. The filter applies to each entry of a list."""
        if self._tree is None:
            return data
        return _filtered(data, self._tree, drop=self._drop)

    def includes(self, *path: str) -> bool:
        """Return True if the filter keeps anything at this path."""
        below = _below(self._tree, path)
        return below is not (None if self._drop else _NOTHING)

    def _skip(self, token: str) -> bool:
        """Skip a token if it is the next one. Return True if it was."""
        is_next = self._tokens[-1:] == [token]
        if is_next:
            self._tokens.pop()
        return is_next

    def _require(self, is_valid: bool) -> None:
        if not is_valid:
            raise bad_fields({"fields": ["The fields format is invalid."]})

    def _add_items(self, tree: Tree) -> None:
        """Read the items of a list up to its closing parenthesis. The opening parenthesis is already read."""
        self._add_item(tree)
        while self._skip(","):
            self._add_item(tree)
        self._require(self._skip(")"))

    def _add_item(self, tree: Tree) -> None:
        self._require(self._tokens[-1:] != [] and self._tokens[-1] not in "!(),~")
        name = self._tokens.pop()
        below = tree.get(name) or {}
        if self._skip("~"):
            self._add_item(below)
        elif self._skip("("):
            self._add_items(below)
        tree[name] = below or None


_NOTHING: Any = object()


def _below(tree: Optional[Tree], path: Iterable[str]) -> Any:
    """Return the filter below a path: None if all of it is named, a tree if parts are, or _NOTHING if it is not."""
    below: Any = tree
    for name in path:
        if below is None:
            return None
        if name not in below:
            return _NOTHING
        below = below[name]
    return below


def _filtered(data: Any, tree: Tree, *, drop: bool) -> Any:
    """Return only the parts of the data that the tree names, or the data without these parts if ``drop``."""
    if isinstance(data, list):
        return [_filtered(entry, tree, drop=drop) for entry in data]
    if not isinstance(data, dict):
        return data
    whole, absent = (_NOTHING, None) if drop else (None, _NOTHING)
    below = {key: _below(tree, key.split(".")) for key in data}  # Checkmk: a key with dots is a path of names
    return {
        key: value if below[key] is whole else _filtered(value, below[key], drop=drop)
        for key, value in data.items()
        if below[key] is not absent
    }
