"""The columns of the monitoring tables, with their values for an object without problems."""

from __future__ import annotations

import ast
import base64
from typing import Any, Callable, Mapping, Sequence

from .data_files import rows

_EMPTY: Mapping[str, Any] = {
    "blob": b"",
    "dict": {},
    "float": 0.0,
    "int": 0,
    "inventory": {},
    "list": [],
    "string": "",
    "time": 0,
}
# The names and types are the same in the official documentation of 2.2 to 2.5.
_COLUMNS = rows("columns")


def _defaults(*tables: str) -> dict[str, Any]:
    found = {}
    for row in _COLUMNS:
        if row["table"] in tables:
            empty = _EMPTY[row["type"]]
            found[row["column"]] = type(empty)(row["value"]) if row["value"] else empty
    return found


HOST_DEFAULTS: Mapping[str, Any] = _defaults("both", "hosts")
SERVICE_OWN_DEFAULTS: Mapping[str, Any] = _defaults("both", "services")
# Each row of a service also has the columns of its host.
SERVICE_DEFAULTS: Mapping[str, Any] = {
    **{f"host_{name}": value for name, value in HOST_DEFAULTS.items()},
    **SERVICE_OWN_DEFAULTS,
}
# The rows of downtimes and comments have the columns of their host, and those of their service if they have one.
_OF_OBJECT: Mapping[str, Any] = {
    **{name: value for name, value in SERVICE_DEFAULTS.items() if name.startswith("host_")},
    **{f"service_{name}": value for name, value in SERVICE_OWN_DEFAULTS.items()},
}
DOWNTIME_OWN_DEFAULTS: Mapping[str, Any] = _defaults("commands", "downtimes")
COMMENT_OWN_DEFAULTS: Mapping[str, Any] = _defaults("commands", "comments")
TABLES: Mapping[str, Mapping[str, Any]] = {
    "hosts": HOST_DEFAULTS,
    "services": SERVICE_DEFAULTS,
    "downtimes": {**_OF_OBJECT, **DOWNTIME_OWN_DEFAULTS},
    "comments": {**_OF_OBJECT, **COMMENT_OWN_DEFAULTS},
}


def _inventory(value: Any) -> Any:
    # Checkmk: the core stores the text of a Python literal, and the API returns the object.
    if not isinstance(value, (bytes, str)):
        return value
    return ast.literal_eval(value.decode("utf-8") if isinstance(value, bytes) else value) if value else {}


def _binary(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return {"value_type": "binary_base64", "value": base64.encodebytes(value).decode("ascii")}


_BY_TYPE: Mapping[str, Callable[[Any], Any]] = {"blob": _binary, "inventory": _inventory}
_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    f"{prefix}{row['column']}": _BY_TYPE[row["type"]]
    for row in _COLUMNS
    if row["type"] in _BY_TYPE
    for prefix in ("", "host_")
}


def selected_columns(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return the selected columns of a row in the form that the API returns."""
    converted = {column: _CONVERTERS[column](row[column]) for column in columns if column in _CONVERTERS}
    return {**{column: row[column] for column in columns}, **converted}
