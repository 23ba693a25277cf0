"""YAML and JSON texts as plain data that knows its lines.

YAML is read through PyYAML's safe loader only. Repeated keys, recursive or exploding aliases and
oversized documents are refused. Data keeps no marks: only when a mistake has to be reported does
:meth:`Document.line` look up where a value stands.
"""

from __future__ import annotations

import json
from typing import Any, Optional, Sequence, Union

import yaml

from .errors import SettingsError

__all__ = ["MAX_BYTES", "Document", "read_json", "read_yaml"]

MAX_BYTES = 256 * 2**20
MAX_VALUES = 20_000_000  # counted with every alias written out
MAX_DEPTH = 50

_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

Path = Sequence[Union[str, int]]
# libyaml is six times faster where PyYAML was built with it; both are safe loaders.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """``data`` read from ``source`` (a file's name); lines count from 1."""

    def __init__(self, data: Any, source: str, text: str) -> None:
        self.data, self.source = data, source
        self._text = text
        self._root: Any = None

    def line(self, path: Path) -> Optional[int]:
        """The line at which the value at ``path`` (keys and indexes) starts, or that of its nearest parent."""
        if self._root is None:
            self._root = _compose_leniently(self._text)
        node, line = self._root, None if self._root is None else self._root.start_mark.line + 1
        for step in path:
            node, mark = _child(node, step)
            if node is None:
                break
            line = mark.line + 1
        return line


def read_yaml(text: str, source: str) -> Document:
    """Parse YAML. SettingsError with file and line when it is not YAML that can be trusted."""
    _check_size(text, source)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        data = None if root is None else _Builder(loader, source).build(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise SettingsError(f"this is not valid YAML: {error.problem}", file=source, line=line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"this is not valid YAML: {error}", file=source) from error
    finally:
        loader.dispose()
    return Document(data, source, text)


def read_json(text: str, source: str) -> Document:
    """Parse JSON. SettingsError with file and line when it is not JSON or repeats a key."""
    _check_size(text, source)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise SettingsError(f"the key {twice!r} stands twice in one object", file=source)
        return found

    try:
        data = json.loads(text, object_pairs_hook=unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise SettingsError(f"this is not valid JSON: {error.msg}", file=source, line=error.lineno) from error
    except ValueError as error:
        raise SettingsError(f"this is not valid JSON: {error}", file=source) from error
    except RecursionError as error:
        raise SettingsError("the document is nested too deeply", file=source) from error
    return Document(data, source, text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _check_size(text: str, source: str) -> None:
    if len(text) > MAX_BYTES:
        raise SettingsError(f"the document is larger than {MAX_BYTES // 2**20} MiB; split it", file=source)


class _Builder:
    """Makes plain data of a node tree; what an alias points to is built once and shared."""

    def __init__(self, loader: Any, source: str) -> None:
        self._loader, self._source = loader, source
        self._built: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()

    def build(self, root: Any) -> Any:
        return self._value(root)[0]

    def _value(self, node: Any) -> tuple[Any, int]:
        """The data of a node and how many values it holds with all aliases written out."""
        known = self._built.get(id(node))
        if known is not None:
            return known
        if isinstance(node, yaml.ScalarNode):
            return self._loader.construct_object(node), 1
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

    def _sequence(self, node: Any) -> tuple[Any, int]:
        values = [self._value(child) for child in node.value]
        return [value for value, _ in values], 1 + sum(size for _, size in values)

    def _mapping(self, node: Any) -> tuple[Any, int]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "a key must be a plain text")
            if key_node.value in seen:
                self._refuse(key_node, f"the key {key_node.value!r} stands twice in one mapping")
            seen.add(key_node.value)
        self._loader.flatten_mapping(node)  # writes out "<<"; what the mapping says itself comes last and wins
        data, size = {}, 1
        for key_node, value_node in node.value:
            value, held = self._value(value_node)
            data[self._loader.construct_object(key_node)] = value
            size += 1 + held
        return data, size

    def _refuse(self, node: Any, why: str) -> None:
        raise SettingsError(why, file=self._source, line=node.start_mark.line + 1)


def _compose_leniently(text: str) -> Any:
    """The node tree of a text that was read before; JSON is YAML once its tabs (never in strings) are gone."""
    loader = _Loader(text.replace("\t", " "))
    try:
        return loader.get_single_node()
    except yaml.YAMLError:  # JSON that YAML cannot take, such as escaped surrogates: no line is known
        return None
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
