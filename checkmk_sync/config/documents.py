"""YAML and JSON documents as plain data, with positions for error messages.

YAML is read only with PyYAML's safe loader. Duplicate keys, recursive or exploding aliases, and oversized documents are
refused. The data itself contains no positions. :meth:`Document.position` looks them up when there is a mistake to
report.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from typing import Any, BinaryIO, Callable, NoReturn, Optional, Sequence, Union

import yaml
from yaml.reader import Reader, ReaderError

from ..errors import SettingsError
from .positions import JSONPositions, Path, Position, YAMLPositions, open_loader, position_at

MAX_BYTES = 256 * 2**20
MAX_VALUES = 20_000_000  # counted with all aliases expanded
MAX_DEPTH = 50
NOT_JSON = "this is not valid JSON"
SHOWN = 60  # characters of a value that an error message quotes
MAX_DIGITS = 400  # Python may refuse to convert numbers of more than 640 digits

_PIECE = 2**20
_MERGE = "<<"
_MAP, _SEQUENCE = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_DEEP = f"the document is nested deeper than {MAX_DEPTH} levels"
_TOO_LONG = f"a number has more than {MAX_DIGITS} digits"
_HALF_CHARACTER = "a string contains half of a character (a surrogate without its pair); write the complete character"


class Document:
    """The parsed ``data`` of a document, and its ``source``: the name of a file. Lines count from 1."""

    def __init__(self, data: Any, source: str, positions: Union[YAMLPositions, JSONPositions, None] = None) -> None:
        self.data, self.source = data, source
        self._positions = positions
        self._items: dict[Path, Sequence[int]] = {}

    def position(self, path: Path, *, of_value: bool = False) -> Position:
        """Return the line and column of the member at ``path``, or of its nearest parent.

        ``path`` consists of keys and indexes. A member starts at its key, or with ``of_value`` at its value.
        """
        return Position() if self._positions is None else self._positions.position(path, of_value=of_value)

    def line_of_item(self, path: tuple[str, ...], index: int) -> Optional[int]:
        """Return the line of an item of the list at ``path``, or None if it is unknown.

        The lines of a list are looked up only once, so that it is cheap to call this for each of its items.
        """
        if path not in self._items:
            self._items[path] = () if self._positions is None else self._positions.items(path)
        lines = self._items[path]
        return lines[index] if index < len(lines) else None


def read_limited(source: BinaryIO, limit: int) -> bytearray:
    """Read up to ``limit`` bytes. The result is one byte longer than ``limit`` if the source has more bytes."""
    # In pieces, because read(limit) would allocate the full limit for the smallest file.
    data = bytearray()
    while len(data) <= limit:
        piece = source.read(min(_PIECE, limit + 1 - len(data)))
        if not piece:
            break
        data += piece
    return data


def read_yaml(text: str, source: str, *, as_written: bool = False) -> Document:
    """Parse YAML. Raises SettingsError, with file, line and column, if it is not valid or not safe.

    ``as_written`` keeps all scalars except null as strings: ``0123``, ``yes`` and ``2024-01-01`` are not converted.
    """
    _check_size(text, source)
    try:
        with open_loader(text) as loader:
            builder = _Builder(loader, source, as_written)
            data = builder.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position() if mark is None else Position(mark.line + 1, mark.column + 1)
        message = f"this is not valid YAML: {error.problem}{_tab_hint(text, position.line)}"
        raise _error_at(message, source, position) from error
    except ReaderError as error:
        raise _unreadable_error(error, text, source) from None
    except yaml.YAMLError as error:
        raise SettingsError(f"this is not valid YAML: {error}", file=source) from error
    return Document(data, source, YAMLPositions(text, data, builder.lists))


def _unreadable_error(error: ReaderError, text: str, source: str) -> SettingsError:
    # Some versions of ReaderError count bytes, so its position cannot be used.
    match = Reader.NON_PRINTABLE.search(text)
    if match is None:
        return SettingsError(f"this is not valid YAML: {error.reason}", file=source)
    message = f"this is not valid YAML: the character U+{ord(match[0]):04X} is not allowed"
    return _error_at(message, source, position_at(text, match.start()))


def _tab_hint(text: str, line: Optional[int]) -> str:
    row = "" if line is None else next(itertools.islice(io.StringIO(text), line - 1, None), "")
    return "; indent YAML with spaces instead of tabs" if re.match(r" *\t", row) else ""


def read_json(text: str, source: str, *, as_written: bool = False) -> Document:
    """Parse JSON. Raises SettingsError, with file, line and column, if it is ambiguous or not valid.

    ``as_written`` keeps numbers as strings, so that ``1.10`` keeps its zero.
    """
    _check_size(text, source)
    positions = JSONPositions(text)
    whole, real = (str, str) if as_written else (_parse_int, float)
    try:
        data = json.loads(
            text, object_pairs_hook=_no_duplicates, parse_constant=_refuse_constant, parse_int=whole, parse_float=real
        )
    except json.JSONDecodeError as error:
        position = Position(error.lineno, error.colno)
        mistake = error.msg.removesuffix(" at").removesuffix(" starting")  # the position follows
        raise _error_at(f"{NOT_JSON}: {mistake}", source, position) from error
    except _WrongJSON as error:
        raise _error_at(str(error), source, error.find(positions)) from None
    except RecursionError:
        data = None  # Python's decoder recurses, so the document is much deeper than MAX_DEPTH
    else:
        if not _is_deep(data):
            position = positions.first_token(_holds_surrogate) if _ESCAPED_SURROGATE.search(text) else Position()
            if position.line is not None:
                raise _error_at(_HALF_CHARACTER, source, position)
            return Document(data, source, positions)
    raise _error_at(
        _TOO_DEEP, source, positions.first_token(lambda token, depth: token in ("[", "{") and depth > MAX_DEPTH)
    )


def _holds_surrogate(token: str, _depth: int) -> bool:
    is_escaped = token[0] == '"' and _ESCAPED_SURROGATE.search(token) is not None
    return is_escaped and _SURROGATE.search(json.loads(token)) is not None


def _is_deep(data: Any) -> bool:
    """Return True if lists and objects are nested deeper than MAX_DEPTH."""
    # Level by level, because recursion could exceed Python's limit.
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer if type(outer) is list else ())
            if type(inner) in (dict, list)
        ]
        if not level:
            return False
    return True


class _WrongJSON(Exception):
    """JSON that Python would accept, but that is ambiguous or not standard. ``find`` looks up its position."""

    def __init__(self, message: str, find: Callable[[JSONPositions], Position]) -> None:
        self.find = find
        super().__init__(message)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _WrongJSON(f"the key {twice!r} occurs twice in one object", lambda positions: positions.duplicate(twice))
    return data


def _refuse_constant(name: str) -> NoReturn:
    raise _WrongJSON(
        f"{NOT_JSON}: {name} is not a JSON value",
        lambda positions: positions.first_token(lambda token, _depth: token == name),
    )


def _parse_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _WrongJSON(_TOO_LONG, lambda positions: positions.first_token(lambda token, _depth: token == text))
    return int(text)


def _check_size(text: str, source: str) -> None:
    if len(text) > MAX_BYTES:
        raise SettingsError(f"the document is larger than {MAX_BYTES // 2**20} MiB; split it", file=source)


def _error_at(message: str, source: str, position: Position) -> SettingsError:
    return SettingsError(message, file=source, line=position.line, column=position.column)


class _Builder:
    """Builds plain data from the events of a loader. The target of an alias is built once and shared."""

    def __init__(self, loader: Any, source: str, as_written: bool) -> None:
        self._loader, self._source, self._as_written = loader, source, as_written
        self._next = loader.get_event
        self._anchors: dict[str, tuple[Any, int]] = {}  # the data of finished nodes, and the number of values in it
        self._open: list[Any] = []  # the first events of the nodes from the root to the current one
        self._kinds: dict[str, str] = {}  # by the text of a plain scalar
        self.lists: dict[int, list[int]] = {}  # lines of the items, by the ID of the finished list

    def document(self) -> Any:
        """Return the data of the only document, or None for a text without a document."""
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        data = self._value(self._next())[0]
        self._next()  # the end of the document
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "this is not valid YAML: another document follows; use one file for each")
        return data

    def _value(self, event: Any) -> tuple[Any, int]:
        """Return the data of a node, and the number of values in it with all aliases expanded."""
        if isinstance(event, yaml.ScalarEvent):
            built: tuple[Any, int] = (self._scalar(event), 1)
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        else:
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            if event.tag not in (None, "!", _MAP if is_mapping else _SEQUENCE):
                self._refuse(event, f"the tag {event.tag!r} is not allowed; remove the tag")
            if len(self._open) > MAX_DEPTH:
                self._refuse(event, _TOO_DEEP)
            self._open.append(event)
            built = self._mapping() if is_mapping else self._sequence()
            self._open.pop()
            if built[1] > MAX_VALUES:
                self._refuse(event, f"the document contains more than {MAX_VALUES} values with all aliases expanded")
        if event.anchor is not None:
            self._anchors[event.anchor] = built
        return built

    def _alias(self, event: Any) -> tuple[Any, int]:
        for node in self._open:
            if node.anchor == event.anchor:
                self._refuse(node, "an alias contains itself")
        if event.anchor not in self._anchors:
            self._refuse(event, f"this is not valid YAML: the alias {event.anchor!r} has no anchor before it")
        return self._anchors[event.anchor]

    def _kind_of(self, event: Any) -> str:
        """Return the kind of a scalar, such as ``"str"``."""
        text = event.value
        if event.tag not in (None, "!"):
            return str(event.tag.rpartition(":")[2])
        if not event.implicit[0] or event.tag == "!":  # quoted
            return "str"
        kind = self._kinds.get(text)
        if kind is None:
            tag: str = self._loader.resolve(yaml.ScalarNode, text, (True, False))
            kind = self._kinds[text] = tag.rpartition(":")[2]
        return kind

    def _scalar(self, event: Any) -> Any:
        kind, text = self._kind_of(event), event.value
        if not text.isascii() and _SURROGATE.search(text):  # libyaml itself refuses them
            self._refuse(event, _HALF_CHARACTER)
        # YAML 1.1 reads 17:00 as 1020. As in YAML 1.2, it is a string here.
        if kind == "str" or (self._as_written and kind != "null") or (kind in ("int", "float") and ":" in text):
            return text
        if kind == "int" and len(text) > MAX_DIGITS:
            self._refuse(event, f"{_TOO_LONG}; put it in quotes if it is a string")
        tag = event.tag if event.tag not in (None, "!") else f"tag:yaml.org,2002:{kind}"
        try:
            return self._loader.construct_object(yaml.ScalarNode(tag, text, event.start_mark, event.end_mark))
        except (ValueError, OverflowError) as error:  # such as 2024-13-45
            self._refuse(event, f"{text[:SHOWN]!r} is not valid: {error}; put it in quotes if it is a string")
        except (KeyError, AttributeError):  # such as !!bool maybe
            self._refuse(event, f"{text[:SHOWN]!r} is not valid for its tag {tag!r}")

    def _sequence(self) -> tuple[Any, int]:
        data: list[Any] = []
        lines: list[int] = []
        size = 1
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            value, held = self._value(event)
            data.append(value)
            lines.append(event.start_mark.line + 1)
            size += held
        self.lists[id(data)] = lines
        return data, size

    def _mapping(self) -> tuple[Any, int]:
        """Build a mapping. Its own keys win over merged ones (``<<``), and the first merged mapping wins."""
        own: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        seen: set[Any] = set()
        size = 1
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            is_merge = isinstance(key, yaml.ScalarEvent) and self._kind_of(key) == "merge"
            is_single = isinstance(key, (yaml.ScalarEvent, yaml.AliasEvent))
            name = _MERGE if is_merge else self._value(key)[0] if is_single else []
            if isinstance(name, (list, dict)):
                self._refuse(key, "a key must be a single value, not a list or mapping")
            if name in seen:
                self._refuse(key, f"the key {name!r} occurs twice in one mapping")
            seen.add(name)
            event = self._next()
            value, held = self._value(event)
            size += 1 + held
            if is_merge:
                for other in value if isinstance(value, list) else [value]:
                    if not isinstance(other, dict):
                        self._refuse(event, "the value of '<<' must be a mapping or a list of mappings")
                    merged = {**other, **merged}
            else:
                own[name] = value
        return {**merged, **own} if merged else own, size

    def _refuse(self, event: Any, why: str) -> NoReturn:
        raise _error_at(why, self._source, Position(event.start_mark.line + 1, event.start_mark.column + 1))
