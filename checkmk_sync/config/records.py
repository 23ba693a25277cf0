"""Checks and changes of settings records, for any dataclass whose fields are settings."""

from __future__ import annotations

import math
import os
from dataclasses import fields, is_dataclass
from typing import Any, Callable, Mapping, Optional

from ..core.text import suggestion
from ..errors import SettingsError

_TYPES: Mapping[str, tuple[tuple[Any, ...], str]] = {  # by the annotation of a field
    "bool": ((bool,), "true or false"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str, os.PathLike), "a string"),
}


def check_fields(owner: Any, **minimum: float) -> None:
    """Raise SettingsError for a field with a value of another type, or a number that is not finite or is too small."""
    for entry in fields(owner):
        name, value, annotation = entry.name, getattr(owner, entry.name), str(entry.type)
        expected = _TYPES.get(annotation.removeprefix("Optional[").removesuffix("]"))
        if expected is None or (value is None and annotation.startswith("Optional[")):
            continue
        kinds, needed = expected
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise SettingsError(f"{name} must be {needed}, not {value!r}", field=name)
        if isinstance(value, float) and not math.isfinite(value):
            raise SettingsError(f"{name} must be a finite number, not {value!r}", field=name)
        if name in minimum and value < minimum[name]:
            raise SettingsError(f"{name} must be at least {minimum[name]:g}, not {value!r}", field=name)


ErrorAt = Callable[[tuple[str, ...], str, Optional[str]], SettingsError]


def _error_at(_path: tuple[str, ...], message: str, field: Optional[str]) -> SettingsError:
    return SettingsError(message, field=field)


def replace_nested(
    record: Any, changes: Mapping[str, Any], path: tuple[str, ...] = (), error_at: ErrorAt = _error_at
) -> Any:
    """Return a copy of a settings record with ``changes``. A mapping changes the nested record of that name.

    ``path`` is the key of the record. A mistake raises the error that ``error_at(path, message, field)`` returns, by
    default a SettingsError. An unknown name without a path raises TypeError, because it is the name of an argument.
    """
    values = {entry.name: getattr(record, entry.name) for entry in fields(record)}
    for name, change in changes.items():
        below = (*path, str(name))
        if name not in values:
            message = f"unknown setting {'.'.join(below)}{suggestion(str(name), tuple(values))}"
            raise error_at(below, message, str(name)) if path else TypeError(message)
        if not is_dataclass(values[name]) or isinstance(change, type(values[name])):
            values[name] = change
        elif isinstance(change, Mapping):
            values[name] = replace_nested(values[name], change, below, error_at)
        else:
            raise error_at(below, f"{'.'.join(below)}: must be a mapping", name)
    return create_record(type(record), values, path, error_at)


def create_record(kind: Any, values: Mapping[str, Any], path: tuple[str, ...], error_at: ErrorAt) -> Any:
    """Return a settings record. Raises an error that names the full key, created as by :func:`replace_nested`."""
    try:
        return kind(**values)
    except SettingsError as error:
        below, message = (*path, error.field or ""), str(error)
        if path and error.field:
            message = f"{'.'.join(below)}: {message.removeprefix(f'{error.field} ')}"
        raise error_at(below, message, error.field) from None
