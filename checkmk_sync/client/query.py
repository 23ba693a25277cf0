"""Filters for the monitoring state, evaluated by the server.

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

__all__ = [
    "Column",
    "Filter",
    "column",
    "everything",
    "glob_regex",
    "unhandled_host_problems",
    "unhandled_problems",
    "where",
]

Value = Union[str, int, float, bool, HostState, ServiceState]

# Checkmk: a column's name matches [_a-z]+, a table's name may stand in front of it.
_COLUMN = re.compile(r"(?:[a-z]+\.)?[_a-z]+")
_REGEX = ("~", "~~")
_NUMBER = re.compile(r"-?\d+")
# All states of an object (hard_state, last_state, …) stand beside one has_been_checked.
_STATE = re.compile(r"((?:[a-z]+\.)?(?:host_|service_)?)(?:[_a-z]+_)?state")
_SPECIAL = re.compile(r"([.^$*+?{}\[\]\\|()])")


class Filter:
    """A condition on rows; combine with ``&``, ``|`` and ``~``. It pickles and compares as its expression."""

    def __init__(self, expression: Mapping[str, Any]) -> None:
        self._expression = dict(expression)

    def to_dict(self) -> dict[str, Any]:
        """The expression as the API takes it; ``{}`` lets everything through."""
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
        raise TypeError("combine filters with & and |; 'and' and 'or' would lose one of them")

    def __repr__(self) -> str:
        return f"Filter({self._expression!r})"


def _joined(op: str, left: Filter, right: Filter) -> Filter:
    """One flat list where the same operator joins more than two."""
    parts: list[Any] = []
    for side in (left.to_dict(), right.to_dict()):
        if not side:  # everything: neutral for "and"; "or" everything is everything
            if op == "or":
                return everything()
            continue
        parts += side["expr"] if side["op"] == op else [side]
    return Filter(parts[0]) if len(parts) == 1 else Filter({"op": op, "expr": parts} if parts else {})


def everything() -> Filter:
    """The filter that lets every row through."""
    return Filter({})


class Column:
    """A column of the queried table; comparing it makes a :class:`Filter`. Texts are exact unless said otherwise."""

    def __init__(self, name: str) -> None:
        if not _COLUMN.fullmatch(name):
            raise ValueError(f"{name!r} is not a column: only a-z and _ are allowed")
        self.name = name

    def _compare(self, op: str, value: Value) -> Filter:
        if self.name.endswith("state") and isinstance(value, str) and not (op in _REGEX or _NUMBER.fullmatch(value)):
            # Checkmk takes any text for 0, which is OK or UP.
            raise ValueError(f"{self.name} holds a state: compare it with a ServiceState or HostState, not {value!r}")
        return Filter({"op": op, "left": self.name, "right": _right(value)})

    def __eq__(self, value: Value) -> Filter:  # type: ignore[override]
        """Exactly the value; a pending state is told by ``has_been_checked``."""
        if not isinstance(value, (HostState, ServiceState)):
            return self._compare("=", value)
        match = _STATE.fullmatch(self.name)
        if match is None:
            raise ValueError(f"{self.name!r} is not a column with a state")
        checked = Column(f"{match[1]}has_been_checked")
        if value.value < 0:
            return checked == 0
        # Checkmk: what was never checked has the state 0 as well.
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
        """A regular expression matches anywhere in the text."""
        return self._compare("~~" if ignore_case else "~", regex)

    def contains(self, text: str) -> Filter:
        """The text stands somewhere in it, taken literally."""
        return self.matches(_literal(text))

    def startswith(self, text: str) -> Filter:
        """It starts with the text, taken literally."""
        return self.matches(f"^{_literal(text)}")

    def glob(self, pattern: str) -> Filter:
        """The whole text fits a pattern in which ``*`` stands for any characters and ``?`` for one."""
        if "*" not in pattern and "?" not in pattern:
            return self == pattern
        return self.matches(glob_regex(pattern))

    def one_of(self, values: Iterable[Value]) -> Filter:
        """Any of the values. ValueError for none at all: that would be every row or no row, and nobody knows which."""
        filters = [self == value for value in require_iterable(values, "values")]
        if not filters:
            raise ValueError(f"one_of() for {self.name} needs at least one value")
        return functools.reduce(operator.or_, filters)

    def has(self, element: str) -> Filter:
        """The list in this column (groups, contacts, …) contains the element."""
        return self._compare(">=", element)


def glob_regex(pattern: str) -> str:
    """The regular expression for a pattern in which ``*`` stands for any characters and ``?`` for one."""
    inside = "".join({"*": ".*", "?": "."}.get(char, _literal(char)) for char in pattern)
    return f"^{inside}$"


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _right(value: Value) -> str:
    """Checkmk takes texts only, also for numbers; flags are 0 and 1."""
    if isinstance(value, enum.Enum):
        value = value.value
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if "\n" in text or "\r" in text:
        raise ValueError("a value in a query cannot hold a line break")
    return text


def column(name: str) -> Column:
    """The column ``name``, to be compared with something."""
    return Column(name)


def where(**equal: Value) -> Filter:
    """Rows whose columns equal all these values exactly; without any, every row."""
    return functools.reduce(operator.and_, (Column(name) == value for name, value in equal.items()), everything())


def unhandled_host_problems() -> Filter:
    """Hosts that are down or unreachable, checked, not acknowledged and not in a downtime; for ``host_status``."""
    return (
        (column("state") != 0) & (column("has_been_checked") == 1) & where(acknowledged=0, scheduled_downtime_depth=0)
    )


def unhandled_problems() -> Filter:
    """Services that are not OK, checked, not acknowledged and not in a downtime of their own or of their host.

    Their query; :func:`unhandled_host_problems` is that of hosts.
    """
    return unhandled_host_problems() & where(host_scheduled_downtime_depth=0)
