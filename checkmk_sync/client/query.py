"""Filters for the monitoring state, which the server evaluates.

>>> (column("state") == ServiceState.CRITICAL) & column("host_name").startswith("web")
Filter({'op': 'and', 'expr': [...]})
"""

from __future__ import annotations

import enum
import functools
import operator
import re
from typing import Any, Iterable, Mapping, Union

from ..catalogue.states import HostState, ServiceState
from ..core.arguments import require_iterable

Value = Union[str, int, float, bool, HostState, ServiceState]

# Checkmk: the name of a column matches [_a-z]+, and may be preceded by the name of a table and a dot.
_COLUMN = re.compile(r"(?:[a-z]+\.)?[_a-z]+")
_REGEX = ("~", "~~")
_NUMBER = re.compile(r"-?\d+")
# All state columns of an object (hard_state, last_state, …) share one has_been_checked column.
_STATE = re.compile(r"((?:[a-z]+\.)?(?:host_|service_)?)(?:[_a-z]+_)?state")
_SPECIAL = re.compile(r"([.^$*+?{}\[\]\\|()])")


class Filter:
    """A condition on rows of the monitoring state. Combine filters with ``&``, ``|`` and ``~``.

    >>> (column("state") == ServiceState.CRITICAL) & ~column("description").startswith("CPU")

    Filters can be pickled. Two filters are equal if their expressions are equal. Python's ``and``, ``or`` and
    ``not`` raise TypeError.
    """

    def __init__(self, expression: Mapping[str, Any]) -> None:
        self._expression = dict(expression)

    def to_dict(self) -> dict[str, Any]:
        """Return the expression in the form that the API accepts. ``{}`` matches every row.

        Raises ValueError if ``and`` or ``or`` has an empty list of expressions.
        """
        _refuse_empty_lists(self._expression)
        return self._expression

    def __and__(self, other: Filter) -> Filter:
        return _joined("and", self, other)

    def __or__(self, other: Filter) -> Filter:
        return _joined("or", self, other)

    def __invert__(self) -> Filter:
        return Filter({"op": "not", "expr": self._expression})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self._expression == other._expression

    def __hash__(self) -> int:
        return hash(repr(self._expression))

    def __bool__(self) -> bool:
        raise TypeError("combine filters with & and |, because 'and' and 'or' would drop one of them")

    def __repr__(self) -> str:
        return f"Filter({self._expression!r})"


def _refuse_empty_lists(expression: Any) -> None:
    if isinstance(expression, dict) and "expr" in expression:
        inner = expression["expr"]
        # The site fails with a 500, or returns every row.
        if inner == []:
            raise ValueError(f"{expression.get('op')!r} in a query needs at least one expression")
        for part in inner if isinstance(inner, list) else [inner]:
            _refuse_empty_lists(part)


def _joined(op: str, left: Filter, right: Filter) -> Filter:
    """Join two filters. Filters that are already joined with the same operator become one flat list."""
    parts: list[Any] = []
    for side in (left._expression, right._expression):
        if not side:  # it matches everything: "and" ignores it, "or" matches everything as well
            if op == "or":
                return everything()
            continue
        parts += side["expr"] if side["op"] == op and side["expr"] else [side]
    return Filter(parts[0]) if len(parts) == 1 else Filter({"op": op, "expr": parts} if parts else {})


def everything() -> Filter:
    """Return the filter that matches every row."""
    return Filter({})


