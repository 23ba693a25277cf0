"""The base class of all errors, the record of a failed request, and the errors of settings and optional packages."""

from __future__ import annotations

import dataclasses
import enum
import pickle
from dataclasses import dataclass
from typing import Any, Optional, TypeVar

from ..core.text import escape_invisible

E = TypeVar("E", bound="CheckmkError")


class Delivery(enum.Enum):
    """The stage that a request had reached when its call failed."""

    NOT_SENT = "not sent"  # nothing was sent, so a retry is safe
    UNKNOWN = "unknown"  # it was sent, but no usable response arrived
    ANSWERED = "answered"  # the site refused it
    NOTHING_DONE = "nothing done"  # the response or a later read proves that it had no effect


@dataclass(frozen=True)
class Attempted:
    """The facts about a failed call that decide whether it may be repeated.

    ``is_read`` is None if it is unknown whether the call was a read. ``attempts`` is the number of times that the call
    was tried. ``retries_spent`` is True if the client has already made all retries that its settings allow.
    """

    delivery: Delivery
    is_read: Optional[bool] = None
    attempts: int = 1
    retries_spent: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """Return True if repeating the request cannot execute it twice."""
        return bool(self.is_read) or self.delivery in (Delivery.NOT_SENT, Delivery.NOTHING_DONE)

    @property
    def is_uncertain(self) -> bool:
        """Return True if the call is a write that may have been executed although it failed."""
        return not self.is_read and self.delivery is Delivery.UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain data, without ``retries_spent``."""
        return {"delivery": self.delivery.value, "is_read": self.is_read, "attempts": self.attempts}


class CheckmkError(Exception):
    """The base of all errors of this library. The message is for people; the attributes contain the facts.

    ``attempted`` says whether the call may be repeated, and is None if the error does not come from a call.

    Line breaks and other invisible characters in the message are escaped. Each of ``more_lines`` starts a new line.
    """

    attempted: Optional[Attempted] = None

    def __init__(self, message: str = "", *more_lines: str) -> None:
        # Messages quote sites, files and monitored systems, which can contain terminal escapes and forged lines.
        super().__init__("\n".join(escape_invisible(line) for line in (message, *more_lines)))

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the constructor with only `args`, and would lose the cause.
        return _rebuild, (type(self), self.args, dict(self.__dict__), _picklable(self.__cause__))

    def to_dict(self) -> dict[str, Any]:
        """Return the class (``error``), the ``message`` and the attributes as plain data for logs and ``--json``."""
        facts = {key: _plain(value) for key, value in self.__dict__.items() if not key.startswith("_")}
        return {"error": type(self).__name__, "message": str(self), **facts}

    def with_attempted(self: E, message: str = "", **changes: Any) -> E:
        """Return a copy with these ``changes`` of ``attempted``, and with another ``message`` if it is not empty."""
        before = self.attempted or Attempted(Delivery.UNKNOWN)
        state = {**self.__dict__, "attempted": dataclasses.replace(before, **changes)}
        args = (escape_invisible(message),) if message else self.args
        error: E = _rebuild(type(self), args, state, self.__cause__)
        return error


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return list(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def _rebuild(kind: type[E], args: tuple[Any, ...], state: dict[str, Any], cause: Optional[BaseException]) -> E:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _picklable(cause: Optional[BaseException]) -> Optional[BaseException]:
    """Return ``cause``, or a RuntimeError with its text if it cannot be pickled."""
    # Errors of other libraries may contain sockets and locks.
    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - our own dump
    except Exception as unpicklable:
        return RuntimeError(f"{type(cause).__name__}: {cause} (it cannot be pickled: {type(unpicklable).__name__})")
    return cause


class SettingsError(CheckmkError):
    """A setting is missing or wrong.

    ``file``, ``line`` and ``column`` (both from 1) locate the mistake. ``field`` names the setting.
    """

    def __init__(
        self,
        message: str,
        *,
        file: Optional[str] = None,
        line: Optional[int] = None,
        column: Optional[int] = None,
        field: Optional[str] = None,
    ) -> None:
        self.file, self.line, self.column, self.field = file, line, column, field
        location = format_location(file, line, column)
        super().__init__(f"{location}: {message}" if location else message)

    @property
    def reason(self) -> str:
        """The message without the location."""
        location = format_location(self.file, self.line, self.column)
        return str(self).removeprefix(f"{location}: ") if location else str(self)


def format_location(file: Optional[str], line: Optional[int] = None, column: Optional[int] = None) -> str:
    """Return the known parts of ``"file:line:column"``, or an empty string without a file."""
    return "" if file is None else ":".join(str(part) for part in (file, line, column) if part is not None)


class MissingExtraError(CheckmkError, ImportError):
    """A feature needs an optional package. The message names the extra to install."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        how = f"run pip install 'checkmk_sync[{extra}]', or in a checkout pip install '.[{extra}]'"
        super().__init__(f"{feature} needs the extra '{extra}'; {how}")
