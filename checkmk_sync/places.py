"""In which lines of a text its values stand; looked up only when somebody has to be told."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Iterator, Optional, Protocol, Sequence, Union

import yaml

__all__ = ["JSONPlaces", "Path", "Places", "YAMLPlaces", "safe_loader"]

Path = Sequence[Union[str, int]]

# libyaml is six times faster where PyYAML was built with it; both are safe loaders.
safe_loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Places(Protocol):
    """Lines count from 1."""

    def line(self, path: Path) -> Optional[int]:
        """The line at which the value at ``path`` (keys and indexes) starts, or that of its nearest parent."""

    def items(self, path: Path) -> Sequence[int]:
        """The lines at which the items of the list at ``path`` start; nothing where there is no list."""


class YAMLPlaces:
    """Of a YAML text; ``lists`` maps the ids of its lists to the lines of their items, ``data`` is what it says."""

    def __init__(self, text: str, data: Any, lists: dict[int, list[int]]) -> None:
        self._text, self._data, self._lists = text, data, lists
        self._root: Any = None

    def line(self, path: Path) -> Optional[int]:
        if self._root is None:
            self._root = self._composed()
        node, line = self._root, None if self._root is None else self._root.start_mark.line + 1
        for step in path:
            node, mark = _child(node, step)
            if node is None:
                break
            line = mark.line + 1
        return line

    def items(self, path: Path) -> Sequence[int]:
        found = self._data
        for step in path:
            found = found[step]
        return self._lists.get(id(found), ())

    def _composed(self) -> Any:
        loader = safe_loader(self._text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()


def _child(node: Any, step: Union[str, int]) -> tuple[Any, Any]:
    """The node below ``node`` at a key or index, with the mark to show (a key's own line); or (None, None)."""
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == str(step):
                return value_node, key_node.start_mark
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark
    return None, None


_SPACE = re.compile(r"[ \t\n\r]*")


class JSONPlaces:
    """Of a JSON text, which has to be whole."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end_of = json.JSONDecoder(parse_constant=lambda _name: None).raw_decode

    def line(self, path: Path) -> Optional[int]:
        found, at = self._after_space(0), self._after_space(0)
        for step in path:
            member = next((each for each in self._members(at) if each[0] == step), None)
            if member is None:
                break
            _, found, at = member
        return self._line_at(found)

    def items(self, path: Path) -> Sequence[int]:
        at = self._after_space(0)
        for step in path:
            at = next(value for key, _, value in self._members(at) if key == step)
        lines, line, last = [], 1, 0
        for _, _, value in self._members(at) if self._text[at] == "[" else ():
            line += self._text.count("\n", last, value)
            last = value
            lines.append(line)
        return lines

    def second(self, key: str) -> Optional[int]:
        """The line of a ``key`` that an object has already."""
        return next((self._line_at(at) for at in self._seconds(self._after_space(0), key)), None)

    def constant(self, name: str) -> Optional[int]:
        """The line of a value that is written ``name``, without quotes."""
        return next((self._line_at(at) for at in self._values(self._after_space(0)) if self._is_at(name, at)), None)

    def _is_at(self, name: str, at: int) -> bool:
        return self._text.startswith(name, at)

    def _line_at(self, position: int) -> int:
        return self._text.count("\n", 0, position) + 1

    def _after_space(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return at if match is None else match.end()

    def _members(self, at: int) -> Iterator[tuple[Union[str, int], int, int]]:
        """Of the object or list that starts here: each key or index, where it stands, and where its value does."""
        opening = self._text[at]
        if opening not in "{[":
            return
        index, at = 0, self._after_space(at + 1)
        while self._text[at] not in "}]":
            key: Union[str, int] = index
            start = at
            if opening == "{":
                key, at = scanstring(self._text, at + 1)
                at = self._after_space(self._after_space(at) + 1)  # over the colon
            yield key, start, at
            _, at = self._end_of(self._text, at)
            at = self._after_space(at)
            if self._text[at] == ",":
                at = self._after_space(at + 1)
            index += 1

    def _values(self, at: int) -> Iterator[int]:
        yield at
        for _, _, value in self._members(at):
            yield from self._values(value)

    def _seconds(self, at: int, key: str) -> Iterator[int]:
        seen = False
        for found, start, value in self._members(at):
            if found == key and seen:
                yield start
            seen = seen or found == key
            yield from self._seconds(value, key)
