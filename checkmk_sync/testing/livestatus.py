"""The query expressions of the monitoring endpoints: checked, then turned into a predicate on rows."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Mapping, Optional

__all__ = ["BadQuery", "Predicate", "about_the_host", "compiled"]

Row = Mapping[str, Any]
Predicate = Callable[[Row], bool]


class BadQuery(ValueError):
    """What the server puts under ``fields.query``."""


def compiled(raw: Any, table: str, columns: frozenset[str]) -> Optional[Predicate]:
    """A predicate for a query (an object, or JSON in a text); None for an empty one. BadQuery when it is wrong."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise BadQuery(f"Not valid JSON: {raw!r}") from None
    if raw in (None, {}):
        return None
    return _Compiler(table, columns).expression(raw)


def about_the_host(raw: Any) -> Optional[Predicate]:
    """What a correct query demands of ``host_name`` alone; the core need not look at services of other hosts."""
    node = json.loads(raw) if isinstance(raw, str) else raw
    if not node:
        return None
    parts = node["expr"] if node["op"] == "and" else [node]
    alone = [part for part in parts if str(part.get("left", "")).rpartition(".")[2] == "host_name"]
    if not alone:
        return None
    return _Compiler("services", frozenset({"host_name"})).expression({"op": "and", "expr": alone})


class _Compiler:
    def __init__(self, table: str, columns: frozenset[str]) -> None:
        self._table, self._columns = table, columns

    def expression(self, node: Any) -> Predicate:
        if not isinstance(node, dict) or "op" not in node:
            raise BadQuery(f"Not an expression: {node!r}")
        op = node["op"]
        if op in ("and", "or"):
            return self._joined(op, node)
        if op == "not":
            inner = self.expression(node.get("expr"))
            return lambda row: not inner(row)
        return self._comparison(op, node)

    def _joined(self, op: str, node: Mapping[str, Any]) -> Predicate:
        parts = node.get("expr")
        if not isinstance(parts, list) or not parts:
            raise BadQuery(f"{op!r} needs a list of at least one expression")
        inner = [self.expression(part) for part in parts]
        if op == "and":
            return lambda row: all(test(row) for test in inner)
        return lambda row: any(test(row) for test in inner)

    def _comparison(self, op: str, node: Mapping[str, Any]) -> Predicate:
        negated, base = (True, op[1:]) if isinstance(op, str) and op.startswith("!") else (False, op)
        if base not in _COMPARE:
            raise BadQuery(f"Unknown operator: {op!r}")
        column = self._column(node.get("left"))
        right = node.get("right")
        if not isinstance(right, str):
            raise BadQuery(f"Not a valid string: {right!r}")
        right = right.replace("\n", "")
        if base in ("~", "~~"):
            try:
                re.compile(right)
            except re.error as error:
                raise BadQuery(f"Not a valid regular expression: {right!r} ({error})") from None
        compare = _COMPARE[base]

        def test(row: Row) -> bool:
            return compare(row.get(column), right) is not negated

        return test

    def _column(self, left: Any) -> str:
        if not isinstance(left, str) or not re.fullmatch(r"(?:[a-z]+\.)?[_a-z]+", left):
            raise BadQuery(f"Not a column: {left!r}")
        table, dot, name = left.rpartition(".")
        if dot and table != self._table:
            raise BadQuery(f"Column {left!r} is not of the table {self._table!r}")
        if name not in self._columns:
            raise BadQuery(f"Table {self._table!r} has no column {name!r}.")
        return name


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # Livestatus reads what is no number as 0


def _equal(value: Any, right: str) -> bool:
    if isinstance(value, list):  # Checkmk: "=" on a list asks whether it is empty
        return right == "" and not value
    if isinstance(value, dict):
        return _pair(value, right)
    if isinstance(value, (int, float)):
        return value == _number(right)
    return str(value if value is not None else "") == right


def _pair(value: Mapping[str, Any], right: str) -> bool:
    """Dictionaries are compared with 'key' 'value', both quoted."""
    found = re.fullmatch(r"'([^']*)' '([^']*)'", right.strip())
    return found is not None and str(value.get(found.group(1))) == found.group(2)


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


# On lists: ">=" contains, "<" does not contain, "<=" and ">" the same without regard to case.
_COMPARE: Mapping[str, Callable[[Any, str], bool]] = {
    "=": _equal,
    "~": _search,
    "~~": lambda value, right: _search(value, right, re.IGNORECASE),
    "<": _less,
    ">": _greater,
    "<=": lambda value, right: not _greater(value, right),
    ">=": lambda value, right: not _less(value, right),
}
