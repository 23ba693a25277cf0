"""The states of hosts and services."""

from __future__ import annotations

import enum
from typing import TypeVar

from ..core.arguments import match_choice

E = TypeVar("E", bound="_State")
S = TypeVar("S", "HostState", "ServiceState")


class _State(enum.Enum):
    @classmethod
    def of(cls: type[E], state: int, has_been_checked: int) -> E:
        """Return the state for the values of the columns ``state`` and ``has_been_checked``."""
        return cls(state if has_been_checked else -1)


class HostState(_State):
    """The state of a host. A host that was never checked is PENDING, although its column ``state`` is 0 (UP)."""

    UP = 0
    DOWN = 1
    UNREACHABLE = 2
    PENDING = -1


class ServiceState(_State):
    """The state of a service. A service that was never checked is PENDING, although its column ``state`` is 0 (OK)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3
    PENDING = -1


def parse_state(kind: type[S], value: object) -> S:
    """Return the state for ``value``, which is a state, its number, or its name.

    Case is ignored in names, and a unique prefix is enough. Raises ValueError, which lists all states, for any other
    value.
    """
    if isinstance(value, kind):
        return value
    known = f"the values of {kind.__name__} are {', '.join(f'{state.name} ({state.value})' for state in kind)}"
    if isinstance(value, str):
        try:
            return kind[match_choice(value, kind.__members__)]
        except ValueError as error:
            raise ValueError(f"{error} ({known})") from None
    if isinstance(value, int) and not isinstance(value, bool) and value in [state.value for state in kind]:
        return kind(value)
    raise ValueError(f"unknown state {value!r}; {known}")
