"""YAML and JSON texts as plain data that knows its lines.

YAML is read through PyYAML's safe loader only. Repeated keys, recursive or exploding aliases and
oversized documents are refused. Data keeps no marks: only when a mistake has to be reported does
:meth:`Document.line` look up where a value stands.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from typing import Any, NoReturn, Optional, Sequence

import yaml

from .errors import SettingsError
from .places import JSONPlaces, Path, Places, YAMLPlaces, safe_loader

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Document", "read_json", "read_yaml"]

MAX_BYTES = 256 * 2**20
MAX_VALUES = 20_000_000  # counted with every alias written out
MAX_DEPTH = 50

_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class Document:
    """``data`` read from ``source`` (a file's name); lines count from 1."""

    def __init__(self, data: Any, source: str, places: Optional[Places] = None) -> None:
        self.data, self.source = data, source
        self._places = places
        self._items: dict[Path, Sequence[int]] = {}

    def line(self, path: Path) -> Optional[int]:
        """The line at which the value at ``path`` (keys and indexes) starts, or that of its nearest parent."""
        return None if self._places is None else self._places.line(path)

    def line_of_item(self, path: tuple[str, ...], index: int) -> Optional[int]:
        """The same for an item of the list at ``path``, at next to no cost for all of them."""
        if path not in self._items:
            self._items[path] = () if self._places is None else self._places.items(path)
        lines = self._items[path]
        return lines[index] if index < len(lines) else None


def read_yaml(text: str, source: str) -> Document:
    """Parse YAML. SettingsError with file and line when it is not YAML that can be trusted."""
    _check_size(text, source)
    loader = safe_loader(text)
    builder = _Builder(loader, source)
    try:
        root = loader.get_single_node()
        data = None if root is None else builder.build(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        said = f"this is not valid YAML: {error.problem}{_about_tabs(text, line)}"
        raise SettingsError(said, file=source, line=line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"this is not valid YAML: {error}", file=source) from error
    finally:
        loader.dispose()
    return Document(data, source, YAMLPlaces(text, data, builder.lists))


def _about_tabs(text: str, line: Optional[int]) -> str:
    row = "" if line is None else next(itertools.islice(io.StringIO(text), line - 1, None), "")
    return "; YAML is indented with blanks, and here is a tab" if re.match(r" *\t", row) else ""


def read_json(text: str, source: str) -> Document:
    """Parse JSON. SettingsError with file and line when it is not JSON or repeats a key."""
    _check_size(text, source)
    places = JSONPlaces(text)
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise SettingsError(f"this is not valid JSON: {error.msg}", file=source, line=error.lineno) from error
    except _WrongJSON as error:
        line = places.constant(error.name) if error.is_constant else places.second(error.name)
        raise SettingsError(str(error), file=source, line=line) from None
    except RecursionError as error:
        raise SettingsError("the document is nested too deeply", file=source) from error
    return Document(data, source, places)


class _WrongJSON(Exception):
    """What JSON or Python lets pass, and we do not: ``name`` is a constant, or a key that stands twice."""

    def __init__(self, name: str, *, is_constant: bool) -> None:
        self.name, self.is_constant = name, is_constant
        wrong = "is no JSON value" if is_constant else "stands twice in one object"
        super().__init__(f"this is not valid JSON: {name} {wrong}" if is_constant else f"the key {name!r} {wrong}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _WrongJSON(next(name for name in names if names.count(name) > 1), is_constant=False)
    return found


def _refuse_constant(name: str) -> None:
    raise _WrongJSON(name, is_constant=True)


def _check_size(text: str, source: str) -> None:
    if len(text) > MAX_BYTES:
        raise SettingsError(f"the document is larger than {MAX_BYTES // 2**20} MiB; split it", file=source)


class _Builder:
    """Makes plain data of a node tree; what an alias points to is built once and shared."""

    def __init__(self, loader: Any, source: str) -> None:
        self._loader, self._source = loader, source
        self._built: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()
        self.lists: dict[int, list[int]] = {}  # by the id of a list that was built, the lines of its items

    def build(self, root: Any) -> Any:
        return self._value(root)[0]

    def _value(self, node: Any) -> tuple[Any, int]:
        """The data of a node and how many values it holds with all aliases written out."""
        known = self._built.get(id(node))
        if known is not None:
            return known
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), 1
        if id(node) in self._open:
            self._refuse(node, "an alias contains itself")
        if node.tag not in _PLAIN_TAGS:
            self._refuse(node, f"the tag {node.tag!r} is not allowed; this is not valid YAML for data")
        if len(self._open) > MAX_DEPTH:
            self._refuse(node, f"the document is nested deeper than {MAX_DEPTH} levels")
        self._open.add(id(node))
        built = self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)
        self._open.discard(id(node))
        if built[1] > MAX_VALUES:
            self._refuse(node, f"the document holds more than {MAX_VALUES} values, aliases written out")
        self._built[id(node)] = built
        return built

    def _scalar(self, node: Any) -> Any:
        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # such as 2024-13-45
            self._refuse(node, f"{node.value!r} is not valid: {error}; put it in quotes if it is a text")

    def _sequence(self, node: Any) -> tuple[Any, int]:
        values = [self._value(child) for child in node.value]
        data = [value for value, _ in values]
        self.lists[id(data)] = [child.start_mark.line + 1 for child in node.value]
        return data, 1 + sum(size for _, size in values)

    def _mapping(self, node: Any) -> tuple[Any, int]:
        """What the mapping says itself wins over what it merges (``<<``), of which the first one wins."""
        own: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        seen: set[str] = set()
        size = 1
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "a key must be a plain text")
            if key_node.value in seen:
                self._refuse(key_node, f"the key {key_node.value!r} stands twice in one mapping")
            seen.add(key_node.value)
            value, held = self._value(value_node)
            size += 1 + held
            if key_node.tag == _MERGE:
                for other in value if isinstance(value, list) else [value]:
                    if not isinstance(other, dict):
                        self._refuse(value_node, "'<<' takes a mapping, or a list of them")
                    merged = {**other, **merged}
            else:
                own[self._loader.construct_object(key_node)] = value
        return {**merged, **own}, size

    def _refuse(self, node: Any, why: str) -> NoReturn:
        raise SettingsError(why, file=self._source, line=node.start_mark.line + 1)
