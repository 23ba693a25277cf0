"""Lines and columns of the values in a document, looked up only when there is a mistake to report."""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence, Union

import yaml

Path = Sequence[Union[str, int]]

# Both loaders are safe. libyaml is six times faster, but not every PyYAML is built with it.
_safe_loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@contextlib.contextmanager
def open_loader(text: str) -> Iterator[Any]:
    """Yield a loader of a YAML text, and free its memory after the block."""
    loader = _safe_loader(text)
    try:
        yield loader
    finally:
        loader.dispose()


class Position(NamedTuple):
    """A line and a column, counted from 1. In a table, ``column`` counts cells and ``name`` is the heading.

    A part is None if it is unknown.
    """

    line: Optional[int] = None
    column: Optional[int] = None
    name: Optional[str] = None


def position_at(text: str, offset: int) -> Position:
    """Return the position of the character at ``offset``."""
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class YAMLPositions:
    """Positions in a YAML text.

    ``lists`` maps the ID of each list in ``data`` to the lines of its items.
    """

    def __init__(self, text: str, data: Any, lists: dict[int, list[int]]) -> None:
        self._text, self._data, self._lists = text, data, lists
        self._root: Any = None

    def position(self, path: Path, *, of_value: bool = False) -> Position:
        """Return the position of the member at ``path`` (keys and indexes), or of its nearest parent.

        A member starts at its key, or with ``of_value`` at its value.
        """
        if self._root is None:
            with open_loader(self._text) as loader:
                self._root = loader.get_single_node()
        if self._root is None:
            return Position()
        node, mark = self._root, self._root.start_mark
        for step in path:
            child, key_mark = _child(node, step)
            if child is None:
                break
            node, mark = child, child.start_mark if of_value else key_mark
        return Position(mark.line + 1, mark.column + 1)

    def items(self, path: Path) -> Sequence[int]:
        """Return the lines on which the items of the list at ``path`` start, or ``()`` if it is not a list."""
        return self._lists.get(id(functools.reduce(operator.getitem, path, self._data)), ())


def _child(node: Any, step: Union[str, int]) -> tuple[Any, Any]:
    """Return the node at a key or index of ``node``, and the mark of the key; or (None, None)."""
    if isinstance(node, yaml.MappingNode):
        convert = yaml.constructor.SafeConstructor().construct_object  # YAML reads the key ``yes`` as True
        for key_node, value_node in node.value:
            if key_node.value == step or (not isinstance(step, str) and convert(key_node) == step):
                return value_node, key_node.start_mark
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark
    return None, None


_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}:,]|[^][{}:,"\s]+')

Member = tuple[Union[str, int], int, int]  # key or index, and the offsets of the key and its value


class JSONPositions:
    """Positions in a JSON text, with the methods of :class:`YAMLPositions`.

    Only :meth:`first_token` and :meth:`duplicate` work for invalid JSON.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        # Only the ends of values matter here. Numbers are not converted, because that could fail or take long.
        self._end_of = json.JSONDecoder(parse_constant=str, parse_int=str, parse_float=str).raw_decode
        self._starts: dict[int, list[int]] = {}  # offsets of a list's items, by its own offset
        self._last = (0, 1)  # the offset that was looked up last, and its line

    def position(self, path: Path, *, of_value: bool = False) -> Position:
        key_start, value_start, _ = self._find(path)
        return self._position_of(value_start if of_value else key_start)

    def items(self, path: Path) -> Sequence[int]:
        _, offset, exists = self._find(path)
        return [self._line_of(start) for start in self._items(offset)] if exists and self._text[offset] == "[" else ()

    def _find(self, path: Path) -> tuple[int, int, bool]:
        """Return the offsets of a member's key and value, and True; or the offsets of its nearest parent, and False."""
        key_start = offset = self._after_space(0)
        for step in path:
            member = self._member(offset, step)
            if member is None:
                return key_start, offset, False
            _, key_start, offset = member
        return key_start, offset, True

    def first_token(self, is_meant: Callable[[str, int], bool]) -> Position:
        """Return the position of the first token for which ``is_meant`` returns True.

        ``is_meant`` is called with the token (a quoted string, a number, a word or a bracket) and the number of open
        objects and lists.
        """
        depth = 0
        for token in _TOKEN.finditer(self._text):
            if is_meant(token[0], depth):
                return self._position_of(token.start())
            depth += (token[0] in "{[") - (token[0] in "}]")
        return Position()

    def duplicate(self, key: str) -> Position:
        """Return the position of the second ``key`` in the first object that contains it twice."""
        open_objects: list[Optional[set[str]]] = []  # the keys of each; None for a list
        is_key = False
        for token in _TOKEN.finditer(self._text):
            text = token[0]
            if is_key and text[0] == '"' and open_objects and open_objects[-1] is not None:
                name = json.loads(text)
                if name == key and name in open_objects[-1]:
                    return self._position_of(token.start())
                open_objects[-1].add(name)
            if text in "{[":
                open_objects.append(set() if text == "{" else None)
            elif text in "}]" and open_objects:
                open_objects.pop()
            is_key = text in "{,"
        return Position()

    def _position_of(self, position: int) -> Position:
        return Position(self._line_of(position), position - self._text.rfind("\n", 0, position))

    def _line_of(self, position: int) -> int:
        """Return the line of an offset."""
        # Count from the previous offset, because most mistakes are found in order of their position.
        last, line = self._last
        if position < last:
            line -= self._text.count("\n", position, last)
        else:
            line += self._text.count("\n", last, position)
        self._last = (position, line)
        return line

    def _after_space(self, offset: int) -> int:
        match = _SPACE.match(self._text, offset)
        return offset if match is None else match.end()

    def _member(self, offset: int, step: Union[str, int]) -> Optional[Member]:
        if self._text[offset] == "[":
            starts = self._items(offset)
            return (step, starts[step], starts[step]) if isinstance(step, int) and step < len(starts) else None
        return next((member for member in self._members(offset) if member[0] == step), None)

    def _items(self, offset: int) -> list[int]:
        if offset not in self._starts:
            self._starts[offset] = [start for _, start, _ in self._members(offset)]
        return self._starts[offset]

    def _members(self, offset: int) -> Iterator[Member]:
        opening = self._text[offset]
        if opening not in "{[":
            return
        index, offset = 0, self._after_space(offset + 1)
        while self._text[offset] not in "}]":
            key: Union[str, int] = index
            start = offset
            if opening == "{":
                key, offset = scanstring(self._text, offset + 1)
                offset = self._after_space(self._after_space(offset) + 1)  # skip the colon
            yield key, start, offset
            _, offset = self._end_of(self._text, offset)
            offset = self._after_space(offset)
            if self._text[offset] == ",":
                offset = self._after_space(offset + 1)
            index += 1