class Column:
    """A column of the queried table. Its comparisons and methods return a :class:`Filter`.

    >>> column("state") != ServiceState.OK
    >>> column("host_name").glob("web*")

    The operators ``==``, ``!=``, ``<``, ``<=``, ``>`` and ``>=`` compare the column with a string, a number, a boolean
    or a state. Strings are compared exactly, including case. Raises ValueError for a string that contains a line break.

    Compare a column such as ``state`` with a :class:`.HostState` or :class:`.ServiceState`. With a state, ``==`` and
    ``!=`` distinguish OK and UP from PENDING, although the column is 0 for all of them. A number does not make this
    distinction, and the name of a state raises ValueError.

    Raises ValueError if ``name`` is not a valid column name.
    """

    def __init__(self, name: str) -> None:
        if not _COLUMN.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid column name; only a-z and _ are allowed")
        self.name = name

    def _compare(self, op: str, value: Value) -> Filter:
        if self.name.endswith("state") and isinstance(value, str) and not (op in _REGEX or _NUMBER.fullmatch(value)):
            # Checkmk reads any text as 0, which is OK or UP.
            raise ValueError(f"{self.name} must be compared with a ServiceState or HostState, not {value!r}")
        return Filter({"op": op, "left": self.name, "right": _right(value)})

    def __eq__(self, value: Value) -> Filter:  # type: ignore[override]
        """Return a filter for rows in which the column equals ``value``. States also test ``has_been_checked``."""
        if not isinstance(value, (HostState, ServiceState)):
            return self._compare("=", value)
        match = _STATE.fullmatch(self.name)
        if match is None:
            raise ValueError(f"{self.name!r} is not a column with a state; compare it with a string or a number")
        checked = Column(f"{match[1]}has_been_checked")
        if value.value < 0:
            return checked == 0
        # CHECKMK_API 10.4: an object that was never checked has the state 0 as well.
        state = self._compare("=", value.value)
        return state if value.value else state & (checked == 1)

    def __ne__(self, value: Value) -> Filter:  # type: ignore[override]
        if isinstance(value, (HostState, ServiceState)):
            return ~(self == value)
        return self._compare("!=", value)

    def __lt__(self, value: Value) -> Filter:
        return self._compare("<", value)

    def __le__(self, value: Value) -> Filter:
        return self._compare("<=", value)

    def __gt__(self, value: Value) -> Filter:
        return self._compare(">", value)

    def __ge__(self, value: Value) -> Filter:
        return self._compare(">=", value)

    __hash__ = None  # type: ignore[assignment]

    def matches(self, regex: str, *, ignore_case: bool = False) -> Filter:
        """Return a filter for rows in which the regular expression matches anywhere in the column."""
        return self._compare("~~" if ignore_case else "~", regex)

    def contains(self, text: str) -> Filter:
        """Return a filter for rows in which the column contains exactly ``text``. Case matters."""
        return self.matches(_literal(text))

    def startswith(self, text: str) -> Filter:
        """Return a filter for rows in which the column starts with exactly ``text``. Case matters."""
        return self.matches(f"^{_literal(text)}")

    def glob(self, pattern: str) -> Filter:
        """Return a filter for rows in which ``pattern`` matches the entire column.

        ``*`` matches any number of characters, and ``?`` matches one. Case matters.
        """
        if "*" not in pattern and "?" not in pattern:
            return self == pattern
        return self.matches(glob_regex(pattern))

    def one_of(self, values: Iterable[Value]) -> Filter:
        """Return a filter for rows in which the column equals one of ``values``.

        Raises ValueError if ``values`` is empty, because that could mean every row or no row. Raises TypeError if it is
        a single string.
        """
        filters = [self == value for value in require_iterable(values, "values")]
        if not filters:
            raise ValueError(f"one_of() for {self.name} needs at least one value")
        # Joining them one by one would take quadratic time.
        return filters[0] if len(filters) == 1 else Filter({"op": "or", "expr": [part.to_dict() for part in filters]})

    def has(self, element: str) -> Filter:
        """Return a filter for rows in which the column is a list, such as ``groups``, that contains ``element``."""
        return self._compare(">=", element)


def glob_regex(pattern: str) -> str:
    """Return the regular expression for a pattern. ``*`` matches any number of characters, and ``?`` matches one."""
    inside = "".join({"*": ".*", "?": "."}.get(char, _literal(char)) for char in pattern)
    return f"^{inside}$"


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _right(value: Value) -> str:
    # Checkmk accepts only strings in expressions, even for numbers. Flags are 0 and 1.
    if isinstance(value, enum.Enum):
        value = value.value
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if "\n" in text or "\r" in text:
        raise ValueError("a value in a query must not contain a line break")
    return text


def column(name: str) -> Column:
    """Return the column ``name``, which builds filters when it is compared.

    >>> column("plugin_output").contains("timeout") | (column("state") == ServiceState.CRITICAL)

    Raises ValueError if it is not a valid column name. The site refuses a column that does not exist (BadRequestError).
    """
    return Column(name)


def where(**equal: Value) -> Filter:
    """Return a filter for rows in which each named column equals its value. Without arguments, it matches every row.

    >>> where(host_name="web01", acknowledged=0)

    Values are compared as by :class:`.Column`.
    """
    return functools.reduce(operator.and_, (Column(name) == value for name, value in equal.items()), everything())


def unhandled_host_problems() -> Filter:
    """Return a filter for hosts with an unhandled problem, for use with ``client.host_status``.

    These hosts are down or unreachable, have been checked, are not acknowledged and are not in a downtime.

    >>> list(cmk.host_status.each(query=unhandled_host_problems()))
    """
    return (
        (column("state") != 0) & (column("has_been_checked") == 1) & where(acknowledged=0, scheduled_downtime_depth=0)
    )


def unhandled_problems() -> Filter:
    """Return a filter for services with an unhandled problem, for use with ``client.services``.

    These services are not OK, have been checked and are not acknowledged. Neither the service nor its host is in a
    downtime. For hosts, use :func:`unhandled_host_problems`.

    >>> list(cmk.services.each(query=unhandled_problems()))
    """
    return unhandled_host_problems() & where(host_scheduled_downtime_depth=0)
