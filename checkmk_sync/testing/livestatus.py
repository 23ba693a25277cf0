"""The query expressions of the monitoring endpoints: validation, and compilation to a predicate on rows."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Collection, Mapping, Optional

from .validation import Check, Field, field_errors, list_of, pattern, string

Row = Mapping[str, Any]
Predicate = Callable[[Row], bool]


class BadQuery(ValueError):
    """An invalid query. The server returns ``errors`` as ``fields.query``."""

    def __init__(self, errors: Any) -> None:
        super().__init__(str(errors))
        self.errors = [errors] if isinstance(errors, str) else errors


def compile_query(raw: Any, table: str, columns: Collection[str]) -> Optional[Predicate]:
    """Return the predicate of a query, which is an object or a string of JSON, or None for an empty query.

    Raises BadQuery if the query is not valid. Raises KeyError if an expression lacks a member, because Checkmk crashes.
    """
    node = _parsed(raw)
    if not node:
        return None
    _check_names(node, table, columns)
    errors = _shape_errors(node)
    if errors:
        raise BadQuery(errors)
    return _predicate(node)


def query_check(table: str, columns: Collection[str]) -> Check:
    """Accept the valid queries of a table."""

    def check(value: Any) -> Any:
        try:
            compile_query(value, table, columns)
        except BadQuery as error:
            return error.errors
        return None

    return check


def host_name_predicate(raw: Any) -> Optional[Predicate]:
    """Return the part of a valid query that only tests ``host_name``, so that the core can skip other hosts."""
    node = _parsed(raw)
    if not node:
        return None
    parts = node["expr"] if node["op"] == "and" else [node]
    about_host = [part for part in parts if str(part.get("left", "")).rpartition(".")[2] == "host_name"]
    return _predicate({"op": "and", "expr": about_host}) if about_host else None


def named_hosts(raw: Any, column: str) -> Optional[frozenset[str]]:
    """Return the names of the only hosts that a valid query can match, or None if it does not name them.

    ``column`` contains the name of the host. The core then skips all other hosts.
    """
    node = _parsed(raw) or {}
    if node.get("op") in _JOINS:
        parts = [named_hosts(part, column) for part in node["expr"]]
        named = [part for part in parts if part is not None]
        if node["op"] == "and":
            return frozenset.intersection(*named) if named else None
        return frozenset().union(*named) if len(named) == len(parts) else None
    is_name = node.get("op") == "=" and node["left"].rpartition(".")[2] == column
    return frozenset([node["right"]]) if is_name else None


def _parsed(raw: Any) -> Any:
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadQuery({"_schema": [f"Invalid JSON value: '{raw}'", str(error)]}) from None


def _check_names(node: Any, table: str, columns: Collection[str]) -> None:
    """Raise BadQuery for an unknown operator or column. Checkmk checks these first."""
    if not isinstance(node, dict):
        return
    op = node["op"]
    if op in _JOINS:
        parts = node["expr"]
        if parts == []:
            raise BadQuery("Need at least one parameter.")
        for part in parts if isinstance(parts, list) else ():
            _check_names(part, table, columns)
    elif op == "not":
        _check_names(node["expr"], table, columns)
    elif isinstance(op, str) and op in _OPERATORS:
        left, _ = node["left"], node["right"]
        column_table, dot, name = left.rpartition(".") if isinstance(left, str) else ("", "", None)
        if dot and column_table != table:
            raise BadQuery(f"This field can only query table {table!r}. ({left})")
        if name is not None and name not in columns:
            raise BadQuery(f"Table {table!r} has no column {name!r}.")
    else:
        raise BadQuery(f"Unknown operator: {op}")


def _shape_errors(value: Any) -> Any:
    """Return the errors in the shape of an expression."""
    if not isinstance(value, dict):
        return {"_schema": [f"Invalid data type: {value}"]}
    op = value.get("op")
    return field_errors(_JOINED if op in _JOINS else _NEGATED if op == "not" else _COMPARED, value) or None


_JOINS = ("and", "or")
_OP = {"op": Field(string)}
_JOINED = {**_OP, "expr": Field(list_of(_shape_errors))}
_NEGATED = {**_OP, "expr": Field(_shape_errors)}
_COMPARED = {**_OP, "left": Field(pattern(r"^([a-z]+\.)?[_a-z]+$")), "right": Field(string)}


def _predicate(node: Mapping[str, Any]) -> Predicate:
    op = node["op"]
    if op in _JOINS:
        inner = [_predicate(part) for part in node["expr"]]
        if op == "and":
            return lambda row: all(test(row) for test in inner)
        return lambda row: any(test(row) for test in inner)
    if op == "not":
        negated = _predicate(node["expr"])
        return lambda row: not negated(row)
    column, right = node["left"].rpartition(".")[2], node["right"].replace("\n", "")
    is_negated, base = op.startswith("!"), op.lstrip("!")
    if base in ("~", "~~"):
        try:
            re.compile(right)
        except (re.error, OverflowError) as error:
            raise BadQuery(f"Not a valid regular expression: {right!r} ({error})") from None
    compare = _COMPARE[base]
    return lambda row: compare(row[column], right) is not is_negated


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # Livestatus reads any other string as 0


def _equal(value: Any, right: str) -> bool:
    if isinstance(value, list):  # Checkmk: "=" on a list tests whether the list is empty
        return right == "" and not value
    if isinstance(value, dict):  # the right side is 'key' 'value', both quoted
        pair = re.fullmatch(r"'([^']*)' '([^']*)'", right.strip())
        return pair is not None and str(value.get(pair.group(1))) == pair.group(2)
    if isinstance(value, (int, float)):
        return value == _number(right)
    return str(value if value is not None else "") == right


def _search(value: Any, right: str, flags: int = 0) -> bool:
    if isinstance(value, list):
        return any(re.search(right, str(entry), flags) for entry in value)
    return re.search(right, str(value if value is not None else ""), flags) is not None


def _less(value: Any, right: str) -> bool:
    if isinstance(value, list):
        return right not in map(str, value)
    return value < _number(right) if isinstance(value, (int, float)) else str(value) < right


def _greater(value: Any, right: str) -> bool:
    if isinstance(value, list):
        return right.lower() not in (str(entry).lower() for entry in value)
    return value > _number(right) if isinstance(value, (int, float)) else str(value) > right


# For lists, ">=" means "contains", and "<" means "does not contain". "<=" and ">" do the same, ignoring case.
_COMPARE: Mapping[str, Callable[[Any, str], bool]] = {
    "=": _equal,
    "~": _search,
    "~~": lambda value, right: _search(value, right, re.IGNORECASE),
    "<": _less,
    ">": _greater,
    "<=": lambda value, right: not _greater(value, right),
    ">=": lambda value, right: not _less(value, right),
}
_OPERATORS = frozenset({*_COMPARE, *(f"!{op}" for op in _COMPARE)})
