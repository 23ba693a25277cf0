"""The states of hosts and services."""

from __future__ import annotations

import enum
from typing import TypeVar

from ..core.arguments import match_choice

__all__ = ["HostState", "ServiceState", "parse_state"]

S = TypeVar("S", "HostState", "ServiceState")


class HostState(enum.Enum):
    """The state of a host. Up is 0, and a host that was never checked is pending, not up."""

    UP = 0
    DOWN = 1
    UNREACHABLE = 2
    PENDING = -1

    @classmethod
    def of(cls, state: int, has_been_checked: int) -> HostState:
        """The state that the columns ``state`` and ``has_been_checked`` say."""
        return cls(state) if has_been_checked else cls.PENDING


class ServiceState(enum.Enum):
    """The state of a service. OK is 0, and a service that was never checked is pending, not OK."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3
    PENDING = -1

    @classmethod
    def of(cls, state: int, has_been_checked: int) -> ServiceState:
        """The state that the columns ``state`` and ``has_been_checked`` say."""
        return cls(state) if has_been_checked else cls.PENDING


def parse_state(kind: type[S], value: object) -> S:
    """A state, also by its number, or by its name in any case or an unambiguous beginning of that.

    ValueError, with the states that there are, for anything else.
    """
    if isinstance(value, kind):
        return value
    known = f"{kind.__name__}: {', '.join(f'{state.name} ({state.value})' for state in kind)}"
    if isinstance(value, str):
        try:
            return kind[match_choice(value, kind.__members__)]
        except ValueError as error:
            raise ValueError(f"{error} ({known})") from None
    if isinstance(value, int) and not isinstance(value, bool) and value in [state.value for state in kind]:
        return kind(value)
    raise ValueError(f"{value!r} is no {known}")
