"""Records as plain data for JSON files, and back. The annotations of a record say which values it can have."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import functools
from typing import Any, Mapping, Union, get_args, get_origin, get_type_hints

from ..core.arguments import describe_type
from ..core.text import suggestion

_NAMES = {str: "a string", int: "a whole number", bool: "true or false"}


class FieldError(ValueError):
    """A value that a record cannot have. ``field`` is its place, such as ``changes[3].kind``."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@functools.cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


@functools.cache
def _defaults(kind: Any) -> Mapping[str, Any]:
    """Return the defaults of a record's fields. Fields without a default are missing."""
    missing, entries = dataclasses.MISSING, dataclasses.fields(kind)
    made = {entry.name: entry.default_factory() for entry in entries if entry.default_factory is not missing}
    return {**made, **{entry.name: entry.default for entry in entries if entry.default is not missing}}


class RecordCodec:
    """Converts records to plain data and back. Fields with their default values are left out.

    A key of a mapping that is a tuple of one or two texts is written with a dot: ``attributes.alias``. A subclass can
    treat some types differently.
    """

    def to_plain(self, value: Any) -> Any:
        """Return a value as plain data."""
        if dataclasses.is_dataclass(value):
            kind: Any = type(value)
            defaults = _defaults(kind)
            values = {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
            is_default = {name for name, inner in values.items() if name in defaults and inner == defaults[name]}
            return {name: self.to_plain(inner) for name, inner in values.items() if name not in is_default}
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, (tuple, frozenset)):
            return [self.to_plain(part) for part in (sorted(value) if isinstance(value, frozenset) else value)]
        if isinstance(value, Mapping):
            return {".".join(k) if isinstance(k, tuple) else k: self.to_plain(inner) for k, inner in value.items()}
        return value

    def from_plain(self, annotation: Any, data: Any, field: str = "") -> Any:
        """Return the value of an annotated type. Raises FieldError for data that it cannot have."""
        origin, parts = get_origin(annotation), get_args(annotation)
        if annotation is Any:
            return data
        if origin is Union:  # Optional
            return None if data is None else self.from_plain(parts[0], data, field)
        if origin in (tuple, frozenset):
            return self._sequence(origin, parts, data, field)
        if origin is collections.abc.Mapping:
            self._require(isinstance(data, dict), field, "an object", data)
            keys = {key: tuple(key.split(".", 1)) if get_origin(parts[0]) is tuple else key for key in data}
            return {keys[key]: self.from_plain(parts[1], inner, _below(field, key)) for key, inner in data.items()}
        if issubclass(annotation, enum.Enum):
            choices = {member.value: member for member in annotation}
            is_known = isinstance(data, str) and data in choices
            self._require(is_known, field, f"one of {', '.join(choices)}", data)
            return choices[data]
        if dataclasses.is_dataclass(annotation):
            return self._record(annotation, data, field)
        self._require(type(data) is annotation, field, _NAMES[annotation], data)
        return data

    def _sequence(self, origin: Any, parts: tuple[Any, ...], data: Any, field: str) -> Any:
        self._require(isinstance(data, list), field, "a list", data)
        if origin is tuple and parts[-1] is not Ellipsis:
            self._require(len(data) == len(parts), field, f"a list of {len(parts)} values", data)
        else:
            parts = (parts[0],) * len(data)
        values = zip(parts, data)
        return origin(self.from_plain(part, inner, f"{field}[{n}]") for n, (part, inner) in enumerate(values))

    def _record(self, kind: Any, data: Any, field: str) -> Any:
        self._require(isinstance(data, dict), field, "an object", data)
        hints, defaults = _hints(kind), _defaults(kind)
        names = [entry.name for entry in dataclasses.fields(kind)]
        for name in data:
            if name not in names:
                place = _below(field, name)
                raise FieldError(place, f"{place} is not known{suggestion(name, tuple(names))}")
        for name in names:
            if name not in data and name not in defaults:
                place = _below(field, name)
                raise FieldError(place, f"{place} is missing")
        return kind(**{name: self.from_plain(hints[name], inner, _below(field, name)) for name, inner in data.items()})

    @staticmethod
    def _require(is_valid: bool, field: str, needed: str, data: Any) -> None:
        if not is_valid:
            given = repr(data) if isinstance(data, str) and len(data) < 40 else describe_type(data)
            raise FieldError(field, f"{field or 'the data'} must be {needed}, not {given}")


def _below(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
